//! The command line: what there is to run, and running it.

use clap::{Args, Parser, Subcommand};
use lenscast::banner;
use lenscast::config::{Config, DEFAULT_LISTEN, EncodeMode, Limits};
use lenscast::pipeline::ffmpeg;
use lenscast::server::Server;
use lenscast_protocol::DEFAULT_PORT;
use lenscast_virtual_device::{self as device, Source};
use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// See an ESP32-class camera live, from one binary.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to log: error, warn, info, debug, or a filter such as lenscast=debug
    #[arg(long, global = true, value_name = "FILTER", env = "LENSCAST_LOG", default_value = "info")]
    log: String,
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
    /// A virtual camera alone
    Device {
        /// The server, as ws://HOST[:PORT][/PATH]; the port is 8080 and the path /ws/camera unless they are named
        #[arg(long, value_name = "URL")]
        server: String,
        /// What it sees: "pattern", a folder of JPEGs, or an .mjpeg file
        #[arg(long, value_name = "SOURCE", default_value = "pattern")]
        source: String,
        #[command(flatten)]
        picture: Picture,
    },
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
    fn options(&self, server: String, source: Source) -> device::Options {
        let mut options = device::Options::new(server, source);
        options.fps = self.fps;
        (options.width, options.height) = self.size;
        options.quality = self.quality;
        options
    }
}

/// Sends log lines to standard error.
pub(crate) fn start_log(cli: &Cli) {
    let filter = EnvFilter::builder().parse_lossy(&cli.log);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
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
            let address = server.local_addr()?;
            print(&banner::text(address, &banner::machine_addresses()));
            let options = picture.options(format!("ws://{}", local(address)), Source::Pattern);
            let camera =
                tokio::spawn(device::run(options, device::Stats::new(), shutdown.clone().cancelled_owned()));
            server.run().await;
            camera.await??;
        }
        Command::Device { server, source, picture } => {
            let options = picture.options(server, Source::open(&source)?);
            device::run(options, device::Stats::new(), shutdown.cancelled_owned()).await?;
        }
    }
    Ok(())
}

fn bind(
    listen: SocketAddr,
    args: ServerArgs,
    shutdown: &CancellationToken,
) -> Result<Server, Box<dyn Error>> {
    let encoder = args.encoder.make(args.bitrate.map(|kbits| kbits * 1000))?;
    let config = Config { listen, encode: args.encode, encoder, limits: args.limits, ..Config::default() };
    Ok(Server::bind(config, shutdown.clone())?)
}

/// The address at which this computer reaches its own listener.
fn local(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listen.port()),
        _ => listen,
    }
}

/// Who reads standard output may have gone; the server goes on.
fn print(text: &str) {
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
                std::process::exit(1);
            }
            shutdown.cancel();
        }
    });
    Ok(())
}

/// `640x480`.
fn size(text: &str) -> Result<(u16, u16), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width @ 1..=1920, height @ 1..=1080)) => Ok((width, height)),
        _ => Err(format!("{text:?} is no size like 640x480, at most 1920x1080")),
    }
}
