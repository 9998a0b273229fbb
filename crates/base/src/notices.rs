//! Log lines about something that may happen a thousand times a second: one line now and then, with a count.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a cause stays quiet after it was logged.
const QUIET: Duration = Duration::from_secs(10);

/// Remembers when each cause was last logged, and decides whether the next event gets a line.
#[derive(Debug, Default)]
pub struct Notices {
    causes: Mutex<HashMap<&'static str, Cause>>,
}

#[derive(Debug)]
struct Cause {
    /// When a line about this cause was last logged.
    said: Instant,
    /// Events without a line since then.
    held_back: u64,
}

impl Notices {
    /// Counts an event, and says whether it gets a log line: `Some(n)` when it does, where `n` events since the last
    /// line got none. `None` when a line about this cause was logged in the last 10 seconds.
    pub fn due(&self, cause: &'static str) -> Option<u64> {
        self.due_at(cause, Instant::now())
    }

    fn due_at(&self, cause: &'static str, now: Instant) -> Option<u64> {
        let mut causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        match causes.get_mut(cause) {
            Some(known) if now.saturating_duration_since(known.said) < QUIET => {
                known.held_back += 1;
                None
            }
            Some(known) => {
                known.said = now;
                Some(std::mem::take(&mut known.held_back))
            }
            None => {
                causes.insert(cause, Cause { said: now, held_back: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_cause_is_one_line_and_others_are_still_heard() {
        let notices = Notices::default();
        let start = Instant::now();
        assert_eq!(notices.due_at("truncated", start), Some(0));
        for _ in 0..1000 {
            assert_eq!(notices.due_at("truncated", start + Duration::from_secs(9)), None);
        }
        assert_eq!(notices.due_at("empty", start + Duration::from_secs(9)), Some(0));
        assert_eq!(notices.due_at("truncated", start + QUIET), Some(1000));
        assert_eq!(notices.due_at("truncated", start + QUIET + QUIET), Some(0));
    }
}
