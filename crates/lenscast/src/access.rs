//! Who may speak to this server at all.
//!
//! Until there are rights (publish, view, admin), the rule is: the home network may. And no web page elsewhere may use a
//! visitor's browser to get in: neither by a WebSocket from another origin, nor by a name that is made to point here.

use crate::server::Peer;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Lets a request through, or answers 403 with the reason.
pub async fn check(request: Request, next: Next) -> Response {
    let refused = match request.extensions().get::<Peer>() {
        Some(peer) => refusal(peer, request.headers()),
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

fn refusal(peer: &Peer, headers: &HeaderMap) -> Option<&'static str> {
    if !is_home(peer.remote.ip()) {
        return Some(
            "Only addresses of the home network (loopback, private, link-local) may use this server.",
        );
    }
    let text = |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or(""));
    let host = text(header::HOST);
    if peer.local.ip().to_canonical().is_loopback() && host.is_some_and(|host| !is_loopback_host(host)) {
        return Some("The Host header must name this computer (localhost, 127.0.0.1 or [::1]).");
    }
    // A browser always sends Origin with a WebSocket; what is no browser sends none.
    let upgrades = headers.contains_key(header::SEC_WEBSOCKET_KEY);
    if upgrades && let Some(origin) = text(header::ORIGIN) {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        if authority.is_none()
            || !authority.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
        {
            return Some("A page of another origin may not open a WebSocket here.");
        }
    }
    None
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
        refusal(&peer, &headers).is_some()
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
