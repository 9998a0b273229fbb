//! Who may speak to this server at all.
//!
//! Until there are rights (publish, view, admin), the rule is: the home network may. And no web page elsewhere may use a
//! visitor's browser to get in: neither by a WebSocket from another origin, nor by a name that is made to point here.
//!
//! What changes something, that is every request but GET and HEAD, is only for programs and pages on this computer.

use crate::server::Peer;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Lets a request through, or answers 403 with the reason.
pub async fn check(request: Request, next: Next) -> Response {
    let refused = match request.extensions().get::<Peer>() {
        Some(peer) => refusal(peer, request.method(), request.headers()),
        None => Some("The address of the connection is unknown."),
    };
    match refused {
        None => next.run(request).await,
        Some(reason) => {
            tracing::debug!(reason, path = request.uri().path(), "refused");
            (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response()
        }
    }
}

/// Whether this caller may change something.
#[must_use]
pub fn may_change(peer: &Peer, headers: &HeaderMap) -> bool {
    refusal(peer, &Method::PATCH, headers).is_none()
}

fn refusal(peer: &Peer, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    if !is_home(peer.remote.ip()) {
        return Some(
            "Only addresses of the home network (loopback, private, link-local) may use this server.",
        );
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = text("host");
    if peer.local.ip().to_canonical().is_loopback() && host.is_some_and(|host| !is_loopback_host(host)) {
        return Some("The Host header must name this computer (localhost, 127.0.0.1 or [::1]).");
    }
    // A browser always sends Origin with a WebSocket; what is no browser sends none.
    let foreign = text("origin").is_some_and(|origin| !is_origin_of(origin, host));
    if headers.contains_key(header::SEC_WEBSOCKET_KEY) && foreign {
        return Some("A page of another origin may not open a WebSocket here.");
    }
    if method.is_safe() {
        return None;
    }
    if !peer.remote.ip().to_canonical().is_loopback() {
        return Some(
            "Only the computer that runs this server may change something, at its own localhost address.",
        );
    }
    if !host.is_some_and(is_loopback_host) {
        return Some(
            "To change something, the Host header must name this computer (localhost, 127.0.0.1 or [::1]).",
        );
    }
    // Tells of a page on another site also where a browser sends no Origin.
    let from_elsewhere = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if foreign || from_elsewhere {
        return Some("A page of another origin may change nothing here.");
    }
    None
}

/// Whether a page of `origin` came from the server that `host` names.
fn is_origin_of(origin: &str, host: Option<&str>) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
}

/// Loopback, private (RFC 1918, unique local) and link-local addresses.
#[must_use]
pub fn is_home(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Whether a Host header names the loopback interface.
fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _)) => v6,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn refused(remote: &str, local: &str, headers: &[(HeaderName, &'static str)]) -> bool {
        let socket = |text: &str| std::net::SocketAddr::new(text.parse().unwrap(), 1);
        let peer = Peer { remote: socket(remote), local: socket(local) };
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        refusal(&peer, &Method::GET, &headers).is_some()
    }

    #[test]
    fn only_this_computer_and_its_own_pages_may_change_something() {
        let refused = |remote: &str, local: &str, headers: &[(&str, &str)]| {
            let socket = |text: &str| std::net::SocketAddr::new(text.parse().unwrap(), 1);
            let peer = Peer { remote: socket(remote), local: socket(local) };
            let headers = headers
                .iter()
                .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            let all = [
                Method::PATCH,
                Method::POST,
                Method::PUT,
                Method::DELETE,
                Method::from_bytes(b"MAKE").unwrap(),
            ];
            let answers = all.map(|method| refusal(&peer, &method, &headers));
            assert!(answers.iter().all(|answer| *answer == answers[0]), "the method makes no difference");
            assert_eq!(may_change(&peer, &headers), answers[0].is_none(), "and it is told beforehand");
            answers[0].is_some()
        };
        let here = |headers: &[(&str, &str)]| refused("127.0.0.1", "127.0.0.1", headers);
        let host = ("host", "localhost:8080");
        let own = ("origin", "http://localhost:8080");
        for good in [
            &[host][..],
            &[("host", "[::1]:8080")],
            &[host, own],
            &[host, own, ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "none")],
        ] {
            assert!(!here(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[("host", "evil.example:8080")],
            &[("host", "evil.example:8080"), ("origin", "http://evil.example:8080")],
            &[("host", "192.168.1.2:8080"), ("origin", "http://192.168.1.2:8080")],
            &[host, ("origin", "http://evil.example")],
            &[host, ("origin", "http://localhost:8081")],
            &[host, ("origin", "http://127.0.0.1:8080")],
            &[host, ("origin", "null")],
            &[host, ("origin", "")],
            &[host, ("sec-fetch-site", "cross-site")],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, own, ("sec-fetch-site", "cross-site")],
            &[own],
        ] {
            assert!(here(bad), "{bad:?}");
        }
        assert!(!refused("::1", "::1", &[host]));
        assert!(!refused("::ffff:127.0.0.1", "::ffff:127.0.0.1", &[host]), "IPv4 on a dual-stack listener");
        for remote in ["192.168.1.7", "192.168.1.2", "fd00::1", "8.8.8.8"] {
            assert!(refused(remote, "192.168.1.2", &[host, own]), "{remote}");
        }
    }

    #[test]
    fn only_home_addresses_are_let_in() {
        for home in
            ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.4.1", "169.254.1.1", "::1", "fd00::1", "fe80::1"]
        {
            assert!(!refused(home, "192.168.1.2", &[]), "{home}");
        }
        assert!(!refused("::ffff:192.168.1.7", "::ffff:192.168.1.2", &[]), "IPv4 on a dual-stack listener");
        for foreign in ["8.8.8.8", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8", "0.0.0.0"] {
            assert!(refused(foreign, "192.168.1.2", &[]), "{foreign}");
        }
    }

    #[test]
    fn a_name_that_was_made_to_point_to_loopback_is_refused() {
        for good in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "LOCALHOST.",
            "a.localhost:1",
        ] {
            assert!(!refused("127.0.0.1", "127.0.0.1", &[(header::HOST, good)]), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "192.168.1.2:8080",
            "[fd00::1]:8080",
            "",
        ] {
            assert!(refused("127.0.0.1", "127.0.0.1", &[(header::HOST, bad)]), "{bad:?}");
            assert!(refused("127.0.0.1", "::ffff:127.0.0.1", &[(header::HOST, bad)]), "{bad:?}, dual stack");
        }
        assert!(!refused("192.168.1.7", "192.168.1.2", &[(header::HOST, "camera-server.lan:8080")]));
    }

    #[test]
    fn a_web_socket_of_another_origin_is_refused() {
        let upgrade = |origin| {
            refused(
                "192.168.1.7",
                "192.168.1.2",
                &[
                    (header::SEC_WEBSOCKET_KEY, "k"),
                    (header::HOST, "192.168.1.2:8080"),
                    (header::ORIGIN, origin),
                ],
            )
        };
        assert!(!upgrade("http://192.168.1.2:8080"));
        for foreign in ["http://evil.example", "http://192.168.1.2", "http://192.168.1.2:8081", "null", ""] {
            assert!(upgrade(foreign), "{foreign:?}");
        }
        assert!(
            !refused("192.168.1.7", "192.168.1.2", &[(header::HOST, "x"), (header::ORIGIN, "http://y")]),
            "no upgrade"
        );
        assert!(
            refused(
                "192.168.1.7",
                "192.168.1.2",
                &[(header::SEC_WEBSOCKET_KEY, "k"), (header::ORIGIN, "http://y")]
            ),
            "an origin without a host"
        );
    }
}
