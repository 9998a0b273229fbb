//! Where the server is.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use lenscast_device::settings::{MAX_HOST_BYTES, MAX_PATH_BYTES, Target};
use lenscast_protocol::{CAMERA_PATH, DEFAULT_PORT};

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
    /// A device keeps no more.
    #[error(
        "{0:?} is too long: a device keeps {MAX_HOST_BYTES} bytes of a host and {MAX_PATH_BYTES} of a path"
    )]
    TooLong(String),
    /// Many devices choose their own paths.
    #[error("{0:?}: many devices dial {CAMERA_PATH}/dev-1, {CAMERA_PATH}/dev-2, …: leave the path out")]
    Path(String),
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
    /// The same as a device's setting.
    pub(crate) fn target(&self) -> Target {
        let path = Some(self.path.clone()).filter(|path| path != CAMERA_PATH);
        Target { host: Some(self.host.clone()), port: self.port, path, key: None }
    }

    /// Where device number `number` of many dials.
    pub(crate) fn numbered(&self, number: usize) -> Result<Self, ServerError> {
        let query =
            self.path.strip_prefix(CAMERA_PATH).filter(|rest| rest.is_empty() || rest.starts_with('?'));
        let query = query.ok_or_else(|| ServerError::Path(self.path.clone()))?;
        Ok(Self { path: format!("{CAMERA_PATH}/dev-{number}{query}"), ..self.clone() })
    }
}

/// As it was written, with what was left out.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path } = self;
        if host.contains(':') {
            write!(f, "ws://[{host}]:{port}{path}")
        } else {
            write!(f, "ws://{host}:{port}{path}")
        }
    }
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(address: &str) -> Result<Self, ServerError> {
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
        let path = format!("{path}{query}");
        if host.len() > MAX_HOST_BYTES || path.len() > MAX_PATH_BYTES {
            return Err(ServerError::TooLong(address.to_owned()));
        }
        Ok(Self { host: host.to_owned(), port, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(address: &str) -> (String, u16, Option<String>) {
        let target = address.parse::<Server>().unwrap_or_else(|error| panic!("{error}")).target();
        (target.host.expect("a server has a host"), target.port, target.path)
    }

    fn expected(host: &str, port: u16, path: Option<&str>) -> (String, u16, Option<String>) {
        (host.to_owned(), port, path.map(str::to_owned))
    }

    #[test]
    fn what_an_address_leaves_out_is_filled_in() {
        assert_eq!(parts("ws://camera-server"), expected("camera-server", 8080, None));
        assert_eq!(parts("ws://10.0.0.7:80/"), expected("10.0.0.7", 80, None));
        assert_eq!(parts("ws://10.0.0.7/ws/camera"), expected("10.0.0.7", 8080, None));
        let path = "/ws/camera/door?x=1";
        assert_eq!(parts("WS://host:9000/ws/camera/door?x=1"), expected("host", 9000, Some(path)));
        assert_eq!(parts("ws://host?token=1"), expected("host", 8080, Some("/ws/camera?token=1")));
    }

    #[test]
    fn an_ipv6_address_loses_its_brackets() {
        assert_eq!(parts("ws://[::1]:81"), expected("::1", 81, None));
    }

    #[test]
    fn many_devices_have_a_path_each_on_the_same_server() {
        let server: Server = "ws://host:81?token=1".parse().expect("a good address");
        let numbered = server.numbered(12).expect("there is a place for the number");
        assert_eq!(numbered.to_string(), "ws://host:81/ws/camera/dev-12?token=1");
        let server: Server = "ws://host/ws/camera/door".parse().expect("a good address");
        assert!(matches!(server.numbered(1), Err(ServerError::Path(_))));
    }

    #[test]
    fn what_a_device_could_not_keep_is_refused() {
        let longest = format!("ws://{}/{}", "h".repeat(63), "p".repeat(127));
        longest.parse::<Server>().expect("just short enough");
        for address in [format!("ws://{}", "h".repeat(64)), format!("ws://h/{}", "p".repeat(128))] {
            assert!(matches!(address.parse::<Server>(), Err(ServerError::TooLong(_))), "{address}");
        }
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
