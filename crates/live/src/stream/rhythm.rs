//! How far apart a camera's pictures are, and so how long it may be quiet. Plain data: no lock, no clock.

use lenscast_media::time::Micros;
use std::time::Duration;

/// A camera that sends nothing for so many of its usual intervals has fallen silent.
pub const INTERVALS: u32 = 3;

/// A longer time between two pictures counts as this long: who sends a picture an hour is silent in between.
const LONGEST: Duration = Duration::from_secs(600);

/// A camera that connects again within this time goes on in its rhythm. One that was away for longer says nothing by that.
const ACROSS: Duration = Duration::from_secs(60);

/// The time between a camera's pictures, smoothed. Many cameras send one picture in 5, 10 or 30 s, to save battery.
#[derive(Debug, Default)]
pub struct Rhythm {
    last: Option<Micros>,
    interval: Option<Duration>,
}

impl Rhythm {
    /// Notes that the camera connected at `now`.
    pub fn connected(&mut self, now: Micros) {
        self.last.take_if(|last| now.saturating_sub(*last).to_duration() > ACROSS);
    }

    /// Notes that a picture came at `arrival`.
    pub fn pictured(&mut self, arrival: Micros) {
        let Some(last) = self.last.replace(arrival) else {
            return;
        };
        let gap = arrival.saturating_sub(last).to_duration().min(LONGEST);
        // A camera that becomes slower is believed at once: half of the new gap counts. One that becomes quicker is believed
        // after some pictures: one eighth. So a camera that sends five pictures at once, and then none for 30 s, has intervals
        // of 12 to 21 s and is not called silent between its bursts; one of 25 a second that stood still for 20 s has 1 s
        // again after 17 pictures, which is 0.7 s later.
        self.interval = Some(match self.interval {
            None => gap,
            Some(interval) if gap > interval => (interval + gap) / 2,
            Some(interval) => (interval * 7 + gap) / 8,
        });
    }

    /// The usual time between two pictures; `None` before the second.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// How long the camera may be quiet until it has fallen silent, by its own rhythm; zero while that is unknown.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.interval.unwrap_or_default() * INTERVALS
    }
}

/// How long a device that says that it sends `fps` pictures a second may be quiet; zero when it says nothing of use.
#[must_use]
pub fn patience_of(fps: f64) -> Duration {
    if fps > 0.0 {
        Duration::from_secs_f64((f64::from(INTERVALS) / fps).min((LONGEST * INTERVALS).as_secs_f64()))
    } else {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Micros {
        Micros(ms * 1000)
    }

    /// How often a camera with pictures at these times (ms) is called silent, when it is by `least` at the earliest.
    fn silences(times: &[u64], least: Duration) -> usize {
        let mut rhythm = Rhythm::default();
        let mut silences = 0;
        for pair in times.windows(2) {
            rhythm.pictured(ms(pair[0]));
            let gap = Duration::from_millis(pair[1] - pair[0]);
            silences += usize::from(gap >= rhythm.patience().max(least));
        }
        silences
    }

    const LEAST: Duration = Duration::from_secs(3);

    #[test]
    fn a_slow_camera_is_silent_once_at_most_until_its_rhythm_is_known() {
        for every in [500, 2_900, 5_000, 10_000, 30_000, 300_000] {
            let times: Vec<u64> = (0..50).map(|number| number * every).collect();
            assert_eq!(silences(&times, LEAST), usize::from(every >= 3000), "{every} ms");
            // Early and late by a third.
            let times: Vec<u64> = (0..50).map(|number| number * every + number % 3 * every / 3).collect();
            assert!(silences(&times, LEAST) <= 1, "{every} ms with jitter");
        }
    }

    #[test]
    fn a_camera_that_sends_in_bursts_is_not_silent_between_them() {
        let times: Vec<u64> = (0..200).map(|number| number / 5 * 30_000 + number % 5 * 40).collect();
        assert_eq!(silences(&times, LEAST), 2, "only before the second and the third");
    }

    #[test]
    fn a_camera_that_becomes_slow_is_believed_and_one_that_became_quick_soon_held_to_it() {
        let quick = (0..250).map(|number| number * 40);
        let slow = (1..20).map(|number| 10_000 + number * 10_000);
        let times: Vec<u64> = quick.clone().chain(slow).collect();
        assert_eq!(silences(&times, LEAST), 1);
        let mut rhythm = Rhythm::default();
        for at in (0..10).map(|number| number * 10_000).chain(quick.map(|at| 100_000 + at).take(100)) {
            rhythm.pictured(ms(at));
        }
        assert!(rhythm.patience() < LEAST, "{:?} after four seconds", rhythm.patience());
    }

    #[test]
    fn what_was_long_ago_says_nothing_about_a_camera_that_comes_again() {
        for (away, known) in [(30_000, true), (61_000, false)] {
            let mut rhythm = Rhythm::default();
            rhythm.pictured(ms(0));
            rhythm.connected(ms(away));
            rhythm.pictured(ms(away));
            assert_eq!(rhythm.interval().is_some(), known, "{away} ms");
        }
        let mut rhythm = Rhythm::default();
        (0..3).for_each(|hour| rhythm.pictured(ms(hour * 3_600_000)));
        assert_eq!(rhythm.patience(), LONGEST * INTERVALS, "nobody is waited for longer");
    }

    #[test]
    fn what_a_device_says_about_its_rate_counts_within_reason() {
        assert_eq!(patience_of(0.1), Duration::from_secs(30));
        assert_eq!(patience_of(1e-9), LONGEST * INTERVALS);
        assert_eq!(patience_of(1e-300), LONGEST * INTERVALS);
        for nothing in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(patience_of(nothing), Duration::ZERO, "{nothing}");
        }
    }
}
