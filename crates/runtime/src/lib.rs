//! What the firmware does beside registers.
//!
//! A board's `main` starts the futures of this crate as tasks, and gives them what only a chip has: a wire, a radio, a
//! camera, a flash. A test starts the same futures on a computer, with a wire, a radio and a camera of its own. So all
//! that is written here runs in both places.
//!
//! Where things are, in the order in which a frame passes:
//!
//! - [`frames`]: memory for frames, in slots;
//! - [`pattern`]: the test scene in the place of a camera;
//! - [`channels`]: what the tasks tell each other; they share nothing else;
//! - [`driver`]: the one task that owns the [`Device`](lenscast_device::Device), which decides everything;
//! - [`net`]: addresses, names and the one TCP connection;
//! - [`wifi`]: what the radio is told, and what is made of its answers;
//! - [`console`]: both directions of the console's wire;
//! - [`starts`]: what a start that follows hung ones does otherwise;
//! - [`watchdog`]: which task hangs;
//! - [`kept`]: what outlives a restart;
//! - [`pipe`]: writing all of something.
//!
//! What does not belong here: a register, a pin, the name of a chip; an executor; a static. Whatever outlives a call is
//! in a struct that is passed by reference, so that a test has as many devices as it likes. What can be decided without
//! waiting is in `lenscast-device`.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![deny(clippy::let_underscore_must_use, clippy::unused_result_ok)]

extern crate alloc;

pub mod channels;
pub mod console;
pub mod driver;
pub mod frames;
pub mod kept;
pub mod net;
pub mod pattern;
pub mod pipe;
pub mod starts;
pub mod watchdog;
pub mod wifi;

use lenscast_device::time::Instant;

/// Now, on the device's clock.
#[must_use]
pub fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}

/// The moment `at` of the device's clock, on the clock that timers know.
fn timer_at(at: Instant) -> embassy_time::Timer {
    embassy_time::Timer::at(embassy_time::Instant::from_micros(at.as_micros()))
}
