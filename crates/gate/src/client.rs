//! Who asks, when a proxy passed the request on.
//!
//! Anybody can write `X-Forwarded-…` into a request, so these headers are read only when the connection comes from a proxy that
//! the owner trusts, and of the addresses in them the rightmost that is no such proxy counts: what a client wrote itself stands
//! further left.

use super::{Channel, Peer};
use http::{HeaderMap, Uri, Version, header};
use ipnet::IpNet;
use lenscast_auth::policy::was_forwarded;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A client, as far as one can know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address; port 0 when nobody tells. An unspecified address (0.0.0.0) when a trusted proxy does not tell who it is.
    pub address: SocketAddr,
    /// The name and port by which the client calls this server.
    pub host: Option<String>,
    /// Whether the client speaks TLS, to this server or to a proxy that tells so; `None` when a trusted proxy does not tell.
    pub secure: Option<bool>,
    /// Whether the connection is one of a trusted proxy, which tells by headers who asks.
    pub through_trusted_proxy: bool,
    /// Whether a trusted forwarder told who speaks on this connection (PROXY protocol).
    pub relayed: bool,
    /// Whether the request shows signs of a proxy, trusted or not.
    pub was_forwarded: bool,
    /// Whether the request speaks HTTP/1.0.
    pub old_http: bool,
}

impl Client {
    /// The client behind `peer`. `trusted` are the proxies whose headers are believed.
    #[must_use]
    pub fn of(peer: &Peer, version: Version, uri: &Uri, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let is_trusted = |address: IpAddr| {
            let address = address.to_canonical();
            trusted.iter().any(|network| network.contains(&address))
        };
        let (was_forwarded, old_http) = (was_forwarded(version, headers), version < Version::HTTP_11);
        let host = own_host(uri, headers);
        let secure = match peer.channel {
            Channel::Relayed { secure } => secure,
            channel => Some(channel == Channel::Tls),
        };
        let relayed = matches!(peer.channel, Channel::Relayed { .. });
        if peer.channel == Channel::ControlSocket || !is_trusted(peer.remote.ip()) {
            let (address, through_trusted_proxy) = (peer.remote, false);
            return Self { address, host, secure, through_trusted_proxy, relayed, was_forwarded, old_http };
        }
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let hops = elements(headers, "x-forwarded-for");
        // Whatever stands left of what cannot be read may be made up.
        let known = hops.iter().rev().map_while(|hop| hop.as_deref().and_then(address));
        let mut known = known.peekable();
        let last_known = known.clone().last();
        let outside = known.find(|hop| !is_trusted(hop.ip()));
        let all_readable = hops.iter().all(|hop| hop.as_deref().and_then(address).is_some());
        let address = outside.or(last_known.filter(|_| all_readable)).unwrap_or(nobody);
        let last = |name: &str| elements(headers, name).pop().flatten();
        Self {
            address,
            host: last("x-forwarded-host").or(host),
            secure: match last("x-forwarded-proto").as_deref().map(str::to_ascii_lowercase).as_deref() {
                Some("https" | "wss") => Some(true),
                Some("http" | "ws") => Some(false),
                _ => secure.filter(|secure| *secure),
            },
            through_trusted_proxy: true,
            relayed,
            was_forwarded,
            old_http,
        }
    }
}

/// `Host`, or what stands in its place in the request line (RFC 9112 §3.2.2). None when there are several.
fn own_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    if let Some(authority) = uri.authority() {
        return Some(authority.to_string());
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then(|| host.to_owned())
}

/// The elements of a comma-separated header, which may come in several lines; `None` for one that is no plain text.
fn elements(headers: &HeaderMap, name: &str) -> Vec<Option<String>> {
    let values = headers.get_all(name).iter();
    let split = |text: &str| text.split(',').map(|element| Some(element.trim().to_owned())).collect();
    values.flat_map(|value| value.to_str().map_or_else(|_| vec![None], split)).collect()
}

/// `192.168.1.7`, `192.168.1.7:1234`, `fd00::1`, `[fd00::1]` or `[fd00::1]:1234`.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let alone = bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0));
    let address = alone.or_else(|| text.parse().ok())?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    const PROXY: &str = "10.0.0.1:5000";

    fn client(remote: &str, headers: &[(&str, &str)]) -> Client {
        let headers: HeaderMap = {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            map
        };
        let peer = Peer {
            remote: remote.parse().unwrap(),
            local: "10.0.0.9:8080".parse().unwrap(),
            channel: Channel::Plain,
        };
        let trusted: Vec<IpNet> =
            ["10.0.0.1/32", "fd00::/16", "192.0.2.0/24"].iter().map(|net| net.parse().unwrap()).collect();
        Client::of(&peer, Version::HTTP_11, &Uri::from_static("/"), &headers, &trusted)
    }

    fn ip_of(headers: &[(&str, &str)]) -> String {
        client(PROXY, headers).address.ip().to_string()
    }

    #[test]
    fn what_somebody_says_of_himself_is_ignored() {
        let headers = [
            ("host", "cam.lan:8080"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "localhost"),
        ];
        let told = client("192.168.1.7:99", &headers);
        assert_eq!(told.address, "192.168.1.7:99".parse().unwrap());
        assert_eq!((told.host.as_deref(), told.secure), (Some("cam.lan:8080"), Some(false)));
        assert!(!told.through_trusted_proxy && told.was_forwarded);
    }

    #[test]
    fn the_rightmost_address_that_is_no_trusted_proxy_counts() {
        for (list, address) in [
            ("203.0.113.5", "203.0.113.5"),
            ("127.0.0.1, 203.0.113.5", "203.0.113.5"),
            ("127.0.0.1, 203.0.113.5, 10.0.0.1", "203.0.113.5"),
            ("203.0.113.5,192.0.2.7 ,fd00::7", "203.0.113.5"),
            ("192.0.2.7, 10.0.0.1", "192.0.2.7"),
            (" 192.168.1.7:4711", "192.168.1.7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
        ] {
            assert_eq!(ip_of(&[("x-forwarded-for", list)]), address, "{list}");
        }
        let lines = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "203.0.113.5, 10.0.0.1")];
        assert_eq!(ip_of(&lines), "203.0.113.5");
        assert_eq!(client(PROXY, &[("x-forwarded-for", "192.168.1.7:4711")]).address.port(), 4711);
    }

    #[test]
    fn a_client_of_whom_nothing_can_be_read_comes_from_nowhere() {
        for list in [
            "",
            "unknown",
            "_hidden",
            "127.0.0.1, unknown",
            "127.0.0.1, ",
            "127.0.0.1, unknown, 10.0.0.1",
            "127.0.0.1:99999",
            "127.0.0.1 10.0.0.1",
            "localhost",
            "[127.0.0.1",
            "127.1",
        ] {
            assert_eq!(ip_of(&[("x-forwarded-for", list)]), "0.0.0.0", "{list}");
        }
        assert_eq!(ip_of(&[]), "0.0.0.0", "a proxy that does not tell");
        assert_eq!(ip_of(&[("x-real-ip", "127.0.0.1"), ("forwarded", "for=127.0.0.1")]), "0.0.0.0");
        assert_eq!(ip_of(&[("x-forwarded-for", "127.0.0.1, \u{ff}")]), "0.0.0.0");
    }

    #[test]
    fn what_a_trusted_proxy_saw_last_is_the_scheme_and_the_host() {
        let told = |headers: &[(&str, &str)]| {
            let client = client(PROXY, headers);
            (client.host.unwrap_or_default(), client.secure)
        };
        let host = ("host", "inside:8080");
        assert_eq!(told(&[host]), ("inside:8080".into(), None));
        assert_eq!(told(&[host, ("x-forwarded-proto", "HTTPS")]), ("inside:8080".into(), Some(true)));
        assert_eq!(told(&[host, ("x-forwarded-proto", "https, http")]), ("inside:8080".into(), Some(false)));
        assert_eq!(told(&[host, ("x-forwarded-proto", "ftp")]), ("inside:8080".into(), None));
        assert_eq!(told(&[host, ("x-forwarded-host", "evil, cam.example")]), ("cam.example".into(), None));
    }

    #[test]
    fn several_hosts_are_none_and_the_request_line_goes_first() {
        assert_eq!(client("192.168.1.7:1", &[("host", "a"), ("host", "localhost")]).host, None);
        let peer = Peer {
            remote: "127.0.0.1:1".parse().unwrap(),
            local: "127.0.0.1:8080".parse().unwrap(),
            channel: Channel::Plain,
        };
        let mut headers = HeaderMap::new();
        headers.insert("host", "localhost".parse().unwrap());
        let uri = Uri::from_static("http://evil.example/");
        let told = Client::of(&peer, Version::HTTP_11, &uri, &headers, &[]);
        assert_eq!(told.host.as_deref(), Some("evil.example"));
    }
}
