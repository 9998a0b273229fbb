//! The addresses of this machine, which addresses are those of a home, and who counts as one.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// All addresses that are counted as one client, where something is limited for each address.
///
/// That is an IPv4 address, or the first 64 bits of an IPv6 address: whoever has one address of such a network has all of
/// them, and could take another for each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of one address. An IPv4 address in IPv6 clothes (`::ffff:192.168.1.7`) counts as what it is.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            // The rest of that network is nobody's.
            IpAddr::V6(Ipv6Addr::LOCALHOST) => Self(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into()),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self::of(address)
    }
}

/// `192.168.1.7`, or `2001:db8::/64`.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(v6) if !v6.is_loopback() => write!(f, "{v6}/64"),
            address => address.fmt(f),
        }
    }
}

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
    fn all_addresses_of_an_ipv6_network_are_one_client_and_each_of_ipv4_is_another() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::7"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::7"), of("2001:db8:1:3::7"));
        assert_ne!(of("192.168.1.7"), of("192.168.1.8"));
        assert_eq!(of("::ffff:192.168.1.7"), of("192.168.1.7"));
        let told = ["2001:db8:1:2::7", "192.168.1.7", "::1"].map(|text| of(text).to_string());
        assert_eq!(told, ["2001:db8:1:2::/64", "192.168.1.7", "::1"]);
    }

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
