//! The rights that a request has without any credential, by the place that it comes from.
//!
//! The place gives rights first; a credential only adds to them.
//!
//! | place | rights |
//! |---|---|
//! | the control socket | everything |
//! | a program or page on this computer | everything, or what the owner set as `local` |
//! | anywhere, when the owner set `open` | everything |
//! | a home network | watching, when the owner set `open_view`; sending pictures as a camera that has and had no key |
//! | elsewhere | nothing |
//!
//! Before all of them but the first, the name is looked at by which this server was asked. Under a name that may be a
//! stranger's, no place gives the right to watch or to change anything, not even with `open`.

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
    /// What a request from this computer may do.
    pub local: Local,
}

/// What a request from this computer may do without a credential. A program that passes connections on as they are,
/// such as `ssh -R`, makes everybody who comes by it seem to be on this computer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Local {
    /// Everything.
    #[default]
    Admin,
    /// Watching, and nothing else.
    View,
    /// Nothing.
    Nothing,
}

/// Why a request has fewer rights by its place than others from there have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The request names no host.
    NoHost,
    /// The name by which this server was asked may be a stranger's.
    ForeignHost,
    /// The request speaks HTTP/1.0, as proxies do that do not tell who asks.
    OldHttp,
    /// A proxy passed the request on that the owner does not trust.
    Forwarded,
    /// The owner set `local`, so that this computer may do less than everything.
    Local,
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
    /// Whether a page in a browser asks, as far as `Origin` tells
    /// ([`Asking::is_from_page`](crate::origin::Asking::is_from_page)).
    pub from_page: bool,
    /// Whether the request speaks HTTP/1.0.
    pub old_http: bool,
    /// Whether some proxy, trusted or not, passed the request on, as [`was_forwarded`] finds out.
    pub was_forwarded: bool,
    /// Whether the connection is one of a proxy that the owner trusts, which tells by headers who asks.
    pub through_trusted_proxy: bool,
    /// Whether a forwarder that the owner trusts told who speaks on this connection (PROXY protocol).
    pub relayed: bool,
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
    /// The place that a request comes from, and the rights of that place. `closed` are the cameras that have or had a key
    /// of their own: nobody may send pictures as one of these without a key.
    #[must_use]
    pub fn place(&self, from: &Circumstances<'_>, closed: &BTreeSet<CameraName>) -> (Place, Rights) {
        if from.control_socket {
            return (Place::ControlSocket, Rights::ALL);
        }
        // An example of why the name counts. A browser in the home network opens `http://evil.example/`, whose owner
        // lets that name point to 192.168.1.2, this server (DNS rebinding). The request does come from a home address,
        // or from this computer, but its `Host` is `evil.example`, which is no name of ours, so that page may watch
        // nothing. A camera is no page and may publish: no page can have misled it, so it may use any name.
        let called_by_own_name = from.host.is_some_and(|host| self.is_own_name(host));
        let view = |may: bool| if may && called_by_own_name { Scope::all() } else { Scope::none() };
        let is_device = called_by_own_name || !from.from_page;
        if self.local != Local::Admin && from.is_this_machine() {
            let may_view = self.local == Local::View && !from.is_hidden();
            return (Place::ThisComputer, Rights { view: view(may_view), ..Rights::NONE });
        }
        if from.is_this_computer() {
            return (Place::ThisComputer, Rights::ALL);
        }
        if self.open {
            let publish = if is_device { Scope::all() } else { Scope::none() };
            let rights = Rights { view: view(true), publish, admin: false };
            return (Place::Open, if called_by_own_name { Rights::ALL } else { rights });
        }
        if !from.is_home() {
            return (Place::Elsewhere, Rights::NONE);
        }
        let may_publish = !self.require_camera_key && is_device;
        let publish = if may_publish { Scope::AllBut(closed.clone()) } else { Scope::none() };
        (Place::Home, Rights { view: view(self.open_view), publish, admin: false })
    }

    /// Why a request may not do by its place what others from there may: `wanted` tells whether rights are enough.
    /// `None` when nobody there may do it, or when this request may.
    #[must_use]
    pub fn hindrance(
        &self,
        from: &Circumstances<'_>,
        closed: &BTreeSet<CameraName>,
        wanted: impl Fn(&Rights) -> bool,
    ) -> Option<Hindrance> {
        let may = |policy: &Self, from: &Circumstances<'_>| wanted(&policy.place(from, closed).1);
        // A loopback name is one for this computer, and an address like any other for the rest.
        let plain = Circumstances { host: Some("127.0.0.1"), was_forwarded: false, old_http: false, ..*from };
        if may(self, from) {
            return None;
        }
        if !may(self, &plain) {
            let lenient = Self { local: Local::Admin, ..self.clone() };
            return may(&lenient, from).then_some(Hindrance::Local);
        }
        let is_hidden = from.is_hidden();
        Some(match from.host {
            _ if is_hidden && from.old_http => Hindrance::OldHttp,
            _ if is_hidden => Hindrance::Forwarded,
            None => Hindrance::NoHost,
            Some(_) => Hindrance::ForeignHost,
        })
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
        is_loopback(self.peer_ip)
            && is_loopback(self.local_ip)
            && self.host.is_some_and(is_loopback_host)
            && !self.was_forwarded
            && !self.through_trusted_proxy
            && !self.relayed
    }

    /// Whether the connection, or what a proxy reports, begins at an address of this computer, whatever name it uses: at
    /// a loopback address, or at the one that it leads to.
    fn is_this_machine(&self) -> bool {
        is_loopback(self.peer_ip) || self.peer_ip.to_canonical() == self.local_ip.to_canonical()
    }

    /// Whether the request comes from a home network, by the connection's address or by what a trusted proxy reports. A
    /// request that another proxy passed on may come from anywhere.
    fn is_home(&self) -> bool {
        is_home(self.peer_ip) && !self.is_hidden()
    }

    /// Whether a proxy passed the request on of which nobody knows for whom it speaks.
    fn is_hidden(&self) -> bool {
        self.was_forwarded && !self.through_trusted_proxy
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
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
mod tests;
