//! The TLS handshake of a connection, and what goes wrong with it.

use super::failures::Failure;
use super::line::Line;
use super::serving::Serving;
use std::net::SocketAddr;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of a TLS connection: a record of the type `handshake` (RFC 8446 §5.1). No method of HTTP begins so.
const HANDSHAKE: u8 = 0x16;

/// What a client speaks on the port for TLS.
pub(super) enum Spoken {
    /// TLS, and it is agreed.
    Tls(Box<TlsStream<Line>>),
    /// HTTP without TLS, most likely: somebody typed the address without `https://`.
    Plain(Line),
}

/// Begins TLS, within the time that a request may take. `None` when that fails, which is counted and logged.
pub(super) async fn begin(
    serving: &Serving,
    acceptor: TlsAcceptor,
    line: Line,
    peer: SocketAddr,
) -> Option<Spoken> {
    let begun = async {
        if line.first_byte().await?.is_some_and(|first| first != HANDSHAKE) {
            return Ok(Spoken::Plain(line));
        }
        Ok(Spoken::Tls(Box::new(acceptor.accept(line).await?)))
    };
    let patience = serving.config().handshake_timeout;
    let (failure, error) = match tokio::time::timeout(patience, begun).await {
        Ok(Ok(spoken)) => return Some(spoken),
        Ok(Err(error)) => (Failure::of(&error), error.to_string()),
        Err(_) => (Failure::Timeout, "it took too long".to_owned()),
    };
    serving.handshakes().count(failure);
    tracing::debug!(%peer, cause = failure.as_str(), error, "TLS handshake failed");
    // The others are what a browser does before somebody has told it to trust us, or what scanners do.
    if failure == Failure::Protocol
        && let Some(held_back) = serving.notices().of(peer.ip()).due("no TLS in common")
    {
        tracing::info!(%peer, held_back, "a client and this server have no TLS in common: {error}");
    }
    None
}
