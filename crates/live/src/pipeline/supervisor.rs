//! Keeps a camera's video alive: a pipeline that panics begins anew, one that hangs is abandoned.

use super::config::Config;
use super::pipelines::{NoThread, Pipelines, Running};
use crate::stream::Stream;
use crate::stream::rules::EncodeMode;
use crate::unit::JpegFrame;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The video of one camera connection: the pipeline that makes it, and what watches over that.
#[derive(Debug)]
pub struct Video {
    stream: Arc<Stream>,
    pipelines: Pipelines,
    /// The configuration with which the pipeline was started.
    config: Arc<Config>,
    encode: EncodeMode,
    /// The pipeline; `None` while there are as many as may be.
    running: Option<Running>,
    /// Whether a thread was given up already. A second one means that the encoder cannot be relied on.
    abandoned: bool,
    /// Whether this connection has no more video.
    off: bool,
}

impl Video {
    /// Starts what makes the video of `stream`, which ends when the camera leaves. While there are as many pipelines as may be,
    /// there is no video yet; the JPEGs go on.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(stream: Arc<Stream>, pipelines: impl Into<Pipelines>) -> io::Result<Self> {
        let pipelines = pipelines.into();
        let (config, encode) = (pipelines.config(), stream.encode_mode());
        let (abandoned, off) = (false, false);
        let mut video = Self { stream, pipelines, config, encode, running: None, abandoned, off };
        match video.begin(false) {
            Err(NoThread::System(error)) => Err(error),
            Err(NoThread::Full(_)) | Ok(()) => Ok(video),
        }
    }

    /// Gives the pipeline the newest JPEG. Others that still wait for the encoder, and have no time to, are left out and counted
    /// as dropped.
    pub fn show(&self, frame: Arc<JpegFrame>) {
        let dropped = self.running.as_ref().map_or(0, |running| running.mailbox.push(frame));
        self.stream.stats.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
    }

    /// Looks whether the pipeline still gets on; to be called about once a second.
    ///
    /// A thread that has been at a single frame for [`encoder_timeout`](Config::encoder_timeout) is abandoned. Nobody can end it from
    /// outside, but what it may still give is thrown away, and another thread takes its place. If that one hangs too, this
    /// connection has no more video; its JPEGs go on.
    ///
    /// When the owner has configured video differently, a new pipeline takes the place of the one that runs. When there was no
    /// room for one, it is tried again.
    pub fn check(&mut self) {
        let (config, encode) = (self.pipelines.config(), self.stream.encode_mode());
        if !config.makes_the_same(&self.config) || encode != self.encode {
            return self.start_again(config, encode);
        }
        if self.off {
            return;
        }
        let Some(running) = &self.running else {
            // What comes of it is logged there, and it is tried again.
            return self.begin(false).unwrap_or_default();
        };
        if running.progress.busy_for() < config.encoder_timeout {
            return;
        }
        self.stream.stats.pipelines_abandoned.fetch_add(1, Ordering::Relaxed);
        let camera = self.stream.name();
        if self.abandoned {
            if self.stream.notices.due("the encoder hangs again").is_some() {
                tracing::error!(%camera, "the encoder hangs again: no more video for this connection, JPEGs go on");
            }
        } else {
            self.abandoned = true;
            if self.stream.notices.due("the encoder hangs").is_some() {
                tracing::error!(%camera, "the encoder hangs: it is abandoned, and another one started");
            }
            if self.begin(true).is_ok() {
                return;
            }
        }
        self.off = true;
        self.stream.end_feed();
    }

    /// Lets a new pipeline take over. The one before ends after the frame that it is at.
    fn start_again(&mut self, config: Arc<Config>, encode: EncodeMode) {
        let before = std::mem::replace(&mut self.config, config);
        match self.begin(false) {
            Ok(()) => {
                let camera = self.stream.name();
                if self.stream.notices.due("video begins anew").is_some() {
                    tracing::info!(%camera, "video begins anew: it is configured differently");
                }
                self.stream.stats.forget_encoder();
                (self.encode, self.abandoned, self.off) = (encode, false, false);
            }
            Err(_) => self.config = before,
        }
    }

    /// Begins a pipeline; with `abandon`, in a thread of its own beside the one that hangs.
    fn begin(&mut self, abandon: bool) -> Result<(), NoThread> {
        match self.pipelines.begin(&self.stream, &self.config, abandon) {
            Ok(running) => {
                self.running = Some(running);
                Ok(())
            }
            Err(error) => {
                if let Some(held_back) = self.pipelines.notices().due("no_thread") {
                    let camera = self.stream.name();
                    tracing::error!(%camera, held_back, "no video, JPEGs go on; it is tried again: {error}");
                }
                Err(error)
            }
        }
    }
}
