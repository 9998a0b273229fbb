//! The server: its socket, its connections, its routes, and how it ends.

use crate::admission::Admission;
use crate::config::{Config, Limits};
use crate::demo::Demos;
use crate::device::Devices;
use crate::events::{Events, News};
use crate::history::Histories;
use crate::notices::Notices;
use crate::state::StateDir;
use crate::stream::Clock;
use crate::streams::Streams;
use crate::titles::Titles;
use crate::{access, api, ingest, metrics, output, pages, status};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use lenscast_protocol::{CAMERA_PATH, VIEWER_PATH};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

/// How long connections may take to say goodbye when the server shuts down.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(1500);

/// Connections that the kernel holds ready for us.
const BACKLOG: i32 = 1024;

/// Unacknowledged data for this long, and the kernel gives a connection up: a viewer that lost its network is noticed even
/// while its send buffer has room.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that the kernel may hold for a connection. Enough for 20 Mbit/s over 50 ms; little enough that a viewer on a slow
/// network skips frames instead of falling seconds behind.
const SEND_BUFFER: usize = 128 * 1024;

/// Connections over the limit that are told so at once, and how long that may take.
const MAX_REFUSALS: usize = 64;
const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);

/// What is said to a connection over the limit.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\nConnection: close\r\n\r\n\
    This server has as many connections as it may (--max-connections).\n";

/// What all connections share.
#[derive(Debug)]
pub struct App {
    /// What the owner set.
    pub config: Config,
    /// The arrival clock.
    pub clock: Clock,
    /// Where it listens.
    pub address: SocketAddr,
    /// What is kept across restarts.
    pub state: Arc<StateDir>,
    /// All streams.
    pub streams: Streams,
    /// What the cameras' devices told, for a diagnosis.
    pub devices: Devices,
    /// The cameras' names for people.
    pub titles: Titles,
    /// How the cameras were in the last minutes.
    pub history: Histories,
    /// Who listens to what happens.
    pub events: Events,
    /// Virtual cameras inside this server.
    pub demos: Demos,
    /// How many may watch.
    pub admission: Arc<Admission>,
    /// What was logged about the server as a whole lately.
    pub notices: Notices,
    /// Cancelled when the server shuts down.
    pub shutdown: CancellationToken,
    /// Everything that must end before the process does.
    pub tasks: TaskTracker,
}

impl App {
    /// The address at which this computer reaches its own server.
    #[must_use]
    pub fn own_address(&self) -> SocketAddr {
        match self.address.ip() {
            ip if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.address.port()),
            _ => self.address,
        }
    }
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The client's address.
    pub remote: SocketAddr,
    /// The address on which it reached us.
    pub local: SocketAddr,
}

/// A server whose socket is open.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    app: Arc<App>,
}

impl Server {
    /// Opens the socket. Connections wait in the kernel until [`Server::run`].
    ///
    /// # Errors
    /// When the address cannot be had, with a sentence that says which and why.
    pub fn bind(config: Config, shutdown: CancellationToken) -> Result<Self, BindError> {
        let error = |source| BindError { listen: config.listen, source };
        let listener = listen(config.listen).map_err(error)?;
        let address = listener.local_addr().map_err(error)?;
        let clock = Clock::start();
        let news = News::default();
        let streams = Streams::new(config.clone(), clock, news.clone());
        let state = Arc::new(open_state(config.state_dir.as_deref()));
        let Limits { max_viewers, max_viewers_per_address, .. } = config.limits;
        let admission = Arc::new(Admission::new(max_viewers, max_viewers_per_address));
        let app = Arc::new(App {
            config,
            clock,
            address,
            titles: Titles::open(state.clone()),
            state,
            streams,
            devices: Devices::default(),
            history: Histories::default(),
            events: Events::new(news),
            demos: Demos::default(),
            admission,
            notices: Notices::default(),
            shutdown,
            tasks: TaskTracker::new(),
        });
        Ok(Self { listener, app })
    }

    /// The address that was opened: with the real port when port 0 was asked for.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What all connections share.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Serves until the token given to [`Server::bind`] is cancelled; then every connection is told, and this returns
    /// after 1.5 s at the latest.
    pub async fn run(self) {
        let Self { listener, app } = self;
        let (events, history) = (app.events.run(&app), app.history.run(&app.streams, &app.shutdown));
        tokio::join!(accept(listener, &app), events, history);
        app.tasks.close();
        app.demos.tasks.close();
        let all = async { tokio::join!(app.tasks.wait(), app.demos.tasks.wait()) };
        if tokio::time::timeout(SHUTDOWN_GRACE, all).await.is_err() {
            tracing::warn!(connections = app.tasks.len(), "some connections did not end in time");
        }
    }
}

/// Takes connections until the server shuts down.
async fn accept(listener: TcpListener, app: &Arc<App>) {
    let router = router(app.clone());
    loop {
        tokio::select! {
            () = app.shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) if app.tasks.len() >= app.config.limits.max_connections => refuse(app, socket),
                Ok((socket, remote)) => serve_connection(app, &router, socket, remote),
                Err(error) => {
                    // Out of descriptors, most likely: connections in progress go on, and free some.
                    if let Some(held_back) = app.notices.due("accept") {
                        tracing::warn!(%error, held_back, "cannot accept a connection");
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
}

/// The state directory; without one that can be used, nothing is kept.
fn open_state(place: Option<&Path>) -> StateDir {
    let opened = place.map(StateDir::open).transpose();
    opened.map(Option::unwrap_or_default).unwrap_or_else(|error| {
        tracing::warn!(%error, "nothing is kept across restarts (--state-dir)");
        StateDir::nowhere()
    })
}

/// The socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listen}: {source}{}", hint(.source, .listen))]
pub struct BindError {
    listen: SocketAddr,
    source: io::Error,
}

fn hint(source: &io::Error, listen: &SocketAddr) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            format!(" (another program has port {}; choose another with --listen)", listen.port())
        }
        io::ErrorKind::PermissionDenied => " (ports under 1024 are for root)".into(),
        io::ErrorKind::AddrNotAvailable => " (this computer has no such address)".into(),
        _ => String::new(),
    }
}

/// Every route of the contract in `docs/protocol.md`.
fn router(app: Arc<App>) -> Router {
    let camera = get(ingest::handler);
    let viewer = get(output::viewer::handler);
    Router::new()
        .route(CAMERA_PATH, camera.clone())
        .route(&format!("{CAMERA_PATH}/{{name}}"), camera)
        .route(VIEWER_PATH, viewer.clone())
        .route(&format!("{VIEWER_PATH}/{{name}}"), viewer)
        .route("/stream.mjpg", get(output::mjpeg::default_camera))
        .route("/stream.ts", get(output::ts::default_camera))
        .route("/stream/{file}", get(output::stream_file))
        .route("/snapshot.jpg", get(output::snapshot::default_camera))
        .route("/snapshot/{file}", get(output::snapshot::named_camera))
        .route("/status", get(status::handler))
        .route("/metrics", get(metrics::handler))
        .route("/healthz", get(metrics::healthz))
        .route("/readyz", get(metrics::readyz))
        .nest("/api", api::routes())
        .merge(pages::routes())
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here. The live picture is at /\n") })
        .layer(middleware::from_fn(access::check))
        .with_state(app)
}

/// Tells a connection that there are too many, if that can be had cheaply.
fn refuse(app: &Arc<App>, mut socket: TcpStream) {
    let limit = app.config.limits.max_connections;
    if let Some(held_back) = app.notices.due("full") {
        tracing::warn!(limit, held_back, "a connection is refused: there are as many as there may be");
    }
    if app.tasks.len() >= limit + MAX_REFUSALS {
        return;
    }
    let goodbye = async move {
        // Its request is read first: the kernel resets a connection that is closed with unread data.
        let _request = socket.read(&mut [0; 4096]).await?;
        socket.write_all(FULL).await?;
        socket.shutdown().await
    };
    app.tasks.spawn(tokio::time::timeout(REFUSAL_PATIENCE, goodbye));
}

fn serve_connection(app: &Arc<App>, router: &Router, socket: TcpStream, remote: SocketAddr) {
    let Ok(local) = socket.local_addr() else {
        return;
    };
    let peer = Peer { remote: canonical(remote), local };
    prepare(&socket);
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
        .header_read_timeout(app.config.limits.handshake_timeout)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let shutdown = app.shutdown.clone();
    app.tasks.spawn(async move {
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
    });
}

/// An IPv4 peer of a dual-stack socket is shown as what it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Each access unit goes out at once, and dead peers are noticed.
fn prepare(socket: &TcpStream) {
    let reference = socket2::SockRef::from(socket);
    let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(15));
    // None of these is needed to go on, so a system that lacks one is no reason to refuse the connection.
    let _ = socket.set_nodelay(true);
    let _ = reference.set_send_buffer_size(SEND_BUFFER);
    let _ = reference.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = reference.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
}

/// Opens a listening socket; one for all IPv6 addresses takes IPv4 too, and on a machine without IPv6 it takes IPv4 alone.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    match open(address) {
        Err(error)
            if address.ip().is_unspecified()
                && address.is_ipv6()
                && error.kind() == io::ErrorKind::Unsupported =>
        {
            open(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()))
        }
        result => result,
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)
        .map_err(|error| match error.raw_os_error() {
            // EAFNOSUPPORT: this kernel has no IPv6.
            Some(97) => io::Error::new(io::ErrorKind::Unsupported, error),
            _ => error,
        })?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restarted server must not wait for its predecessor's connections to time out.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
