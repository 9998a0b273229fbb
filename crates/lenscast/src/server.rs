//! The server: what all its connections share, how it starts and how it ends.

mod connections;
pub mod control;
pub mod routes;
pub mod tls;

use crate::admission::Admission;
use crate::banner::Banner;
use crate::clock::Clock;
use crate::config::{Config, Plain};
use crate::demo::Demos;
use crate::devices::Devices;
use crate::events::Events;
use crate::history::Histories;
use crate::news::News;
use crate::pipeline;
use crate::settings::problem::Problems;
use crate::settings::reload::{Reload, Reloader};
use crate::streams::Streams;
use crate::titles::Titles;
use connections::Door;
use control::Control;
use futures_util::future::join_all;
use lenscast_auth::Auth;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_auth::store::{FirstLinks, StoreError};
use lenscast_base::addresses::machine_addresses;
use lenscast_base::in_force::InForce;
use lenscast_base::listen::{self, Listening};
use lenscast_base::notices::Notices;
use lenscast_base::state::{StateDir, StateError};
use lenscast_base::time::now;
use lenscast_tls::{Certificates, TlsError};
use routes::Routes;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long connections may take to say goodbye when the server shuts down.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(1500);

/// How often it is written when credentials were last used.
const FLUSH_INTERVAL: Duration = Duration::from_secs(60);

/// How many passwords are hashed at once; each takes 19 MiB.
const PASSWORDS_AT_ONCE: usize = 2;

/// What all connections share.
#[derive(Debug)]
pub struct App {
    /// What the owner set, as it is now.
    pub live: InForce<Config>,
    /// How it is read again, if it can be.
    reloader: OnceLock<Reloader>,
    /// The arrival clock.
    pub clock: Clock,
    /// Where it is found.
    pub listening: Listening,
    /// Where it takes connections of this computer without TLS.
    own_address: SocketAddr,
    /// The certificate, when there is TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// TLS handshakes that failed.
    pub handshakes: tls::Failures,
    /// What is kept across restarts.
    pub state: Arc<StateDir>,
    /// Who may do what.
    pub auth: Auth,
    /// With what the virtual cameras of this server are let in.
    pub demo_key: Secret,
    hashing: Semaphore,
    /// What every camera's pipeline is told.
    pub pipelines: InForce<pipeline::Config>,
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
    /// What the owner set, as it is now. Ask again for what is to change with a reload.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.live.get()
    }

    /// How the settings are read again, if they can be.
    #[must_use]
    pub fn reloader(&self) -> Option<&Reloader> {
        self.reloader.get()
    }

    /// Reads the settings again and puts in force what can be, without ending any connection. `None` when this server was
    /// not started from settings. The caller's thread waits, as in [`Reloader::reload`].
    ///
    /// # Errors
    /// All that is wrong. Then nothing has changed.
    pub fn reload(&self) -> Option<Result<Reload, Problems>> {
        let outcome = self.reloader.get()?.reload(&self.live);
        self.declare();
        match &outcome {
            Ok(reload) => {
                tracing::info!("configuration reloaded; {reload}");
                if !self.config().access.open && !self.auth.store().lets_anybody_in(now()) {
                    tracing::warn!(
                        "nobody can log in from elsewhere; lenscast access new view NAME makes a link"
                    );
                }
            }
            Err(problems) => tracing::error!("the configuration stays as it was: {problems}"),
        }
        Some(outcome)
    }

    /// Does what hashes a password, on a thread of its own; few at once.
    pub(crate) async fn passwords<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _turn = self.hashing.acquire().await;
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The program ends.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Takes the credentials of the configuration.
    fn declare(&self) {
        self.auth.declare(&self.config().access.given(), &self.demo_key, now());
    }

    /// The address at which this computer reaches its own server without TLS.
    #[must_use]
    pub const fn own_address(&self) -> SocketAddr {
        self.own_address
    }
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The client's address.
    pub remote: SocketAddr,
    /// The address on which it reached us.
    pub local: SocketAddr,
    /// By what it came.
    pub channel: Channel,
}

/// By what a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A port without TLS.
    Plain,
    /// TLS.
    Tls,
    /// The port for TLS, without it: by mistake.
    PlainOnTls,
    /// The control socket.
    ControlSocket,
}

/// A server whose socket is open.
#[derive(Debug)]
pub struct Server {
    doors: Vec<(TcpListener, Door)>,
    app: Arc<App>,
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
        let (clock, news, live) = (Clock::start(), News::default(), InForce::new(config));
        let certificates = Certificates::open(live.part(Config::certificate), state.clone())?;
        let mut doors = vec![(plain, Door::Plain)];
        if let Some(((listener, _), certificates)) = secure.zip(certificates.as_ref()) {
            doors.push((listener, Door::Tls(certificates.server_config()?)));
        }
        let app = Arc::new(App {
            reloader: OnceLock::new(),
            clock,
            listening,
            own_address: match address.ip() {
                ip if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
                _ => address,
            },
            certificates,
            handshakes: tls::Failures::default(),
            titles: Titles::open(state.clone()),
            state,
            auth,
            demo_key: Secret::generate(Kind::Camera),
            hashing: Semaphore::new(PASSWORDS_AT_ONCE),
            pipelines: live.part(Config::pipeline),
            streams: Streams::new(live.part(Config::rules), clock, news.clone()),
            devices: Devices::default(),
            history: Histories::default(),
            events: Events::new(news),
            demos: Demos::default(),
            admission: Arc::new(Admission::new(live.clone())),
            live,
            notices: Notices::default(),
            shutdown,
            tasks: TaskTracker::new(),
        });
        app.declare();
        let config = app.config();
        // Who can only be reached from this computer needs no links, and they are shown once only.
        let is_private = listening.is_private() && config.proxy.trusted_proxies.is_empty();
        let needs_none = config.access.open || is_private;
        let first_links = if needs_none { None } else { app.auth.store().first_start(now())? };
        Ok(Self { doors, app, first_links })
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
        let (config, machine) = (app.config(), machine_addresses());
        let (first, kept) = (self.first_links(), app.state.place().is_some());
        let certificate = app.certificates.as_ref().map(|certificates| certificates.info());
        let (listening, certificate) = (app.listening, certificate.as_ref());
        Banner { config: &config, listening, certificate, machine: &machine, first, kept }.text()
    }

    /// Lets the settings be read again while the server runs.
    #[must_use]
    pub fn with_reloader(self, reloader: Reloader) -> Self {
        // It is the first: nobody else has seen this server.
        let _ = self.app.reloader.set(reloader);
        self
    }

    /// What all connections share.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Serves until the token given to [`Server::bind`] is cancelled; then every connection is told, and this returns
    /// after 1.5 s at the latest.
    pub async fn run(self) {
        let Self { doors, app, first_links: _ } = self;
        let router = Routes::of(&app).router();
        let control = async {
            if let Some(control) = Control::open(&app) {
                control.accept(&app, &router).await;
            }
        };
        let (events, history) = (app.events.run(&app), app.history.run(&app.streams, &app.shutdown));
        let doors = join_all(doors.into_iter().map(|(listener, door)| {
            let (app, router) = (&app, &router);
            async move { connections::accept(listener, &door, app, router).await }
        }));
        let certificates = async {
            if let Some(certificates) = &app.certificates {
                certificates.clone().run(app.shutdown.clone()).await;
            }
        };
        tokio::join!(doors, control, certificates, events, history, flush(&app));
        app.tasks.close();
        app.demos.tasks.close();
        let all = async { tokio::join!(app.tasks.wait(), app.demos.tasks.wait()) };
        if tokio::time::timeout(SHUTDOWN_GRACE, all).await.is_err() {
            tracing::warn!(connections = app.tasks.len(), "some connections did not end in time");
        }
    }
}

/// Writes now and then, and at the end, when credentials were last used.
async fn flush(app: &Arc<App>) {
    let write = |last: bool| {
        let app = app.clone();
        tokio::task::spawn_blocking(move || {
            let store = app.auth.store();
            let written = if last { store.close(now()) } else { store.flush(now()) };
            if let Err(error) = written
                && let Some(held_back) = app.notices.due("flush")
            {
                tracing::warn!(%error, held_back, "it cannot be kept when credentials were last used");
            }
        })
    };
    let mut ticks = tokio::time::interval(FLUSH_INTERVAL);
    loop {
        let last = tokio::select! {
            () = app.shutdown.cancelled() => true,
            _ = ticks.tick() => false,
        };
        // What goes wrong is logged.
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
    opened.map(Option::unwrap_or_default).unwrap_or_else(|error| {
        tracing::warn!(%error, "nothing is kept across restarts (--state-dir)");
        StateDir::nowhere()
    })
}

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It is to speak TLS, and cannot.
    #[error("{0}. A server that was told to have TLS does not start without")]
    Tls(#[from] TlsError),
    /// The socket could not be opened.
    #[error("cannot listen on {listen}: {source}{}", listen::hint(.source, .listen, .flag))]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// By what that is chosen.
        flag: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody knows who may do what.
    #[error("{0}. Nobody would be let in who should be, so the server does not start")]
    Credentials(#[from] StateError),
    /// The first credentials could not be kept.
    #[error("the first links cannot be made: {0}")]
    First(#[from] StoreError),
}
