//! `lenscast device`.

use super::{print, size};
use clap::ValueEnum;
use lenscast_auth::secret::Secret;
use lenscast_settings::secret::secret;
use lenscast_virtual_device::world::World;
use lenscast_virtual_device::{
    Console, FrameSize, Key, MAX_DEVICES, Options, Source, Stats, run_many, run_with_console,
};
use std::error::Error;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// What a device is told on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server, as ws://HOST[:PORT][/PATH]; the port is 8080 and the path /ws/camera unless they are named. Without it
    /// the device does what its settings say, as one from the shop
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The key that the server asks of this camera, or file:PATH for the first line of a file
    #[arg(long, value_name = "KEY", value_parser = secret, requires = "server")]
    key: Option<Secret>,
    /// What it sees: "pattern", a folder of JPEGs, an .mjpeg file, a raw file such as door_320x240.yuyv (.yuyv .uyvy
    /// .rgb565be .rgb565le .y8), or a webcam such as /dev/video0 (if built with the feature v4l2)
    #[arg(long, value_name = "SOURCE", default_value = "pattern")]
    source: String,
    /// A 24 KB file with its settings, in the format of the board's flash; it is made when it is missing. Without it they
    /// are forgotten with the device
    #[arg(long, value_name = "FILE")]
    nvs: Option<PathBuf>,
    /// Where people type: "stdio" (the default without --server; Ctrl-] ends it), "pty" (prints its path, for picocom or
    /// screen), or "none" (the default with --server; what the device logs goes to standard error)
    #[arg(long, value_enum)]
    console: Option<Where>,
    /// A file that tells which networks are in reach, and what happens to them; docs/world.toml is one. Without it the
    /// device has a cable with --server, and finds two networks without
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
    /// So many devices, which dial /ws/camera/dev-1, /ws/camera/dev-2, …; with a line about all of them every 5 s
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=MAX_DEVICES as i64),
        requires = "server",
        conflicts_with_all = ["console", "nvs"],
    )]
    count: Option<u16>,
    /// Frames per second; unless it is given, 30 with --server, and what is saved without
    #[arg(long, value_name = "N", help_heading = "Picture of the virtual camera")]
    fps: Option<f32>,
    /// Width and height of the test pattern, of a raw file's pictures, and what is wished of a webcam [default: 640x480]
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size, help_heading = "Picture of the virtual camera")]
    size: Option<(u16, u16)>,
    /// JPEG quality of what is no JPEG yet, 1 to 100; unless it is given, what is saved, or 80
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u8).range(1..=100),
        help_heading = "Picture of the virtual camera"
    )]
    quality: Option<u8>,
}

/// Where people type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Where {
    Stdio,
    Pty,
    None,
}

impl Args {
    /// Whether the program's own log is of little interest.
    pub(crate) fn is_quiet(&self) -> bool {
        self.count.is_some() || self.place() != Where::None
    }

    fn place(&self) -> Where {
        self.console.unwrap_or(if self.server.is_some() { Where::None } else { Where::Stdio })
    }

    fn options(&self) -> Result<Options, Box<dyn Error>> {
        let size = self.size.map(|(width, height)| FrameSize { width, height });
        let world = match &self.world {
            Some(path) => Some(World::open(path)?),
            None if self.server.is_none() => Some(World::at_home()),
            None => None,
        };
        Ok(Options {
            server: self.server.clone(),
            key: self.key.as_ref().map(|key| Key(key.expose().to_owned())),
            fps: self.fps.or(self.server.is_some().then_some(30.0)),
            size,
            quality: self.quality,
            nvs: self.nvs.clone(),
            world,
            ..Options::from_the_shop(Source::open(&self.source, size)?)
        })
    }
}

/// Runs it until it is done or `shutdown` is cancelled.
pub(crate) async fn run(args: Args, shutdown: CancellationToken) -> Result<(), Box<dyn Error>> {
    let options = args.options()?;
    let shutdown = shutdown.cancelled_owned();
    if let Some(count) = args.count {
        return Ok(run_many(options, count.into(), print, shutdown).await?);
    }
    let console = match args.place() {
        Where::None => Console::none(),
        Where::Stdio => {
            if io::stdin().is_terminal() {
                eprintln!("This is the console of a virtual device. Ctrl-] ends it.");
            }
            Console::stdio()?
        }
        Where::Pty => {
            let (console, path) = Console::pty()?;
            print(&format!("console: {0}  (picocom {0})", path.display()));
            console
        }
    };
    Ok(run_with_console(options, console, Stats::new(), shutdown).await?)
}

/// Standard error, whose lines begin at the left margin even while a console has the terminal in raw mode.
#[derive(Debug)]
pub(crate) struct Lines(pub(crate) io::Stderr);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.0.is_terminal() {
            return self.0.write(bytes);
        }
        let text: Vec<u8> = bytes
            .iter()
            .flat_map(|byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) })
            .copied()
            .collect();
        self.0.write_all(&text)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
