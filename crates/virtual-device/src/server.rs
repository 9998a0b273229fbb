//! Where the server is.

use std::fmt;
use std::str::FromStr;

use lenscast_protocol::{CAMERA_PATH, DEFAULT_PORT};
use tokio_tungstenite::tungstenite::http::Uri;

/// Why an address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// `wss://` asks for TLS.
    #[error("{0}: this device cannot encrypt yet; use ws:// on a network you trust")]
    Tls(String),
    /// It is something else.
    #[error(
        "{0:?} is not the address of a server: write ws://HOST, ws://HOST:PORT or ws://HOST:PORT/ws/camera/NAME"
    )]
    Malformed(String),
}

/// `ws://HOST[:PORT][/PATH]`, with what is left out filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// A name or an address, an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// With the query, if there is one.
    path: String,
}

impl Server {
    pub(crate) fn url(&self) -> String {
        format!("ws://{}{}", self.authority(), self.path)
    }

    fn authority(&self) -> String {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Without the query: it may hold a token, and this goes into logs.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "ws://{}{path}", self.authority())
    }
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(address: &str) -> Result<Server, ServerError> {
        let malformed = || ServerError::Malformed(address.to_owned());
        let uri: Uri = address.trim().parse().map_err(|_| malformed())?;
        match uri.scheme_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "ws" => {}
            "wss" => return Err(ServerError::Tls(address.to_owned())),
            _ => return Err(malformed()),
        }
        let authority = uri.authority().ok_or_else(malformed)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        // `port_u16` is None for a port that is no number, too; `host:` and a user name are not meant either.
        let rest = authority.as_str().strip_prefix(authority.host()).ok_or_else(malformed)?;
        let port = match (rest, authority.port_u16()) {
            ("", _) => DEFAULT_PORT,
            (_, Some(port)) if port != 0 => port,
            _ => return Err(malformed()),
        };
        if host.is_empty() {
            return Err(malformed());
        }
        let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
        let path = if uri.path() == "/" || uri.path().is_empty() { CAMERA_PATH } else { uri.path() };
        Ok(Server { host: host.to_owned(), port, path: format!("{path}{query}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(address: &str) -> String {
        address.parse::<Server>().map(|server| server.url()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_an_address_leaves_out_is_filled_in() {
        assert_eq!(url("ws://camera-server"), "ws://camera-server:8080/ws/camera");
        assert_eq!(url("ws://10.0.0.7:80/"), "ws://10.0.0.7:80/ws/camera");
        assert_eq!(url("WS://host:9000/ws/camera/door?x=1"), "ws://host:9000/ws/camera/door?x=1");
        assert_eq!(url("ws://host?token=1"), "ws://host:8080/ws/camera?token=1");
    }

    #[test]
    fn an_ipv6_address_loses_its_brackets_only_to_connect() {
        let server: Server = "ws://[::1]".parse().expect("a good address");
        assert_eq!(server.host, "::1");
        assert_eq!(server.url(), "ws://[::1]:8080/ws/camera");
    }

    #[test]
    fn a_query_does_not_get_into_the_log() {
        let server: Server = "ws://host/ws/camera/a?token=secret".parse().expect("a good address");
        assert_eq!(server.to_string(), "ws://host:8080/ws/camera/a");
    }

    #[test]
    fn an_encrypted_address_is_refused_with_its_own_sentence() {
        let error = "wss://host".parse::<Server>().expect_err("TLS is not there yet");
        assert!(matches!(error, ServerError::Tls(_)));
        assert!(error.to_string().contains("ws://"), "{error}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in [
            "",
            "host",
            "host:8080",
            "http://host",
            "ws://",
            "ws://:80",
            "ws://host:",
            "ws://host:0",
            "ws://host:99999",
            "ws://me@host",
            "ws://a b",
        ] {
            let error = address.parse::<Server>().expect_err(address);
            assert_eq!(error, ServerError::Malformed(address.to_owned()));
        }
    }
}
