//! What is counted about a camera, across its connections.

use super::rates::{Rate, RecentMean};
use super::rhythm::Rhythm;
use super::trouble::{Trouble, Troubles};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lenscast_media::causes::{Cause, Mend};
use lenscast_media::time::Micros;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// The buckets for times in the pipeline and on the way to a viewer, in seconds: from 0.25 ms to 4 s, each twice the one before.
fn buckets() -> impl Iterator<Item = f64> {
    exponential_buckets(0.000_25, 2.0, 15)
}

/// The counters of one camera.
#[derive(Debug)]
pub struct Stats {
    /// How many good frames came.
    pub frames_in: AtomicU64,
    /// How many bytes all messages had, good or not.
    pub bytes_in: AtomicU64,
    /// How many good frames were not encoded, because a newer one came before the encoder was free.
    pub dropped: AtomicU64,
    /// How often a frame made the pipeline panic.
    pub pipeline_restarts: AtomicU64,
    /// How many pipelines were given up because they hung.
    pub pipelines_abandoned: AtomicU64,
    /// How often an encoder in a process of its own died or hung, and was started again.
    pub encoder_restarts: AtomicU64,
    /// How long it takes to decode a JPEG, in seconds.
    pub decode: Histogram,
    /// How long it takes to encode and mux a picture, in seconds.
    pub encode: Histogram,
    /// How long it takes from a frame's arrival until it is handed to a viewer's socket, in seconds.
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
    mended: BTreeMap<&'static str, u64>,
    troubles: Troubles,
    /// How far apart the JPEGs are.
    rhythm: Rhythm,
    /// The rate of the JPEGs.
    jpegs: Rate,
    /// The rate of the access units.
    video: Rate,
    pipeline: StageTimes,
    /// How long an encoder outside of the pipeline's thread takes for a picture, smoothed, in ms; 0 when there is none.
    encoder_outside: f64,
    video_delivery: RecentMean,
    jpeg_delivery: RecentMean,
    /// The seconds of all deliveries together, and how many there were.
    delivered: (f64, u64),
}

/// Where a frame's time goes, smoothed, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageTimes {
    /// From the arrival of the last byte until the pipeline can have the frame; it is inspected meanwhile.
    pub ingest: f64,
    /// Decoding: JPEG to I420.
    pub decode: f64,
    /// Encoding: I420 to H.264, by an ffmpeg too.
    pub encode: f64,
    /// Muxing: H.264 to MPEG-TS.
    pub mux: f64,
    /// Waiting: for the pipeline to be free, and for the viewer's turn.
    pub queue: f64,
}

/// The two kinds of things that viewers get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// The video: access units.
    Video,
    /// The JPEGs as they came.
    Jpeg,
}

/// What was counted since the stream began. Whoever keeps a history asks now and then, and takes the difference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// How many good frames came.
    pub frames: u64,
    /// How many bytes all messages had.
    pub bytes: u64,
    /// The time from arrival to a viewer's socket, of all deliveries together, in seconds.
    pub delivery_s: f64,
    /// How many deliveries there were.
    pub deliveries: u64,
}

impl Stats {
    /// Counts a good frame of so many bytes that was ready for the pipeline at `now`.
    pub fn count_frame(&self, arrival: Micros, now: Micros, bytes: usize) {
        self.frames_in.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.lock();
        inner.jpegs.push(arrival, bytes);
        inner.troubles.good(arrival);
        inner.rhythm.pictured(arrival);
        smooth(&mut inner.pipeline.ingest, now.saturating_sub(arrival).to_duration());
    }

    /// Counts a frame that was refused, or could not be shown as video, by cause.
    pub fn count_quarantined(&self, cause: Cause) {
        *self.lock().quarantined.entry(cause.name()).or_default() += 1;
    }

    /// Counts a message that was refused at `at`. `why` is a sentence without capital and full stop.
    pub fn count_refused(&self, cause: Cause, why: String, at: Micros) {
        self.count_quarantined(cause);
        self.lock().troubles.refused(cause, why, at);
    }

    /// Counts a frame that could not be shown as video at `at`, or only as far as it was whole.
    pub fn count_not_shown(&self, cause: Cause, why: String, at: Micros) {
        self.count_quarantined(cause);
        self.lock().troubles.not_shown(cause, why, at);
    }

    /// Notes that a frame was shown as video, whole.
    pub fn note_shown(&self) {
        self.lock().troubles.shown();
    }

    /// Why nothing good comes of what the camera sends, when that is so at `now`.
    #[must_use]
    pub fn trouble(&self, now: Micros) -> Option<Trouble> {
        self.lock().troubles.told(now).cloned()
    }

    /// Begins anew with that, for a camera that has just connected.
    pub(super) fn forget_trouble(&self) {
        self.lock().troubles = Troubles::default();
    }

    /// How many frames were refused, or could not be shown as video, by cause.
    #[must_use]
    pub fn quarantined(&self) -> BTreeMap<&'static str, u64> {
        self.lock().quarantined.clone()
    }

    /// Whether any frame or message was refused, or could not be shown as video.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        !self.lock().quarantined.is_empty()
    }

    /// Counts a frame with a fault of this kind that was mended.
    pub fn count_mended(&self, kind: Mend) {
        *self.lock().mended.entry(kind.name()).or_default() += 1;
    }

    /// How many frames had a fault that was mended, by kind. They are good frames: each is counted there, too.
    #[must_use]
    pub fn mended(&self) -> BTreeMap<&'static str, u64> {
        self.lock().mended.clone()
    }

    /// Notes that the camera connected at `now`.
    pub fn connected(&self, now: Micros) {
        self.lock().rhythm.connected(now);
    }

    /// The usual time between two good frames; `None` before the second.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        self.lock().rhythm.interval()
    }

    /// How long the camera may be quiet by its own rhythm; zero while that is unknown.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.lock().rhythm.patience()
    }

    /// How many good frames came a second before `now`: over the last three seconds, or over the last five frames of a slow
    /// camera; 0 when the camera fell silent.
    #[must_use]
    pub fn fps(&self, now: Micros) -> f64 {
        let inner = self.lock();
        inner.jpegs.per_second(now, inner.rhythm.patience()).0
    }

    /// How many bits a second the good frames had, over the same time as [`fps`](Self::fps).
    #[must_use]
    pub fn bitrate(&self, now: Micros) -> f64 {
        let inner = self.lock();
        inner.jpegs.per_second(now, inner.rhythm.patience()).1 * 8.0
    }

    /// How many bits a second the encoded video had, over the same time as [`fps`](Self::fps).
    #[must_use]
    pub fn video_bitrate(&self, now: Micros) -> f64 {
        let inner = self.lock();
        inner.video.per_second(now, inner.rhythm.patience()).1 * 8.0
    }

    /// Counts how long one frame took to decode and to encode.
    pub fn count_pipeline(&self, decode: Duration, encode: Duration) {
        self.decode.observe(decode.as_secs_f64());
        self.encode.observe(encode.as_secs_f64());
        let times = &mut self.lock().pipeline;
        smooth(&mut times.decode, decode);
        smooth(&mut times.encode, encode);
    }

    /// Counts an access unit of so many bytes that was muxed at `now`, and how long that took.
    pub fn count_unit(&self, now: Micros, bytes: usize, mux: Duration) {
        let mut inner = self.lock();
        inner.video.push(now, bytes);
        smooth(&mut inner.pipeline.mux, mux);
    }

    /// Counts that a frame was handed to a viewer's socket at `now`, so long after it had arrived.
    pub fn count_delivery(&self, track: Track, now: Micros, age: Duration) {
        let seconds = age.as_secs_f64();
        self.delivery.observe(seconds);
        let mut inner = self.lock();
        let mean = match track {
            Track::Video => &mut inner.video_delivery,
            Track::Jpeg => &mut inner.jpeg_delivery,
        };
        mean.add(now, seconds);
        inner.delivered.0 += seconds;
        inner.delivered.1 += 1;
    }

    /// How long the encoder works for a frame, smoothed: decoding and encoding, by an ffmpeg too.
    #[must_use]
    pub fn work(&self, now: Micros) -> Duration {
        let StageTimes { decode, encode, .. } = self.pipeline(now);
        Duration::from_secs_f64((decode + encode) / 1000.0)
    }

    /// Counts how long an encoder outside of the pipeline's thread took for a picture.
    pub fn count_encoder(&self, time: Duration) {
        smooth(&mut self.lock().encoder_outside, time);
    }

    /// Forgets how long the encoder took: another one takes its place.
    pub fn forget_encoder(&self) {
        let mut inner = self.lock();
        (inner.encoder_outside, inner.pipeline.encode) = (0.0, 0.0);
    }

    /// Where a frame's time goes: that of an access unit while viewers get video, else that of a JPEG.
    #[must_use]
    pub fn pipeline(&self, now: Micros) -> StageTimes {
        let mut inner = self.lock();
        let StageTimes { ingest, decode, encode, mux, .. } = inner.pipeline;
        let encode = encode + inner.encoder_outside;
        // Waiting is what the other stages do not explain: 15 ms to the viewer, less 1 + 2 + 5 + 1 ms of work, are 6 ms of waiting.
        let waited = match inner.video_delivery.mean(now) {
            Some(delivery) => delivery * 1000.0 - (ingest + decode + encode + mux),
            None => inner.jpeg_delivery.mean(now).map_or(0.0, |delivery| delivery * 1000.0 - ingest),
        };
        StageTimes { queue: waited.max(0.0), encode, ..inner.pipeline }
    }

    /// What was counted since the stream began.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let (delivery_s, deliveries) = self.lock().delivered;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Totals { frames: load(&self.frames_in), bytes: load(&self.bytes_in), delivery_s, deliveries }
    }

    /// Begins anew, as for a camera that never was. Only the histograms stay: they tell of this server.
    pub fn reset(&self) {
        let Self {
            frames_in,
            bytes_in,
            dropped,
            pipeline_restarts,
            pipelines_abandoned,
            encoder_restarts,
            decode: _,
            encode: _,
            delivery: _,
            inner: _,
        } = self;
        for counter in
            [frames_in, bytes_in, dropped, pipeline_restarts, pipelines_abandoned, encoder_restarts]
        {
            counter.store(0, Ordering::Relaxed);
        }
        *self.lock() = Inner::default();
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

    /// Bytes of each frame in these tests.
    const BYTES: usize = 10_000;

    fn with_arrivals(every_ms: u64, count: u64) -> (Stats, Micros) {
        let stats = Stats::default();
        for number in 0..count {
            let at = ms(number * every_ms);
            stats.count_frame(at, at, BYTES);
        }
        (stats, ms((count - 1) * every_ms))
    }

    fn ms(ms: u64) -> Micros {
        Micros(ms * 1000)
    }

    fn near(value: f64, wanted: f64) -> bool {
        (value - wanted).abs() < 1e-6 * wanted.abs().max(1.0)
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        for every_ms in [250, 100, 40, 16] {
            let (stats, now) = with_arrivals(every_ms, 400);
            let wanted = 1000.0 / every_ms as f64;
            assert!(near(stats.fps(now), wanted), "{every_ms} ms: {}", stats.fps(now));
            assert!(near(stats.bitrate(now), wanted * BYTES as f64 * 8.0), "{}", stats.bitrate(now));
        }
    }

    #[test]
    fn the_bitrate_forgets_what_is_older_than_its_window() {
        let stats = Stats::default();
        for number in 0..60 {
            let (at, bytes) = (ms(number * 100), if number < 30 { 1_000_000 } else { 1000 });
            stats.count_frame(at, at, bytes);
            stats.count_unit(at, bytes / 10, Duration::ZERO);
        }
        assert!(near(stats.bitrate(ms(5999)), 80_000.0), "{}", stats.bitrate(ms(5999)));
        assert!(near(stats.video_bitrate(ms(5999)), 8000.0), "{}", stats.video_bitrate(ms(5999)));
    }

    #[test]
    fn a_silent_camera_has_no_rate() {
        let (stats, now) = with_arrivals(40, 100);
        let later = now.saturating_add(ms(3000));
        assert_eq!((stats.fps(later), stats.bitrate(later)), (0.0, 0.0));
        assert_eq!(Stats::default().fps(now), 0.0);
        let (one, at) = with_arrivals(40, 1);
        assert!(near(one.fps(at), 1.0 / 3.0) && near(one.bitrate(at), BYTES as f64 * 8.0 / 3.0));
    }

    #[test]
    fn a_camera_of_a_picture_in_ten_seconds_has_its_rate_all_the_time() {
        let (stats, now) = with_arrivals(10_000, 20);
        for later in [0, 5_000, 9_999, 25_000] {
            let now = now.saturating_add(ms(later));
            assert!(near(stats.fps(now), 0.1) && near(stats.bitrate(now), 8000.0), "{later}");
        }
        let later = now.saturating_add(ms(30_000));
        assert_eq!((stats.fps(later), stats.bitrate(later)), (0.0, 0.0), "three intervals");
        assert!(
            near(stats.patience().as_secs_f64(), 30.0) && near(stats.interval().unwrap().as_secs_f64(), 10.0)
        );
    }

    #[test]
    fn the_queue_is_what_the_other_stages_do_not_explain() {
        let stats = Stats::default();
        stats.count_frame(ms(0), ms(1), BYTES);
        stats.count_delivery(Track::Jpeg, ms(10), Duration::from_millis(4));
        assert!(near(stats.pipeline(ms(10)).queue, 3.0), "JPEGs wait for their viewers only");
        stats.count_pipeline(Duration::from_millis(2), Duration::from_millis(5));
        stats.count_unit(ms(8), 100, Duration::from_millis(1));
        for age in [10, 20] {
            stats.count_delivery(Track::Video, ms(20), Duration::from_millis(age));
        }
        let times = stats.pipeline(ms(20));
        assert!(near(times.ingest, 1.0) && near(times.queue, 15.0 - 1.0 - 2.0 - 5.0 - 1.0), "{times:?}");
        // What is shown again is delivered before it could have been decoded.
        for _ in 0..100 {
            stats.count_delivery(Track::Video, ms(30), Duration::ZERO);
        }
        assert_eq!(stats.pipeline(ms(30)).queue, 0.0, "never negative");
    }

    #[test]
    fn a_camera_that_is_forgotten_is_counted_from_zero() {
        let (stats, now) = with_arrivals(40, 10);
        stats.count_quarantined(Cause::Truncated);
        stats.count_mended(Mend::StrayBytes);
        stats.count_delivery(Track::Jpeg, now, Duration::from_millis(4));
        stats.bytes_in.store(5, Ordering::Relaxed);
        stats.reset();
        assert_eq!(stats.totals(), Totals::default());
        assert_eq!((stats.fps(now), stats.quarantined().len(), stats.mended().len()), (0.0, 0, 0));
    }
}
