//! Restarts what hangs: a task that is not heard by this one, and this one by the chip's own watchdog.

use crate::{device, restart};
use core::time::Duration;
use embassy_executor::{SpawnError, SpawnToken, Spawner};
use embassy_time::Timer;
use esp_hal::rtc_cntl::{Rwdt, RwdtStage};
use portable_atomic::{AtomicU32, Ordering};

/// A task that is watched: it must be heard every [`PATIENCE`] once it was heard.
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

const NAMES: &[&str] = if cfg!(feature = "esp32s3") {
    &["the device task", "the camera task", "the JPEG encoder"]
} else {
    &["the device task", "the test pattern"]
};

/// How long a task may be silent. The longest that one does in one piece is encoding a frame: some tenths of a second.
const PATIENCE: Duration = Duration::from_secs(8);

/// When each task was heard, in ms since the start; 0 as long as it was not.
static HEARD: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];

/// Tells that a task lives.
pub fn alive(task: Task) {
    HEARD[task as usize].store(device::now().as_millis() as u32, Ordering::Relaxed);
}

/// Starts a task.
pub fn spawn<S>(spawner: Spawner, task: Result<SpawnToken<S>, SpawnError>) {
    spawner.spawn(task.expect("each task is started once"));
}

/// Watches the others, and feeds the chip's watchdog.
#[embassy_executor::task]
pub async fn run(mut chip: Rwdt) {
    // Longer than a task may be silent, so that the reason for a restart is known where it can be.
    chip.set_timeout(RwdtStage::Stage0, esp_hal::time::Duration::from_secs(12));
    chip.enable();
    loop {
        chip.feed();
        for (heard, name) in HEARD.iter().zip(NAMES) {
            let heard = heard.load(Ordering::Relaxed);
            let silent = (device::now().as_millis() as u32).wrapping_sub(heard);
            if heard != 0 && u128::from(silent) > PATIENCE.as_millis() {
                restart::now(&alloc::format!("{name} hung"));
            }
        }
        Timer::after_secs(1).await;
    }
}
