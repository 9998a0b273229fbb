//! A stream: what is live of one camera, for any number of viewers.
//!
//! Belongs here: the newest JPEG, the running group of pictures (GOP: a key frame and what follows it), who publishes, and what
//! is counted. Does not belong here: sockets, formats of an output, decoding and encoding. The GOP itself is plain data ([`gop`]);
//! this is the thin wrapper with the lock and the wake-ups.

pub mod cursor;
pub mod feed;
pub mod gop;
pub mod presence;
pub mod publisher;
pub mod rates;
pub mod rhythm;
pub mod rules;
pub mod session;
pub mod stats;
pub mod trouble;

use crate::clock::Clock;
use crate::demand::Demand;
use crate::news::News;
use crate::unit::JpegFrame;
use gop::Gop;
use lenscast_base::in_force::InForce;
use lenscast_base::notices::Notices;
use lenscast_media::time::{Micros, Pts90k, PtsClock};
use lenscast_media::ts;
use lenscast_media::turn::Turn;
use lenscast_protocol::CameraName;
use rules::{EncodeMode, Rules};
use session::Session;
use stats::{Stats, Track};
use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How old the newest key frame may be for a viewer that joins to begin with it. When it is older, a key frame is made for the
/// viewer. So viewers that join cost at most two extra key frames a second, and none begins in the past.
pub const JOINABLE_GOP_AGE: Duration = Duration::from_millis(500);

/// One camera's live stream. It lasts longer than the camera's connections, so that viewers stay when the camera comes again.
#[derive(Debug)]
pub struct Stream {
    name: CameraName,
    clock: Clock,
    rules: InForce<Rules>,
    state: Mutex<State>,
    /// Wakes those who wait for the next access unit.
    video: watch::Sender<()>,
    /// The newest good JPEG of the camera that is connected.
    jpeg: watch::Sender<Option<Arc<JpegFrame>>>,
    /// The camera's connection, while there is one.
    session: watch::Sender<Option<Arc<Session>>>,
    /// How the owner wants the camera's pictures turned, as a number of EXIF.
    turn: AtomicU16,
    /// How many viewers count themselves, with [`Stream::count_viewer`].
    viewers: AtomicUsize,
    /// How many frames viewers skipped because they read too slowly.
    skipped: AtomicU64,
    /// How many viewers were closed because they took nothing for too long.
    stalled: AtomicU64,
    /// Told when a camera comes or goes, and when its first frame comes.
    news: News,
    /// The counters of the camera.
    pub stats: Arc<Stats>,
    /// What was logged lately about cameras that come from the same address, so that a thousand bad frames are some lines and a
    /// sum.
    pub notices: Notices,
}

#[derive(Debug)]
struct State {
    gop: Gop,
    /// Makes strictly increasing time stamps of arrival times, across the camera's connections.
    pts: PtsClock,
    /// Makes the transport stream. Its continuity counters go on across the camera's connections.
    muxer: ts::Muxer,
    /// How many cursors into the video there are.
    video_cursors: usize,
    /// How many feeds there were.
    feeds: u64,
    /// The feed of the video: its number, and who is told what is wanted.
    feed: Option<(u64, Arc<dyn Demand>)>,
    /// Whether a key frame was asked for and is not published yet, so that nobody needs to ask again.
    key_pending: bool,
    jpeg_sequence: u64,
    /// When frames began to come after there were none for a while.
    live_since: Micros,
    /// When the camera left last.
    left_at: Option<Micros>,
    /// The id of the device that was here last: what never changes about it.
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
            turn: AtomicU16::new(Turn::NONE.to_exif()),
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

    /// How long ago the moment `at` was; zero when it is still to come.
    #[must_use]
    pub fn age(&self, at: Micros) -> Duration {
        self.clock.now().saturating_sub(at).to_duration()
    }

    /// How the owner wants the camera's pictures turned, after what their EXIF says.
    #[must_use]
    pub fn turn(&self) -> Turn {
        Turn::from_exif(self.turn.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// Turns the camera's pictures from the next one on.
    pub fn set_turn(&self, turn: Turn) {
        self.turn.store(turn.to_exif(), Ordering::Relaxed);
    }

    /// How long the camera may send no picture, where the owner set `setting`: as long as that, as three of the camera's
    /// usual intervals, or as three of those that its device told, whichever is the longest.
    #[must_use]
    pub fn patience(&self, setting: Duration) -> Duration {
        let told = self.device().and_then(|told| told.telemetry).map(|(telemetry, _)| telemetry.picture.fps);
        setting.max(self.stats.patience()).max(told.map_or(Duration::ZERO, rhythm::patience_of))
    }

    /// After how long without a picture the camera is silent.
    #[must_use]
    pub fn silent_after(&self) -> Duration {
        self.patience(self.rules.get().silent_after)
    }

    /// When the video is to be encoded, as the owner has set it now.
    #[must_use]
    pub fn encode_mode(&self) -> EncodeMode {
        self.rules.get().encode
    }

    /// How many viewers count themselves, with [`Stream::count_viewer`].
    #[must_use]
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// How many frames viewers skipped because they read too slowly, all viewers together.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Counts that a frame was handed to a viewer's socket just now, which had arrived at the moment `at`.
    pub fn count_delivery(&self, track: Track, at: Micros) {
        self.stats.count_delivery(track, self.clock.now(), self.age(at));
    }

    /// Counts a viewer that was closed because it took nothing for too long.
    pub fn count_stalled(&self) {
        self.stalled.fetch_add(1, Ordering::Relaxed);
    }

    /// How many viewers were closed because they took nothing for too long.
    #[must_use]
    pub fn stalled(&self) -> u64 {
        self.stalled.load(Ordering::Relaxed)
    }

    /// Whether video is being encoded now: somebody feeds it, and somebody watches.
    #[must_use]
    pub fn encoding(&self) -> bool {
        let state = self.lock();
        state.feed.is_some() && self.wanted(&state)
    }

    /// Counts one viewer, until the guard is dropped.
    #[must_use]
    pub fn count_viewer(self: &Arc<Self>) -> ViewerGuard {
        self.viewers.fetch_add(1, Ordering::Relaxed);
        ViewerGuard(self.clone())
    }

    /// The time stamp of a picture that is to be shown at the moment `at`. It is always later than the one given before.
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

/// One viewer that is counted, until this is dropped.
#[derive(Debug)]
pub struct ViewerGuard(Arc<Stream>);

impl Drop for ViewerGuard {
    fn drop(&mut self) {
        self.0.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
