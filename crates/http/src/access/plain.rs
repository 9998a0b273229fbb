//! What is served without TLS by a server that has it: cameras, which mostly have none, the health checks, and this computer.
//! Everybody else is sent to HTTPS before anything is looked at that they sent.

use crate::config::Plain;
use crate::guarding::Guarding;
use crate::rule::{For, Rule};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_auth::policy::name_of;
use lenscast_gate::client::Client;
use lenscast_gate::{Channel, Peer};
use std::net::{IpAddr, SocketAddr};

/// The answer to a request that has to come by TLS and does not; `None` when it may come as it did.
pub(super) fn turned_away(
    guarding: &Guarding,
    rule: Rule,
    peer: &Peer,
    client: &Client,
    request: &Request,
) -> Option<Response> {
    let tls = guarding.places.listening().tls?;
    let plain = guarding.serving.config().plain;
    let may_come = match peer.channel {
        // How its clients come to a forwarder is the forwarder's business, as it is a proxy's.
        Channel::Tls | Channel::ControlSocket | Channel::Relayed { .. } => true,
        Channel::PlainOnTls => false,
        Channel::Plain => {
            plain == Plain::All
                || rule.whom == For::Devices
                // How its clients come is the proxy's business.
                || client.through_trusted_proxy
                || client.is_this_computer(peer.local.ip())
        }
    };
    if may_come {
        return None;
    }
    let place = place(client.host.as_deref(), peer.local.ip(), tls.port());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path } else { "/" };
    let is_upgrade = request.headers().contains_key(header::UPGRADE);
    // What else was sent has been on the way in the open already, and is not to be sent twice.
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD) && !is_upgrade;
    let location = HeaderValue::try_from(format!("{place}{path}")).ok().filter(|_| is_page);
    let code = if location.is_some() { StatusCode::TEMPORARY_REDIRECT } else { StatusCode::FORBIDDEN };
    let sentence = format!("Without TLS, this server answers cameras only. Come by {place}/\n");
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONNECTION, "close")];
    let mut answer = (code, headers, sentence).into_response();
    if let Some(location) = location {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Some(answer)
}

/// Where the same server is by TLS, without a slash at its end. By the name that the client uses, if that can be a name at all.
fn place(host: Option<&str>, local: IpAddr, port: u16) -> String {
    let name = host.map(name_of).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let authority = match name.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port).to_string(),
        Err(_) if !name.is_empty() && name.bytes().all(plain) => format!("{name}:{port}"),
        Err(_) => SocketAddr::new(local.to_canonical(), port).to_string(),
    };
    format!("https://{}", authority.strip_suffix(":443").unwrap_or(&authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_sent_to_the_name_that_it_used() {
        let local = "192.168.1.5".parse().unwrap();
        for (host, port, wanted) in [
            (Some("cam.lan:8080"), 8443, "https://cam.lan:8443"),
            (Some("CAM"), 443, "https://cam"),
            (Some("10.0.0.5:8080"), 8443, "https://10.0.0.5:8443"),
            (Some("[fd00::5]:8080"), 8443, "https://[fd00::5]:8443"),
            (Some("[fd00::5]"), 443, "https://[fd00::5]"),
            (None, 8443, "https://192.168.1.5:8443"),
            (Some(""), 8443, "https://192.168.1.5:8443"),
            (Some("evil\"><script>"), 8443, "https://192.168.1.5:8443"),
            (Some("user@evil.example"), 8443, "https://192.168.1.5:8443"),
            (Some("evil.example/path"), 8443, "https://192.168.1.5:8443"),
        ] {
            assert_eq!(place(host, local, port), wanted, "{host:?}");
        }
    }
}
