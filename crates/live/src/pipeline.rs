//! One thread for each camera: it takes the newest JPEG, and makes one access unit of it.
//!
//! Belongs here: the thread ([`pipelines`], `permits`, `memory`) and what watches over it (`supervisor`, `progress`), when a
//! frame becomes a key frame (`pacing`), the encoders to choose from ([`encoder`], [`ffmpeg`]), and how their output gets its
//! times back (`packager`). Does not belong here: pictures and bytes themselves, which are the `media` crate's.

pub mod config;
mod damage;
pub mod encoder;
pub mod ffmpeg;
mod memory;
mod pacing;
mod packager;
mod permits;
pub(crate) mod pipelines;
mod progress;
pub(crate) mod supervisor;

pub use config::Config;
pub use pipelines::Pipelines;

use crate::burst;
use crate::mailbox::{Mailbox, Next, Work};
use crate::stream::Stream;
use crate::unit::{JpegFrame, Timing};
use damage::Damage;
use encoder::{Encoder, Sink};
use lenscast_media::causes::Cause;
use lenscast_media::h264::encoder::check_size;
use lenscast_media::jpeg::{self, DecodeFault};
use lenscast_media::picture::I420;
use lenscast_media::turn::Turn;
use memory::Reservation;
use pacing::Pacing;
use packager::Packager;
use progress::Progress;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long nobody may watch until a pipeline gives its memory back. The next viewer begins with a new encoder, which costs
/// some milliseconds.
const REST_AFTER: Duration = Duration::from_secs(5);

/// Everything that a camera's thread has in its hands.
struct Pipeline {
    stream: Arc<Stream>,
    mailbox: Arc<Mailbox>,
    config: Config,
    packager: Arc<Packager>,
    progress: Arc<Progress>,
    pacing: Pacing,
    damage: Damage,
    /// How many frames were encoded.
    shown: u64,
    /// The memory for what stands below.
    reservation: Reservation,
    /// What is needed to make video; `None` while nobody watches.
    tools: Option<Tools>,
}

/// What takes memory by the size of the pictures.
struct Tools {
    decoder: jpeg::Decoder,
    picture: I420,
    /// The picture the right way up, when it has to be turned.
    turned: I420,
    /// The number of the frame that is decoded, so that it is not decoded again to be shown again.
    decoded: Option<u64>,
    encoder: Box<dyn Encoder>,
}

/// Why a frame could not be shown as video.
struct Fault {
    /// The cause under which it is counted.
    cause: Cause,
    /// What is said to people.
    sentence: String,
}

impl Pipeline {
    fn new(
        packager: Arc<Packager>,
        mailbox: Arc<Mailbox>,
        config: &Config,
        progress: Arc<Progress>,
        reservation: Reservation,
    ) -> Self {
        let (stream, config) = (packager.stream().clone(), config.clone());
        Self {
            stream,
            mailbox,
            config,
            packager,
            progress,
            pacing: Pacing::default(),
            damage: Damage::default(),
            shown: 0,
            reservation,
            tools: None,
        }
    }

    fn run(mut self) {
        while let Some(work) = self.next() {
            let wanted_again = work.key || work.again;
            self.stream.stats.dropped.fetch_add(work.dropped, Ordering::Relaxed);
            self.progress.begin();
            let result = self.process(work);
            self.progress.end();
            if let Err(fault) = result {
                self.count(&fault);
                // Whoever waits for a key frame waits for one that can be made, and what gave no picture is not repeated.
                if wanted_again {
                    self.mailbox.request_key_with_next();
                }
            }
        }
    }

    /// Waits for work. Gives the memory back when nobody has watched for a while.
    fn next(&mut self) -> Option<Work> {
        if self.tools.is_some() {
            match self.mailbox.take_while_watched(REST_AFTER) {
                Next::Work(work) => return Some(work),
                Next::Unwatched => self.rest(),
                Next::Ended => return None,
            }
        }
        self.mailbox.take()
    }

    /// Gives all memory back that depends on the size of the pictures, and with ffmpeg ends the process.
    fn rest(&mut self) {
        self.tools = None;
        self.pacing = Pacing::default();
        self.reservation.release();
    }

    fn process(&mut self, work: Work) -> Result<(), Fault> {
        let started = Instant::now();
        let frame = &work.frame;
        self.make_room(frame.width, frame.height)?;
        let tools = self.tools.get_or_insert_with(|| Tools {
            decoder: jpeg::Decoder::new(jpeg::Limits { max_pixels: self.config.max_pixels })
                .stopping(self.mailbox.ended()),
            picture: I420::default(),
            turned: I420::default(),
            decoded: None,
            encoder: self.config.encoder.make(Sink::new(self.packager.clone())),
        });
        let known = work.again && tools.decoded == Some(frame.sequence);
        let damaged = match if known { Ok(None) } else { decode(tools, &mut self.damage, frame) } {
            // The camera left, or was configured differently, while its frame was decoded.
            Err(DecodeFault::Stopped) => return Ok(()),
            Err(fault) => return Err(Fault { cause: fault.cause(), sentence: fault.to_string() }),
            Ok(_) if self.mailbox.has_ended() => return Ok(()),
            Ok(damaged) => damaged,
        };
        let decoded = Instant::now();

        // A frame that arrives 10 s after the server's start is shown at 10 s: 10 × 90,000 ticks. If a viewer joins at 10.5 s and no
        // newer frame has come, the same frame is shown again, at 10.5 s: 945,000 ticks. Time never goes back.
        let at = if work.again { self.stream.clock().now() } else { frame.arrival };
        let pts = self.stream.stamp(at);
        let key = work.key || self.pacing.wants_key(pts) || !self.packager.has_begun();
        self.packager.expect(Timing { at, pts, arrival_unix_us: frame.arrival_unix_us });
        tools
            .encoder
            .encode(if frame.turn == Turn::NONE { &tools.picture } else { &tools.turned }, pts, key)
            .map_err(|fault| Fault { cause: fault.cause(), sentence: fault.to_string() })?;
        self.pacing.shown(pts, key);
        match damaged {
            Some(fault) => self.count(&fault),
            None if known => {}
            None => self.stream.stats.note_shown(),
        }
        // What is shown again costs less, and says nothing about what a frame costs.
        if !known {
            let stats = &self.stream.stats;
            stats.count_pipeline(decoded - started, decoded.elapsed());
            self.shown += 1;
            if self.shown >= burst::LEARNING {
                let now = self.stream.clock().now();
                self.mailbox.make_room(burst::room(stats.work(now), stats.fps(now)));
            }
        }
        Ok(())
    }

    /// Makes sure, before anything is decoded, that video can be made of pictures of this size, and that there is memory for it.
    fn make_room(&mut self, width: u16, height: u16) -> Result<(), Fault> {
        check_size(width.into(), height.into())
            .map_err(|fault| Fault { cause: fault.cause(), sentence: fault.to_string() })?;
        let needed = memory::needed(width, height);
        // A camera that sent one large picture and then small ones keeps no memory for large ones.
        if needed < self.reservation.bytes() / 2 {
            self.rest();
        }
        let most = self.config.max_memory as u64;
        if !self.reservation.grow(needed, most) {
            // What it has from smaller pictures is of no use to it.
            self.rest();
            let (needed, most) = (needed >> 20, most >> 20);
            let sentence = format!(
                "no video for pictures of {width}×{height} pixels: they need {needed} MiB, and what is left of {most} MiB for \
                 all cameras is less (max_video_memory)"
            );
            return Err(Fault { cause: Cause::NoVideoMemory, sentence });
        }
        Ok(())
    }

    /// Counts a frame that is not shown as video, or not whole, and says so in the log now and then.
    fn count(&self, Fault { cause, sentence }: &Fault) {
        let stream = &self.stream;
        stream.stats.count_not_shown(*cause, cause.on_page().to_owned(), stream.clock().now());
        if let Some(held_back) = stream.notices.due(cause.name()) {
            tracing::warn!(camera = %stream.name(), cause = cause.name(), held_back, "{sentence}");
        }
    }
}

/// Decodes a frame ([`decode_picture`]), and makes of it what encoders take: the right way up, in the range of video.
fn decode(tools: &mut Tools, damage: &mut Damage, frame: &JpegFrame) -> Result<Option<Fault>, DecodeFault> {
    tools.decoded = None;
    let damaged = decode_picture(tools, damage, frame)?;
    tools.picture.limit_range();
    if frame.turn != Turn::NONE {
        frame.turn.apply(&tools.picture, &mut tools.turned);
    }
    // One that is damaged is looked at again, so that it is told again.
    tools.decoded = Some(frame.sequence).filter(|_| damaged.is_none());
    Ok(damaged)
}

/// Decodes a frame, whole; or, when nothing but damaged ones come, as far as it is whole: then that is the fault that it gives.
fn decode_picture(
    tools: &mut Tools,
    damage: &mut Damage,
    frame: &JpegFrame,
) -> Result<Option<Fault>, DecodeFault> {
    if damage.is_shown() {
        let lines = tools.decoder.decode_partly(&frame.bytes, &mut tools.picture)?;
        let (_, height) = frame.turn.size((frame.width, frame.height));
        if lines < usize::from(height) {
            damage.damaged(frame.arrival);
            let sentence = format!("the image data is damaged: {lines} of {height} lines are shown");
            return Ok(Some(Fault { cause: Cause::Damaged, sentence }));
        }
    } else if let Err(fault) = tools.decoder.decode(&frame.bytes, &mut tools.picture) {
        if fault.cause() == Cause::Damaged {
            damage.damaged(frame.arrival);
        }
        return Err(fault);
    }
    damage.whole();
    Ok(None)
}
