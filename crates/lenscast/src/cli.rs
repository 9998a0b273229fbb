//! The command line: what there is to run, and running it.

mod access;
mod client;
mod config;
mod device;
mod doctor;
mod log;
mod reload;
mod share;
mod status;
mod table;

use clap::{Args, Parser, Subcommand};
use lenscast::app::App;
use lenscast::server::Server;
use lenscast_media::time::Pts90k;
use lenscast_protocol::{CameraName, plain};
use lenscast_settings::layer::Flags;
use lenscast_settings::reload::Reloader;
use lenscast_settings::{Loaded, Sources};
use lenscast_virtual_device::{FrameSize, Options, Source};
use serde_json::Value;
use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// See an ESP32-class camera live, from one binary.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to log: error, warn, info, debug, or a filter such as lenscast=debug
    ///
    /// info unless it is given; warn for a device with a console and for many devices
    #[arg(long, global = true, value_name = "FILTER", env = "LENSCAST_LOG")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take cameras and show them
    #[command(after_help = SETTINGS)]
    Serve(ServerArgs),
    /// The server with a virtual camera, to see it work
    #[command(after_help = SETTINGS, mut_arg("listen", |arg| arg.default_value(DEMO_LISTEN)),
        mut_arg("tls_listen", |arg| arg.default_value(DEMO_TLS_LISTEN)))]
    Demo {
        #[command(flatten)]
        server: ServerArgs,
        #[command(flatten)]
        picture: Picture,
    },
    /// A camera device on this computer: with --server it streams at once, without it waits for its console
    Device(device::Args),
    /// Make a link with which somebody may watch for a while
    Share(share::Share),
    /// Who may do what: list it, make links and keys, take them back, set passwords
    #[command(subcommand)]
    Access(access::Command),
    /// The configuration of a server: check it, show it, or begin one
    #[command(subcommand)]
    Config(config::Command),
    /// What the server that runs is doing
    Status(status::Status),
    /// Have the server that runs read its configuration again, without ending a connection
    Reload(reload::Reload),
    /// What is wrong, in plain words, and what to do: configuration, ports, firewall, disk, clock, cameras
    Doctor(doctor::Doctor),
}

/// Where `lenscast demo` listens unless it is told: nobody else is to see it by accident.
const DEMO_LISTEN: &str = "127.0.0.1:8080";
const DEMO_TLS_LISTEN: &str = "127.0.0.1:8443";

/// What the help of flags does not say.
const SETTINGS: &str = "\
Each of these flags but --config is also a key of the configuration file (max_viewers = 3) and a variable of the environment
(LENSCAST_MAX_VIEWERS=3). A flag wins over the environment, and that over the file. `lenscast config sample` shows a file.
--camera-key may be given once for each camera. A password or key on the command line is seen by everybody on this computer:
file:PATH is not.";

/// What a server is told on the command line.
#[derive(Debug, Args)]
struct ServerArgs {
    /// The configuration file; unless it is given, ~/.config/lenscast/lenscast.toml, or else /etc/lenscast/lenscast.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
    /// PTS of a frame that arrives at the start: for tests of what happens when 33 bits are not enough
    #[arg(long, value_name = "TICKS", hide = true)]
    pts_origin: Option<u64>,
}

impl ServerArgs {
    fn sources(&self) -> Sources {
        Sources::of_this_process(self.config.clone(), self.flags.0.clone())
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Picture of the virtual camera")]
struct Picture {
    /// Frames per second
    #[arg(long, value_name = "N", default_value_t = 30.0)]
    fps: f32,
    /// Width and height of the test pattern
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size, default_value = "640x480")]
    size: (u16, u16),
    /// JPEG quality of the test pattern, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
}

impl Picture {
    fn options(&self) -> Options {
        let (width, height) = self.size;
        Options {
            fps: Some(self.fps),
            size: Some(FrameSize { width, height }),
            quality: Some(self.quality),
            ..Options::from_the_shop(Source::Pattern)
        }
    }
}

/// What the program is to do, with all that it needs to know.
pub(crate) struct Job {
    command: Command,
    /// What a server was told.
    settings: Option<(Sources, Loaded)>,
}

/// Reads what the command needs, and starts the log.
///
/// # Errors
/// What is wrong with the settings.
pub(crate) fn prepare(cli: Cli) -> Result<Job, Box<dyn Error>> {
    let sources = match &cli.command {
        Command::Serve(server) => Some(server.sources()),
        Command::Demo { server, .. } => {
            let sources = server.sources().with_default("listen", DEMO_LISTEN);
            Some(sources.with_default("tls_listen", DEMO_TLS_LISTEN))
        }
        Command::Device(_)
        | Command::Config(_)
        | Command::Share(_)
        | Command::Access(_)
        | Command::Status(_)
        | Command::Reload(_)
        | Command::Doctor(_) => None,
    };
    let settings = sources.map(|sources| sources.load().map(|loaded| (sources, loaded))).transpose()?;
    match &settings {
        Some((_, loaded)) => {
            log::start(&loaded.settings.log);
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
        }
        None => {
            let quiet = match &cli.command {
                // The log of a device is on its console, or summed up.
                Command::Device(args) => args.is_quiet(),
                Command::Status(_) | Command::Doctor(_) => true,
                _ => false,
            };
            let given = cli.log.as_deref().filter(|filter| !filter.is_empty());
            log::start(given.unwrap_or(if quiet { "warn" } else { "info" }));
        }
    }
    Ok(Job { command: cli.command, settings })
}

/// Does it until it is done, or until SIGINT or SIGTERM. The code is what the program ends with.
///
/// # Errors
/// What went wrong.
pub(crate) async fn run(Job { command, settings }: Job) -> Result<ExitCode, Box<dyn Error>> {
    let shutdown = CancellationToken::new();
    if matches!(command, Command::Serve(_) | Command::Demo { .. } | Command::Device(_)) {
        cancel_on_signal(shutdown.clone())?;
    }
    match (command, settings) {
        (Command::Serve(args), Some(settings)) => {
            let server = bind(settings, args.pts_origin, &shutdown)?;
            print(&server.banner());
            server.run().await;
        }
        (Command::Demo { server, picture }, Some(settings)) => {
            let server = bind(settings, server.pts_origin, &shutdown)?;
            print(&server.banner());
            let camera = server.app().demos.start(CameraName::default(), picture.options())?;
            server.run().await;
            camera.await??;
        }
        (Command::Device(args), _) => device::run(args, shutdown).await?,
        (Command::Config(command), _) => config::run(command)?,
        (Command::Share(share), _) => share::run(share).await?,
        (Command::Access(command), _) => access::run(command).await?,
        (Command::Status(status), _) => status::run(status).await?,
        (Command::Reload(reload), _) => reload::run(reload).await?,
        (Command::Doctor(doctor), _) => return doctor::run(doctor).await,
        (Command::Serve(_) | Command::Demo { .. }, None) => return Err("a server needs settings".into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn bind(
    (sources, loaded): (Sources, Loaded),
    pts_origin: Option<u64>,
    shutdown: &CancellationToken,
) -> Result<Server, Box<dyn Error>> {
    let mut config = loaded.config()?;
    config.pts_origin = pts_origin.map_or(config.pts_origin, Pts90k);
    let server = Server::bind(config, shutdown.clone())?;
    let server = server.with_reloader(Reloader::new(sources, loaded, log::set));
    reload_on_hangup(server.app().clone())?;
    Ok(server)
}

/// Prints a text of several lines, which may have words of strangers in it. What a terminal would obey is written out.
pub(crate) fn print(text: &str) {
    print_as_it_is(&plain::lines(text));
}

/// Prints JSON. It means the same, and has nothing that a terminal would obey.
///
/// # Errors
/// The value cannot be written as JSON.
pub(crate) fn print_json(value: &Value) -> Result<(), serde_json::Error> {
    print(&plain::json(&serde_json::to_string_pretty(value)?));
    Ok(())
}

/// Prints a text that has colours, whose words of strangers are plain already.
///
/// Who reads standard output may have gone; the server goes on.
pub(crate) fn print_as_it_is(text: &str) {
    let mut out = std::io::stdout().lock();
    #[expect(clippy::let_underscore_must_use, reason = "nobody reads any more when this fails")]
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Whether what is printed may have colours.
pub(crate) fn wants_colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}

/// How many characters a line of the terminal has; `None` when standard output is none.
pub(crate) fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns >= 40)
}

/// SIGINT and SIGTERM end the program in order; a second one at once.
fn cancel_on_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if shutdown.is_cancelled() {
                lenscast_virtual_device::restore_terminal();
                std::process::exit(1);
            }
            shutdown.cancel();
        }
    });
    Ok(())
}

/// SIGHUP reads the settings again. When it comes because the terminal was closed in which the server was started, it ends
/// the server, as it would any other program.
fn reload_on_hangup(app: App) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let terminal = std::io::stdin().is_terminal();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            if terminal && !std::io::stdin().is_terminal() {
                app.serving.shutdown().cancel();
                return;
            }
            let app = app.clone();
            // It reads files, and may wait for ffmpeg. What comes of it is logged.
            #[expect(clippy::let_underscore_must_use, reason = "what went wrong in it is logged there")]
            let _ = tokio::task::spawn_blocking(move || app.program.reload()).await;
        }
    });
    Ok(())
}

/// `640x480`.
pub(crate) fn size(text: &str) -> Result<(u16, u16), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width @ 1..=1920, height @ 1..=1080)) => Ok((width, height)),
        _ => Err(format!("{text:?} is no size like 640x480, at most 1920x1080")),
    }
}
