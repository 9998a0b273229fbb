//! How long a pipeline's thread has been at its frame, so that somebody notices when it hangs.

use crate::clock::Clock;
use lenscast_media::time::Micros;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The value of `busy_since` between two frames.
const IDLE: u64 = u64::MAX;

/// How long a pipeline's thread has been at its frame. The thread writes it, its supervisor reads it.
#[derive(Debug)]
pub(super) struct Progress {
    clock: Clock,
    /// When the thread began its current frame, in µs of the arrival clock; [`IDLE`] between frames.
    busy_since: AtomicU64,
}

impl Progress {
    /// The progress of a thread that has no frame yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, busy_since: AtomicU64::new(IDLE) }
    }

    /// Notes that the thread begins a frame.
    pub(super) fn begin(&self) {
        self.busy_since.store(self.clock.now().0, Ordering::Relaxed);
    }

    /// Notes that the thread is done with its frame.
    pub(super) fn end(&self) {
        self.busy_since.store(IDLE, Ordering::Relaxed);
    }

    /// How long the thread has been at its frame; zero between frames.
    pub(super) fn busy_for(&self) -> Duration {
        match self.busy_since.load(Ordering::Relaxed) {
            IDLE => Duration::ZERO,
            since => self.clock.now().saturating_sub(Micros(since)).to_duration(),
        }
    }
}
