//! Who was refused waits for a moment, of a length that nobody can foretell.
//!
//! How long an answer takes must not tell why a credential was refused: a wrong one, one that has expired, and one of a
//! user that there is not take different ways through the program. The comparisons take the same time by themselves; the
//! moment hides what is left.
//!
//! Who has to wait anyhow is answered at once: nothing was compared. A delay keeps a connection, and connections are what
//! an attacker wants to take. So there are few delays at once, and each is short; beyond that the answer comes at once.

use lenscast_auth::secret::random;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The longest delay.
pub(super) const LONGEST: Duration = Duration::from_millis(100);

/// How many refusals are delayed at once.
pub(super) const AT_ONCE: usize = 64;

/// The refusals that are being delayed.
#[derive(Debug)]
pub(super) struct Refusals(Semaphore);

impl Default for Refusals {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Refusals {
    /// Waits for a random time, up to [`LONGEST`]; not at all when [`AT_ONCE`] wait already.
    pub async fn delay(&self) {
        if let Ok(_place) = self.0.try_acquire() {
            let share = f64::from(u32::from_be_bytes(random())) / f64::from(u32::MAX);
            tokio::time::sleep(LONGEST.mul_f64(share)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn each_refusal_takes_another_time_and_none_takes_long() {
        let refusals = Refusals::default();
        let mut delays = Vec::new();
        for _ in 0..200 {
            let begun = Instant::now();
            refusals.delay().await;
            delays.push(begun.elapsed());
        }
        // The clock of the runtime counts whole milliseconds.
        assert!(delays.iter().all(|delay| *delay <= LONGEST + Duration::from_millis(1)), "{delays:?}");
        let (short, long) = (LONGEST / 4, LONGEST * 3 / 4);
        assert!(delays.iter().any(|delay| *delay < short) && delays.iter().any(|delay| *delay > long));
        delays.sort();
        delays.dedup();
        assert!(delays.len() > 20, "{delays:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_refusals_is_answered_at_once_beyond_the_first_few() {
        let refusals = Arc::new(Refusals::default());
        let begun = Instant::now();
        let all = (0..10_000).map(|_| {
            let refusals = refusals.clone();
            tokio::spawn(async move {
                refusals.delay().await;
                begun.elapsed()
            })
        });
        let all: Vec<_> = all.collect();
        let mut delayed = 0;
        for one in all {
            delayed += usize::from(one.await.unwrap() > Duration::ZERO);
        }
        assert!((AT_ONCE / 2..=AT_ONCE).contains(&delayed), "{delayed}");
    }
}
