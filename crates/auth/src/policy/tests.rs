//! Rights by place, for requests from everywhere.

use super::*;
use crate::rights::Right;
use http::HeaderName;

const LOOPBACK: Circumstances<'static> = Circumstances {
    peer_ip: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    local_ip: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    host: Some("localhost:8080"),
    from_page: false,
    old_http: false,
    was_forwarded: false,
    through_trusted_proxy: false,
    relayed: false,
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
    let page = Circumstances { from_page: true, ..LOOPBACK };
    for here in [LOOPBACK, v6, mapped, page] {
        assert_eq!(under_each(&here), ["ThisComputer avpk"; 4], "{here:?}");
    }
}

#[test]
fn a_proxy_on_this_computer_does_not_open_the_door() {
    let forwarded = Circumstances { was_forwarded: true, ..LOOPBACK };
    assert_eq!(under_each(&forwarded), NOWHERE);
    for trusted in [
        Circumstances { through_trusted_proxy: true, was_forwarded: true, ..LOOPBACK },
        Circumstances { through_trusted_proxy: true, ..LOOPBACK },
    ] {
        assert_eq!(under_each(&trusted), ["Home p", "Home vp", "Home ", OPEN], "{trusted:?}");
    }
    // Its clients are where it says they are.
    let client = |peer| Circumstances { through_trusted_proxy: true, was_forwarded: true, ..from(peer) };
    assert_eq!(under_each(&client("192.168.1.7")), ["Home p", "Home vp", "Home ", OPEN]);
    assert_eq!(under_each(&client("203.0.113.5")), NOWHERE);
    let untrusted = Circumstances { was_forwarded: true, ..from("192.168.1.7") };
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
        let [closed, _, _, open] = under_each(&rebound);
        assert_eq!(closed, "Home p", "{host:?}");
        // With `open`, another address of this computer is a name like others.
        let is_own = matches!(host, Some("192.168.1.2:8080" | "local"));
        assert_eq!(open, if is_own { OPEN } else { "Open pk" }, "{host:?}");
    }
    // A page of that name neither watches nor publishes; a device has no origin.
    let page = Circumstances { host: Some("evil.example"), from_page: true, ..from("192.168.1.7") };
    assert_eq!(under_each(&page), ["Home ", "Home ", "Home ", "Open "]);
    let device = Circumstances { host: Some("cams.example.org"), ..from("192.168.1.7") };
    assert_eq!(under_each(&device), ["Home p", "Home p", "Home ", "Open pk"]);
    let old_device = Circumstances { host: None, ..from("192.168.1.7") };
    assert_eq!(under_each(&old_device), ["Home p", "Home p", "Home ", "Open pk"]);
}

#[test]
fn the_home_network_sends_pictures_and_watches_only_if_that_is_open() {
    for peer in
        ["10.1.2.3", "172.31.0.1", "192.168.4.1", "169.254.1.1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"]
    {
        assert_eq!(under_each(&from(peer)), ["Home p", "Home vp", "Home ", OPEN], "{peer}");
    }
    // Shared addresses of providers (RFC 6598) are shared with strangers.
    for peer in ["8.8.8.8", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8", "0.0.0.0", "::"] {
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
        let (_, rights) = policy.place(&Circumstances { host: Some(host), ..from("192.168.1.7") }, &keyed());
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

#[test]
fn an_open_server_asks_for_its_name_and_for_nothing_else() {
    let open = Policy { open: true, hosts: vec!["cams.example.org".into()], ..Policy::default() };
    for peer in ["127.0.0.1", "192.168.1.7", "203.0.113.5", "0.0.0.0"] {
        for own in [
            "192.168.1.2:8080",
            "203.0.113.9",
            "[2001:db8::9]:8080",
            "cam.local",
            "nas",
            "cams.example.org:80",
        ] {
            let asked = Circumstances { host: Some(own), ..from(peer) };
            assert_eq!(may(&open, &asked), OPEN, "{peer} {own}");
            let hidden = Circumstances { was_forwarded: true, old_http: true, ..asked };
            assert_eq!(may(&open, &hidden), OPEN, "{peer} {own}");
        }
        for host in
            [None, Some("evil.example"), Some("evil.example:8080"), Some("127.0.0.1.evil.example"), Some("")]
        {
            let asked = Circumstances { host, ..from(peer) };
            assert_eq!(may(&open, &asked), "Open pk", "{peer} {host:?}: a device calls it as it likes");
            assert_eq!(may(&open, &Circumstances { from_page: true, ..asked }), "Open ", "{peer} {host:?}");
        }
    }
}

#[test]
fn this_computer_may_do_what_its_owner_set() {
    let [view, nothing] = [Local::View, Local::Nothing].map(|local| {
        let limited = |policy| Policy { local, ..policy };
        policies().map(limited)
    });
    let here = [
        LOOPBACK,
        // A forwarder hands on what its client writes, and may reach us at another address of this computer.
        Circumstances { host: Some("203.0.113.9:8080"), ..LOOPBACK },
        Circumstances { peer_ip: "192.168.1.2".parse().unwrap(), ..from("192.168.1.2") },
        Circumstances { peer_ip: "::ffff:192.168.1.2".parse().unwrap(), ..from("192.168.1.2") },
        Circumstances { through_trusted_proxy: true, ..LOOPBACK },
        Circumstances { relayed: true, ..LOOPBACK },
    ];
    for from in here {
        for policy in &view {
            assert_eq!(may(policy, &from), "ThisComputer v", "{policy:?} {from:?}");
            for host in [None, Some("evil.example")] {
                assert_eq!(
                    may(policy, &Circumstances { host, ..from }),
                    "ThisComputer ",
                    "{host:?} {from:?}"
                );
            }
        }
        for policy in &nothing {
            assert_eq!(may(policy, &from), "ThisComputer ", "{policy:?} {from:?}");
        }
    }
    for policy in &view {
        let hidden = Circumstances { was_forwarded: true, ..LOOPBACK };
        assert_eq!(may(policy, &hidden), "ThisComputer ", "{policy:?}");
    }
    // Others are as they were.
    let [closed, open_view, keyed, open] = nothing;
    let home = from("192.168.1.7");
    assert_eq!(
        [closed, open_view, keyed, open].map(|policy| may(&policy, &home)),
        ["Home p", "Home vp", "Home ", OPEN]
    );
}

#[test]
fn who_is_told_by_a_forwarder_is_never_this_computer() {
    let relayed = Circumstances { relayed: true, ..LOOPBACK };
    assert_eq!(under_each(&relayed), ["Home p", "Home vp", "Home ", OPEN]);
    let relayed = |peer| Circumstances { relayed: true, ..from(peer) };
    assert_eq!(under_each(&relayed("192.168.1.7")), ["Home p", "Home vp", "Home ", OPEN]);
    assert_eq!(under_each(&relayed("203.0.113.5")), NOWHERE);
    let proxy_behind = Circumstances { was_forwarded: true, ..relayed("192.168.1.7") };
    assert_eq!(under_each(&proxy_behind), NOWHERE, "a proxy that nobody trusts, behind a forwarder");
}

#[test]
fn who_may_less_than_others_of_the_same_place_is_told_why() {
    let [closed, open_view, keyed_only, open] = policies();
    let views = |rights: &Rights| rights.allows(Right::View, None);
    let why = |policy: &Policy, from: &Circumstances<'_>| policy.hindrance(from, &keyed(), views);
    let home = from("192.168.1.7");
    for (from, wanted) in [
        (Circumstances { host: None, ..home }, Some(Hindrance::NoHost)),
        (Circumstances { host: Some("evil.example"), ..home }, Some(Hindrance::ForeignHost)),
        (Circumstances { was_forwarded: true, old_http: true, ..home }, Some(Hindrance::OldHttp)),
        (Circumstances { was_forwarded: true, old_http: true, host: None, ..home }, Some(Hindrance::OldHttp)),
        (Circumstances { was_forwarded: true, ..home }, Some(Hindrance::Forwarded)),
        (home, None),
        (Circumstances { peer_ip: "203.0.113.5".parse().unwrap(), ..home }, None),
    ] {
        assert_eq!(why(&open_view, &from), wanted, "{from:?}");
        assert_eq!(why(&closed, &from), None, "nobody may: {from:?}");
        assert_eq!(why(&keyed_only, &from), None, "nobody may: {from:?}");
    }
    let foreign = Circumstances { host: Some("evil.example"), ..from("203.0.113.5") };
    assert_eq!(why(&open, &foreign), Some(Hindrance::ForeignHost));
    let rebound = Circumstances { host: Some("evil.example"), ..LOOPBACK };
    assert_eq!(why(&closed, &rebound), Some(Hindrance::ForeignHost), "this computer, by another name");
    let nothing = Policy { local: Local::Nothing, ..closed };
    assert_eq!(why(&nothing, &LOOPBACK), Some(Hindrance::Local));
    assert_eq!(why(&nothing, &home), None);
}
