//! The camera device on this computer: everything it decides is decided by [`lenscast_device::Device`], as on a chip;
//! here are its hardware and its driver.
//!
//! **Capturing never waits for the network.** Between the two is a mailbox with room for one frame, where a newer frame
//! replaces the older: a slow server sees fewer frames, not older ones.
//!
//! What belongs here: sources of pictures, a console, flash in a file, the [`world`] that stands for a radio, and
//! whatever moves bytes between `lenscast-device` and this computer. No decision that a device on a chip would take, too.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lenscast_virtual_device::{Options, Source, Stats, run};
//!
//! let options = Options { fps: Some(30.0), ..Options::new("ws://localhost:8080", Source::Pattern) };
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
mod clock;
mod console;
mod driver;
mod flash;
mod fleet;
mod mailbox;
mod options;
mod server;
mod socket;
mod source;
mod stats;
pub mod world;

use std::future::Future;
use std::sync::Arc;

pub use console::{Console, restore_terminal};
pub use flash::{NVS_BYTES, NvsError};
pub use fleet::run_many;
pub use lenscast_device::camera::FrameSize;
pub use lenscast_device::settings::Key;
pub use lenscast_device::stream::Timing;
pub use options::{Error, FPS, MAX_DEVICES, Options};
pub use server::ServerError;
pub use source::{Source, SourceError};
pub use stats::Stats;

/// Runs a device without a console until `shutdown` completes; then it tells the server good-bye (close code 1000) and
/// this returns. While there is no connection the device tries again, for ever. What it logs goes to `tracing`, what it
/// does is counted in `stats`.
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
    run_with_console(options, Console::none(), stats, shutdown).await
}

/// As [`run`], with a console, whose end also ends the device: the key for it at once, the end of a file when there is
/// nothing more to do. A source that gives no more pictures is told on the console and ends nothing.
///
/// # Errors
/// As [`run`].
pub async fn run_with_console(
    options: Options,
    console: Console,
    stats: Arc<Stats>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    driver::Board::new(options, console, stats)?.run(shutdown).await
}
