//! Rates over the last frames, and means over the last seconds. Plain data: no lock, no clock; bounded.

use lenscast_media::time::Micros;
use std::collections::VecDeque;
use std::time::Duration;

/// The window over which rates are measured at least.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// A rate is measured over so many frames at least, as long as they take: a slow camera sends none in most windows.
const FEWEST: usize = 5;

/// How many frames are remembered for a rate: three seconds at 60 frames a second.
const RATE_FRAMES: usize = 180;

/// Half the time over which a mean is taken. It is over what came in this span and in the one before.
const MEAN_SPAN: Duration = Duration::from_millis(1500);

/// A rate: when the frames of the last seconds came, and how many bytes each had.
#[derive(Debug, Default)]
pub struct Rate(VecDeque<(Micros, usize)>);

impl Rate {
    /// Adds a frame of so many bytes, which came at the moment `at`.
    pub fn push(&mut self, at: Micros, bytes: usize) {
        if self.0.len() == RATE_FRAMES {
            self.0.pop_front();
        }
        self.0.push_back((at, bytes));
    }

    /// How many frames and bytes came a second before `now`: over the last three seconds, or over the last five frames if
    /// that is longer. Zero when nothing came for three seconds, nor for `patience`, which is how long it may be quiet.
    #[must_use]
    pub fn per_second(&self, now: Micros, patience: Duration) -> (f64, f64) {
        let patience = patience.max(RATE_WINDOW);
        let age = |at: Micros| now.saturating_sub(at).to_duration();
        if self.0.back().is_none_or(|(last, _)| age(*last) >= patience) {
            return (0.0, 0.0);
        }
        // One picture in 10 s, patience 30 s: the five frames are 0 to 40 s old. What is older than each of them may be in
        // its turn belongs to another time.
        let reach = patience * FEWEST as u32;
        let from = self.0.len().saturating_sub(FEWEST);
        let counts = |(index, (at, _)): &(usize, &(Micros, usize))| {
            age(*at) < RATE_WINDOW || (*index >= from && age(*at) < reach)
        };
        let mut recent = self.0.iter().enumerate().filter(counts).map(|(_, frame)| frame);
        let (Some((first, first_bytes)), Some((last, _))) = (recent.next(), self.0.back()) else {
            return (0.0, 0.0);
        };
        let (count, bytes) = recent.fold((0, 0), |(count, bytes), (_, more)| (count + 1, bytes + more));
        if first < last {
            // The first one only says when the time begins in which the others came: 4 frames at 0, 40, 80 and 120 ms are 3
            // in 120 ms, so 25 a second.
            let seconds = last.saturating_sub(*first).to_duration().as_secs_f64();
            return (f64::from(count) / seconds, bytes as f64 / seconds);
        }
        let seconds = patience.as_secs_f64();
        (f64::from(count + 1) / seconds, (bytes + first_bytes) as f64 / seconds)
    }
}

/// The mean of what came in the last seconds.
#[derive(Debug, Default)]
pub struct RecentMean {
    /// When the current span began.
    began: Micros,
    /// Sum and number of the values since then.
    current: (f64, u64),
    /// Sum and number of the values of the span before.
    before: (f64, u64),
}

impl RecentMean {
    /// Adds a value that came at `now`.
    pub fn add(&mut self, now: Micros, value: f64) {
        self.turn(now);
        self.current.0 += value;
        self.current.1 += 1;
    }

    /// The mean of what came lately, as seen at `now`; `None` when nothing came.
    pub fn mean(&mut self, now: Micros) -> Option<f64> {
        self.turn(now);
        let count = self.current.1 + self.before.1;
        (count > 0).then(|| (self.current.0 + self.before.0) / count as f64)
    }

    fn turn(&mut self, now: Micros) {
        let age = now.saturating_sub(self.began).to_duration();
        if age < MEAN_SPAN {
            return;
        }
        let recent = age < 2 * MEAN_SPAN;
        self.before = std::mem::take(&mut self.current);
        if !recent {
            self.before = (0.0, 0);
        }
        self.began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Micros {
        Micros(ms * 1000)
    }

    #[test]
    fn a_mean_is_of_the_last_seconds() {
        let mut mean = RecentMean::default();
        mean.add(ms(0), 100.0);
        mean.add(ms(1600), 10.0);
        assert_eq!(mean.mean(ms(1700)), Some(55.0), "of two spans");
        assert_eq!(mean.mean(ms(3200)), Some(10.0), "the span before the last is gone");
        assert_eq!(mean.mean(ms(60_000)), None);
        mean.add(ms(60_000), 1.0);
        mean.add(ms(120_000), 3.0);
        assert_eq!(mean.mean(ms(120_000)), Some(3.0), "after a pause nothing old comes back");
    }

    #[test]
    fn the_rate_of_a_slow_camera_is_over_its_last_frames_and_does_not_swing() {
        for every in [1_000, 5_000, 10_000, 30_000] {
            let mut rate = Rate::default();
            for number in 0..20 {
                rate.push(ms(number * every), 5_000);
                if number == 0 {
                    continue;
                }
                let wanted = 1000.0 / every as f64;
                for later in [0, every / 2, every - 1, 2 * every] {
                    let (frames, bytes) =
                        rate.per_second(ms(number * every + later), Duration::from_millis(3 * every));
                    assert!((frames / wanted - 1.0).abs() < 1e-6, "{every} ms, {later} ms later: {frames}");
                    assert!((bytes / wanted / 5_000.0 - 1.0).abs() < 1e-6, "{bytes}");
                }
            }
            let later = ms(19 * every + 3 * every);
            assert_eq!(
                rate.per_second(later, Duration::from_millis(3 * every)),
                (0.0, 0.0),
                "it fell silent"
            );
        }
    }

    #[test]
    fn a_rate_is_not_that_of_another_time() {
        let mut rate = Rate::default();
        (0..10).for_each(|number| rate.push(ms(number * 1000), 10));
        rate.push(ms(3_600_000), 10);
        let (frames, _) = rate.per_second(ms(3_600_000), Duration::from_secs(3));
        assert!((frames - 1.0 / 3.0).abs() < 1e-6, "{frames}");
    }

    #[test]
    fn a_rate_remembers_no_more_than_it_needs() {
        let mut rate = Rate::default();
        for number in 0..10_000 {
            rate.push(ms(number), 10);
        }
        assert_eq!(rate.0.len(), RATE_FRAMES);
        let (frames, bytes) = rate.per_second(ms(9_999), Duration::ZERO);
        assert!((frames - 1000.0).abs() < 1e-6 && (bytes - 10_000.0).abs() < 1e-6, "{frames} {bytes}");
    }
}
