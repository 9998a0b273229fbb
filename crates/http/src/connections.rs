//! Taking connections and serving them, whatever they come by.

use super::handshake::{self, Spoken};
use super::serving::Serving;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use lenscast_gate::{Channel, Peer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower_service::Service as _;

/// How much longer than we do the kernel waits for a peer that takes nothing. It gives up also who speaks but does not
/// read; were it as quick as we are, nobody would count a stalled viewer, and a longer `--stall-timeout` would mean nothing.
const LONGER_THAN_US: Duration = Duration::from_secs(120);

/// Bytes that the kernel may hold for a connection. Enough for 20 Mbit/s over 50 ms; little enough that a viewer on a slow
/// network skips frames instead of falling seconds behind.
const SEND_BUFFER: usize = 128 * 1024;

/// Connections over the limit that are told so at once, and how long that may take.
const MAX_REFUSALS: usize = 64;
const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);

/// What is said to a connection over the limit.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\nConnection: close\r\n\r\n\
    This server has as many connections as it may (--max-connections).\n";

/// What connections to a socket speak.
#[derive(Debug)]
pub enum Door {
    /// Without TLS.
    Plain,
    /// By TLS, with this configuration.
    Tls(Arc<ServerConfig>),
}

/// Takes connections until the server shuts down.
pub async fn accept(listener: TcpListener, door: &Door, serving: &Serving, router: &Router) {
    loop {
        tokio::select! {
            () = serving.shutdown().cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) if serving.tasks().len() >= serving.config().max_connections => refuse(serving, door, socket),
                Ok((socket, remote)) => take(serving, router, door, socket, remote),
                Err(error) => pause(serving, &error).await,
            },
        }
    }
}

/// After a connection could not be taken. Out of descriptors, most likely: connections in progress go on, and free some.
pub(super) async fn pause(serving: &Serving, error: &std::io::Error) {
    if let Some(held_back) = serving.notices().due("accept") {
        tracing::warn!(%error, held_back, "cannot accept a connection");
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Serves a connection until it ends.
pub(super) fn serve<S>(
    serving: &Serving,
    router: &Router,
    stream: S,
    peer: Peer,
) -> impl Future<Output = ()> + Send + 'static
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = {
        let router = router.clone();
        hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            router.clone().call(request)
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(serving.config().handshake_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let shutdown = serving.shutdown().clone();
    async move {
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %peer.remote, %error, "connection ended");
        }
    }
}

/// Serves a connection in a task of its own.
fn take(serving: &Serving, router: &Router, door: &Door, socket: TcpStream, remote: SocketAddr) {
    let Ok(local) = socket.local_addr() else {
        return;
    };
    prepare(&socket, serving.config().stall_timeout);
    let remote = canonical(remote);
    let peer = move |channel| Peer { remote, local, channel };
    match door {
        Door::Plain => {
            serving.tasks().spawn(serve(serving, router, socket, peer(Channel::Plain)));
        }
        Door::Tls(config) => {
            let (serving, router) = (serving.clone(), router.clone());
            let acceptor = TlsAcceptor::from(config.clone());
            let tasks = serving.tasks().clone();
            tasks.spawn(async move {
                let shutdown = serving.shutdown().clone();
                let spoken = tokio::select! {
                    () = shutdown.cancelled() => None,
                    spoken = handshake::begin(&serving, acceptor, socket, remote) => spoken,
                };
                match spoken {
                    Some(Spoken::Tls(stream)) => serve(&serving, &router, *stream, peer(Channel::Tls)).await,
                    Some(Spoken::Plain(socket)) => {
                        serve(&serving, &router, socket, peer(Channel::PlainOnTls)).await;
                    }
                    None => {}
                }
            });
        }
    }
}

/// Tells a connection that there are too many, if that can be had cheaply.
fn refuse(serving: &Serving, door: &Door, mut socket: TcpStream) {
    let limit = serving.config().max_connections;
    if let Some(held_back) = serving.notices().due("full") {
        tracing::warn!(limit, held_back, "a connection is refused: there are as many as there may be");
    }
    // To say it by TLS would cost more than to serve.
    if matches!(door, Door::Tls(_)) || serving.tasks().len() >= limit + MAX_REFUSALS {
        return;
    }
    let goodbye = async move {
        // Its request is read first: the kernel resets a connection that is closed with unread data.
        let _request = socket.read(&mut [0; 4096]).await?;
        socket.write_all(FULL).await?;
        socket.shutdown().await
    };
    serving.tasks().spawn(tokio::time::timeout(REFUSAL_PATIENCE, goodbye));
}

/// An IPv4 peer of a dual-stack socket is shown as what it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Each access unit goes out at once, and dead peers are noticed: one that lost its network even while its send buffer
/// has room. `stall_timeout`: when we give up ourselves who takes nothing.
#[expect(
    clippy::let_underscore_must_use,
    reason = "none of these is needed to go on: a system that lacks one is no reason to refuse the connection"
)]
fn prepare(socket: &TcpStream, stall_timeout: Duration) {
    let reference = socket2::SockRef::from(socket);
    let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(15));
    let _ = socket.set_nodelay(true);
    let _ = reference.set_send_buffer_size(SEND_BUFFER);
    let _ = reference.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = reference.set_tcp_user_timeout(Some(stall_timeout + LONGER_THAN_US));
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_gives_up_a_viewer_later_than_its_owner_has_set() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (socket, _) = accepted.unwrap();
        for stall_timeout in [Duration::from_secs(30), Duration::from_secs(300)] {
            prepare(&socket, stall_timeout);
            let kernel = socket2::SockRef::from(&socket).tcp_user_timeout().unwrap();
            assert!(kernel > Some(stall_timeout), "{kernel:?}");
        }
    }
}
