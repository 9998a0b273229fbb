//! What is logged, and how often.

use crate::time::Instant;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something does not work now, and is tried again.
    Warn,
    /// What an owner wants to see.
    #[default]
    Info,
    /// What somebody wants to see who looks for a fault.
    Debug,
}

impl Level {
    /// All levels, from what matters most.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    /// The word for it in commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Lets each cause through once in a while, and counts what it held back meanwhile.
#[derive(Debug)]
pub struct Throttle<C> {
    every: Duration,
    causes: Vec<(C, Instant, u32)>,
}

impl<C: PartialEq> Throttle<C> {
    /// Each cause once every so often.
    #[must_use]
    pub fn new(every: Duration) -> Self {
        Self { every, causes: Vec::new() }
    }

    /// Whether `cause` may be told now; then how often it was held back since it was told last.
    pub fn due(&mut self, cause: C, now: Instant) -> Option<u32> {
        match self.causes.iter_mut().find(|(known, ..)| *known == cause) {
            Some((_, told, held_back)) if now.since(*told) < self.every => {
                *held_back = held_back.saturating_add(1);
                None
            }
            Some((_, told, held_back)) => {
                *told = now;
                Some(core::mem::take(held_back))
            }
            None => {
                self.causes.push((cause, now, 0));
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_in_five_seconds_with_the_number_held_back() {
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        let mut throttle = Throttle::new(Duration::from_secs(5));
        assert_eq!(throttle.due("refused", at(0)), Some(0));
        assert_eq!(throttle.due("refused", at(1)), None);
        assert_eq!(throttle.due("timeout", at(1)), Some(0));
        assert_eq!(throttle.due("refused", at(4)), None);
        assert_eq!(throttle.due("refused", at(5)), Some(2));
        assert_eq!(throttle.due("refused", at(10)), Some(0));
    }
}
