//! The two ways to read a stream: the video, access unit by access unit, and the newest JPEG.

use super::gop::{Cursor, Step};
use super::{JOINABLE_GOP_AGE, Stream};
use crate::unit::{AccessUnit, JpegFrame};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;

/// A viewer's place in the video. While there is one, the video is encoded.
#[derive(Debug)]
pub struct VideoCursor {
    stream: Arc<Stream>,
    cursor: Cursor,
    changed: watch::Receiver<()>,
}

/// What a viewer of the video gets next.
#[derive(Clone, Debug)]
pub struct VideoItem {
    /// The access unit.
    pub unit: Arc<AccessUnit>,
    /// How many access units this viewer did not get before this one, since it reads too slowly. If any, this is a key frame.
    pub lost: u64,
}

impl Stream {
    /// Begins to watch the video. The viewer begins with the newest key frame when that is younger than [`JOINABLE_GOP_AGE`], and
    /// else with one that is made now.
    #[must_use]
    pub fn join_video(self: &Arc<Self>) -> VideoCursor {
        self.join(false)
    }

    /// The same for a player that wants to see many pictures before it shows the first: the newest is repeated for a moment
    /// ([`Demand::repeat`](crate::Demand::repeat)), for all who watch.
    #[must_use]
    pub fn join_video_as_player(self: &Arc<Self>) -> VideoCursor {
        self.join(true)
    }

    fn join(self: &Arc<Self>, as_player: bool) -> VideoCursor {
        let changed = self.video.subscribe();
        let mut state = self.lock();
        state.video_cursors += 1;
        let fresh = state.gop.key_at().is_some_and(|key| self.age(key) < JOINABLE_GOP_AGE);
        let cursor = if fresh { state.gop.join_running() } else { state.gop.join_next_key() };
        if let Some((_, demand)) = state.feed.clone() {
            demand.set_watched(true);
            if !fresh && !std::mem::replace(&mut state.key_pending, true) {
                demand.request_key();
            }
            if as_player {
                demand.repeat();
            }
        }
        drop(state);
        VideoCursor { stream: self.clone(), cursor, changed }
    }

    /// Begins to read JPEGs, from the newest on.
    #[must_use]
    pub fn join_jpeg(self: &Arc<Self>) -> JpegCursor {
        let mut frames = self.jpeg.subscribe();
        frames.mark_changed();
        JpegCursor { frames, last: None }
    }
}

impl VideoCursor {
    /// Waits for the next access unit. Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> VideoItem {
        loop {
            // Marked as seen before looking, so that a unit published in between wakes us again.
            self.changed.borrow_and_update();
            let step = self.stream.lock().gop.step(&mut self.cursor);
            if let Step::Unit(unit, lost) = step {
                self.stream.skipped.fetch_add(lost, Ordering::Relaxed);
                return VideoItem { unit, lost };
            }
            self.changed.changed().await.expect("the stream that we hold owns the sender");
        }
    }
}

impl Drop for VideoCursor {
    fn drop(&mut self) {
        let mut state = self.stream.lock();
        state.video_cursors -= 1;
        if !self.stream.wanted(&state)
            && let Some((_, demand)) = &state.feed
        {
            demand.set_watched(false);
        }
    }
}

/// A viewer's place among the JPEGs: always the newest.
#[derive(Debug)]
pub struct JpegCursor {
    frames: watch::Receiver<Option<Arc<JpegFrame>>>,
    last: Option<u64>,
}

impl JpegCursor {
    /// Waits for a JPEG newer than the last one. The number tells how many were passed over in between. Cancel-safe. The caller
    /// holds the stream meanwhile.
    pub async fn next(&mut self) -> (Arc<JpegFrame>, u64) {
        loop {
            self.frames.changed().await.expect("whoever reads holds the stream, and it owns the sender");
            if let Some(frame) = &*self.frames.borrow_and_update() {
                let lost = self.last.map_or(0, |last| frame.sequence.saturating_sub(last + 1));
                self.last = Some(frame.sequence);
                return (frame.clone(), lost);
            }
        }
    }
}
