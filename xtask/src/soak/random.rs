//! Chance that can be repeated, and waiting that can be ended.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// SplitMix64: short, and good enough to decide who misbehaves how.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// One of many sequences that a seed begins.
    pub(super) fn new(seed: u64, sequence: u64) -> Self {
        Self(seed ^ sequence.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number under `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True this often in a hundred times.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them; there must be one.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A time from `from` to `to`, in ms.
    pub(super) fn ms(&mut self, from: usize, to: usize) -> Duration {
        Duration::from_millis((from + self.below(to - from + 1)) as u64)
    }
}

/// Tells threads to end, also those that wait.
#[derive(Debug, Default)]
pub(super) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Ends every wait, now and later.
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for that long; false when it is over.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(stopped, time, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_sequences_differ() {
        let take = |mut random: Random| (0..20).map(|_| random.below(1000)).collect::<Vec<_>>();
        assert_eq!(take(Random::new(7, 1)), take(Random::new(7, 1)));
        assert_ne!(take(Random::new(7, 1)), take(Random::new(7, 2)));
        assert_ne!(take(Random::new(7, 1)), take(Random::new(8, 1)));
    }

    #[test]
    fn waiting_is_over_once_it_is_stopped() {
        let stop = Stop::default();
        assert!(stop.wait(Duration::ZERO));
        stop.stop();
        assert!(!stop.wait(Duration::from_secs(3600)));
    }
}
