//! The server: what all its connections share, how it starts and how it ends.

use crate::app::App;
use crate::banner::Banner;
use crate::demo::Demos;
use crate::program::Program;
use crate::routes;
use futures_util::future::join_all;
use lenscast_auth::Auth;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_auth::store::{self, FirstLinks, StoreError};
use lenscast_base::addresses::machine_addresses;
use lenscast_base::in_force::InForce;
use lenscast_base::listen::{self, Listening};
use lenscast_base::notices::Notices;
use lenscast_base::state::{CONTROL_SOCKET, StateDir, StateError};
use lenscast_base::time::now;
use lenscast_cameras::Cameras;
use lenscast_gate::Gate;
use lenscast_http::connections::{self, Door};
use lenscast_http::control::Control;
use lenscast_http::events::Events;
use lenscast_http::places::Places;
use lenscast_http::serving::{Parts, Serving};
use lenscast_media::allocator;
use lenscast_settings::config::{Config, Local, Plain};
use lenscast_settings::reload::Reloader;
use lenscast_tls::{Certificates, TlsError, self_signed};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long connections may take to say goodbye when the server shuts down.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(1500);

/// How often it is written when credentials were last used.
const FLUSH_INTERVAL: Duration = Duration::from_secs(60);

/// How long something waits that is written a moment later, together with what else comes.
const FLUSH_LATE: Duration = Duration::from_secs(1);

/// The files of the state directory that nobody else may read.
const SECRETS: [&str; 4] = [store::FILE, self_signed::FILE, self_signed::BEFORE, CONTROL_SOCKET];
/// How often it is looked at whether this computer's clock was set.
const CLOCK_INTERVAL: Duration = Duration::from_secs(2);

/// How often it is looked whether something is to be summed up in the log.
const SUM_INTERVAL: Duration = Duration::from_secs(1);

/// How often it is looked whether a crowd has left.
const CROWD_INTERVAL: Duration = Duration::from_secs(2);

/// So many connections are a crowd.
const CROWD: usize = 256;

/// Open files of a server beside its connections: sockets that listen, the state, a log.
const OTHER_FILES: usize = 64;

/// Open files for each camera beside its connection: the pipes of an ffmpeg, and the socket of a virtual camera.
const FILES_PER_CAMERA: usize = 4;

/// A server whose socket is open.
#[derive(Debug)]
pub struct Server {
    doors: Vec<(TcpListener, Door)>,
    app: App,
    /// Where this computer reaches the server without TLS.
    own_address: SocketAddr,
    first_links: Option<FirstLinks>,
}

impl Server {
    /// Reads what was kept and opens the socket. Connections wait in the kernel until [`Server::run`].
    ///
    /// # Errors
    /// [`StartError`], with a sentence that says what and why.
    pub fn bind(config: Config, shutdown: CancellationToken) -> Result<Self, StartError> {
        let plain_off = config.tls.as_ref().is_some_and(|tls| tls.plain == Plain::Off);
        // Virtual cameras of this server have no TLS either: there is a door for them that nobody finds from elsewhere.
        let plain_address =
            if plain_off { SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) } else { config.listen };
        let (plain, address) = open(plain_address, "--listen")?;
        let secure = config.tls.as_ref().map(|tls| open(tls.listen, "--tls-listen")).transpose()?;
        let listening = Listening {
            plain: Some(address).filter(|_| !plain_off),
            tls: secure.as_ref().map(|(_, at)| *at),
        };
        let state = Arc::new(open_state(config.state_dir.as_deref()));
        let auth = Auth::open(state.clone())?;
        let config = InForce::new(config);
        let certificates = Certificates::open(config.part(Config::certificate), state.clone())?;
        let mut doors = vec![(plain, Door::Plain)];
        if let Some(((listener, _), certificates)) = secure.zip(certificates.as_ref()) {
            doors.push((listener, Door::Tls(certificates.server_config()?)));
        }
        let own_address = match address.ip() {
            ip if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
            _ => address,
        };
        let own_key = Secret::generate(Kind::Camera);
        let http = config.part(Config::http);
        let gate = Gate::new(auth, config.part(Config::gate), shutdown.clone());
        let cameras = {
            let (rules, pipelines) = (config.part(Config::rules), config.part(Config::pipeline));
            Cameras::new(rules, pipelines, state.clone(), own_address.ip())
        };
        let descriptors = connections_allowed(config.get().limits.max_cameras);
        let notices = gate.notices().clone();
        let serving =
            Serving::new(Parts { config: http.clone(), certificates, notices, descriptors, shutdown });
        let app = App {
            places: Places::new(http, listening),
            events: Events::new(cameras.clone()),
            demos: Demos::new(cameras.clone(), gate.clone(), serving.clone(), own_address, own_key.clone()),
            program: Program::new(config, state, gate.clone(), own_key),
            gate,
            cameras,
            serving,
        };
        let config = app.program.config();
        // Who can only be reached from this computer needs no links, and they are shown once only.
        let is_private = listening.is_private() && config.proxy.trusted_proxies.is_empty();
        let may_here = config.access.local == Local::Admin;
        let needs_none = may_here && (config.access.open || is_private);
        let first_links = if needs_none { None } else { app.gate.auth().store().first_start(now())? };
        Ok(Self { doors, app, own_address, first_links })
    }

    /// The tokens that were made because there was no credential, to be shown once.
    #[must_use]
    pub const fn first_links(&self) -> Option<&FirstLinks> {
        self.first_links.as_ref()
    }

    /// What is to be printed at the start.
    #[must_use]
    pub fn banner(&self) -> String {
        let app = &self.app;
        let (config, machine) = (app.program.config(), machine_addresses());
        let (first, kept) = (self.first_links(), app.program.state().place().is_some());
        let certificate = app.serving.certificates().map(|certificates| certificates.info());
        let (listening, certificate) = (app.places.listening(), certificate.as_ref());
        Banner { config: &config, listening, certificate, machine: &machine, first, kept }.text()
    }

    /// Lets the settings be read again while the server runs.
    #[must_use]
    pub fn with_reloader(self, reloader: Reloader) -> Self {
        self.app.program.set_reloader(reloader);
        self
    }

    /// The slices of the server.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The address at which this computer reaches its own server without TLS.
    #[must_use]
    pub const fn own_address(&self) -> SocketAddr {
        self.own_address
    }

    /// Serves until the token given to [`Server::bind`] is cancelled; then every connection is told, and this returns
    /// after 1.5 s at the latest.
    pub async fn run(self) {
        let Self { doors, app, .. } = self;
        let router = routes::all(&app).router();
        let (serving, shutdown) = (&app.serving, app.serving.shutdown());
        let control = async {
            if let Some(control) = Control::open(app.program.state()) {
                control.accept(serving, &router).await;
            }
        };
        let events = app.events.run(shutdown);
        let history = app.cameras.histories().run(app.cameras.streams(), shutdown);
        let doors = join_all(doors.into_iter().map(|(listener, door)| {
            let router = &router;
            async move { connections::accept(listener, &door, serving, router).await }
        }));
        let certificates = async {
            if let Some(certificates) = serving.certificates() {
                certificates.clone().run(shutdown.clone()).await;
            }
        };
        say_what_the_system_allows(&app);
        tokio::join!(
            doors,
            control,
            certificates,
            events,
            history,
            flush(&app),
            follow_clock(&app),
            sum_up(&app),
            tidy_up(&app)
        );
        serving.tasks().close();
        let all = async { tokio::join!(serving.tasks().wait(), app.demos.ended()) };
        if tokio::time::timeout(SHUTDOWN_GRACE, all).await.is_err() {
            tracing::warn!(connections = serving.tasks().len(), "some connections did not end in time");
        }
        notices(&app).for_each(|notices| notices.rest().iter().for_each(|sum| tracing::info!("{sum}")));
    }
}

/// How many connections the system allows, beside what a server with so many cameras has open else.
fn connections_allowed(cameras: usize) -> usize {
    match rlimit::getrlimit(rlimit::Resource::NOFILE) {
        Ok((soft, _)) => {
            let soft = usize::try_from(soft).unwrap_or(usize::MAX);
            // Of very few, half are for connections.
            soft - (OTHER_FILES + FILES_PER_CAMERA * cameras).min(soft / 2)
        }
        // Where nobody can tell, the owner's limit counts alone.
        Err(_) => usize::MAX,
    }
}

/// Says once when the system allows fewer connections than the owner.
fn say_what_the_system_allows(app: &App) {
    let wanted = app.serving.config().connections.connections;
    let allowed = app.serving.places().connections;
    if allowed < wanted {
        tracing::warn!(
            "the system allows so few open files that {allowed} connections are taken at most, not {wanted} (max_connections); \
             more by ulimit -n, or LimitNOFILE= in the service"
        );
    }
}

/// What was logged lately, of all kinds.
fn notices(app: &App) -> impl Iterator<Item = &Notices> {
    [app.gate.notices(), app.cameras.streams().notices()].into_iter()
}

/// Sums up what got no line in the log, until the server shuts down.
async fn sum_up(app: &App) {
    let mut ticks = tokio::time::interval(SUM_INTERVAL);
    loop {
        tokio::select! {
            () = app.serving.shutdown().cancelled() => return,
            _ = ticks.tick() => {
                notices(app).for_each(|notices| notices.sums().iter().for_each(|sum| tracing::info!("{sum}")));
            }
        }
    }
}

/// Gives memory back to the system when a crowd of connections has left: a small buffer that is still needed, at the end of
/// a heap, keeps all that is free before it. Example: 4,000 unfinished requests left 17 MB behind.
async fn tidy_up(app: &App) {
    let (mut ticks, mut most) = (tokio::time::interval(CROWD_INTERVAL), 0);
    loop {
        tokio::select! {
            () = app.serving.shutdown().cancelled() => return,
            _ = ticks.tick() => {
                let (connections, _) = app.serving.crowd().counts();
                if most >= CROWD && connections < most / 2 {
                    #[expect(clippy::let_underscore_must_use, reason = "what it gives is nothing")]
                    let _ = tokio::task::spawn_blocking(allocator::give_holes_back).await;
                    most = 0;
                }
                most = most.max(connections);
            }
        }
    }
}

/// Follows the wall clock when it is set, also while no camera sends, and then looks at the certificate.
async fn follow_clock(app: &App) {
    let clock = app.cameras.clock();
    let (mut ticks, mut stepped) = (tokio::time::interval(CLOCK_INTERVAL), clock.stepped());
    loop {
        tokio::select! {
            () = app.serving.shutdown().cancelled() => return,
            _ = ticks.tick() => {
                clock.follow();
            }
            Ok(()) = stepped.changed() => {
                if let Some(certificates) = app.serving.certificates().cloned() {
                    #[expect(clippy::let_underscore_must_use, reason = "what goes wrong is logged")]
                    let _ = tokio::task::spawn_blocking(move || certificates.refresh()).await;
                }
            }
        }
    }
}

/// Writes now and then, and at the end, when credentials were last used, and soon what is to be written a moment later.
async fn flush(app: &App) {
    let write = |last: bool| {
        let (gate, serving, cameras) = (app.gate.clone(), app.serving.clone(), app.cameras.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = cameras.titles().flush()
                && let Some(held_back) = serving.notices().due("titles")
            {
                tracing::warn!(%error, held_back, "it cannot be kept which devices the titles belong to");
            }
            let store = gate.auth().store();
            let written = if last { store.close(now()) } else { store.flush(now()) };
            if let Err(error) = written
                && let Some(held_back) = serving.notices().due("flush")
            {
                tracing::warn!(%error, held_back, "it cannot be kept when credentials were last used");
            }
        })
    };
    let mut ticks = tokio::time::interval(FLUSH_INTERVAL);
    let store = app.gate.auth().store();
    loop {
        let last = tokio::select! {
            () = app.serving.shutdown().cancelled() => true,
            _ = ticks.tick() => false,
            () = store.late() => {
                let shutdown = app.serving.shutdown().cancelled();
                tokio::time::timeout(FLUSH_LATE, shutdown).await.is_ok()
            }
        };
        #[expect(clippy::let_underscore_must_use, reason = "what goes wrong is logged")]
        let _ = write(last).await;
        if last {
            return;
        }
    }
}

/// Opens a socket, and tells where: with the real port when port 0 was asked for.
fn open(listen: SocketAddr, flag: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let opened = listen::listen(listen).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    opened.map_err(|source| StartError::Listen { listen, flag, source })
}

/// The state directory; without one that can be used, nothing is kept.
fn open_state(place: Option<&Path>) -> StateDir {
    let opened = place.map(StateDir::open).transpose();
    if let (Ok(_), Some(place)) = (&opened, place) {
        for exposed in StateDir::look(place).exposed(&SECRETS) {
            tracing::warn!("{exposed}");
        }
    }
    opened.map(Option::unwrap_or_default).unwrap_or_else(|error| {
        tracing::warn!(%error, "nothing is kept across restarts (--state-dir)");
        StateDir::nowhere()
    })
}

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The server is to speak TLS, and cannot.
    #[error("{0}. A server that was told to have TLS does not start without")]
    Tls(#[from] TlsError),
    /// The socket could not be opened.
    #[error("cannot listen on {listen}: {source}{}", listen::hint(.source, .listen, .flag))]
    Listen {
        /// The address on which it was to listen.
        listen: SocketAddr,
        /// The flag that chooses the address.
        flag: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// Nobody knows who may do what.
    #[error("{0}. Nobody would be let in who should be, so the server does not start")]
    Credentials(#[from] StateError),
    /// The first credentials could not be kept.
    #[error("the first links cannot be made: {0}")]
    First(#[from] StoreError),
}
