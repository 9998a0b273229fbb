//! One thread per camera: the newest JPEG becomes one access unit, muxed once.
//!
//! Belongs here: when a frame becomes a key frame, and what happens to one that cannot be shown. The pictures and bytes
//! themselves are the `media` crate's.

use crate::mailbox::{Mailbox, Work};
use crate::stream::{AccessUnit, Stream, Timing, VideoParams};
use lenscast_media::h264::encoder::{self, OpenH264, VideoEncoder};
use lenscast_media::h264::nal;
use lenscast_media::jpeg;
use lenscast_media::picture::I420;
use lenscast_media::time::{Pts90k, TICKS_PER_SECOND};
use std::sync::Arc;
use std::time::Instant;

/// Key frames are at most this far apart, in 90 kHz ticks: who joins by a TS file or lost frames waits no longer.
const KEY_INTERVAL: u64 = 2 * TICKS_PER_SECOND;

/// Starts the thread of a camera. It ends when the mailbox is closed.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn(stream: Arc<Stream>, mailbox: Arc<Mailbox>, limits: jpeg::Limits) -> std::io::Result<()> {
    let name = format!("video {}", stream.name());
    std::thread::Builder::new()
        .name(name)
        .spawn(move || Pipeline::new(stream, mailbox, limits).run())
        .map(drop)
}

/// The state of a camera's thread.
struct Pipeline {
    stream: Arc<Stream>,
    mailbox: Arc<Mailbox>,
    decoder: jpeg::Decoder,
    encoder: OpenH264,
    picture: I420,
    params: Option<Arc<VideoParams>>,
    pacing: Pacing,
    ts: Vec<u8>,
}

/// Why a frame could not be shown as video: what it is counted under, and a sentence.
struct Fault {
    cause: &'static str,
    sentence: String,
}

impl Pipeline {
    fn new(stream: Arc<Stream>, mailbox: Arc<Mailbox>, limits: jpeg::Limits) -> Self {
        Self {
            stream,
            mailbox,
            decoder: jpeg::Decoder::new(limits),
            encoder: OpenH264::new(encoder::Config::default()),
            picture: I420::default(),
            params: None,
            pacing: Pacing::default(),
            ts: Vec::new(),
        }
    }

    fn run(mut self) {
        while let Some(work) = self.mailbox.take() {
            let key = work.key;
            if let Err(fault) = self.process(work) {
                self.stream.stats.count_quarantined(fault.cause);
                if let Some(held_back) = self.stream.notices.due(fault.cause) {
                    let camera = self.stream.name();
                    tracing::warn!(%camera, cause = fault.cause, held_back, "{}", fault.sentence);
                }
                // Whoever waits for a key frame waits for one that can be made.
                if key {
                    self.mailbox.request_key_with_next();
                }
            }
        }
    }

    fn process(&mut self, work: Work) -> Result<(), Fault> {
        let started = Instant::now();
        self.decoder
            .decode(&work.frame.bytes, &mut self.picture)
            .map_err(|fault| Fault { cause: fault.cause(), sentence: fault.to_string() })?;
        let decoded = Instant::now();

        let at = if work.again { self.stream.clock().now() } else { work.frame.arrival };
        let pts = self.stream.muxing().clock.stamp(at);
        let key = self.pacing.wants_key(pts) || work.key || self.params.is_none();
        let encoded = self
            .encoder
            .encode(&self.picture, pts, key)
            .map_err(|fault| Fault { cause: fault.cause(), sentence: fault.to_string() })?;
        let coded = Instant::now();

        let params = self.params_of(&encoded.annex_b, encoded.key)?;
        self.ts.clear();
        self.stream.muxing().ts.mux(&encoded.annex_b, pts, encoded.key, &mut self.ts);
        self.pacing.shown(pts, encoded.key);
        let timing = Timing { at, pts, arrival_unix_us: work.frame.arrival_unix_us };
        let unit = AccessUnit::new(timing, encoded.key, params, encoded.annex_b, &self.ts);
        self.stream.publish(&self.mailbox, unit);
        self.stream.stats.count_pipeline(decoded - started, coded - decoded, coded.elapsed());
        Ok(())
    }

    /// The parameter sets of an access unit: its own if it is a key frame, else those of the key frame before it.
    fn params_of(&mut self, annex_b: &[u8], key: bool) -> Result<Arc<VideoParams>, Fault> {
        let fault = |sentence: String| Fault { cause: "encode", sentence };
        if key {
            let nal::ParameterSets { sps, pps } = nal::parameter_sets(annex_b)
                .ok_or_else(|| fault("the encoder gave a key frame without parameter sets".into()))?;
            if !self.params.as_ref().is_some_and(|params| params.is(sps, pps)) {
                self.params = Some(Arc::new(VideoParams::new(sps, pps).map_err(fault)?));
            }
        }
        self.params.clone().ok_or_else(|| fault("the encoder did not begin with a key frame".into()))
    }
}

/// When the next key frame is due.
#[derive(Debug, Default)]
struct Pacing {
    key: Option<Pts90k>,
    previous: Option<Pts90k>,
    /// Smoothed time between frames, in ticks.
    interval: u64,
}

impl Pacing {
    /// Whether the frame at `pts` must be a key frame, since the one after it would come too late for that.
    fn wants_key(&self, pts: Pts90k) -> bool {
        let (Some(key), Some(previous)) = (self.key, self.previous) else {
            return true;
        };
        let next = self.interval.max(pts.saturating_since(previous));
        pts.saturating_since(key) + next > KEY_INTERVAL
    }

    /// Notes that the frame at `pts` is shown.
    fn shown(&mut self, pts: Pts90k, key: bool) {
        if let Some(previous) = self.previous {
            let gap = pts.saturating_since(previous).min(KEY_INTERVAL);
            self.interval = if self.interval == 0 { gap } else { (self.interval * 7 + gap) / 8 };
        }
        if key {
            self.key = Some(pts);
        }
        self.previous = Some(pts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds frames at the given times (ms) and gives back the times of those that became key frames.
    fn keys(times_ms: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut pacing = Pacing::default();
        let mut keys = Vec::new();
        for ms in times_ms {
            let pts = Pts90k(ms * 90);
            let key = pacing.wants_key(pts);
            pacing.shown(pts, key);
            if key {
                keys.push(ms);
            }
        }
        keys
    }

    #[test]
    fn key_frames_are_at_most_two_seconds_apart_at_any_rate() {
        for every in [16, 33, 100, 250, 700] {
            let keys = keys((0..30_000 / every).map(|n| n * every));
            assert!(keys.windows(2).all(|pair| pair[1] - pair[0] <= 2000), "{every} ms: {keys:?}");
            assert!(keys.len() as u64 <= 30_000 / (2000 - 2 * every.min(900)) + 2, "{every} ms: {keys:?}");
        }
    }

    #[test]
    fn every_frame_of_a_camera_slower_than_that_is_a_key_frame() {
        assert_eq!(keys([0, 3000, 6000]), [0, 3000, 6000]);
    }
}
