//! How many starts in a row ended in a watchdog, kept from one start to the next.

use lenscast_runtime::starts::hung_in_a_row;
use portable_atomic::{AtomicU8, Ordering};

/// The number and its complement, in memory that only a loss of power clears. What is there after one is no such pair.
#[cfg_attr(feature = "esp32s3", esp_hal::ram(unstable(rtc_slow, persistent)))]
#[cfg_attr(feature = "esp32c3", esp_hal::ram(unstable(rtc_fast, persistent)))]
static HUNG: [AtomicU8; 2] = [const { AtomicU8::new(0) }; 2];

/// Counts this start, which happens for `reason`, and tells how many in a row hung.
pub fn count(reason: &str) -> u8 {
    let [kept, complement] = HUNG.each_ref().map(|byte| byte.load(Ordering::Relaxed));
    let hung = hung_in_a_row(if kept == !complement { kept } else { 0 }, reason);
    keep(hung);
    hung
}

/// This start was a good one.
pub fn good() {
    keep(0);
}

fn keep(hung: u8) {
    HUNG[0].store(hung, Ordering::Relaxed);
    HUNG[1].store(!hung, Ordering::Relaxed);
}
