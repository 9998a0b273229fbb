//! What is counted about a camera, across its connections.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lenscast_media::time::Micros;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// The window over which the frame rate is measured.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// Frames remembered for the frame rate: three seconds at 60 fps.
const RATE_FRAMES: usize = 180;

/// Buckets of times in the pipeline and on the way to a viewer, in seconds: 0.25 ms to 4 s.
fn buckets() -> impl Iterator<Item = f64> {
    exponential_buckets(0.000_25, 2.0, 15)
}

/// Counters of one camera.
#[derive(Debug)]
pub struct Stats {
    /// Good frames.
    pub frames_in: AtomicU64,
    /// Bytes of all messages, good or not.
    pub bytes_in: AtomicU64,
    /// Good frames that were not encoded, because a newer one came before the encoder was free.
    pub dropped: AtomicU64,
    /// Times that a frame made the pipeline panic.
    pub pipeline_restarts: AtomicU64,
    /// Pipelines that were given up because they hung.
    pub pipelines_abandoned: AtomicU64,
    /// Times that an encoder in a process of its own died or hung, and was started again.
    pub encoder_restarts: AtomicU64,
    /// Time to decode a JPEG, in seconds.
    pub decode: Histogram,
    /// Time to encode and mux a picture, in seconds.
    pub encode: Histogram,
    /// From a frame's arrival until it was handed to a viewer's socket, in seconds.
    pub delivery: Histogram,
    inner: Mutex<Inner>,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            frames_in: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            pipeline_restarts: AtomicU64::new(0),
            pipelines_abandoned: AtomicU64::new(0),
            encoder_restarts: AtomicU64::new(0),
            decode: Histogram::new(buckets()),
            encode: Histogram::new(buckets()),
            delivery: Histogram::new(buckets()),
            inner: Mutex::default(),
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    quarantined: BTreeMap<&'static str, u64>,
    arrivals: VecDeque<Micros>,
    pipeline: PipelineTimes,
}

/// What a frame costs in the pipeline, smoothed, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct PipelineTimes {
    /// JPEG to I420.
    pub decode: f64,
    /// I420 to H.264.
    pub encode: f64,
    /// H.264 to MPEG-TS.
    pub mux: f64,
}

impl Stats {
    /// Counts a good frame.
    pub fn count_frame(&self, arrival: Micros) {
        self.frames_in.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.lock();
        if inner.arrivals.len() == RATE_FRAMES {
            inner.arrivals.pop_front();
        }
        inner.arrivals.push_back(arrival);
    }

    /// Counts a frame that was refused, or could not be shown as video, by cause.
    pub fn count_quarantined(&self, cause: &'static str) {
        *self.lock().quarantined.entry(cause).or_default() += 1;
    }

    /// Refused frames by cause.
    #[must_use]
    pub fn quarantined(&self) -> BTreeMap<&'static str, u64> {
        self.lock().quarantined.clone()
    }

    /// Good frames per second over the last three seconds before `now`; 0 when there were none.
    #[must_use]
    pub fn fps(&self, now: Micros) -> f64 {
        let inner = self.lock();
        let window = Micros::from_duration(RATE_WINDOW);
        let recent = inner.arrivals.iter().filter(|&&arrival| now.saturating_sub(arrival) < window);
        let count = recent.clone().count();
        match recent.clone().next().zip(inner.arrivals.back()) {
            Some((first, last)) if count > 1 && first < last => {
                (count - 1) as f64 / last.saturating_sub(*first).to_duration().as_secs_f64()
            }
            _ => count as f64 / RATE_WINDOW.as_secs_f64(),
        }
    }

    /// Takes one frame's cost into the smoothed times.
    pub fn count_pipeline(&self, decode: Duration, encode: Duration) {
        self.decode.observe(decode.as_secs_f64());
        self.encode.observe(encode.as_secs_f64());
        let times = &mut self.lock().pipeline;
        smooth(&mut times.decode, decode);
        smooth(&mut times.encode, encode);
    }

    /// The same for muxing.
    pub fn count_mux(&self, mux: Duration) {
        smooth(&mut self.lock().pipeline.mux, mux);
    }

    /// What a frame costs.
    #[must_use]
    pub fn pipeline(&self) -> PipelineTimes {
        self.lock().pipeline
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn smooth(ms: &mut f64, time: Duration) {
    let new = time.as_secs_f64() * 1000.0;
    *ms = if *ms == 0.0 { new } else { *ms * 0.9 + new * 0.1 };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_arrivals(every_ms: u64, count: u64) -> (Stats, Micros) {
        let stats = Stats::default();
        for number in 0..count {
            stats.count_frame(Micros(number * every_ms * 1000));
        }
        (stats, Micros((count - 1) * every_ms * 1000))
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        for every_ms in [250, 100, 40, 16] {
            let (stats, now) = with_arrivals(every_ms, 400);
            let fps = stats.fps(now);
            assert!((fps - 1000.0 / every_ms as f64).abs() < 0.01, "{every_ms} ms: {fps}");
        }
    }

    #[test]
    fn a_silent_camera_has_no_rate() {
        let (stats, now) = with_arrivals(40, 100);
        assert_eq!(stats.fps(now.saturating_add(Micros::from_duration(RATE_WINDOW))), 0.0);
        assert_eq!(Stats::default().fps(now), 0.0);
    }
}
