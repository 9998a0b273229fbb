//! The TLS handshake of a connection, and what goes wrong with it.

use super::App;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{AlertDescription, Error};
use tokio_rustls::server::TlsStream;

/// With what a TLS connection begins: a record of the type `handshake` (RFC 8446 §5.1). No method of HTTP begins so.
const HANDSHAKE: u8 = 0x16;

/// Handshakes that failed, by cause, since the server started.
#[derive(Debug, Default)]
pub struct Failures([AtomicU64; Failure::ALL.len()]);

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The client does not want our certificate. Browsers do so until somebody has said that it is good.
    Certificate,
    /// It took too long.
    Timeout,
    /// The client went away.
    Gone,
    /// The client speaks no TLS that we speak.
    Protocol,
}

impl Failure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Certificate, Self::Timeout, Self::Gone, Self::Protocol];

    /// As a label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Timeout => "timeout",
            Self::Gone => "gone",
            Self::Protocol => "protocol",
        }
    }

    fn of(error: &io::Error) -> Self {
        use AlertDescription::{
            BadCertificate, CertificateExpired, CertificateRevoked, CertificateUnknown, UnknownCA,
            UnsupportedCertificate,
        };
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(Error::AlertReceived(
                BadCertificate
                | CertificateExpired
                | CertificateRevoked
                | CertificateUnknown
                | UnknownCA
                | UnsupportedCertificate,
            )) => Self::Certificate,
            Some(_) => Self::Protocol,
            None => Self::Gone,
        }
    }
}

impl Failures {
    /// Each cause, and how often it was.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Failure::ALL.into_iter().map(Failure::as_str).zip(counts)
    }

    fn count(&self, failure: Failure) {
        self.0[failure as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// What a client speaks on the port for TLS.
pub(super) enum Spoken {
    /// TLS, and it is agreed.
    Tls(Box<TlsStream<TcpStream>>),
    /// HTTP without TLS, most likely: somebody typed the address without `https://`.
    Plain(TcpStream),
}

/// Begins TLS, within the time that a request may take. `None` when that fails, which is counted and logged.
pub(super) async fn begin(
    app: &App,
    acceptor: TlsAcceptor,
    socket: TcpStream,
    peer: SocketAddr,
) -> Option<Spoken> {
    let begun = async {
        let mut first = [0];
        if socket.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
            return Ok(Spoken::Plain(socket));
        }
        Ok(Spoken::Tls(Box::new(acceptor.accept(socket).await?)))
    };
    let patience = app.config().limits.handshake_timeout;
    let (failure, error) = match tokio::time::timeout(patience, begun).await {
        Ok(Ok(spoken)) => return Some(spoken),
        Ok(Err(error)) => (Failure::of(&error), error.to_string()),
        Err(_) => (Failure::Timeout, "it took too long".to_owned()),
    };
    app.handshakes.count(failure);
    tracing::debug!(%peer, cause = failure.as_str(), error, "TLS handshake failed");
    // The others are what a browser does before somebody has told it to trust us, or what scanners do.
    if failure == Failure::Protocol
        && let Some(held_back) = app.notices.due("tls")
    {
        tracing::info!(%peer, held_back, "a client and this server have no TLS in common: {error}");
    }
    None
}
