//! TLS: certificates, their change, and what is still served without.

mod certificates;
mod handshakes;
mod own;
mod plain;

use crate::access::world::{Answer, Ask, ask};
use crate::harness::*;
use lenscast::server::{Server, StartError};
use lenscast_settings::config::{Config, Plain, Tls};
use lenscast_tls::Certificate;
use lenscast_tls::self_signed;
use rcgen::{CertificateParams, KeyPair};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, rustls};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;

/// A folder for state and certificates.
struct World(TempDir);

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn config(&self, certificate: Certificate, plain: Plain) -> Config {
        let here: SocketAddr = "127.0.0.1:0".parse().unwrap();
        Config {
            listen: here,
            state_dir: Some(self.path("state")),
            tls: Some(Tls { certificate, listen: here, plain }),
            ..Config::default()
        }
    }

    fn start(&self, certificate: Certificate, plain: Plain) -> Running {
        start_with(|config| *config = self.config(certificate, plain))
    }

    fn own(&self) -> Running {
        self.start(Certificate::SelfSigned, Plain::Cameras)
    }

    /// The two files of [`Issued`] certificates.
    fn files(&self) -> Certificate {
        Certificate::Files { cert: self.path("cert.pem"), key: self.path("key.pem") }
    }

    fn bind(&self, certificate: Certificate) -> Result<Server, StartError> {
        Server::bind(self.config(certificate, Plain::Cameras), CancellationToken::new())
    }

    /// Trusts the certificate that the server made.
    fn trust_own(&self) -> Trust {
        Trust::of(&fs::read(self.path("state").join(self_signed::FILE)).unwrap())
    }
}

/// A certificate as somebody else issues it, with its key, in PEM.
struct Issued {
    certificate: String,
    key: String,
}

impl Issued {
    fn new(names: &[&str]) -> Self {
        Self::with(names, |_| {})
    }

    fn with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        change(&mut params);
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { certificate, key: key.serialize_pem() }
    }

    fn write(&self, world: &World) {
        fs::write(world.path("cert.pem"), &self.certificate).unwrap();
        fs::write(world.path("key.pem"), &self.key).unwrap();
    }

    fn trust(&self) -> Trust {
        Trust::of(self.certificate.as_bytes())
    }
}

/// A client that trusts one certificate, and no other; and asks for the name that it opens.
#[derive(Clone)]
pub struct Trust(TlsConnector);

impl Trust {
    pub fn of(pem: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        // Or it would take the certificate that it saw before for the one that is shown.
        config.resumption = Resumption::disabled();
        Self(Arc::new(config).into())
    }

    /// A connection under that name.
    pub async fn connect(&self, server: &Running, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        self.agree(TcpStream::connect(tls_address(server)).await.unwrap(), name).await
    }

    /// The same on a connection that is there already.
    pub async fn agree(&self, socket: TcpStream, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        within(self.0.connect(name, socket)).await
    }

    async fn ask(&self, server: &Running, request: Ask) -> Answer {
        let stream = self.connect(server, "127.0.0.1").await.unwrap();
        request.header("Host", tls_address(server).to_string()).over(stream).await
    }

    async fn web_socket(
        &self,
        server: &Running,
        path: &str,
    ) -> Result<WebSocketStream<TlsStream<TcpStream>>, tungstenite::Error> {
        let stream = self.connect(server, "127.0.0.1").await.unwrap();
        let url = format!("ws://{}{path}", tls_address(server));
        Ok(within(tokio_tungstenite::client_async(url, stream)).await?.0)
    }

    /// The fingerprint of what is shown to a new client.
    async fn shown(&self, server: &Running) -> std::io::Result<Vec<u8>> {
        let stream = self.connect(server, "127.0.0.1").await?;
        Ok(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
    }
}

fn tls_address(server: &Running) -> SocketAddr {
    server.app.places.listening().tls.expect("a server with TLS")
}

fn trouble(error: &std::io::Error) -> &rustls::Error {
    error.get_ref().and_then(|inner| inner.downcast_ref()).unwrap_or_else(|| panic!("{error}"))
}

/// The addresses of this computer that are not loopback, and whether each is one of a home network.
pub fn other_addresses() -> Vec<(IpAddr, bool)> {
    let addresses = lenscast_base::addresses::machine_addresses();
    let others = addresses.into_iter().filter(|address| !address.is_loopback());
    others.map(|address| (address, lenscast_base::addresses::is_home(address))).collect()
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
