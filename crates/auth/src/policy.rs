//! The rights that a request has without any credential, by the place that it comes from.
//!
//! The place gives rights first; a credential only adds to them.
//!
//! | place | rights |
//! |---|---|
//! | the control socket, or a program or page on this computer | everything |
//! | anywhere, when the owner set `open` | everything |
//! | a home network | watching, when the owner set `open_view`; sending pictures as a camera that has no key |
//! | elsewhere | nothing |

use crate::rights::{Rights, Scope};
use http::{HeaderMap, Version};
use lenscast_base::addresses::is_home;
use lenscast_protocol::CameraName;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The owner's decision about those who come without a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether everybody may do everything.
    pub open: bool,
    /// Whether everybody in a home network may watch.
    pub open_view: bool,
    /// Whether every camera needs a key, also in a home network.
    pub require_camera_key: bool,
    /// Names of this server that the owner set, such as `cam.example`. Addresses and names of a home network need not
    /// be set.
    pub hosts: Vec<String>,
}

/// The facts about a request that tell which place it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances<'a> {
    /// The client's address; behind a trusted proxy, the address that the proxy reports.
    pub peer_ip: IpAddr,
    /// The address of this computer at which the connection came in.
    pub local_ip: IpAddr,
    /// The `Host` header; behind a trusted proxy, the host that the proxy was asked for.
    pub host: Option<&'a str>,
    /// Whether the request has an `Origin` header. Then a page in a browser asks.
    pub has_origin: bool,
    /// Whether some proxy, trusted or not, passed the request on, as [`was_forwarded`] finds out.
    pub has_forwarding_header: bool,
    /// Whether the connection is one of a proxy that the owner trusts.
    pub through_trusted_proxy: bool,
    /// Whether the request came by the control socket. Only users of this computer who may open its file can use it.
    pub control_socket: bool,
}

/// The place that a request comes from. Each place gives its own rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The control socket of this server.
    ControlSocket,
    /// A program or page on this computer.
    ThisComputer,
    /// Anywhere, on a server whose owner set `open`.
    Open,
    /// A home network.
    Home,
    /// The internet, or a way that hides where the request began.
    Elsewhere,
}

impl Policy {
    /// The place that a request comes from, and the rights of that place. `keyed` are the cameras that have a key of
    /// their own: nobody may send pictures as one of these without it.
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
        // An example of what follows. A browser in the home network opens `http://evil.example/`, whose owner lets that
        // name point to 192.168.1.2, this server (DNS rebinding). The request does come from a home address, but its
        // `Host` is `evil.example`, which is no name of ours, so that page may watch nothing. A camera sends no
        // `Origin` and may publish.
        let called_by_own_name = from.host.is_some_and(|host| self.is_own_name(host));
        let view = if self.open_view && called_by_own_name { Scope::all() } else { Scope::none() };
        // A page in a browser sends its origin when it opens a WebSocket. So what sends none is a device. A device may
        // use any name for this server, since no page can have misled it.
        let publish = if !self.require_camera_key && (called_by_own_name || !from.has_origin) {
            Scope::AllBut(keyed.clone())
        } else {
            Scope::none()
        };
        (Place::Home, Rights { view, publish, admin: false })
    }

    /// Whether the name in a `Host` header can only mean this server, and not a stranger's name that was made to point
    /// here.
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

/// Endings of names that no stranger can register (RFC 6761, 6762, 8375 and ICANN's `.internal`), or that home routers
/// give to the computers of their network.
const PRIVATE_SUFFIXES: [&str; 8] =
    [".localhost", ".local", ".lan", ".home", ".home.arpa", ".internal", ".fritz.box", ".localdomain"];

impl Circumstances<'_> {
    /// Whether the request was sent by a program or page on this computer: from loopback to loopback, under a loopback
    /// name such as `localhost`, and passed on by no proxy.
    #[must_use]
    pub fn is_this_computer(&self) -> bool {
        let loopback = |address: IpAddr| address.to_canonical().is_loopback();
        loopback(self.peer_ip)
            && loopback(self.local_ip)
            && self.host.is_some_and(is_loopback_host)
            && !self.has_forwarding_header
            && !self.through_trusted_proxy
    }

    /// Whether the request comes from a home network, by the connection's address or by what a trusted proxy reports. A
    /// request that another proxy passed on may come from anywhere.
    fn is_home(&self) -> bool {
        is_home(self.peer_ip) && (self.through_trusted_proxy || !self.has_forwarding_header)
    }
}

/// Whether a request shows signs of a proxy: a header that proxies add, or HTTP/1.0. nginx speaks HTTP/1.0 to servers
/// behind it unless its owner says otherwise, and then often adds no header at all.
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

/// Whether a `Host` header names the loopback interface, as `localhost:8080`, `127.0.0.1` and `[::1]` do.
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

/// The name in a `Host` header: without port, brackets and the point at its end, in small letters. `[FD00::1]:8080`
/// becomes `fd00::1`.
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
