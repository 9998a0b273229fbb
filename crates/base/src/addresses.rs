//! The addresses of this machine, and which addresses are those of a home.

use std::net::{IpAddr, SocketAddr};

/// Whether an address belongs to this computer or to a home network: loopback, private (RFC 1918, unique local) or
/// link-local. An IPv4 address in IPv6 clothes (`::ffff:192.168.1.7`) counts as what it is.
#[must_use]
pub fn is_home(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The addresses at which a server is found that listens at `listen`, on a machine with the addresses `machine`: all of
/// them for `[::]`, those of IPv4 for `0.0.0.0`, else the one address itself.
#[must_use]
pub fn reachable(listen: SocketAddr, machine: &[IpAddr]) -> Vec<IpAddr> {
    if !listen.ip().is_unspecified() {
        return vec![listen.ip().to_canonical()];
    }
    machine.iter().filter(|address| listen.is_ipv6() || address.is_ipv4()).copied().collect()
}

/// The addresses of this machine on which others can reach it, and its loopback address `127.0.0.1`. IPv6 link-local
/// addresses are left out: they mean nothing without the name of a network interface, which a camera cannot be told.
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

    #[test]
    fn only_home_addresses_are_home() {
        for home in
            ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.4.1", "169.254.1.1", "::1", "fd00::1", "fe80::1"]
        {
            assert!(is_home(home.parse().unwrap()), "{home}");
        }
        assert!(is_home("::ffff:192.168.1.7".parse().unwrap()), "IPv4 on a dual-stack listener");
        for foreign in ["8.8.8.8", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8", "0.0.0.0"] {
            assert!(!is_home(foreign.parse().unwrap()), "{foreign}");
        }
    }
}
