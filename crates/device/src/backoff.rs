//! How long to wait before trying again.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

/// Where random numbers come from: hardware on a chip, the system on a computer, a seed in a test.
pub struct Random(Box<dyn FnMut() -> u32 + Send>);

impl Random {
    /// Numbers from `source`, which must be good enough for the masks of RFC 6455 §10.3.
    pub fn new(source: impl FnMut() -> u32 + Send + 'static) -> Self {
        Self(Box::new(source))
    }

    /// The next number.
    pub fn next_u32(&mut self) -> u32 {
        (self.0)()
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.next_u32().to_ne_bytes()[..chunk.len()]);
        }
        bytes
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// A random time between the shortest wait and a ceiling that doubles with every attempt, up to the longest. Random, so
/// that many devices do not come back at the same moment after a server's or an access point's restart.
#[derive(Clone, Debug)]
pub struct BackOff {
    min: Duration,
    max: Duration,
    attempts: u32,
}

impl BackOff {
    /// Waits of `min` to `max`.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { min, max: max.max(min), attempts: 0 }
    }

    /// How long to wait after one more failed attempt.
    pub fn next(&mut self, random: &mut Random) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        let ceiling =
            self.min.saturating_mul(1u32.checked_shl(self.attempts).unwrap_or(u32::MAX)).min(self.max);
        self.min + (ceiling - self.min).mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX))
    }

    /// Attempts that failed since the last success.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The next wait is a first one again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ceilings(random: u32) -> [f64; 7] {
        let mut back_off = BackOff::new(Duration::from_secs(1), Duration::from_secs(60));
        let mut random = Random::new(move || random);
        core::array::from_fn(|_| back_off.next(&mut random).as_secs_f64())
    }

    #[test]
    fn the_wait_grows_from_one_second_to_sixty_and_is_never_the_same_for_all() {
        assert_eq!(ceilings(u32::MAX), [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
        assert_eq!(ceilings(0), [1.0; 7]);
    }

    #[test]
    fn after_a_success_the_wait_is_short_again() {
        let mut random = Random::new(|| u32::MAX);
        let mut back_off = BackOff::new(Duration::from_secs(1), Duration::from_secs(60));
        for _ in 0..100 {
            back_off.next(&mut random);
        }
        assert_eq!(back_off.attempts(), 100);
        back_off.reset();
        assert_eq!(back_off.next(&mut random), Duration::from_secs(2));
    }
}
