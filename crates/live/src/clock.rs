//! The clock on which frames arrive.

use lenscast_media::time::Micros;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The arrival clock: microseconds since the server started, and the wall clock that goes with them.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    start_unix_us: u64,
}

impl Clock {
    /// A clock that begins now, at 0 µs.
    #[must_use]
    pub fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), start_unix_us: Micros::from_duration(unix).0 }
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Micros {
        Micros::from_duration(self.start.elapsed())
    }

    /// The moment `at` in µs since the Unix epoch. A step of the system's clock while the server runs is not followed, so that
    /// differences between frames stay true.
    #[must_use]
    pub fn unix_us(&self, at: Micros) -> u64 {
        self.start_unix_us + at.0
    }
}
