//! Restarts what hangs: a task that is not heard by this one, and this one by the chip's own watchdog.

use crate::shared::WATCH;
use crate::{restart, starts};
use embassy_time::{Instant, Timer};
use esp_hal::rtc_cntl::{Rwdt, RwdtStage};
use lenscast_runtime::starts::{GOOD, reason_of};

/// Starts the chip's watchdog. From here until [`run`] feeds it, there is time for the start.
pub fn arm(chip: &mut Rwdt) {
    // Longer than a task may be silent, so that the reason for a restart is known where it can be.
    chip.set_timeout(RwdtStage::Stage0, esp_hal::time::Duration::from_secs(12));
    chip.enable();
}

/// Watches the others, and feeds the chip's watchdog.
#[embassy_executor::task]
pub async fn run(mut chip: Rwdt) {
    loop {
        chip.feed();
        if let Some(name) = WATCH.hung() {
            restart::now(&reason_of(name));
        }
        if Instant::MIN + GOOD < Instant::now() {
            starts::good();
        }
        Timer::after_secs(1).await;
    }
}
