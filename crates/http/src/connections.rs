//! Taking connections and serving them, whatever they come by.

use super::crowd::{NoPlace, Place, Standing};
use super::ended::Cause;
use super::handshake::{self, Spoken};
use super::line::{Flow, Line};
use super::relay;
use super::serving::Serving;
use super::timely::Timely;
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use lenscast_base::addresses::Network;
use lenscast_gate::{Channel, Peer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower_service::Service as _;

/// Bytes that the kernel may hold for a connection. Enough for 20 Mbit/s over 50 ms; little enough that a viewer on a slow
/// network skips frames instead of falling seconds behind.
const SEND_BUFFER: usize = 128 * 1024;

/// The largest head of a request, in bytes. All unfinished heads together take this much for each newcomer at most
/// (`max_newcomers`): 8 MiB with the defaults.
pub const MAX_HEAD: usize = 16 * 1024;

/// The most header lines of a request. A browser sends about twenty.
const MAX_HEADER_LINES: usize = 100;

/// A connection that is quiet for `QUIET` is asked by the kernel whether the other side is still there, `ASKED` times, every
/// `AGAIN`: whoever lost its network is gone after 45 s.
const QUIET: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_secs(10);
const ASKED: u32 = 3;

/// Connections over the limit that are told so at once, and how long that may take.
const MAX_REFUSALS: usize = 64;
const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);

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
                Ok((socket, remote)) => take(serving, router, door, socket, canonical(remote)).await,
                Err(error) => pause(serving, &error).await,
            },
        }
    }
}

/// After a connection could not be taken. Out of descriptors, most likely: one that asked for nothing gives its own up, and
/// others in progress free some.
pub(super) async fn pause(serving: &Serving, error: &std::io::Error) {
    if let Some(held_back) = serving.notices().due("cannot accept a connection") {
        tracing::warn!(%error, held_back, "cannot accept a connection");
    }
    serving.crowd().make_room();
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// One connection, for those who answer its requests.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    peer: Peer,
    /// What is known of its bytes.
    flow: Flow,
    /// Its place among all connections. The control socket has none: whoever may open its file is not to be kept out.
    place: Option<(Arc<Place>, Standing)>,
}

impl Caller {
    /// A caller by the control socket.
    pub(super) fn by_control_socket(peer: Peer) -> Self {
        Self { peer, flow: Flow::default(), place: None }
    }

    fn by_line(serving: &Serving, line: &Line, peer: Peer) -> Self {
        let address = peer.remote.ip();
        let is_relayed = matches!(peer.channel, Channel::Relayed { .. });
        let is_own = address.is_loopback() && !is_relayed && !serving.config().is_proxy(address);
        let standing = if is_own { Standing::Own } else { Standing::Viewer };
        Self { peer, flow: line.flow().clone(), place: Some((line.place().clone(), standing)) }
    }

    /// Hands a request on, and settles the connection when the answer lasts.
    async fn answer(
        self,
        serving: Serving,
        mut router: Router,
        request: hyper::Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let address = self.peer.remote.ip();
        let mut request: Request = request.map(|body| Body::new(Timely::new(body, serving.clone(), address)));
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.flow.clone());
        let answer = router.call(request).await?;
        self.flow.answered();
        if !lasts(&answer) {
            return Ok(answer);
        }
        let Some((place, usual)) = self.place else { return Ok(answer) };
        // A handler says so when the caller is a camera.
        let standing = answer.extensions().get().copied().unwrap_or(usual);
        if place.settle(standing, &serving.places()).is_ok() {
            return Ok(answer);
        }
        serving.end(Cause::Full, address);
        let why = "This server has as many viewers as it may have connections (--max-connections).\n";
        Ok((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], why).into_response())
    }
}

/// Whether an answer has no end: pictures, events, or a WebSocket.
fn lasts(answer: &Response) -> bool {
    answer.status() == StatusCode::SWITCHING_PROTOCOLS || answer.body().size_hint().exact().is_none()
}

/// Serves a connection until it ends, or until others need its place.
pub(super) fn serve<S>(
    serving: &Serving,
    router: &Router,
    stream: S,
    caller: Caller,
) -> impl Future<Output = ()> + Send + 'static
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = {
        let (serving, router, caller) = (serving.clone(), router.clone(), caller.clone());
        hyper::service::service_fn(move |request| {
            caller.clone().answer(serving.clone(), router.clone(), request)
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(serving.config().handshake_timeout)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADER_LINES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let serving = serving.clone();
    async move {
        tokio::pin!(connection);
        let Caller { peer, flow, place } = caller;
        let address = peer.remote.ip();
        let pushed_out = async {
            match place {
                Some((place, _)) => place.pushed_out().await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = pushed_out => return serving.end(Cause::PushedOut, address),
            () = serving.shutdown().cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // One that asks for nothing more is idle, not slow.
            if error.is_timeout() && flow.is_asking() {
                serving.end(Cause::SlowHead, address);
            }
            tracing::debug!(peer = %peer.remote, %error, "connection ended");
        }
    }
}

/// Serves a connection in a task of its own, when there is a place for it.
async fn take(serving: &Serving, router: &Router, door: &Door, socket: TcpStream, remote: SocketAddr) {
    let Ok(local) = socket.local_addr() else {
        return;
    };
    let address = remote.ip();
    // A proxy's connections are those of many, and this computer's are counted when they settle.
    let exempt = address.is_loopback() || serving.config().is_proxy(address);
    let place = match serving.crowd().enter(Network::of(address), exempt, &serving.places()).await {
        Ok(place) => place,
        Err(why) => return refuse(serving, door, socket, remote, why),
    };
    prepare(&socket);
    let acceptor = match door {
        Door::Plain => None,
        Door::Tls(config) => Some(TlsAcceptor::from(config.clone())),
    };
    let (serving, router) = (serving.clone(), router.clone());
    let tasks = serving.tasks().clone();
    tasks.spawn(async move {
        let by_tls = acceptor.is_some();
        let Some((line, speaker)) = relay::begin(&serving, socket, place, remote, by_tls).await else {
            return;
        };
        let peer = |channel| speaker.peer(local, channel);
        match acceptor {
            None => {
                let caller = Caller::by_line(&serving, &line, peer(Channel::Plain));
                serve(&serving, &router, line, caller).await;
            }
            Some(acceptor) => {
                let (shutdown, place) = (serving.shutdown().clone(), line.place().clone());
                let caller = |channel| Caller::by_line(&serving, &line, peer(channel));
                let (by_tls, without) = (caller(Channel::Tls), caller(Channel::PlainOnTls));
                let spoken = tokio::select! {
                    () = shutdown.cancelled() => None,
                    () = place.pushed_out() => {
                        serving.end(Cause::PushedOut, speaker.remote().ip());
                        None
                    }
                    spoken = handshake::begin(&serving, acceptor, line, speaker.remote()) => spoken,
                };
                // Only the connection itself holds its place.
                drop(place);
                match spoken {
                    Some(Spoken::Tls(stream)) => {
                        drop(without);
                        serve(&serving, &router, *stream, by_tls).await;
                    }
                    Some(Spoken::Plain(line)) => {
                        drop(by_tls);
                        serve(&serving, &router, line, without).await;
                    }
                    None => {}
                }
            }
        }
    });
}

/// Tells a connection that there are too many, if that can be had cheaply.
fn refuse(serving: &Serving, door: &Door, mut socket: TcpStream, remote: SocketAddr, why: NoPlace) {
    let words = match why {
        NoPlace::Full => "This server has as many connections as it may (--max-connections).",
        NoPlace::AddressFull => {
            "This address has as many connections as it may (--max-connections-per-address)."
        }
    };
    serving.end(why.into(), remote.ip());
    // To say it by TLS would cost more than to serve.
    if matches!(door, Door::Tls(_)) || serving.refusals() >= MAX_REFUSALS {
        return;
    }
    let refusing = serving.refusing();
    let goodbye = async move {
        // Its request is read first: the kernel resets a connection that is closed with unread data.
        let _request = socket.read(&mut [0; 4096]).await?;
        let answer = format!(
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\nConnection: close\r\n\r\n{words}\n"
        );
        socket.write_all(answer.as_bytes()).await?;
        socket.shutdown().await
    };
    serving.tasks().spawn(async move {
        // Whether it hears the reason or not, the connection is over.
        #[expect(clippy::let_underscore_must_use, reason = "a refusal that nobody reads is one all the same")]
        let _ = tokio::time::timeout(REFUSAL_PATIENCE, goodbye).await;
        drop(refusing);
    });
}

/// An IPv4 peer of a dual-stack socket is shown as what it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Each access unit goes out at once, and a peer that lost its network is noticed though nothing is sent.
///
/// `TCP_USER_TIMEOUT` is left alone. It ends a connection whose peer speaks and does not read, and a socket keeps the value
/// with which it began: after a reload the kernel would not do what the owner has set. [`Line`] does, for all connections.
#[expect(
    clippy::let_underscore_must_use,
    reason = "none of these is needed to go on: a system that lacks one is no reason to refuse the connection"
)]
fn prepare(socket: &TcpStream) {
    let reference = socket2::SockRef::from(socket);
    let keepalive = socket2::TcpKeepalive::new().with_time(QUIET).with_interval(AGAIN).with_retries(ASKED);
    let _ = socket.set_nodelay(true);
    let _ = reference.set_send_buffer_size(SEND_BUFFER);
    let _ = reference.set_tcp_keepalive(&keepalive);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_never_gives_a_viewer_up_before_we_do() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (socket, _) = accepted.unwrap();
        prepare(&socket);
        assert_eq!(socket2::SockRef::from(&socket).tcp_user_timeout().unwrap(), None);
    }
}
