//! `GET /api/cameras/{name}/history`: rate and latency of the last ten minutes, for a small plot.
//!
//! A sample is the difference between two moments of what is counted anyway, so it costs a camera nothing.

use lenscast_live::Streams;
use lenscast_live::stream::stats::Totals;
use lenscast_media::time::Micros;
use lenscast_protocol::CameraName;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// From one sample to the next.
pub const STEP: Duration = Duration::from_secs(5);

/// Samples that are kept: ten minutes.
pub const MAX_SAMPLES: usize = 120;

/// What happened within one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Sample {
    /// Good frames a second; 0 while the camera was away. Of a slow camera, over its last five frames.
    #[schema(minimum = 0)]
    pub fps: f64,
    /// Mean time from a frame's arrival until it was handed to a viewer's socket, in ms; null when nobody watched.
    #[schema(required, minimum = 0)]
    pub latency_ms: Option<f64>,
    /// What the camera sent, in kbit/s.
    pub kbits: u64,
}

/// The histories of all cameras.
#[derive(Debug, Default)]
pub struct Histories {
    by_name: Mutex<BTreeMap<CameraName, History>>,
}

#[derive(Debug, Default)]
struct History {
    samples: VecDeque<Sample>,
    last: (Totals, Micros),
}

impl Histories {
    /// Takes a sample of every camera each [`STEP`], until the server shuts down.
    pub async fn run(&self, streams: &Streams, shutdown: &CancellationToken) {
        let mut steps = tokio::time::interval(STEP);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = steps.tick() => self.sample(streams),
            }
        }
    }

    /// Takes a sample of every camera that has ever sent something.
    pub fn sample(&self, streams: &Streams) {
        let streams = streams.list();
        let mut by_name = self.lock();
        let known: BTreeSet<_> = streams.iter().map(|stream| stream.name()).collect();
        by_name.retain(|name, _| known.contains(name));
        drop(known);
        for stream in streams {
            let totals = stream.stats.totals();
            if totals.bytes > 0 {
                let now = stream.clock().now();
                // A slow camera sends nothing in most steps, and its rate is none of that.
                let slow =
                    stream.session().is_some() && stream.stats.interval().is_some_and(|time| time > STEP / 4);
                let rate = slow.then(|| stream.stats.fps(now));
                by_name.entry(stream.name().clone()).or_default().add(totals, now, rate);
            }
        }
    }

    /// The samples of a camera, oldest first.
    #[must_use]
    pub fn of(&self, name: &CameraName) -> Vec<Sample> {
        self.lock().get(name).map(|history| history.samples.iter().copied().collect()).unwrap_or_default()
    }

    /// Forgets a camera.
    pub fn forget(&self, name: &CameraName) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraName, History>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History {
    /// Adds what was counted since the last time; the first time, what was counted within the last step. `rate` is the rate of
    /// a camera that is too slow to be measured within a step.
    fn add(&mut self, totals: Totals, now: Micros, rate: Option<f64>) {
        let (before, at) = std::mem::replace(&mut self.last, (totals, now));
        let step = Micros::from_duration(STEP);
        let elapsed = if self.samples.is_empty() { step } else { now.saturating_sub(at).max(Micros(1)) };
        let seconds = elapsed.to_duration().as_secs_f64();
        let per_second = |after: u64, before: u64| after.saturating_sub(before) as f64 / seconds;
        let deliveries = totals.deliveries.saturating_sub(before.deliveries);
        let latency = (totals.delivery_s - before.delivery_s).max(0.0) * 1000.0 / deliveries as f64;
        let round = |value: f64| (value * 10.0).round() / 10.0;
        if self.samples.len() == MAX_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            fps: rate.map_or_else(|| round(per_second(totals.frames, before.frames)), super::status::rate),
            latency_ms: (deliveries > 0).then(|| round(latency)),
            kbits: (per_second(totals.bytes, before.bytes) * 8.0 / 1000.0).round() as u64,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(frames: u64, bytes: u64, delivery_s: f64, deliveries: u64) -> Totals {
        Totals { frames, bytes, delivery_s, deliveries }
    }

    fn seconds(seconds: u64) -> Micros {
        Micros(seconds * 1_000_000)
    }

    #[test]
    fn a_sample_tells_what_happened_since_the_one_before() {
        let mut history = History::default();
        history.add(totals(50, 1_000_000, 0.0, 0), seconds(65), None);
        history.add(totals(125, 3_000_000, 1.5, 150), seconds(70), None);
        // This one came late.
        history.add(totals(225, 3_500_000, 4.5, 250), seconds(80), None);
        history.add(totals(225, 3_500_000, 4.5, 250), seconds(85), None);
        assert_eq!(
            Vec::from(history.samples),
            [
                Sample { fps: 10.0, latency_ms: None, kbits: 1600 },
                Sample { fps: 15.0, latency_ms: Some(10.0), kbits: 3200 },
                Sample { fps: 10.0, latency_ms: Some(30.0), kbits: 400 },
                Sample { fps: 0.0, latency_ms: None, kbits: 0 },
            ]
        );
    }

    #[test]
    fn a_slow_camera_has_its_rate_in_every_sample() {
        let mut history = History::default();
        for (frames, second) in [(1, 5), (1, 10), (2, 15)] {
            history.add(totals(frames, frames * 5000, 0.0, 0), seconds(second), Some(1.0 / 30.0));
        }
        assert_eq!(history.samples.iter().map(|sample| sample.fps).collect::<Vec<_>>(), [0.033; 3]);
    }

    #[test]
    fn ten_minutes_are_kept_and_the_newest_is_last() {
        let mut history = History::default();
        for number in 1..=500 {
            history.add(totals(number * number, 1, 0.0, 0), seconds(number * 5), None);
        }
        assert_eq!(history.samples.len(), MAX_SAMPLES);
        assert_eq!(history.samples.back().unwrap().fps, ((500 * 500 - 499 * 499) as f64) / 5.0);
        assert!(history.samples.capacity() < 2 * MAX_SAMPLES, "they cost no more for being many");
    }

    #[test]
    fn counters_that_began_anew_give_no_nonsense() {
        let mut history = History::default();
        history.add(totals(500, 9_000, 9.0, 90), seconds(5), None);
        history.add(totals(10, 1_000, 0.1, 10), seconds(10), None);
        assert_eq!(history.samples[1], Sample { fps: 0.0, latency_ms: None, kbits: 0 });
    }
}
