//! The check of what stands between callers and the server and hides who they are: programs on this computer that pass
//! connections on as they are, and networks that translate addresses (NAT), as Docker's and some routers do.

use crate::report::Finding;
use crate::sockets;
use ipnet::IpNet;
use lenscast_settings::config::{Local, Proxy};
use serde::Deserialize;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// Programs that can pass connections on as they are, by the beginnings of their names.
const FORWARDERS: [&str; 18] = [
    "sshd",
    "ssh",
    "autossh",
    "dropbear",
    "stunnel",
    "nginx",
    "haproxy",
    "socat",
    "frpc",
    "cloudflared",
    "ngrok",
    "rinetd",
    "tailscaled",
    "docker-proxy",
    "rootlessport",
    "envoy",
    "traefik",
    "caddy",
];

/// So many requests from one address alone, and from no other, are no chance.
const ENOUGH: u64 = 20;

/// The facts about what hides who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// What this computer may do.
    pub local: Local,
    /// Proxies that are believed.
    pub trusted: Vec<IpNet>,
    /// Programs that have a connection from this computer to the server now.
    pub connected: Vec<String>,
    /// Requests from elsewhere, by address.
    pub callers: Vec<Caller>,
    /// The gateways of this computer or container.
    pub gateways: Vec<IpAddr>,
    /// What this runs in, if it is a container.
    pub container: Option<&'static str>,
}

/// How many requests came from an address, as the server tells. All that are not counted alone have none.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Caller {
    pub address: Option<IpAddr>,
    pub requests: u64,
}

impl Facts {
    /// Gathers the facts. `ports` are those of the running server.
    pub(crate) fn gather(local: Local, proxy: &Proxy, ports: &[u16], callers: Vec<Caller>) -> Self {
        let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
        let connected = ports.iter().flat_map(|port| sockets::connected_here(*port)).collect();
        let trusted = proxy.trusted_proxies.clone();
        Self { local, trusted, connected, callers, gateways: gateways(&routes), container: container() }
    }
}

/// The findings about what hides who asks.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    forwarders(facts).into_iter().chain(translated(facts)).collect()
}

/// Programs of this computer by which others may come.
fn forwarders(facts: &Facts) -> Option<Finding> {
    let is_forwarder = |name: &&String| FORWARDERS.iter().any(|known| name.starts_with(known));
    let mut names: Vec<&String> = facts.connected.iter().filter(is_forwarder).collect();
    names.sort();
    names.dedup();
    let is_believed = facts.trusted.iter().any(|network| network.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    if names.is_empty() || facts.local == Local::Nothing || is_believed {
        return None;
    }
    let names = names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let may = if facts.local == Local::Admin { "do everything" } else { "watch" };
    let text = format!(
        "A program of this computer that can pass connections on is connected to the server: {names}. Whoever comes by it as it is seems to be on this computer, which may {may}."
    );
    Some(
        Finding::look(text)
            .todo("If others come by it: local = \"nothing\", and whoever is here logs in, too.")
            .todo("If it can tell who asks (X-Forwarded-For, PROXY protocol): trusted_proxies = [\"127.0.0.1\", \"::1\"]"),
    )
}

/// One address from which everybody comes.
fn translated(facts: &Facts) -> Option<Finding> {
    let [Caller { address: Some(address), requests }] = facts.callers.as_slice() else {
        return None;
    };
    if *requests < ENOUGH || !facts.gateways.contains(address) {
        return None;
    }
    let (what, todo) = match facts.container {
        Some(container) => (
            format!("the gateway of this container ({container})"),
            "Let it use the computer's own network (docker run --network host), or give each camera a key: require_camera_key = true",
        ),
        None => (
            "this network's router".to_owned(),
            "If the router passes a port on to lenscast, switch off that it hides the address (masquerading), or close it.",
        ),
    };
    let text = format!(
        "All {requests} requests from elsewhere came from {address}, {what}: it hides who asks. Whoever comes by it, be it from the internet, counts as this home network and as one address."
    );
    Some(Finding::look(text).todo(todo))
}

/// The default gateways in the table `/proc/net/route`.
fn gateways(table: &str) -> Vec<IpAddr> {
    let gateway = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "00000000", gateway, ..] = words.as_slice() else {
            return None;
        };
        // As the kernel has it in memory: the first byte of the address is the lowest.
        let address = Ipv4Addr::from(u32::from_str_radix(gateway, 16).ok()?.to_le_bytes());
        (!address.is_unspecified()).then_some(IpAddr::V4(address))
    };
    table.lines().skip(1).filter_map(gateway).collect()
}

/// The kind of container that this runs in; `None` when it is none, or does not look like one.
fn container() -> Option<&'static str> {
    let marks =
        [("/.dockerenv", "Docker"), ("/run/.containerenv", "Podman"), ("/run/systemd/container", "systemd")];
    marks.into_iter().find(|(mark, _)| Path::new(mark).exists()).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    fn caller(address: &str, requests: u64) -> Caller {
        Caller { address: Some(address.parse().unwrap()), requests }
    }

    #[test]
    fn a_gateway_is_read_from_the_table_of_routes() {
        assert_eq!(gateways(ROUTES), [IpAddr::from([172, 17, 0, 1])]);
        for none in ["", "Iface\n", "Iface\neth0 00000000\n", "Iface\neth0 00000000 zzzz 0003\n"] {
            assert_eq!(gateways(none), [] as [IpAddr; 0]);
        }
    }

    #[test]
    fn everybody_from_the_gateway_is_a_nat_and_anybody_else_beside_is_none() {
        let facts = |callers: Vec<Caller>, container| Facts {
            callers,
            container,
            gateways: gateways(ROUTES),
            ..Facts::default()
        };
        let [found] = judge(&facts(vec![caller("172.17.0.1", 400)], Some("Docker"))).try_into().unwrap();
        assert!(
            found.mark == Mark::Look
                && found.text.contains("All 400 requests from elsewhere came from 172.17.0.1"),
            "{found:?}"
        );
        assert!(
            found.text.contains("container (Docker)") && found.todo[0].contains("--network host"),
            "{found:?}"
        );
        let [found] = judge(&facts(vec![caller("172.17.0.1", 400)], None)).try_into().unwrap();
        assert!(found.text.contains("this network's router"), "{found:?}");
        for fine in [
            vec![],
            vec![caller("172.17.0.1", ENOUGH - 1)],
            vec![caller("172.17.0.2", 400)],
            vec![caller("172.17.0.1", 400), caller("192.168.1.7", 1)],
            vec![Caller { address: None, requests: 400 }],
        ] {
            assert_eq!(judge(&facts(fine.clone(), Some("Docker"))), [], "{fine:?}");
        }
    }

    #[test]
    fn a_program_that_passes_connections_on_is_named_unless_nothing_comes_of_it() {
        let connected =
            || vec!["stunnel4".to_owned(), "sshd".to_owned(), "sshd".to_owned(), "curl".to_owned()];
        let facts = Facts { connected: connected(), ..Facts::default() };
        let [found] = judge(&facts).try_into().unwrap();
        assert!(
            found.mark == Mark::Look && found.text.contains("to the server: sshd, stunnel4. Whoever"),
            "{found:?}"
        );
        assert!(
            found.text.contains("may do everything") && found.todo[0].contains("local = \"nothing\""),
            "{found:?}"
        );
        let [found] = judge(&Facts { local: Local::View, ..facts.clone() }).try_into().unwrap();
        assert!(found.text.contains("which may watch"), "{found:?}");
        let trusted = vec!["127.0.0.1/32".parse().unwrap()];
        for fine in [
            Facts { local: Local::Nothing, ..facts.clone() },
            Facts { trusted, ..facts.clone() },
            Facts { connected: vec!["curl".into(), "firefox".into()], ..facts },
        ] {
            assert_eq!(judge(&fine), [], "{fine:?}");
        }
    }
}
