//! This computer's monotonic clock, as a device's.

use std::time::Duration;

use lenscast_device::time::Instant;
use tokio::time::{Sleep, sleep};

/// A clock that began at 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(std::time::Instant);

impl Clock {
    /// Begins now.
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The time.
    pub(crate) fn now(self) -> Instant {
        Instant::START + self.0.elapsed()
    }

    /// Waits until `at`; for a very long time when it never comes.
    pub(crate) fn until(self, at: Option<Instant>) -> Sleep {
        const LONG: Duration = Duration::from_secs(3600);
        sleep(at.map_or(LONG, |at| at.since(self.now())))
    }
}
