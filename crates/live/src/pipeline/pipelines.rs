//! The pipelines of all cameras: which thread works for which stream, how many there are, and what memory they take.

use super::Pipeline;
use super::config::Config;
use super::memory::Memory;
use super::packager::Packager;
use super::permits::Permits;
use super::progress::Progress;
use crate::mailbox::Mailbox;
use crate::stream::Stream;
use crate::stream::feed::Feed;
use lenscast_base::in_force::InForce;
use lenscast_base::notices::Notices;
use lenscast_protocol::CameraName;
use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The pause after a panic. Without it, a camera whose every frame makes the pipeline panic would keep a core busy.
const PAUSE_AFTER_PANIC: Duration = Duration::from_millis(100);

/// The pipelines of a server. Clones share them.
///
/// A stream has one thread at a time, whatever comes and goes: when a camera comes again while the thread is still at the last
/// frame of the connection before, the same thread goes on with the new one. So a camera that connects a hundred times a
/// second has one thread, and the memory of one. Only a thread that hangs is left behind, and goes on counting.
#[derive(Clone, Debug)]
pub struct Pipelines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: InForce<Config>,
    permits: Permits,
    memory: Memory,
    lanes: Mutex<Lanes>,
    /// What was logged about all of them lately.
    notices: Notices,
}

#[derive(Debug, Default)]
struct Lanes {
    /// How many threads there ever were.
    threads: u64,
    by_stream: HashMap<CameraName, Lane>,
}

/// The thread of a stream, as those see it who have work for it.
#[derive(Debug)]
struct Lane {
    /// The thread's number. A thread that finds another number here was given up.
    thread: u64,
    /// What the thread does once it is done with what it is at.
    next: Option<Job>,
}

/// What a thread is to do: to make video of one connection's frames, until that connection ends.
#[derive(Debug)]
struct Job {
    feed: Feed,
    mailbox: Arc<Mailbox>,
    config: Config,
    progress: Arc<Progress>,
}

/// A pipeline at work, as its supervisor knows it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) progress: Arc<Progress>,
}

/// Why there is no thread for a stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoThread {
    /// There are as many as may be.
    #[error("{0} pipelines are at work, which is as many as --max-cameras allows; some of them may hang")]
    Full(usize),
    /// The system gives none.
    #[error("the system gives no thread: {0}")]
    System(#[from] io::Error),
}

impl From<InForce<Config>> for Pipelines {
    /// The pipelines that work as `config` says. There is none yet.
    fn from(config: InForce<Config>) -> Self {
        let (permits, memory, lanes, notices) = Default::default();
        Self(Arc::new(Inner { config, permits, memory, lanes, notices }))
    }
}

impl Pipelines {
    /// The configuration in force.
    pub(super) fn config(&self) -> Arc<Config> {
        self.0.config.get()
    }

    /// How many pipelines there are: threads that make video, and those of cameras that left which are not at their end yet.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.permits.taken()
    }

    /// How much memory they have reserved, in bytes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.0.memory.reserved()
    }

    /// What was logged about all of them lately.
    pub(super) fn notices(&self) -> &Notices {
        &self.0.notices
    }

    /// Makes a pipeline feed the stream from a new mailbox, in place of whoever fed it before. The newest JPEG is put into the
    /// mailbox, so that viewers who wait for a key frame get one.
    ///
    /// The stream's thread goes on with it as soon as it can; with `abandon` it is given up, and another one begins at once.
    pub(super) fn begin(
        &self,
        stream: &Arc<Stream>,
        config: &Config,
        abandon: bool,
    ) -> Result<Running, NoThread> {
        let name = stream.name();
        let mut lanes = self.lock();
        let lane = lanes.by_stream.get_mut(name).filter(|_| !abandon);
        // The permit comes first: a limit that is looked at later is none.
        let permit = match lane {
            Some(_) => None,
            None => {
                let most = self.config().max_pipelines;
                Some(self.0.permits.take(most).ok_or(NoThread::Full(most))?)
            }
        };
        let progress = Arc::new(Progress::new(stream.clock().clone()));
        let mailbox = Arc::new(Mailbox::default());
        let feed = stream.feed(mailbox.clone());
        if let Some(frame) = stream.newest_jpeg() {
            mailbox.push(frame);
        }
        let job = Job { feed, mailbox: mailbox.clone(), config: config.clone(), progress: progress.clone() };
        match (lane, permit) {
            (Some(lane), _) => {
                // Until the thread takes it, it is as if it were at a frame: the one before may hang for ever.
                progress.begin();
                lane.next = Some(job);
            }
            (None, permit) => {
                lanes.threads += 1;
                let thread = lanes.threads;
                let pipelines = self.clone();
                let work = move || {
                    pipelines.work(thread, job);
                    // Given back here, where the thread ends, and not where the camera leaves.
                    drop(permit);
                };
                if let Err(error) = std::thread::Builder::new().name(format!("video {name}")).spawn(work) {
                    stream.end_feed();
                    return Err(error.into());
                }
                lanes.by_stream.insert(name.clone(), Lane { thread, next: None });
            }
        }
        Ok(Running { mailbox, progress })
    }

    /// Does one job after another, as long as there is one for this thread.
    fn work(&self, thread: u64, first: Job) {
        let name = first.feed.stream().name().clone();
        let mut job = first;
        loop {
            job.run(&self.0.memory);
            let mut lanes = self.lock();
            let Some(lane) = lanes.by_stream.get_mut(&name).filter(|lane| lane.thread == thread) else {
                return;
            };
            match lane.next.take() {
                Some(next) => job = next,
                None => {
                    lanes.by_stream.remove(&name);
                    return;
                }
            }
            drop(lanes);
            job.progress.end();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// Makes video until the mailbox ends. A panic ends one attempt, and the next begins anew.
    fn run(&self, memory: &Memory) {
        let Self { feed, mailbox, config, progress } = self;
        // Nothing of a pipeline that panicked is used again, and the locks it shares with others treat poison as none: each
        // guards plain values that are whole between any two statements.
        let attempt = || {
            catch_unwind(AssertUnwindSafe(|| {
                let packager = Arc::new(Packager::new(feed.clone()));
                let reservation = memory.reserve_nothing();
                Pipeline::new(packager, mailbox.clone(), config, progress.clone(), reservation).run();
            }))
        };
        while attempt().is_err() {
            progress.end();
            let stream = feed.stream();
            stream.stats.pipeline_restarts.fetch_add(1, Ordering::Relaxed);
            if let Some(held_back) = stream.notices.due("a frame made the pipeline panic") {
                let camera = stream.name();
                tracing::error!(%camera, held_back, "a frame made the pipeline panic; it begins anew with the next one");
            }
            mailbox.request_key_with_next();
            std::thread::sleep(PAUSE_AFTER_PANIC);
        }
    }
}
