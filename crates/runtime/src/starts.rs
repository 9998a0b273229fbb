//! What a start that follows hung ones does otherwise.
//!
//! A radio that hangs or panics takes the console with it: the device starts again, and hangs again. After some
//! such starts in a row the radio stays off for a while, so that the owner can type.

use embassy_time::Duration;

/// Hung starts in a row after which the radio stays off at first.
const IN_A_ROW: u8 = 3;

/// How long it stays off then.
const PAUSE: Duration = Duration::from_secs(60);

/// How long a device must run for its start to be a good one. More than [`PAUSE`], and time for the radio to hang.
pub const GOOD: Duration = Duration::from_secs(300);

/// How many starts in a row ended in a watchdog or a panic, the one before this included. `kept` is that number at the
/// start before, and `reason` says why the device starts now: `watchdog`, `restart: the device task hung`, or
/// `restart: panic: …`.
#[must_use]
pub fn hung_in_a_row(kept: u8, reason: &str) -> u8 {
    let hung = reason.starts_with("watchdog") || reason.ends_with(HUNG) || reason.contains(PANIC);
    if hung { kept.saturating_add(1) } else { 0 }
}

/// How long the radio is to stay off after so many hung starts in a row.
#[must_use]
pub fn radio_pause(hung: u8) -> Option<Duration> {
    (hung >= IN_A_ROW).then_some(PAUSE)
}

/// The part of a reason that says that the program gave up.
const PANIC: &str = ": panic: ";

/// The end of a reason that says that a task hung.
const HUNG: &str = " hung";

/// The reason of a restart because of a task with this name.
#[must_use]
pub fn reason_of(task: &str) -> alloc::string::String {
    alloc::format!("{task}{HUNG}")
}
