//! One thread for each camera: it takes the newest JPEG, and makes one access unit of it.
//!
//! Belongs here: the thread and what watches over it (`supervisor`, `progress`), when a frame becomes a key frame
//! (`pacing`), the encoders to choose from ([`encoder`], [`ffmpeg`]), and how their output gets its times back (`packager`).
//! Does not belong here: pictures and bytes themselves, which are the `media` crate's.

pub mod config;
pub mod encoder;
pub mod ffmpeg;
mod pacing;
mod packager;
mod progress;
pub(crate) mod supervisor;

pub use config::Config;

use crate::mailbox::{Mailbox, Work};
use crate::stream::Stream;
use crate::unit::Timing;
use encoder::{Encoder, Sink};
use lenscast_media::causes::Cause;
use lenscast_media::jpeg;
use lenscast_media::picture::I420;
use pacing::Pacing;
use packager::Packager;
use progress::Progress;
use std::sync::Arc;
use std::time::Instant;

/// Everything that a camera's thread has in its hands.
struct Pipeline {
    stream: Arc<Stream>,
    mailbox: Arc<Mailbox>,
    decoder: jpeg::Decoder,
    picture: I420,
    pacing: Pacing,
    encoder: Box<dyn Encoder>,
    packager: Arc<Packager>,
    progress: Arc<Progress>,
}

/// Why a frame could not be shown as video.
struct Fault {
    /// The cause under which it is counted.
    cause: Cause,
    /// What is said to people.
    sentence: String,
}

impl Pipeline {
    fn new(packager: Arc<Packager>, mailbox: Arc<Mailbox>, config: &Config, progress: Arc<Progress>) -> Self {
        Self {
            stream: packager.stream().clone(),
            mailbox,
            decoder: jpeg::Decoder::new(jpeg::Limits { max_pixels: config.max_pixels }),
            picture: I420::default(),
            pacing: Pacing::default(),
            encoder: config.encoder.make(Sink::new(packager.clone())),
            packager,
            progress,
        }
    }

    fn run(mut self) {
        while let Some(work) = self.mailbox.take() {
            let key = work.key;
            self.progress.begin();
            let result = self.process(work);
            self.progress.end();
            if let Err(fault) = result {
                self.stream.stats.count_quarantined(fault.cause);
                if let Some(held_back) = self.stream.notices.due(fault.cause.name()) {
                    let camera = self.stream.name();
                    tracing::warn!(%camera, cause = fault.cause.name(), held_back, "{}", fault.sentence);
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

        // A frame that arrives 10 s after the server's start is shown at 10 s: 10 × 90,000 ticks. If a viewer joins at 10.5 s and no
        // newer frame has come, the same frame is shown again, at 10.5 s: 945,000 ticks. Time never goes back.
        let at = if work.again { self.stream.clock().now() } else { work.frame.arrival };
        let pts = self.stream.stamp(at);
        let key = work.key || self.pacing.wants_key(pts) || !self.packager.has_begun();
        self.packager.expect(Timing { at, pts, arrival_unix_us: work.frame.arrival_unix_us });
        self.encoder
            .encode(&self.picture, pts, key)
            .map_err(|fault| Fault { cause: fault.cause(), sentence: fault.to_string() })?;
        self.pacing.shown(pts, key);
        self.stream.stats.count_pipeline(decoded - started, decoded.elapsed());
        Ok(())
    }
}
