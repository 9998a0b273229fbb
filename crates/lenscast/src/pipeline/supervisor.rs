//! Keeps a camera's video alive: a pipeline that panics begins anew, one that hangs is abandoned.

use super::Pipeline;
use super::config::Config;
use super::progress::Progress;
use crate::mailbox::Mailbox;
use crate::stream::{EncodeMode, Stream};
use lenscast_base::in_force::InForce;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The pause after a panic, so that one with every frame does not keep a core busy.
const PAUSE_AFTER_PANIC: Duration = Duration::from_millis(100);

/// The video of one camera connection.
#[derive(Debug)]
pub struct Video {
    stream: Arc<Stream>,
    in_force: InForce<Config>,
    /// What the thread was started with.
    config: Arc<Config>,
    encode: EncodeMode,
    progress: Arc<Progress>,
    /// A thread was given up already; a second one means that the encoder cannot be relied on.
    abandoned: bool,
    off: bool,
}

impl Video {
    /// Starts a camera's thread. It ends when the stream's mailbox is closed.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(stream: Arc<Stream>, in_force: InForce<Config>) -> io::Result<Self> {
        let (config, encode) = (in_force.get(), stream.encode_mode());
        let progress = spawn(&stream, &config)?;
        Ok(Self { stream, in_force, config, encode, progress, abandoned: false, off: false })
    }

    /// Looks whether the thread still gets on. One that has been at a single frame for `--encoder-timeout` is abandoned: it
    /// cannot be ended from outside, but what it may still give is ignored, and another takes its place. If that hangs
    /// too, this connection has no more video; its JPEGs go on.
    ///
    /// When video is configured differently, another thread takes the place of the one that runs.
    pub fn check(&mut self) {
        let (config, encode) = (self.in_force.get(), self.stream.encode_mode());
        if !config.encoder.is_same(&self.config.encoder)
            || config.max_pixels != self.config.max_pixels
            || encode != self.encode
        {
            return self.start_again(config, encode);
        }
        if self.off || self.progress.busy_for() < config.encoder_timeout {
            return;
        }
        self.stream.stats.pipelines_abandoned.fetch_add(1, Ordering::Relaxed);
        let camera = self.stream.name();
        if self.abandoned {
            tracing::error!(%camera, "the encoder hangs again: no more video for this connection, JPEGs go on");
        } else {
            self.abandoned = true;
            tracing::error!(%camera, "the encoder hangs: it is abandoned, and another one started");
            match spawn(&self.stream, &self.config) {
                Ok(progress) => {
                    self.progress = progress;
                    return;
                }
                Err(error) => {
                    tracing::error!(%camera, %error, "no thread for another encoder: no more video")
                }
            }
        }
        self.off = true;
        self.stream.close_mailbox();
    }

    /// Lets a new thread take over from the one that there is, which ends after its frame.
    fn start_again(&mut self, config: Arc<Config>, encode: EncodeMode) {
        match spawn(&self.stream, &config) {
            Ok(progress) => {
                let camera = self.stream.name();
                tracing::info!(%camera, "video begins anew: it is configured differently");
                (self.progress, self.abandoned, self.off) = (progress, false, false);
                (self.config, self.encode) = (config, encode);
            }
            Err(error) => {
                tracing::error!(%error, "no thread to configure video differently; it is tried again")
            }
        }
    }
}

/// Gives the stream a new mailbox, and starts a thread that serves it.
fn spawn(stream: &Arc<Stream>, config: &Config) -> io::Result<Arc<Progress>> {
    let progress = Arc::new(Progress::new(*stream.clock()));
    let mailbox = stream.open_mailbox();
    let name = format!("video {}", stream.name());
    let run = {
        let (stream, config, progress) = (stream.clone(), config.clone(), progress.clone());
        move || run(&stream, &mailbox, &config, &progress)
    };
    std::thread::Builder::new().name(name).spawn(run)?;
    Ok(progress)
}

fn run(stream: &Arc<Stream>, mailbox: &Arc<Mailbox>, config: &Config, progress: &Arc<Progress>) {
    // Nothing of a pipeline that panicked is used again, and the locks it shares with others treat poison as none: each
    // guards plain values that are whole between any two statements.
    let attempt = || {
        catch_unwind(AssertUnwindSafe(|| {
            Pipeline::new(stream.clone(), mailbox.clone(), config, progress.clone()).run();
        }))
    };
    while attempt().is_err() {
        progress.end();
        stream.stats.pipeline_restarts.fetch_add(1, Ordering::Relaxed);
        tracing::error!(camera = %stream.name(), "a frame made the pipeline panic; it begins anew with the next one");
        mailbox.request_key_with_next();
        std::thread::sleep(PAUSE_AFTER_PANIC);
    }
}
