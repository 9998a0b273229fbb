//! A stream: what is live of one camera, for any number of viewers.
//!
//! Belongs here: the newest JPEG, the running GOP, who publishes, and what is counted. Does not belong here: sockets,
//! formats of an output, decoding and encoding. The GOP itself is plain data ([`gop`]); this is the thin wrapper with
//! the lock and the wake-ups.

pub mod cursor;
pub mod feed;
pub mod gop;
pub mod presence;
pub mod publisher;
pub mod rates;
pub mod rules;
pub mod session;
pub mod stats;

use crate::clock::Clock;
use crate::demand::Demand;
use crate::news::News;
use crate::unit::JpegFrame;
use gop::Gop;
use lenscast_base::in_force::InForce;
use lenscast_base::notices::Notices;
use lenscast_media::time::{Micros, Pts90k, PtsClock};
use lenscast_media::ts;
use lenscast_protocol::CameraName;
use rules::{EncodeMode, Rules};
use session::Session;
use stats::{Stats, Track};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A joiner gets the running GOP while its key frame is younger than this; otherwise a key frame is made for it. So
/// joiners cost at most two forced key frames a second, and none begins in the past.
pub const JOINABLE_GOP_AGE: Duration = Duration::from_millis(500);

/// One camera's live stream. It outlives its camera's connections, so that viewers stay across them.
#[derive(Debug)]
pub struct Stream {
    name: CameraName,
    clock: Clock,
    rules: InForce<Rules>,
    state: Mutex<State>,
    /// Changes whenever an access unit was published.
    video: watch::Sender<()>,
    /// The newest good JPEG of the camera that is connected.
    jpeg: watch::Sender<Option<Arc<JpegFrame>>>,
    /// Who publishes.
    session: watch::Sender<Option<Arc<Session>>>,
    /// `/ws/viewer` connections.
    viewers: AtomicUsize,
    /// Frames that viewers skipped because they read too slowly.
    skipped: AtomicU64,
    /// Viewers that were closed because they took nothing for too long.
    stalled: AtomicU64,
    /// Told when something changes that people want to know at once.
    news: News,
    /// What is counted about the camera.
    pub stats: Arc<Stats>,
    /// What was logged about the camera lately.
    pub notices: Notices,
}

#[derive(Debug)]
struct State {
    gop: Gop,
    /// Arrival times to strictly increasing PTS, across the camera's connections.
    pts: PtsClock,
    /// The transport stream with its continuity counters, which go on across the camera's connections.
    muxer: ts::Muxer,
    /// Cursors into the video.
    video_cursors: usize,
    /// Feeds that there were.
    feeds: u64,
    /// The feed of the video, by its number, and who is told what is wanted.
    feed: Option<(u64, Arc<dyn Demand>)>,
    /// A key frame was asked for and is not published yet: nobody needs to ask again.
    key_pending: bool,
    jpeg_sequence: u64,
    /// When frames began to come, after there were none for a while.
    live_since: Micros,
    /// When the camera left last.
    left_at: Option<Micros>,
    /// The device that was here last, by what never changes about it.
    device_id: Option<String>,
}

impl State {
    fn new(pts_origin: Pts90k) -> Self {
        Self {
            gop: Gop::default(),
            pts: PtsClock::new(pts_origin),
            muxer: ts::Muxer::new(),
            video_cursors: 0,
            feeds: 0,
            feed: None,
            key_pending: false,
            jpeg_sequence: 0,
            live_since: Micros(0),
            left_at: None,
            device_id: None,
        }
    }
}

impl Stream {
    /// A stream that waits for its camera.
    #[must_use]
    pub fn new(name: CameraName, clock: Clock, rules: InForce<Rules>, news: News) -> Self {
        let pts_origin = rules.get().pts_origin;
        Self {
            name,
            clock,
            rules,
            state: Mutex::new(State::new(pts_origin)),
            video: watch::Sender::new(()),
            jpeg: watch::Sender::new(None),
            session: watch::Sender::new(None),
            viewers: AtomicUsize::new(0),
            skipped: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            news,
            stats: Arc::default(),
            notices: Notices::default(),
        }
    }

    /// The camera's name.
    #[must_use]
    pub fn name(&self) -> &CameraName {
        &self.name
    }

    /// The clock on which frames arrive.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The newest good frame of the camera that is connected.
    #[must_use]
    pub fn newest_jpeg(&self) -> Option<Arc<JpegFrame>> {
        self.jpeg.borrow().clone()
    }

    /// The connection that publishes.
    #[must_use]
    pub fn session(&self) -> Option<Arc<Session>> {
        self.session.borrow().clone()
    }

    /// Wakes whenever a camera comes or goes.
    #[must_use]
    pub fn watch_session(&self) -> watch::Receiver<Option<Arc<Session>>> {
        self.session.subscribe()
    }

    /// How long ago `at` was.
    #[must_use]
    pub fn age(&self, at: Micros) -> Duration {
        self.clock.now().saturating_sub(at).to_duration()
    }

    /// When this stream's video is to be encoded, as the owner has it now.
    #[must_use]
    pub fn encode_mode(&self) -> EncodeMode {
        self.rules.get().encode
    }

    /// How many `/ws/viewer` connections watch.
    #[must_use]
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// Frames that viewers skipped because they read too slowly, all viewers together.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Counts that what arrived `at` was handed to a viewer's socket.
    pub fn count_delivery(&self, track: Track, at: Micros) {
        self.stats.count_delivery(track, self.clock.now(), self.age(at));
    }

    /// Counts a viewer that was closed because it took nothing for too long.
    pub fn count_stalled(&self) {
        self.stalled.fetch_add(1, Ordering::Relaxed);
    }

    /// Viewers that were closed because they took nothing for too long.
    #[must_use]
    pub fn stalled(&self) -> u64 {
        self.stalled.load(Ordering::Relaxed)
    }

    /// Whether video is being encoded: a camera is there and somebody watches.
    #[must_use]
    pub fn encoding(&self) -> bool {
        let state = self.lock();
        state.feed.is_some() && self.wanted(&state)
    }

    /// Counts a `/ws/viewer` connection until the guard is dropped.
    #[must_use]
    pub fn count_viewer(self: &Arc<Self>) -> ViewerGuard {
        self.viewers.fetch_add(1, Ordering::Relaxed);
        ViewerGuard(self.clone())
    }

    /// The time stamp of a picture that is to be shown `at` that moment: later than the one given before.
    pub fn stamp(&self, at: Micros) -> Pts90k {
        self.lock().pts.stamp(at)
    }

    fn wanted(&self, state: &State) -> bool {
        state.video_cursors > 0 || self.encode_mode() == EncodeMode::Always
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A counted `/ws/viewer` connection.
#[derive(Debug)]
pub struct ViewerGuard(Arc<Stream>);

impl Drop for ViewerGuard {
    fn drop(&mut self) {
        self.0.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
