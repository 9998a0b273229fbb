//! What the tasks share: the channels, the memory for frames, when each task was last heard, and how they are started.

use embassy_executor::{SpawnError, SpawnToken, Spawner};
use lenscast_runtime::channels::Channels;
use lenscast_runtime::frames::Pool;
use lenscast_runtime::watchdog::Watch;

/// What the tasks tell each other.
pub static CHANNELS: Channels = Channels::new();

/// Memory for frames.
pub static FRAMES: Pool = Pool::new();

/// A task that is watched.
#[derive(Clone, Copy)]
pub enum Task {
    Device,
    #[cfg(feature = "esp32s3")]
    Capture,
    #[cfg(feature = "esp32s3")]
    Convert,
    #[cfg(feature = "esp32c3")]
    Pattern,
}

#[cfg(feature = "esp32s3")]
pub static WATCH: Watch<3> = Watch::new(["the device task", "the camera task", "the JPEG encoder"]);
#[cfg(feature = "esp32c3")]
pub static WATCH: Watch<2> = Watch::new(["the device task", "the test pattern"]);

/// Tells the watchdog that a task lives.
pub fn alive(task: Task) {
    WATCH.alive(task as usize);
}

/// Starts a task.
pub fn spawn<S>(spawner: Spawner, task: Result<SpawnToken<S>, SpawnError>) {
    spawner.spawn(task.expect("each task is started once"));
}
