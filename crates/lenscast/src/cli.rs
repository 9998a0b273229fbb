//! The command line: what there is to run, and running it.

mod device;

use clap::{Args, Parser, Subcommand};
use lenscast::banner;
use lenscast::config::{Config, DEFAULT_LISTEN, EncodeMode, Limits};
use lenscast::demo;
use lenscast::pipeline::ffmpeg;
use lenscast::server::Server;
use lenscast::state::StateDir;
use lenscast_media::time::Pts90k;
use lenscast_protocol::{CameraName, DEFAULT_PORT};
use lenscast_virtual_device::{FrameSize, Options, Source};
use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

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
    Serve {
        /// Address and port; [::] means all of this computer's, IPv4 too
        #[arg(long, value_name = "ADDR", default_value_t = DEFAULT_LISTEN)]
        listen: SocketAddr,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// The server with a virtual camera, to see it work
    Demo {
        /// Address and port
        #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT))]
        listen: SocketAddr,
        #[command(flatten)]
        server: ServerArgs,
        #[command(flatten)]
        picture: Picture,
    },
    /// A camera device on this computer: with --server it streams at once, without it waits for its console
    Device(device::Args),
}

#[derive(Debug, Args)]
struct ServerArgs {
    /// When to encode video
    #[arg(long, value_enum, default_value_t)]
    encode: EncodeMode,
    /// What encodes it: "builtin", "ffmpeg" (x264), or "ffmpeg:CODEC" with an H.264 encoder of ffmpeg, such as h264_vaapi
    #[arg(long, value_name = "ENCODER", default_value = "builtin")]
    encoder: ffmpeg::Choice,
    /// Bitrate of the video in kbit/s; unless it is given, what suits the size of the picture (VGA: 1,843)
    #[arg(long, value_name = "KBITS", value_parser = clap::value_parser!(u32).range(50..=100_000))]
    bitrate: Option<u32>,
    /// Where to keep what is to survive a restart; unless it is given, $STATE_DIRECTORY, $XDG_STATE_HOME/lenscast or
    /// ~/.local/state/lenscast
    #[arg(long, value_name = "DIR", env = "LENSCAST_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// PTS of a frame that arrives at the start: for tests of what happens when 33 bits are not enough
    #[arg(long, value_name = "TICKS", hide = true)]
    pts_origin: Option<u64>,
    #[command(flatten)]
    limits: Limits,
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

/// Sends log lines to standard error.
pub(crate) fn start_log(cli: &Cli) {
    // The log of a device is on its console, or summed up.
    let quiet = matches!(&cli.command, Command::Device(args) if args.is_quiet());
    let filter = cli.log.as_deref().unwrap_or(if quiet { "warn" } else { "info" });
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse_lossy(filter))
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(|| device::Lines(std::io::stderr()))
        .init();
}

/// Runs the command until it is done, or until SIGINT or SIGTERM.
pub(crate) async fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    let shutdown = CancellationToken::new();
    cancel_on_signal(shutdown.clone())?;
    match cli.command {
        Command::Serve { listen, server } => {
            let server = bind(listen, server, &shutdown)?;
            print(&banner::text(server.local_addr()?, &banner::machine_addresses()));
            server.run().await;
        }
        Command::Demo { listen, server, picture } => {
            let server = bind(listen, server, &shutdown)?;
            print(&banner::text(server.local_addr()?, &banner::machine_addresses()));
            let camera = demo::start(server.app(), CameraName::default(), picture.options())?;
            server.run().await;
            camera.await??;
        }
        Command::Device(args) => device::run(args, shutdown).await?,
    }
    Ok(())
}

fn bind(
    listen: SocketAddr,
    args: ServerArgs,
    shutdown: &CancellationToken,
) -> Result<Server, Box<dyn Error>> {
    let encoder = args.encoder.make(args.bitrate.map(|kbits| kbits * 1000))?;
    let default = Config::default();
    let config = Config {
        listen,
        encode: args.encode,
        encoder,
        limits: args.limits,
        state_dir: args.state_dir.or_else(StateDir::default_place),
        pts_origin: args.pts_origin.map_or(default.pts_origin, Pts90k),
    };
    Ok(Server::bind(config, shutdown.clone())?)
}

/// Who reads standard output may have gone; the server goes on.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
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

/// `640x480`.
pub(crate) fn size(text: &str) -> Result<(u16, u16), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width @ 1..=1920, height @ 1..=1080)) => Ok((width, height)),
        _ => Err(format!("{text:?} is no size like 640x480, at most 1920x1080")),
    }
}
