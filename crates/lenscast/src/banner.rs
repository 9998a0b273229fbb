//! What the server prints when it starts: where to look, and what to type on the camera.

use crate::access::is_home;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// The text for a server that listens on `listen`, on a machine with the given addresses.
#[must_use]
pub fn text(listen: SocketAddr, machine: &[IpAddr]) -> String {
    let port = listen.port();
    let reachable: Vec<IpAddr> = if listen.ip().is_unspecified() {
        let wanted = |address: &&IpAddr| listen.is_ipv6() || address.is_ipv4();
        machine.iter().filter(wanted).copied().collect()
    } else {
        vec![listen.ip().to_canonical()]
    };
    let mut out = format!("lenscast {}\n\nWatch:\n", env!("CARGO_PKG_VERSION"));
    let mut sorted = reachable.clone();
    sorted.sort_by_key(|address| (!address.is_loopback(), address.is_ipv6()));
    for address in &sorted {
        let _ = writeln!(out, "  http://{}/", SocketAddr::new(*address, port));
    }
    for address in sorted.iter().filter(|address| !is_home(**address)) {
        let _ = writeln!(
            out,
            "  ({address} is no address of a home network: who comes from such a one is refused)"
        );
    }
    let mut cameras: Vec<IpAddr> = sorted.into_iter().filter(|address| !address.is_loopback()).collect();
    // Few cameras know IPv6.
    if cameras.iter().any(IpAddr::is_ipv4) {
        cameras.retain(IpAddr::is_ipv4);
    }
    out.push('\n');
    match cameras.split_first() {
        None if listen.ip().to_canonical().is_loopback() => {
            out.push_str(
                "No camera can reach this server: it listens on this computer only. Start it with\n",
            );
            let _ = writeln!(out, "--listen [::]:{port} to let cameras in.");
        }
        None => out.push_str("No camera can reach this server yet: this computer has no network address.\n"),
        Some((address, others)) => {
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
        }
    }
    out
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

    const MACHINE: [&str; 4] = ["fd00::5", "127.0.0.1", "192.168.1.5", "10.0.0.5"];

    fn banner(listen: &str) -> String {
        let machine: Vec<IpAddr> = MACHINE.iter().map(|address| address.parse().unwrap()).collect();
        text(listen.parse().unwrap(), &machine)
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
        let machine = ["fd00::5".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        let banner = text("[::]:8080".parse().unwrap(), &machine);
        assert!(banner.contains("  cam> stream set host fd00::5 8080 save\n"), "{banner}");
    }

    #[test]
    fn an_address_from_which_nobody_is_let_in_is_marked() {
        let machine = ["198.51.100.7".parse().unwrap(), "192.168.1.5".parse().unwrap()];
        let banner = text("[::]:8080".parse().unwrap(), &machine);
        assert!(banner.contains("(198.51.100.7 is no address of a home network"), "{banner}");
        assert!(!banner.contains("(192.168.1.5"), "{banner}");
    }

    #[test]
    fn on_loopback_it_says_that_no_camera_can_reach_it() {
        for listen in ["127.0.0.1:8080", "[::1]:8080"] {
            let banner = banner(listen);
            assert!(banner.contains("No camera can reach this server"), "{banner}");
            assert!(!banner.contains("cam>"), "{banner}");
        }
    }

    #[test]
    fn a_single_address_is_the_only_one_shown() {
        let banner = banner("192.168.1.5:9000");
        assert!(banner.contains("http://192.168.1.5:9000/") && !banner.contains("10.0.0.5"), "{banner}");
        assert!(banner.contains("stream set host 192.168.1.5 9000 save"), "{banner}");
    }
}
