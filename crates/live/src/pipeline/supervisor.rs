//! Keeps a camera's video alive: a pipeline that panics begins anew, one that hangs is abandoned.

use super::Pipeline;
use super::config::Config;
use super::packager::Packager;
use super::progress::Progress;
use crate::mailbox::Mailbox;
use crate::stream::Stream;
use crate::stream::feed::Feed;
use crate::stream::rules::EncodeMode;
use crate::unit::JpegFrame;
use lenscast_base::in_force::InForce;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The pause after a panic. Without it, a camera whose every frame makes the pipeline panic would keep a core busy.
const PAUSE_AFTER_PANIC: Duration = Duration::from_millis(100);

/// The video of one camera connection: the thread that makes it, and what watches over that thread.
#[derive(Debug)]
pub struct Video {
    stream: Arc<Stream>,
    in_force: InForce<Config>,
    /// The configuration with which the thread was started.
    config: Arc<Config>,
    encode: EncodeMode,
    running: Running,
    /// Whether a thread was given up already. A second one means that the encoder cannot be relied on.
    abandoned: bool,
    /// Whether this connection has no more video.
    off: bool,
}

impl Video {
    /// Starts the thread that makes the video of `stream`. The thread ends when the camera leaves.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(stream: Arc<Stream>, in_force: InForce<Config>) -> io::Result<Self> {
        let (config, encode) = (in_force.get(), stream.encode_mode());
        let running = Running::start(&stream, &config)?;
        Ok(Self { stream, in_force, config, encode, running, abandoned: false, off: false })
    }

    /// Gives the thread the newest JPEG. If another one still waits for the encoder, that one is left out and counted as dropped.
    pub fn show(&self, frame: Arc<JpegFrame>) {
        if self.running.mailbox.push(frame) {
            self.stream.stats.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Looks whether the thread still gets on; to be called about once a second.
    ///
    /// A thread that has been at a single frame for [`encoder_timeout`](Config::encoder_timeout) is abandoned. Nobody can end it from
    /// outside, but what it may still give is thrown away, and another thread takes its place. If that one hangs too, this
    /// connection has no more video; its JPEGs go on.
    ///
    /// When the owner has configured video differently, a new thread takes the place of the one that runs.
    pub fn check(&mut self) {
        let (config, encode) = (self.in_force.get(), self.stream.encode_mode());
        if !config.encoder.is_same(&self.config.encoder)
            || config.max_pixels != self.config.max_pixels
            || encode != self.encode
        {
            return self.start_again(config, encode);
        }
        if self.off || self.running.progress.busy_for() < config.encoder_timeout {
            return;
        }
        self.stream.stats.pipelines_abandoned.fetch_add(1, Ordering::Relaxed);
        let camera = self.stream.name();
        if self.abandoned {
            tracing::error!(%camera, "the encoder hangs again: no more video for this connection, JPEGs go on");
        } else {
            self.abandoned = true;
            tracing::error!(%camera, "the encoder hangs: it is abandoned, and another one started");
            match Running::start(&self.stream, &self.config) {
                Ok(running) => {
                    self.running = running;
                    return;
                }
                Err(error) => {
                    tracing::error!(%camera, %error, "no thread for another encoder: no more video")
                }
            }
        }
        self.off = true;
        self.stream.end_feed();
    }

    /// Lets a new thread take over. The one before ends after the frame that it is at.
    fn start_again(&mut self, config: Arc<Config>, encode: EncodeMode) {
        match Running::start(&self.stream, &config) {
            Ok(running) => {
                let camera = self.stream.name();
                tracing::info!(%camera, "video begins anew: it is configured differently");
                (self.running, self.abandoned, self.off) = (running, false, false);
                (self.config, self.encode) = (config, encode);
            }
            Err(error) => {
                tracing::error!(%error, "no thread to configure video differently; it is tried again")
            }
        }
    }
}

/// A pipeline's thread as its supervisor knows it.
#[derive(Debug)]
struct Running {
    mailbox: Arc<Mailbox>,
    progress: Arc<Progress>,
}

impl Running {
    /// Starts a thread that feeds the stream from a new mailbox, in place of whoever fed it before. The newest JPEG is put into
    /// the mailbox, so that viewers who wait for a key frame get one.
    fn start(stream: &Arc<Stream>, config: &Config) -> io::Result<Self> {
        let progress = Arc::new(Progress::new(*stream.clock()));
        let mailbox = Arc::new(Mailbox::default());
        let feed = stream.feed(mailbox.clone());
        if let Some(frame) = stream.newest_jpeg() {
            mailbox.push(frame);
        }
        let name = format!("video {}", stream.name());
        let run = {
            let (mailbox, config, progress) = (mailbox.clone(), config.clone(), progress.clone());
            move || run(&feed, &mailbox, &config, &progress)
        };
        std::thread::Builder::new().name(name).spawn(run)?;
        Ok(Self { mailbox, progress })
    }
}

fn run(feed: &Feed, mailbox: &Arc<Mailbox>, config: &Config, progress: &Arc<Progress>) {
    // Nothing of a pipeline that panicked is used again, and the locks it shares with others treat poison as none: each
    // guards plain values that are whole between any two statements.
    let attempt = || {
        catch_unwind(AssertUnwindSafe(|| {
            let packager = Arc::new(Packager::new(feed.clone()));
            Pipeline::new(packager, mailbox.clone(), config, progress.clone()).run();
        }))
    };
    while attempt().is_err() {
        progress.end();
        let stream = feed.stream();
        stream.stats.pipeline_restarts.fetch_add(1, Ordering::Relaxed);
        tracing::error!(camera = %stream.name(), "a frame made the pipeline panic; it begins anew with the next one");
        mailbox.request_key_with_next();
        std::thread::sleep(PAUSE_AFTER_PANIC);
    }
}
