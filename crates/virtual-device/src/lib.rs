//! The camera device on this computer: it captures pictures from a [`Source`] and sends each JPEG to a server as exactly
//! one binary WebSocket message, as the device on a chip does.
//!
//! **Capturing never waits for the network.** Between the two is a mailbox with room for one frame, where a newer frame
//! replaces the older: a slow server sees fewer frames, not older ones.
//!
//! What belongs here: sources, and whatever moves bytes between `lenscast-device` and this computer. What a device
//! decides (back-off, pacing, dropping) moves into `lenscast-device` as that grows.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lenscast_virtual_device::{Options, Source, Stats, run};
//!
//! let options = Options { fps: 30.0, ..Options::new("ws://localhost:8080", Source::open("pattern")?) };
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let device = tokio::spawn(run(options, Stats::new(), async move { stopped.await.unwrap_or(()) }));
//! // … and when it is enough:
//! drop(stop);
//! device.await??;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod capture;
mod mailbox;
mod mjpeg;
mod sender;
mod server;
mod source;
mod stats;

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use capture::Capture;
use mailbox::Mailbox;
use server::Server;
pub use server::ServerError;
pub use source::{Source, SourceError};
pub use stats::Stats;

/// The frame rates a device can be asked for, in frames a second.
pub const FPS: RangeInclusive<f32> = 0.1..=120.0;

/// What to send, where to, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// `ws://HOST[:PORT][/PATH]`. Without a port it is 8080, without a path `/ws/camera`.
    pub server: String,
    /// Where the pictures come from.
    pub source: Source,
    /// Frames a second, within [`FPS`].
    pub fps: f32,
    /// Width of the test pattern in pixels, at least 1. Pictures from files keep their size.
    pub width: u16,
    /// Height of the test pattern in pixels, at least 1. Pictures from files keep their size.
    pub height: u16,
    /// JPEG quality of the test pattern, 1 to 100; what is outside is taken as the nearest of these.
    pub quality: u8,
    /// How patient the device is.
    pub timing: Timing,
}

impl Options {
    /// 15 frames a second, 640 × 480, quality 80.
    pub fn new(server: impl Into<String>, source: Source) -> Options {
        Options {
            server: server.into(),
            source,
            fps: 15.0,
            width: 640,
            height: 480,
            quality: 80,
            timing: Timing::default(),
        }
    }
}

/// How patient the device is with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Connecting, including the WebSocket handshake, takes no longer than this. 10 s by default.
    pub connect: Duration,
    /// A ping is sent when nothing was heard from the server for this long. 10 s by default.
    pub ping_after: Duration,
    /// The connection is given up when nothing was heard for this long. 20 s by default.
    pub give_up_after: Duration,
    /// The shortest wait before the next attempt to connect. 0.5 s by default.
    pub reconnect_min: Duration,
    /// The longest wait before the next attempt to connect. 10 s by default.
    pub reconnect_max: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            connect: Duration::from_secs(10),
            ping_after: Duration::from_secs(10),
            give_up_after: Duration::from_secs(20),
            reconnect_min: Duration::from_millis(500),
            reconnect_max: Duration::from_secs(10),
        }
    }
}

/// Why a device does not run, or stopped. Nothing the network does is among it: then the device tries again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the server cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The frame rate is out of [`FPS`].
    #[error("{0} frames a second cannot be captured: choose from {min} to {max}", min = FPS.start(), max = FPS.end())]
    Fps(f32),
    /// The test pattern has no pixels.
    #[error("a test pattern of {width}x{height} pixels has nothing to show: both sides must be at least 1")]
    Size {
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
    },
    /// The source gives no more pictures.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The system refused a thread for capturing.
    #[error("cannot start the thread that captures: {0}")]
    Thread(std::io::Error),
    /// A defect in this program.
    #[error("capturing stopped by a defect in lenscast; please report it with the output above")]
    CapturePanicked,
}

/// Captures and sends until `shutdown` completes; then tells the server good-bye (close code 1000) and returns. While
/// there is no connection it tries again, for ever. What happens is logged by `tracing` and counted in `stats`.
///
/// Dropping the future stops the device at once, without a good-bye.
///
/// # Errors
/// At once when `options` cannot be used; later only when the source gives no more pictures.
pub async fn run(
    options: Options,
    stats: Arc<Stats>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let server: Server = options.server.parse()?;
    if !FPS.contains(&options.fps) {
        return Err(Error::Fps(options.fps));
    }
    let (width, height) = (options.width, options.height);
    if width == 0 || height == 0 {
        return Err(Error::Size { width, height });
    }

    let mailbox = Arc::new(Mailbox::default());
    let (mut capture, failed) = Capture::start(&options, mailbox.clone(), stats.clone())?;
    let (stop, stopped) = watch::channel(false);
    let mut sending = pin!(sender::run(&server, &options.timing, &mailbox, &stats, stopped));
    let result = tokio::select! {
        () = shutdown => Ok(()),
        failure = failed => Err(failure.map_or(Error::CapturePanicked, Error::Source)),
        () = &mut sending => Ok(()),
        () = stats.report() => Ok(()),
    };
    capture.stop();
    // The sender says good-bye within a bounded time.
    stop.send_replace(true);
    sending.await;
    result
}
