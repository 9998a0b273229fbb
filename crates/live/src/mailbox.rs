//! The place between a camera's connection and its pipeline: the newest frame wins.
//!
//! There is room for one frame, so latency never builds up: when the encoder needs 60 ms a frame and frames come every 40 ms, it
//! gets frames 1, 2, 4, 5, 7, … each as fresh as can be, and the others are dropped. Only where the encoder is much quicker than
//! the camera, the frames of a burst wait for each other for a moment ([`burst`]).
//!
//! Plain threads, no async: the writing side never waits, the reading side is a thread that does nothing else.

use crate::burst;
use crate::demand::{Demand, REPEAT_EVERY, REPEAT_FOR};
use crate::unit::JpegFrame;
use lenscast_media::time::Micros;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most bytes of the frames that wait, unless it is a single one.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Room for a frame, or for those of a burst, and what the pipeline must know besides: does anybody watch, and is a key frame wanted. The stream tells
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
    /// The frames that wait to be encoded, the oldest first.
    fresh: VecDeque<Waiting>,
    /// How many may wait; one even when this is 0.
    room: usize,
    /// The newest of all frames, encoded or not. A key frame is made of it while no new one comes.
    newest: Option<Arc<JpegFrame>>,
    watched: bool,
    key_wanted: bool,
    /// Until when the newest frame is handed out again and again while no new one comes.
    repeat_until: Option<Instant>,
    /// When a frame was handed out last.
    taken_at: Option<Instant>,
}

/// A frame that waits to be encoded.
#[derive(Debug)]
struct Waiting {
    frame: Arc<JpegFrame>,
    since: Instant,
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
    /// How many frames before it had waited for too long to be encoded: the encoder was not as quick as it was thought to be.
    pub dropped: u64,
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
        let now = Instant::now();
        let dropped = self.drop_late(now);
        if let Some(Waiting { frame, .. }) = self.fresh.pop_front() {
            self.taken_at = Some(now);
            return Some(Work { frame, key: std::mem::take(&mut self.key_wanted), again: false, dropped });
        }
        let due = self.repeats_at(now).is_some_and(|due| due <= now);
        let frame = self.newest.clone().filter(|_| self.key_wanted || due)?;
        self.taken_at = Some(now);
        Some(Work { frame, key: std::mem::take(&mut self.key_wanted), again: true, dropped })
    }

    /// When the newest frame is to be handed out again; `None` when it is not.
    fn repeats_at(&mut self, now: Instant) -> Option<Instant> {
        self.repeat_until.take_if(|until| *until <= now);
        self.repeat_until.filter(|_| self.watched && self.newest.is_some())?;
        Some(self.taken_at.map_or(now, |taken| taken + REPEAT_EVERY))
    }

    /// Drops the oldest frames that wait, until the rest is few enough, small enough, and came together with the newest.
    fn push_out(&mut self) {
        let Some(newest) = self.fresh.back().map(|waiting| waiting.frame.arrival) else {
            return;
        };
        let together = Micros::from_duration(burst::LONGEST);
        let mut bytes: usize = self.fresh.iter().map(|waiting| waiting.frame.bytes.len()).sum();
        while self.fresh.len() > 1
            && let Some(Waiting { frame: oldest, .. }) = self.fresh.front()
        {
            let fits = self.fresh.len() <= self.room && bytes <= MAX_BYTES;
            if fits && newest.saturating_sub(oldest.arrival) <= together {
                return;
            }
            bytes -= oldest.bytes.len();
            self.fresh.pop_front();
        }
    }

    /// Drops frames that have waited for too long, while there is a newer one. Gives back how many.
    fn drop_late(&mut self, now: Instant) -> u64 {
        let mut dropped = 0;
        while self.fresh.len() > 1
            && self
                .fresh
                .pop_front_if(|waiting| now.saturating_duration_since(waiting.since) > burst::LONGEST)
                .is_some()
        {
            dropped += 1;
        }
        dropped
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
    /// Puts a frame in. Gives back how many frames it pushed out that should have been encoded.
    pub fn push(&self, frame: Arc<JpegFrame>) -> usize {
        let mut slot = self.lock();
        if self.has_ended() {
            return 0;
        }
        slot.newest = Some(frame.clone());
        if !slot.watched {
            return 0;
        }
        let before = slot.fresh.len();
        slot.fresh.push_back(Waiting { frame, since: Instant::now() });
        slot.push_out();
        let dropped = before + 1 - slot.fresh.len();
        drop(slot);
        self.wake.notify_one();
        dropped
    }

    /// Says how many frames may wait from now on.
    pub fn make_room(&self, frames: usize) {
        self.lock().room = frames;
    }

    /// Asks for a key frame of the next frame that comes. For a pipeline that could make no picture of the newest frame: it
    /// would get the same frame again and again.
    pub fn request_key_with_next(&self) {
        let mut slot = self.lock();
        slot.key_wanted = true;
        slot.newest = slot.fresh.back().map(|waiting| waiting.frame.clone());
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
                let now = Instant::now();
                slot = match slot.repeats_at(now) {
                    Some(due) => {
                        let left = due.saturating_duration_since(now);
                        self.wake.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0
                    }
                    None => self.wake.wait(slot).unwrap_or_else(PoisonError::into_inner),
                };
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
            slot.fresh.clear();
            slot.repeat_until = None;
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

    fn repeat(&self) {
        self.lock().repeat_until = Some(Instant::now() + REPEAT_FOR);
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
        assert_eq!(mailbox.push(frame(1)), 0);
        assert_eq!(mailbox.push(frame(2)), 1);
        let work = mailbox.take().unwrap();
        assert_eq!(work.frame.sequence, 2);
        assert!(work.key, "the first is a key frame");
        assert_eq!(mailbox.push(frame(3)), 0, "the place was empty");
        assert!(!mailbox.take().unwrap().key);
    }

    /// A frame of so many bytes that arrived at so many ms.
    fn sized(sequence: u64, ms: u64, bytes: usize) -> Arc<JpegFrame> {
        let frame = JpegFrame::for_test(sequence);
        Arc::new(JpegFrame { arrival: Micros(ms * 1000), bytes: vec![0; bytes].into(), ..frame })
    }

    #[test]
    fn a_burst_waits_where_there_is_room_and_comes_in_its_order() {
        let mailbox = watched();
        mailbox.make_room(5);
        let dropped: Vec<usize> = (1..=7).map(|number| mailbox.push(sized(number, number, 10))).collect();
        assert_eq!(dropped, [0, 0, 0, 0, 0, 1, 1]);
        let taken: Vec<u64> = (0..5).map(|_| mailbox.take().unwrap().frame.sequence).collect();
        assert_eq!(taken, [3, 4, 5, 6, 7]);
        // A hung encoder is no reason to show what is old.
        for (number, ms) in [(8, 0), (9, 50), (10, 140)] {
            mailbox.push(sized(number, ms, 10));
        }
        assert_eq!(mailbox.push(sized(11, 1000, 10)), 2, "8 went before, since it is 140 ms older than 10");
        assert_eq!(mailbox.take().unwrap().frame.sequence, 11);
        // Nor do they take memory without end.
        assert_eq!((12..=14).map(|number| mailbox.push(sized(number, 0, MAX_BYTES / 2))).sum::<usize>(), 1);
        assert_eq!(mailbox.push(sized(15, 0, MAX_BYTES * 2)), 2, "a single one may be larger");
        // Nor does a burst wait for an encoder that hangs.
        mailbox.take().unwrap();
        for number in 20..23 {
            mailbox.push(sized(number, 0, 10));
        }
        std::thread::sleep(burst::LONGEST + burst::LONGEST / 10);
        let work = mailbox.take().unwrap();
        assert_eq!((work.frame.sequence, work.dropped), (22, 2));
        // An encoder that became slow gets the newest.
        mailbox.push(sized(16, 0, 10));
        mailbox.make_room(1);
        assert_eq!(mailbox.push(sized(17, 0, 10)), 1);
        assert_eq!(mailbox.take().unwrap().frame.sequence, 17);
    }

    #[test]
    fn an_unwatched_frame_is_no_loss_and_is_the_first_to_be_shown() {
        let mailbox = Mailbox::default();
        assert_eq!(mailbox.push(frame(1)), 0);
        assert_eq!(mailbox.push(frame(2)), 0);
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
    fn the_newest_frame_is_repeated_for_a_while_and_a_new_one_comes_first() {
        let mailbox = watched();
        mailbox.push(frame(1));
        mailbox.take().unwrap();
        mailbox.repeat();
        let began = Instant::now();
        for _ in 0..3 {
            let work = mailbox.take().unwrap();
            assert_eq!((work.frame.sequence, work.key, work.again), (1, false, true));
        }
        assert!(began.elapsed() >= 2 * REPEAT_EVERY, "one after the other");
        mailbox.push(frame(2));
        let work = mailbox.take().unwrap();
        assert_eq!((work.frame.sequence, work.again), (2, false));
        mailbox.request_key();
        assert!(mailbox.take().unwrap().key);
        // However many are still to be repeated, there is an end.
        let mailbox = Arc::new(mailbox);
        let taker = std::thread::spawn({
            let mailbox = mailbox.clone();
            move || std::iter::from_fn(|| mailbox.take()).map(|work| work.frame.sequence).collect::<Vec<_>>()
        });
        std::thread::sleep(REPEAT_FOR + REPEAT_EVERY);
        mailbox.push(frame(3));
        while !mailbox.lock().fresh.is_empty() {
            std::thread::yield_now();
        }
        mailbox.end();
        let taken = taker.join().unwrap();
        assert_eq!(taken.last(), Some(&3));
        assert!(taken.iter().filter(|&&sequence| sequence == 2).count() <= 30, "{taken:?}");
        assert_eq!(taken.iter().filter(|&&sequence| sequence == 3).count(), 1, "{taken:?}");
    }

    #[test]
    fn nothing_is_repeated_while_nobody_watches_nor_what_gave_no_picture() {
        let mailbox = watched();
        mailbox.push(frame(1));
        mailbox.take().unwrap();
        mailbox.repeat();
        mailbox.set_watched(false);
        mailbox.set_watched(true);
        assert!(mailbox.lock().repeat_until.is_none());
        mailbox.repeat();
        mailbox.request_key_with_next();
        let mailbox = Arc::new(mailbox);
        let taker = std::thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.take().map(|work| (work.frame.sequence, work.key))
        });
        std::thread::sleep(2 * REPEAT_EVERY);
        mailbox.push(frame(2));
        assert_eq!(taker.join().unwrap(), Some((2, true)));
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
        assert_eq!(mailbox.push(frame(1)) + mailbox.push(frame(2)), 0, "nothing is lost that nobody wants");
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
}
