//! The settings of TLS, and of the proxies in front of the server.

use ipnet::IpNet;
use lenscast_tls::Certificate;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// TLS as it is set: [`TlsSettings::resolve`] makes [`Tls`] of it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsSettings {
    /// Where the certificate comes from; "off", unless tls_cert and tls_key are given, which means "files"
    #[arg(long, value_name = "MODE", value_enum)]
    pub tls: Option<TlsMode>,
    /// The certificate, with those that it needs between it and its authority, in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Address and port for HTTPS and encrypted WebSockets
    #[arg(long, value_name = "ADDR", default_value_t = DEFAULT_TLS_LISTEN)]
    pub tls_listen: SocketAddr,
    /// With TLS: what the plain listener still serves
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub plain: Plain,
}

/// The address at which HTTPS is served by default.
pub const DEFAULT_TLS_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 8443);

/// Where the certificate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TlsMode {
    /// There is no TLS.
    Off,
    /// It is made here, and kept in the state directory.
    SelfSigned,
    /// From tls_cert and tls_key.
    Files,
}

/// What the plain listener serves while there is TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Plain {
    /// Cameras, most of which have no TLS, and the health checks; everything else is sent to HTTPS.
    #[default]
    Cameras,
    /// Everything.
    All,
    /// It is not opened.
    Off,
}

/// The TLS of a server that has it: [`TlsSettings`] that were checked and fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The origin of the certificate and its key.
    pub certificate: Certificate,
    /// The address and port for TLS connections.
    pub listen: SocketAddr,
    /// The choice of what is still served without TLS.
    pub plain: Plain,
}

impl Tls {
    /// The same TLS with the certificate's files of another, when both certificates come from files. A reload uses
    /// this: nothing else about TLS can change in a running server.
    #[must_use]
    pub fn with_files_of(self, other: Option<&Self>) -> Self {
        match (&self.certificate, other.map(|other| &other.certificate)) {
            (Certificate::Files { .. }, Some(files @ Certificate::Files { .. })) => {
                Self { certificate: files.clone(), ..self }
            }
            _ => self,
        }
    }
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            tls: None,
            tls_cert: None,
            tls_key: None,
            tls_listen: DEFAULT_TLS_LISTEN,
            plain: Plain::default(),
        }
    }
}

impl TlsSettings {
    /// Checks that the settings fit together, and gives the TLS that they mean; `None` when they mean no TLS.
    ///
    /// # Errors
    /// The name of the key that does not fit the others, and a sentence that says why.
    pub fn resolve(&self) -> Result<Option<Tls>, (&'static str, &'static str)> {
        let certificate = match (self.tls, &self.tls_cert, &self.tls_key) {
            (Some(TlsMode::Off), ..) | (None, None, None) if self.plain == Plain::Off => {
                return Err(("plain", "without TLS, plain = \"off\" would leave nothing to listen on"));
            }
            (Some(TlsMode::Off), ..) | (None, None, None) => return Ok(None),
            (Some(TlsMode::SelfSigned), None, None) => Certificate::SelfSigned,
            (Some(TlsMode::SelfSigned), ..) => {
                return Err(("tls", "with tls = \"self-signed\" there is no place for tls_cert and tls_key"));
            }
            (_, Some(cert), Some(key)) => Certificate::Files { cert: cert.clone(), key: key.clone() },
            (_, Some(_), None) => return Err(("tls_cert", "tls_cert needs tls_key beside it")),
            (_, None, Some(_)) => return Err(("tls_key", "tls_key needs tls_cert beside it")),
            (Some(TlsMode::Files), None, None) => {
                return Err(("tls", "tls = \"files\" needs tls_cert and tls_key"));
            }
        };
        Ok(Some(Tls { certificate, listen: self.tls_listen, plain: self.plain }))
    }
}

/// What stands in front of this server.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Behind a proxy")]
pub struct Proxy {
    /// Addresses or networks of the proxies whose X-Forwarded-For, -Proto and -Host, and whose PROXY protocol, are believed
    #[arg(long, value_name = "NETWORK,…", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// The path under which a proxy serves this server, such as /cam/
    #[arg(long, value_name = "PATH", value_parser = base_path, default_value = "/")]
    pub base_path: String,
}

impl Default for Proxy {
    fn default() -> Self {
        Self { trusted_proxies: Vec::new(), base_path: "/".to_owned() }
    }
}

/// Reads an address or a network, such as `192.168.1.7` or `192.168.1.0/24`.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| address()).map(|network| network.trunc()).map_err(|_| {
        format!("{text:?} is neither an address such as 127.0.0.1 nor a network such as 10.0.0.0/8")
    })
}

/// Reads a path such as `/cam` or `/cam/`, and gives it with a slash at both ends.
fn base_path(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let segment =
        |segment: &str| !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(good);
    if text == "/" {
        return Ok(text.to_owned());
    }
    let inner = text.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    match inner {
        Some(inner) if inner.split('/').all(segment) => Ok(format!("/{inner}/")),
        _ => Err(format!("{text:?} is no path such as /cam/, of letters, digits and - _ . ~")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_begins_and_ends_with_a_slash() {
        for (text, path) in [("/", "/"), ("/cam", "/cam/"), ("/cam/", "/cam/"), ("/a/b.c/", "/a/b.c/")] {
            assert_eq!(base_path(text), Ok(path.to_owned()));
        }
        for bad in [
            "",
            "cam",
            "cam/",
            "//",
            "/a//b",
            "/../",
            "/./",
            "/a?b",
            "/a b",
            "/a\"",
            "/a;b",
            "//evil.example/",
        ] {
            assert!(base_path(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for (text, network_text) in [
            ("127.0.0.1", "127.0.0.1/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("::1", "::1/128"),
            ("fd00::/8", "fd00::/8"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), network_text);
        }
        for bad in ["", "proxy", "10.0.0.0/33", "127.0.0.1:80"] {
            assert!(network(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tls_is_what_fits_together_and_everything_else_is_named() {
        let path = |there: bool, name: &str| there.then(|| PathBuf::from(name));
        let resolve = |tls, cert, key, plain| {
            TlsSettings {
                tls,
                tls_cert: path(cert, "c"),
                tls_key: path(key, "k"),
                plain,
                ..Default::default()
            }
            .resolve()
        };
        let files = Certificate::Files { cert: "c".into(), key: "k".into() };
        let with =
            |certificate| Ok(Some(Tls { certificate, listen: DEFAULT_TLS_LISTEN, plain: Plain::Cameras }));
        use TlsMode::{Files, Off, SelfSigned};
        for (tls, cert, key, meant) in [
            (None, false, false, Ok(None)),
            (Some(Off), false, false, Ok(None)),
            (Some(Off), true, true, Ok(None)),
            (Some(Off), true, false, Ok(None)),
            (None, true, true, with(files.clone())),
            (Some(Files), true, true, with(files)),
            (Some(SelfSigned), false, false, with(Certificate::SelfSigned)),
            (None, true, false, Err("tls_cert")),
            (None, false, true, Err("tls_key")),
            (Some(Files), false, false, Err("tls")),
            (Some(Files), true, false, Err("tls_cert")),
            (Some(SelfSigned), true, true, Err("tls")),
            (Some(SelfSigned), false, true, Err("tls")),
        ] {
            let found = resolve(tls, cert, key, Plain::Cameras).map_err(|(key, _)| key);
            assert_eq!(found, meant, "{tls:?} {cert} {key}");
        }
        assert_eq!(resolve(None, false, false, Plain::Off).unwrap_err().0, "plain");
        assert!(resolve(Some(SelfSigned), false, false, Plain::Off).unwrap().is_some());
    }
}
