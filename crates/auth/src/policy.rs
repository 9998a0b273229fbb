//! What somebody may do without any credential, by where the request comes from.
//!
//! The place gives rights; a credential only adds to them.

use crate::rights::{Rights, Scope};
use http::{HeaderMap, Version};
use lenscast_base::addresses::is_home;
use lenscast_protocol::CameraName;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What the owner decided about those without a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Everybody may do everything.
    pub open: bool,
    /// Whoever is in a private network may watch.
    pub open_view: bool,
    /// Every camera needs a key.
    pub require_camera_key: bool,
    /// Names by which this server is called, besides those that cannot be anybody else's.
    pub hosts: Vec<String>,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances<'a> {
    /// The address of the client; behind a trusted proxy, what the proxy says it is.
    pub peer_ip: IpAddr,
    /// The address at which the connection came in.
    pub local_ip: IpAddr,
    /// The `Host` header; behind a trusted proxy, the name that the proxy was called by.
    pub host: Option<&'a str>,
    /// Whether it has an `Origin` header: then a page in a browser asks.
    pub has_origin: bool,
    /// Whether [`was_forwarded`] says that some proxy, trusted or not, passed it on.
    pub has_forwarding_header: bool,
    /// Whether the connection is one of a proxy that the owner trusts.
    pub through_trusted_proxy: bool,
    /// Whether it came by the control socket, which only this computer's users with access to its file can open.
    pub control_socket: bool,
}

/// The place that a request comes from, as far as that gives rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The control socket.
    ControlSocket,
    /// A program or page on this computer.
    ThisComputer,
    /// Anywhere, on a server that is open.
    Open,
    /// A private network.
    Home,
    /// Elsewhere.
    Elsewhere,
}

impl Policy {
    /// Where a request comes from, and what may be done from there. `keyed` are the cameras that have a key of their own.
    #[must_use]
    pub fn place(&self, from: &Circumstances<'_>, keyed: &BTreeSet<CameraName>) -> (Place, Rights) {
        if from.control_socket {
            return (Place::ControlSocket, Rights::ALL);
        }
        if from.is_this_computer() {
            return (Place::ThisComputer, Rights::ALL);
        }
        if self.open {
            return (Place::Open, Rights::ALL);
        }
        if !from.is_home() {
            return (Place::Elsewhere, Rights::NONE);
        }
        let called_by_own_name = from.host.is_some_and(|host| self.is_own_name(host));
        let view = if self.open_view && called_by_own_name { Scope::all() } else { Scope::none() };
        // A page in a browser tells its origin with a WebSocket, so what tells none is a device: it may call this server as
        // it likes, since nobody can have misled it by a name.
        let publish = if !self.require_camera_key && (called_by_own_name || !from.has_origin) {
            Scope::AllBut(keyed.clone())
        } else {
            Scope::none()
        };
        (Place::Home, Rights { view, publish, admin: false })
    }

    /// Whether `host` can only be this server: by DNS rebinding, a page elsewhere makes a name of its own point here, and the
    /// browser then sends that name.
    fn is_own_name(&self, host: &str) -> bool {
        let name = name_of(host);
        let private = |suffix: &str| name.len() > suffix.len() && name.ends_with(suffix);
        let single_label = || !name.is_empty() && !name.contains(['.', ':']);
        is_address(&name)
            || single_label()
            || PRIVATE_SUFFIXES.into_iter().any(private)
            || self.hosts.iter().any(|own| name_of(own) == name)
    }
}

/// Endings that nobody can register (RFC 6761, 6762, 8375 and ICANN's `.internal`), or that home routers give out.
const PRIVATE_SUFFIXES: [&str; 8] =
    [".localhost", ".local", ".lan", ".home", ".home.arpa", ".internal", ".fritz.box", ".localdomain"];

impl Circumstances<'_> {
    /// From this computer, to this computer, under its name for itself, and passed on by nobody.
    #[must_use]
    pub fn is_this_computer(&self) -> bool {
        let loopback = |address: IpAddr| address.to_canonical().is_loopback();
        loopback(self.peer_ip)
            && loopback(self.local_ip)
            && self.host.is_some_and(is_loopback_host)
            && !self.has_forwarding_header
            && !self.through_trusted_proxy
    }

    /// From a private network: as the connection says, or as a trusted proxy says. What anybody else passed on may come from
    /// anywhere.
    fn is_home(&self) -> bool {
        is_home(self.peer_ip) && (self.through_trusted_proxy || !self.has_forwarding_header)
    }
}

/// Whether a request shows signs of a proxy. HTTP/1.0 is one: nginx speaks it unless told otherwise, also when it was not told
/// to add any header.
#[must_use]
pub fn was_forwarded(version: Version, headers: &HeaderMap) -> bool {
    let known = ["forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-host"];
    let known = known.iter().chain(&[
        "true-client-ip",
        "cf-connecting-ip",
        "cf-ray",
        "fly-client-ip",
        "x-proxyuser-ip",
    ]);
    version < Version::HTTP_11
        || headers.keys().any(|name| {
            let name = name.as_str();
            name.starts_with("x-forwarded") || known.clone().any(|known| *known == name)
        })
}

/// Whether a `Host` header names the loopback interface.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let name = name_of(host);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

fn is_address(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
}

/// A `Host` header without port, brackets and the point at its end, in small letters.
#[must_use]
pub fn name_of(host: &str) -> String {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, rest)) if rest.is_empty() || rest.starts_with(':') => v6,
        Some(_) => host,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::Right;
    use http::HeaderName;

    const LOOPBACK: Circumstances<'static> = Circumstances {
        peer_ip: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        local_ip: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        host: Some("localhost:8080"),
        has_origin: false,
        has_forwarding_header: false,
        through_trusted_proxy: false,
        control_socket: false,
    };

    fn from(peer: &str) -> Circumstances<'static> {
        Circumstances {
            peer_ip: peer.parse().unwrap(),
            local_ip: "192.168.1.2".parse().unwrap(),
            host: Some("192.168.1.2:8080"),
            ..LOOPBACK
        }
    }

    fn keyed() -> BTreeSet<CameraName> {
        [camera("front")].into()
    }

    fn camera(name: &str) -> CameraName {
        CameraName::new(name).unwrap()
    }

    /// The rights as letters: admin, view of all, publish as a camera without a key, publish as one with a key.
    fn may(policy: &Policy, from: &Circumstances<'_>) -> String {
        let (place, rights) = policy.place(from, &keyed());
        let letters = [
            ('a', rights.allows(Right::Admin, None)),
            ('v', rights.allows(Right::View, None)),
            ('p', rights.allows(Right::Publish, Some(&camera("back")))),
            ('k', rights.allows(Right::Publish, Some(&camera("front")))),
        ];
        let letters: String = letters.into_iter().filter(|(_, may)| *may).map(|(letter, _)| letter).collect();
        format!("{place:?} {letters}")
    }

    fn policies() -> [Policy; 4] {
        let closed = Policy::default();
        [
            closed.clone(),
            Policy { open_view: true, ..closed.clone() },
            Policy { require_camera_key: true, ..closed.clone() },
            Policy { open: true, ..closed },
        ]
    }

    /// What [`may`] says under each of [`policies`].
    fn under_each(from: &Circumstances<'_>) -> [String; 4] {
        policies().map(|policy| may(&policy, from))
    }

    const OPEN: &str = "Open avpk";
    const NOWHERE: [&str; 4] = ["Elsewhere ", "Elsewhere ", "Elsewhere ", OPEN];

    #[test]
    fn this_computer_may_do_everything() {
        let v6 = Circumstances {
            peer_ip: "::1".parse().unwrap(),
            local_ip: "::1".parse().unwrap(),
            host: Some("[::1]:8080"),
            ..LOOPBACK
        };
        let mapped = Circumstances {
            peer_ip: "::ffff:127.0.0.1".parse().unwrap(),
            local_ip: "::ffff:127.0.0.1".parse().unwrap(),
            host: Some("127.0.0.1"),
            ..LOOPBACK
        };
        let page = Circumstances { has_origin: true, ..LOOPBACK };
        for here in [LOOPBACK, v6, mapped, page] {
            assert_eq!(under_each(&here), ["ThisComputer avpk"; 4], "{here:?}");
        }
    }

    #[test]
    fn a_proxy_on_this_computer_does_not_open_the_door() {
        let forwarded = Circumstances { has_forwarding_header: true, ..LOOPBACK };
        assert_eq!(under_each(&forwarded), NOWHERE);
        for trusted in [
            Circumstances { through_trusted_proxy: true, has_forwarding_header: true, ..LOOPBACK },
            Circumstances { through_trusted_proxy: true, ..LOOPBACK },
        ] {
            assert_eq!(under_each(&trusted), ["Home p", "Home vp", "Home ", OPEN], "{trusted:?}");
        }
        // Its clients are where it says they are.
        let client =
            |peer| Circumstances { through_trusted_proxy: true, has_forwarding_header: true, ..from(peer) };
        assert_eq!(under_each(&client("192.168.1.7")), ["Home p", "Home vp", "Home ", OPEN]);
        assert_eq!(under_each(&client("203.0.113.5")), NOWHERE);
        let untrusted = Circumstances { has_forwarding_header: true, ..from("192.168.1.7") };
        assert_eq!(under_each(&untrusted), NOWHERE, "a proxy in the network that nobody trusts");
    }

    #[test]
    fn a_name_that_was_made_to_point_here_does_not_open_the_door() {
        for host in [
            None,
            Some(""),
            Some("evil.example"),
            Some("evil.example:8080"),
            Some("localhost.evil.example"),
            Some("127.0.0.1.evil.example"),
            Some("[::1].evil.example"),
            Some("192.168.1.2:8080"),
            Some("local"),
        ] {
            let rebound = Circumstances { host, ..LOOPBACK };
            let [closed, ..] = under_each(&rebound);
            assert_eq!(closed, "Home p", "{host:?}");
        }
        // A page of that name neither watches nor publishes; a device has no origin.
        let page = Circumstances { host: Some("evil.example"), has_origin: true, ..from("192.168.1.7") };
        assert_eq!(under_each(&page), ["Home ", "Home ", "Home ", OPEN]);
        let device = Circumstances { host: Some("cams.example.org"), ..from("192.168.1.7") };
        assert_eq!(under_each(&device), ["Home p", "Home p", "Home ", OPEN]);
        let old_device = Circumstances { host: None, ..from("192.168.1.7") };
        assert_eq!(under_each(&old_device), ["Home p", "Home p", "Home ", OPEN]);
    }

    #[test]
    fn the_home_network_sends_pictures_and_watches_only_if_that_is_open() {
        for peer in
            ["10.1.2.3", "172.31.0.1", "192.168.4.1", "169.254.1.1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"]
        {
            assert_eq!(under_each(&from(peer)), ["Home p", "Home vp", "Home ", OPEN], "{peer}");
        }
        // Shared addresses of providers (RFC 6598) are shared with strangers.
        for peer in ["8.8.8.8", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8", "0.0.0.0", "::"]
        {
            assert_eq!(under_each(&from(peer)), NOWHERE, "{peer}");
        }
    }

    #[test]
    fn a_camera_that_was_given_a_key_needs_it_from_then_on() {
        let (_, rights) = Policy::default().place(&from("192.168.1.7"), &BTreeSet::new());
        assert!(rights.allows(Right::Publish, Some(&camera("front"))));
        let (_, rights) = Policy::default().place(&from("192.168.1.7"), &keyed());
        assert!(!rights.allows(Right::Publish, Some(&camera("front"))));
        assert!(rights.allows(Right::Publish, Some(&camera("back"))));
    }

    #[test]
    fn the_control_socket_may_do_everything() {
        let control = Circumstances { control_socket: true, host: None, ..from("203.0.113.5") };
        assert_eq!(under_each(&control), ["ControlSocket avpk"; 4]);
    }

    #[test]
    fn only_names_that_cannot_be_anybody_elses_are_taken_for_this_server() {
        let policy = Policy { open_view: true, hosts: vec!["Cams.Example.org".into()], ..Policy::default() };
        let views = |host: &str| {
            let (_, rights) =
                policy.place(&Circumstances { host: Some(host), ..from("192.168.1.7") }, &keyed());
            rights.allows(Right::View, None)
        };
        for own in [
            "192.168.1.2",
            "192.168.1.2:8080",
            "[fd00::1]:8080",
            "203.0.113.5",
            "localhost",
            "nas",
            "nas:8080",
            "NAS.",
            "nas.local",
            "nas.lan:80",
            "nas.home",
            "nas.home.arpa.",
            "nas.internal",
            "nas.fritz.box",
            "a.b.local",
            "cams.example.org",
            "CAMS.example.org.:443",
        ] {
            assert!(views(own), "{own}");
        }
        for foreign in [
            "",
            ".",
            ":8080",
            "evil.example",
            "local.evil.example",
            "evil.notlocal",
            "nas.lan.evil.example",
            "fritz.box",
            "evilfritz.box",
            "x.cams.example.org",
            "example.org",
            ".local",
            "1.2.3.4.5",
            "home.arpa",
        ] {
            assert!(!views(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn the_signs_of_a_proxy_are_known() {
        let none = HeaderMap::new();
        assert!(!was_forwarded(Version::HTTP_11, &none));
        assert!(!was_forwarded(Version::HTTP_2, &none));
        assert!(was_forwarded(Version::HTTP_10, &none), "nginx with nothing configured");
        let with = |name: &'static str| {
            let headers = [(HeaderName::from_static(name), "x".parse().unwrap())].into_iter().collect();
            was_forwarded(Version::HTTP_11, &headers)
        };
        for sign in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded",
            "x-real-ip",
            "cf-connecting-ip",
            "true-client-ip",
            "x-client-ip",
        ] {
            assert!(with(sign), "{sign}");
        }
        for other in ["host", "origin", "user-agent", "x-requested-with", "forward"] {
            assert!(!with(other), "{other}");
        }
    }
}
