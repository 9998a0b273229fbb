//! The check of whether the server gets the addresses at which it is to listen, and whether anybody can reach them.

use crate::report::Finding;
use crate::sockets::{self, Holder};
use lenscast_base::addresses::is_home;
use lenscast_base::listen::listen;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// One address at which the server is to listen, and the outcome of trying it.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    /// The address with its port.
    pub address: SocketAddr,
    /// The name of the key that sets it.
    pub key: &'static str,
    /// The outcome of trying to listen there.
    pub outcome: Outcome,
}

/// The outcome of trying to listen at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The address is free.
    Free,
    /// The running server has it.
    Ours,
    /// Another program has it. Inside is who, when that can be seen.
    Busy(Option<Holder>),
    /// Only root may have it.
    Forbidden,
    /// This computer has no such address.
    NotHere,
    /// Something else went wrong. Inside is the system's error.
    Failed(String),
}

/// The facts about the network.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The addresses at which the server is to listen.
    pub ports: Vec<Port>,
    /// The addresses of this computer, loopback included.
    pub machine: Vec<IpAddr>,
    /// Whether a proxy stands in front of the server.
    pub proxied: bool,
    /// Whether it does not matter where a camera is, since every camera needs a key, or none does.
    pub keys_settled: bool,
    /// Whether a server runs to which this user may not speak.
    pub forbidden_server: bool,
}

impl Port {
    /// Tries to listen at an address, and gives it back at once. `ours` are the addresses of the running server.
    pub(crate) fn try_out(key: &'static str, address: SocketAddr, ours: &[SocketAddr]) -> Self {
        let same = |other: &&SocketAddr| other.port() == address.port();
        let outcome = if ours.iter().any(|other| same(&other)) {
            Outcome::Ours
        } else {
            match listen(address) {
                Ok(_) => Outcome::Free,
                Err(error) => match error.kind() {
                    io::ErrorKind::AddrInUse => Outcome::Busy(sockets::holder(address.port())),
                    io::ErrorKind::PermissionDenied => Outcome::Forbidden,
                    io::ErrorKind::AddrNotAvailable => Outcome::NotHere,
                    _ => Outcome::Failed(error.to_string()),
                },
            }
        };
        Self { address, key, outcome }
    }
}

/// The findings about all addresses.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        facts.ports.iter().map(|port| port.judge(facts.forbidden_server)).collect();
    findings.extend(reach(facts));
    findings
}

impl Port {
    fn judge(&self, forbidden_server: bool) -> Finding {
        let Self { address, key, outcome } = self;
        let port = address.port();
        let other =
            format!("Take another: {key} = {:?}", SocketAddr::new(address.ip(), another(port)).to_string());
        match outcome {
            Outcome::Free if port == 0 => Finding::fine(format!(
                "The system chooses a port that is free ({key} = {:?}).",
                address.to_string()
            )),
            Outcome::Free => {
                Finding::fine(format!("Port {port} is free ({key} = {:?}).", address.to_string()))
            }
            Outcome::Ours => Finding::fine(format!("Port {port} is this server's.")),
            Outcome::Busy(holder) => {
                let (who, is_ours) = match holder {
                    Some(Holder { process: Some((name, pid)), .. }) => {
                        (format!("{name} (process {pid})"), name == "lenscast")
                    }
                    Some(Holder { process: None, user }) => (format!("a program of the user {user}"), false),
                    None => ("another program".to_owned(), false),
                };
                let text = format!("Port {port} is busy: {who} has it.");
                if forbidden_server {
                    return Finding::look(text)
                        .todo("That may be the lenscast server itself, to which you may not speak: sudo lenscast doctor");
                }
                let finding = Finding::wrong(text);
                if is_ours {
                    return finding
                        .todo("That is a lenscast server with another state directory: name it with --state-dir, or stop it.");
                }
                finding
                    .todo(other)
                    .todo(format!("Or stop that program. Who it is: sudo ss -ltnp 'sport = :{port}'"))
            }
            Outcome::Forbidden => Finding::wrong(format!("Port {port} is for root: ports below 1024 are."))
                .todo(other)
                .todo("Or allow it to the service: docs/install.md, \"Ports below 1024\"."),
            Outcome::NotHere => {
                let ip = address.ip();
                Finding::wrong(format!("This computer has no address {ip} ({key})."))
                    .todo(format!("All that it has, also those to come: {key} = \"[::]:{port}\""))
            }
            Outcome::Failed(error) => {
                Finding::wrong(format!("It is not possible to listen on {address}: {error}.")).todo(other)
            }
        }
    }
}

/// The finding about who can reach the addresses at all; `None` when all is well.
fn reach(facts: &Facts) -> Option<Finding> {
    let Facts { ports, machine, proxied, keys_settled, .. } = facts;
    let first = ports.first()?;
    let port = first.address.port();
    if ports.iter().all(|port| port.address.ip().to_canonical().is_loopback()) {
        return (!proxied).then(|| {
            let text = "It listens on this computer only: no camera can come, and no other computer can open the pages.";
            Finding::look(text).todo(format!("To let them: {} = \"[::]:{port}\"", first.key))
        });
    }
    let others: Vec<&IpAddr> = machine.iter().filter(|ip| !ip.is_loopback()).collect();
    if others.is_empty() {
        let text = "This computer has no network address: no camera can come, and no other computer can open the pages.";
        return Some(
            Finding::wrong(text).todo("Connect it to the network, by cable or WiFi; then: ip address"),
        );
    }
    if !keys_settled && !others.iter().any(|ip| is_home(**ip)) {
        let text = "This computer has no address of a home network: every camera needs a key.";
        return Some(
            Finding::look(text)
                .todo("lenscast access new camera NAME makes one; then require_camera_key = true."),
        );
    }
    None
}

/// Another port to propose to the owner.
fn another(port: u16) -> u16 {
    if port < 1024 { 8000 + port } else { port.checked_add(1).unwrap_or(8081) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;

    fn facts(listen: &str, outcome: Outcome) -> Facts {
        Facts {
            ports: vec![Port { address: listen.parse().unwrap(), key: "listen", outcome }],
            machine: ["127.0.0.1", "192.168.1.5"].map(|ip| ip.parse().unwrap()).to_vec(),
            proxied: false,
            keys_settled: false,
            forbidden_server: false,
        }
    }

    fn only(facts: &Facts) -> (Mark, String) {
        let findings = judge(facts);
        assert_eq!(findings.len(), 1, "{findings:?}");
        (findings[0].mark, format!("{} {}", findings[0].text, findings[0].todo.join(" ")))
    }

    #[test]
    fn an_address_that_cannot_be_had_is_explained() {
        let holder = |name: &str| Some(Holder { process: Some((name.into(), 812)), user: "www-data".into() });
        let of_root = Some(Holder { process: None, user: "root".into() });
        for (outcome, mark, words) in [
            (Outcome::Free, Mark::Fine, "Port 80 is free"),
            (Outcome::Ours, Mark::Fine, "Port 80 is this server's"),
            (
                Outcome::Busy(holder("nginx")),
                Mark::Wrong,
                "is busy: nginx (process 812) has it. Take another: listen = \"[::]:8080\"",
            ),
            (
                Outcome::Busy(holder("lenscast")),
                Mark::Wrong,
                "a lenscast server with another state directory",
            ),
            (Outcome::Busy(of_root), Mark::Wrong, "a program of the user root has it"),
            (Outcome::Busy(None), Mark::Wrong, "another program has it"),
            (Outcome::Forbidden, Mark::Wrong, "Port 80 is for root"),
            (Outcome::NotHere, Mark::Wrong, "no address ::"),
            (Outcome::Failed("too odd".into()), Mark::Wrong, "too odd"),
        ] {
            let (found, text) = only(&facts("[::]:80", outcome));
            assert!(found == mark && text.contains(words), "{found:?} {text}");
        }
        let busy = Facts { forbidden_server: true, ..facts("[::]:80", Outcome::Busy(None)) };
        assert_eq!(only(&busy).0, Mark::Look, "it is the server, most likely");
    }

    #[test]
    fn where_nobody_can_come_it_is_said() {
        let reach = |facts: &Facts| judge(facts).into_iter().nth(1).map(|found| (found.mark, found.text));
        let free = |listen| facts(listen, Outcome::Free);
        assert_eq!(reach(&free("[::]:8080")), None);
        for loopback in ["127.0.0.1:8080", "[::1]:8080"] {
            let (mark, text) = reach(&free(loopback)).unwrap();
            assert!(mark == Mark::Look && text.contains("this computer only"), "{text}");
        }
        assert_eq!(reach(&Facts { proxied: true, ..free("127.0.0.1:8080") }), None, "the proxy comes");
        let alone = Facts { machine: vec!["127.0.0.1".parse().unwrap()], ..free("[::]:8080") };
        let (mark, text) = reach(&alone).unwrap();
        assert!(mark == Mark::Wrong && text.contains("no network address"), "{text}");
        let abroad = Facts { machine: vec!["198.51.100.7".parse().unwrap()], ..free("[::]:8080") };
        assert!(reach(&abroad).unwrap().1.contains("needs a key"));
        assert_eq!(reach(&Facts { keys_settled: true, ..abroad }), None, "they have one");
    }

    #[tokio::test]
    async fn a_port_is_tried_and_given_back() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let outcome = |ours: &[SocketAddr]| Port::try_out("listen", address, ours).outcome;
        assert!(matches!(outcome(&[]), Outcome::Busy(_)));
        assert_eq!(outcome(&[address]), Outcome::Ours);
        drop(taken);
        assert_eq!(outcome(&[]), Outcome::Free);
        assert_eq!(outcome(&[]), Outcome::Free, "it was given back");
        let elsewhere = "203.0.113.7:8080".parse().unwrap();
        assert_eq!(Port::try_out("listen", elsewhere, &[]).outcome, Outcome::NotHere);
    }
}
