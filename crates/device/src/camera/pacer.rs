//! The pace of capturing.

use super::units::FrameRate;
use crate::time::Instant;
use core::time::Duration;

/// When frames are due: at multiples of the interval after the start, so that no error adds up. Whoever captures owns
/// it, and never asks the network.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    start: Instant,
    rate: FrameRate,
    tick: u64,
}

impl Pacer {
    /// The first frame is due `now`.
    #[must_use]
    pub const fn new(now: Instant, rate: FrameRate) -> Self {
        Self { start: now, rate, tick: 0 }
    }

    /// When the next frame is due.
    #[must_use]
    pub fn due(&self) -> Instant {
        let nanos = u128::from(self.tick) * 1_000_000_000_000 / u128::from(self.rate.as_milli());
        self.start + Duration::from_micros(u64::try_from(nanos / 1000).unwrap_or(u64::MAX))
    }

    /// A frame was captured. Of several ticks that were missed meanwhile only the newest counts: the others are skipped,
    /// not made up for.
    pub fn advance(&mut self, now: Instant) {
        let over = now.since(self.start).as_nanos() * u128::from(self.rate.as_milli()) / 1_000_000_000_000;
        self.tick = self.tick.saturating_add(1).max(u64::try_from(over).unwrap_or(u64::MAX));
    }

    /// Another rate from now on: the next frame is due one new interval after `now`, unless it was due before. The same
    /// rate changes nothing.
    pub fn set_rate(&mut self, now: Instant, rate: FrameRate) {
        if rate != self.rate {
            let due = self.due().min(now + rate.interval());
            *self = Self::new(due, rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(milli: u32) -> FrameRate {
        FrameRate::from_milli(milli).expect("a rate within the limits")
    }

    fn ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn ticks_do_not_drift() {
        let mut pacer = Pacer::new(ms(50), rate(10_000));
        for tick in 0..1000 {
            assert_eq!(pacer.due(), ms(50 + 100 * tick));
            // Each capture takes 40 ms and starts 5 ms late.
            pacer.advance(pacer.due() + Duration::from_millis(45));
        }
    }

    #[test]
    fn thirty_frames_a_second_are_thirty_after_an_hour() {
        let mut pacer = Pacer::new(Instant::START, rate(30_000));
        for _ in 0..30 * 3600 {
            pacer.advance(pacer.due());
        }
        assert_eq!(pacer.due(), ms(3_600_000));
    }

    #[test]
    fn a_missed_tick_is_skipped_and_not_made_up_for() {
        let mut pacer = Pacer::new(ms(0), rate(10_000));
        pacer.advance(ms(1234));
        assert_eq!(pacer.due(), ms(1200));
        pacer.advance(ms(1235));
        assert_eq!(pacer.due(), ms(1300));
    }

    #[test]
    fn a_new_rate_counts_at_once_even_after_a_very_slow_one() {
        let mut pacer = Pacer::new(ms(0), rate(100));
        pacer.advance(ms(0));
        assert_eq!(pacer.due(), ms(10_000));
        pacer.set_rate(ms(500), rate(10_000));
        assert_eq!(pacer.due(), ms(600));
        pacer.set_rate(ms(550), rate(10_000));
        assert_eq!(pacer.due(), ms(600), "the same rate changes nothing");
        pacer.set_rate(ms(550), rate(100));
        assert_eq!(pacer.due(), ms(600), "what was due soon stays due soon");
    }
}
