//! What the server prints when it starts: where to look, who may do what, and what to type on the camera.

use crate::access::is_home;
use crate::auth::secret::Secret;
use crate::auth::store::FirstLinks;
use crate::config::{Access, Config};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// What there is to say.
#[derive(Debug)]
pub struct Banner<'a> {
    /// What the owner set.
    pub config: &'a Config,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The addresses of this machine.
    pub machine: &'a [IpAddr],
    /// Tokens that were just made.
    pub first: Option<&'a FirstLinks>,
    /// Whether credentials are kept.
    pub kept: bool,
}

impl Banner<'_> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("lenscast {}\n\nWatch:\n", env!("CARGO_PKG_VERSION"));
        let mut addresses = reachable(self.listen, self.machine);
        addresses.sort_by_key(|address| (!address.is_loopback(), address.is_ipv6()));
        for address in &addresses {
            let _ = writeln!(out, "  {}", place(*address, self.listen.port()));
        }
        self.who_may(&mut out);
        self.links(&mut out);
        self.cameras(&mut out, addresses);
        out
    }

    /// Whether anybody but this computer can reach the server.
    fn is_private(&self) -> bool {
        self.listen.ip().to_canonical().is_loopback() && self.config.proxy.trusted_proxies.is_empty()
    }

    fn who_may(&self, out: &mut String) {
        let Access { open, open_view, require_camera_key, .. } = self.config.access;
        out.push_str("\nWho may do what:\n");
        if open {
            out.push_str("  EVERYBODY who reaches this port may watch and change everything, without a password: there is no\n");
            out.push_str("  access control (--open). Programs and pages on this computer too, of course.\n");
            return;
        }
        out.push_str("  This computer: everything.\n");
        if self.is_private() {
            out.push_str("  Nobody else can reach this server.\n");
            return;
        }
        out.push_str(if open_view {
            "  The home network: watch, without a password (--open-view). To change something, a login or link.\n"
        } else {
            "  Others: what their link or login allows; without one, nothing.\n"
        });
        out.push_str(if require_camera_key {
            "  Cameras: with their key only (--require-camera-key). lenscast access new camera NAME makes one.\n"
        } else {
            "  Cameras: from the home network, without a key, unless one was made for them.\n"
        });
    }

    /// The links of a first start; or how to get some.
    fn links(&self, out: &mut String) {
        if self.config.access.open || self.is_private() {
            return;
        }
        let Some(FirstLinks { view, admin }) = self.first else {
            out.push_str("  Links: lenscast share --all --for 24h, lenscast access new view NAME; docs/access.md says more.\n");
            return;
        };
        out.push_str(if self.kept {
            "\nYour links, shown only this once. Whoever has one needs no password:\n"
        } else {
            "\nYour links, for this run only, since nothing can be kept (--state-dir):\n"
        });
        let places = places(self.config, self.listen, self.machine);
        let mut list = |what: &str, secret: &Secret| {
            let _ = writeln!(out, "  {what}");
            for place in &places {
                let _ = writeln!(out, "    {place}?token={}", secret.expose());
            }
        };
        list("To watch:", view);
        list("To watch and change everything:", admin);
    }

    fn cameras(&self, out: &mut String, mut cameras: Vec<IpAddr>) {
        let port = self.listen.port();
        cameras.retain(|address| !address.is_loopback());
        // Few cameras know IPv6.
        if cameras.iter().any(IpAddr::is_ipv4) {
            cameras.retain(IpAddr::is_ipv4);
        }
        out.push('\n');
        let Some((address, others)) = cameras.split_first() else {
            if self.listen.ip().to_canonical().is_loopback() {
                out.push_str(
                    "No camera can reach this server: it listens on this computer only. Start it with\n",
                );
                let _ = writeln!(out, "--listen [::]:{port} to let cameras in.");
            } else {
                out.push_str("No camera can reach this server yet: this computer has no network address.\n");
            }
            return;
        };
        out.push_str("On the camera's console (USB), once:\n");
        out.push_str("  cam> wifi set <network> <password> save\n");
        out.push_str("  cam> wifi connect\n");
        let _ = writeln!(out, "  cam> stream set host {address} {port} save");
        out.push_str("  cam> stream start\n");
        if !others.is_empty() {
            out.push_str("If the camera is in another of this computer's networks:\n");
            for other in others {
                let _ = writeln!(out, "  cam> stream set host {other} {port} save");
            }
        }
        if !self.config.access.open && !cameras.iter().any(|address| is_home(*address)) {
            out.push_str("It needs a key: this computer has no address of a home network. lenscast access new camera NAME\n");
            out.push_str("makes one.\n");
        }
    }
}

/// Where others find the pages, each with a slash at its end: under the names that the owner gave, when a proxy stands in front,
/// and at the addresses of this machine.
#[must_use]
pub fn places(config: &Config, listen: SocketAddr, machine: &[IpAddr]) -> Vec<String> {
    let base = &config.proxy.base_path;
    let proxied = !config.proxy.trusted_proxies.is_empty();
    let names = config.access.host_names.iter().filter(|_| proxied);
    let mut places: Vec<String> = names.map(|name| format!("https://{name}{base}")).collect();
    if base == "/" || places.is_empty() {
        let mut addresses = reachable(listen, machine);
        if addresses.iter().any(|address| !address.is_loopback()) {
            addresses.retain(|address| !address.is_loopback());
        }
        addresses.sort_by_key(IpAddr::is_ipv6);
        places.extend(addresses.into_iter().map(|address| place(address, listen.port())));
    }
    places
}

fn place(address: IpAddr, port: u16) -> String {
    format!("http://{}/", SocketAddr::new(address, port))
}

/// At which of the addresses of this machine a server that listens there is found.
fn reachable(listen: SocketAddr, machine: &[IpAddr]) -> Vec<IpAddr> {
    if !listen.ip().is_unspecified() {
        return vec![listen.ip().to_canonical()];
    }
    machine.iter().filter(|address| listen.is_ipv6() || address.is_ipv4()).copied().collect()
}

/// The addresses of this machine on which others can reach it, and its loopback address. IPv6 link-local ones are left
/// out: they mean nothing without the name of an interface, which a camera cannot be told.
#[must_use]
pub fn machine_addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .map(|interface| interface.ip())
        .filter(|ip| !matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .collect();
    addresses.retain(|ip| !ip.is_loopback() || *ip == IpAddr::from([127, 0, 0, 1]));
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::secret::Kind;

    const MACHINE: [&str; 4] = ["fd00::5", "127.0.0.1", "192.168.1.5", "10.0.0.5"];

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    fn text(config: &Config, listen: &str, machine: &[&str], first: Option<&FirstLinks>) -> String {
        let machine: Vec<IpAddr> = machine.iter().map(|address| address.parse().unwrap()).collect();
        Banner { config, listen: listen.parse().unwrap(), machine: &machine, first, kept: true }.text()
    }

    fn banner(listen: &str) -> String {
        text(&Config::default(), listen, &MACHINE, None)
    }

    fn first_links() -> FirstLinks {
        FirstLinks { view: Secret::generate(Kind::View), admin: Secret::generate(Kind::Admin) }
    }

    #[test]
    fn every_address_is_a_link_and_the_cameras_lines_are_exact() {
        let banner = banner("[::]:8080");
        for link in [
            "http://127.0.0.1:8080/",
            "http://192.168.1.5:8080/",
            "http://10.0.0.5:8080/",
            "http://[fd00::5]:8080/",
        ] {
            assert!(banner.contains(link), "{link} in {banner}");
        }
        let lines = "  cam> stream set host 192.168.1.5 8080 save\n  cam> stream start\n";
        assert!(banner.contains(lines), "{banner}");
        assert!(banner.contains("  cam> stream set host 10.0.0.5 8080 save\n"), "{banner}");
        assert!(!banner.contains("host 127.0.0.1"), "{banner}");
    }

    #[test]
    fn cameras_are_told_ipv6_only_where_there_is_nothing_else() {
        assert!(!banner("[::]:8080").contains("host fd00::5"));
        let banner = text(&Config::default(), "[::]:8080", &["fd00::5", "127.0.0.1"], None);
        assert!(banner.contains("  cam> stream set host fd00::5 8080 save\n"), "{banner}");
    }

    #[test]
    fn a_computer_without_a_home_network_says_that_cameras_need_a_key() {
        let banner = text(&Config::default(), "[::]:8080", &["198.51.100.7", "127.0.0.1"], None);
        assert!(banner.contains("It needs a key"), "{banner}");
        assert!(!super::tests::banner("[::]:8080").contains("It needs a key"));
    }

    #[test]
    fn on_loopback_it_says_that_nobody_can_reach_it() {
        for listen in ["127.0.0.1:8080", "[::1]:8080"] {
            let banner = banner(listen);
            assert!(banner.contains("No camera can reach this server"), "{banner}");
            assert!(banner.contains("Nobody else can reach this server"), "{banner}");
            assert!(!banner.contains("cam>"), "{banner}");
        }
    }

    #[test]
    fn a_single_address_is_the_only_one_shown() {
        let banner = banner("192.168.1.5:9000");
        assert!(banner.contains("http://192.168.1.5:9000/") && !banner.contains("10.0.0.5"), "{banner}");
        assert!(banner.contains("stream set host 192.168.1.5 9000 save"), "{banner}");
    }

    #[test]
    fn who_may_do_what_is_said_in_so_many_words() {
        let said = |change: fn(&mut Access), first: Option<&FirstLinks>| {
            text(&config(|config| change(&mut config.access)), "[::]:8080", &MACHINE, first)
        };
        let closed = said(|_| {}, None);
        assert!(
            closed.contains("without one, nothing") && closed.contains("without a key, unless"),
            "{closed}"
        );
        let view = said(|access| access.open_view = true, None);
        assert!(view.contains("The home network: watch, without a password (--open-view)"), "{view}");
        let keys = said(|access| access.require_camera_key = true, None);
        assert!(keys.contains("with their key only (--require-camera-key)"), "{keys}");
        let open = said(|access| access.open = true, Some(&first_links()));
        assert!(open.contains("EVERYBODY") && open.contains("--open"), "{open}");
        assert!(!open.contains("token"), "{open}");
    }

    #[test]
    fn the_first_links_are_ready_to_be_opened_at_every_address_but_this_computers_own() {
        let first = first_links();
        let banner = text(&Config::default(), "[::]:8080", &MACHINE, Some(&first));
        for place in ["http://192.168.1.5:8080/", "http://10.0.0.5:8080/", "http://[fd00::5]:8080/"] {
            for secret in [&first.view, &first.admin] {
                let link = format!("    {place}?token={}\n", secret.expose());
                assert!(banner.contains(&link), "{link} in {banner}");
            }
        }
        assert!(!banner.contains("127.0.0.1:8080/?token"), "{banner}");
        assert!(banner.contains("shown only this once"), "{banner}");
    }

    #[test]
    fn behind_a_proxy_the_links_have_its_name_and_path() {
        let config = config(|config| {
            config.proxy.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            config.proxy.base_path = "/cam/".into();
            config.access.host_names = vec!["home.example".into()];
        });
        let banner = text(&config, "127.0.0.1:8080", &MACHINE, Some(&first_links()));
        assert!(banner.contains("    https://home.example/cam/?token=lc_view_"), "{banner}");
        assert!(!banner.contains("Nobody else"), "{banner}");
    }
}
