//! The one slot between a camera's connection and its pipeline: the newest frame wins.
//!
//! There is no queue, so latency never builds up: when the encoder needs 60 ms a frame and frames come every 40 ms, it gets
//! frames 1, 2, 4, 5, 7, … each as fresh as can be, and the others are dropped.
//!
//! Plain threads, no async: the writing side never waits, the reading side is a thread that does nothing else.

use crate::demand::Demand;
use crate::unit::JpegFrame;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One slot for a frame, and what the pipeline must know besides: does anybody watch, and is a key frame wanted. The stream tells
/// that through [`Demand`].
#[derive(Debug)]
pub struct Mailbox {
    slot: Mutex<Slot>,
    wake: Condvar,
    /// Set once the feed has ended. A decoder looks at it while it decodes.
    ended: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Slot {
    /// The frame that waits to be encoded.
    fresh: Option<Arc<JpegFrame>>,
    /// The newest of all frames, encoded or not. A key frame is made of it while no new one comes.
    newest: Option<Arc<JpegFrame>>,
    watched: bool,
    key_wanted: bool,
}

/// A frame for the pipeline, and what is to become of it.
#[derive(Debug)]
pub struct Work {
    /// The frame to be encoded.
    pub frame: Arc<JpegFrame>,
    /// Whether it must become a key frame.
    pub key: bool,
    /// Whether the frame is shown as of now and not as of its arrival, since it was encoded before or came while nobody watched.
    pub again: bool,
}

/// What a pipeline does next.
#[derive(Debug)]
pub enum Next {
    /// It makes video of this.
    Work(Work),
    /// It rests: nobody has watched for a while.
    Unwatched,
    /// It ends: the camera left, or another feed took over.
    Ended,
}

impl Slot {
    /// What is to be encoded now.
    fn work(&mut self) -> Option<Work> {
        if !self.watched {
            return None;
        }
        if let Some(frame) = self.fresh.take() {
            return Some(Work { frame, key: std::mem::take(&mut self.key_wanted), again: false });
        }
        let frame = self.newest.clone().filter(|_| self.key_wanted)?;
        self.key_wanted = false;
        Some(Work { frame, key: true, again: true })
    }
}

impl Default for Mailbox {
    /// An empty mailbox of a stream that nobody watches. While that is so, frames are kept but not handed out; the first that
    /// is handed out is to become a key frame.
    fn default() -> Self {
        let slot = Slot { key_wanted: true, ..Slot::default() };
        Self { slot: Mutex::new(slot), wake: Condvar::new(), ended: Arc::default() }
    }
}

impl Mailbox {
    /// Puts a frame in. True when it pushed out a frame that should have been encoded.
    pub fn push(&self, frame: Arc<JpegFrame>) -> bool {
        let mut slot = self.lock();
        if self.has_ended() {
            return false;
        }
        slot.newest = Some(frame.clone());
        if !slot.watched {
            return false;
        }
        let dropped = slot.fresh.replace(frame).is_some();
        drop(slot);
        self.wake.notify_one();
        dropped
    }

    /// Asks for a key frame of the next frame that comes. For a pipeline that could not make one of the newest frame: it would
    /// get the same frame again and again.
    pub fn request_key_with_next(&self) {
        let mut slot = self.lock();
        slot.key_wanted = true;
        slot.newest = slot.fresh.clone();
    }

    /// Whether the feed has ended: the camera left, or another feed took over. Nobody wants what is made of its frames.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// A flag that is true once the feed has ended, for whoever is at a frame meanwhile.
    #[must_use]
    pub fn ended(&self) -> Arc<AtomicBool> {
        self.ended.clone()
    }

    /// Waits for work, however long that takes. `None` when the feed has ended.
    pub fn take(&self) -> Option<Work> {
        match self.next(None) {
            Next::Work(work) => Some(work),
            Next::Unwatched | Next::Ended => None,
        }
    }

    /// Waits for work, and no longer than until nobody has watched for `patience`.
    pub fn take_while_watched(&self, patience: Duration) -> Next {
        self.next(Some(patience))
    }

    fn next(&self, patience: Option<Duration>) -> Next {
        let mut slot = self.lock();
        let mut unwatched = None;
        loop {
            if self.has_ended() {
                return Next::Ended;
            }
            if let Some(work) = slot.work() {
                return Next::Work(work);
            }
            let Some(patience) = patience.filter(|_| !slot.watched) else {
                unwatched = None;
                slot = self.wake.wait(slot).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let since = *unwatched.get_or_insert_with(Instant::now);
            let left = patience.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Next::Unwatched;
            }
            slot = self.wake.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Demand for Mailbox {
    fn set_watched(&self, watched: bool) {
        let mut slot = self.lock();
        slot.watched = watched;
        if !watched {
            slot.fresh = None;
        }
        drop(slot);
        // A key frame may have been wanted since before anybody watched.
        self.wake.notify_one();
    }

    /// Asks for a key frame of the frame that waits, or else of the newest one again.
    fn request_key(&self) {
        self.lock().key_wanted = true;
        self.wake.notify_one();
    }

    /// Ends the pipeline's thread.
    fn end(&self) {
        // With the lock held, so that no thread is between looking and waiting.
        let slot = self.lock();
        self.ended.store(true, Ordering::Relaxed);
        drop(slot);
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> Mailbox {
        let mailbox = Mailbox::default();
        mailbox.set_watched(true);
        mailbox
    }

    fn frame(sequence: u64) -> Arc<JpegFrame> {
        Arc::new(JpegFrame::for_test(sequence))
    }

    #[test]
    fn the_newest_frame_wins_and_the_loser_is_told() {
        let mailbox = watched();
        assert!(!mailbox.push(frame(1)));
        assert!(mailbox.push(frame(2)));
        let work = mailbox.take().unwrap();
        assert_eq!(work.frame.sequence, 2);
        assert!(work.key, "the first is a key frame");
        assert!(!mailbox.push(frame(3)), "the slot was empty");
        assert!(!mailbox.take().unwrap().key);
    }

    #[test]
    fn an_unwatched_frame_is_no_loss_and_is_the_first_to_be_shown() {
        let mailbox = Mailbox::default();
        assert!(!mailbox.push(frame(1)));
        assert!(!mailbox.push(frame(2)));
        mailbox.set_watched(true);
        mailbox.request_key();
        let work = mailbox.take().unwrap();
        assert_eq!((work.frame.sequence, work.key, work.again), (2, true, true));
    }

    #[test]
    fn the_first_watcher_wakes_the_thread() {
        let mailbox = Arc::new(Mailbox::default());
        mailbox.push(frame(1));
        let taker = std::thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.take().map(|work| work.frame.sequence)
        });
        mailbox.set_watched(true);
        assert_eq!(taker.join().unwrap(), Some(1));
    }

    #[test]
    fn a_key_request_prefers_the_frame_that_waits() {
        let mailbox = watched();
        mailbox.push(frame(1));
        mailbox.take().unwrap();
        mailbox.push(frame(2));
        mailbox.request_key();
        let work = mailbox.take().unwrap();
        assert_eq!((work.frame.sequence, work.key, work.again), (2, true, false));
    }

    #[test]
    fn a_pipeline_rests_when_nobody_has_watched_for_a_while_and_only_then() {
        let mailbox = Arc::new(Mailbox::default());
        mailbox.push(frame(1));
        assert!(matches!(mailbox.take_while_watched(Duration::ZERO), Next::Unwatched));
        mailbox.set_watched(true);
        assert!(matches!(mailbox.take_while_watched(Duration::ZERO), Next::Work(_)));
        let taker = std::thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.take_while_watched(Duration::from_millis(1))
        });
        // Watched, and without work: it waits however long that is, until its last viewer leaves.
        mailbox.set_watched(false);
        assert!(matches!(taker.join().unwrap(), Next::Unwatched));
        mailbox.end();
        assert!(matches!(mailbox.take_while_watched(Duration::ZERO), Next::Ended));
        assert!(mailbox.has_ended() && mailbox.ended().load(Ordering::Relaxed));
    }

    #[test]
    fn closing_wakes_the_thread() {
        let mailbox = Arc::new(watched());
        let taker = std::thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.take().is_none()
        });
        mailbox.end();
        assert!(taker.join().unwrap());
        assert!(!mailbox.push(frame(1)) && !mailbox.push(frame(2)), "nothing is lost that nobody wants");
    }
}
