//! The clock on which frames arrive, and the wall clock beside it.
//!
//! The arrival clock only ever goes forward. The wall clock of a computer does not: a Raspberry Pi starts in 1970 or in
//! last week, and is set minutes later, when the network is there; a laptop sleeps. So the two are held together by an
//! anchor, and the anchor moves when the wall clock was set.

use lenscast_base::notices::Notices;
use lenscast_base::time::moment;
use lenscast_media::time::Micros;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// The wall clock is followed when it differs from the anchor by more than this. What is less may be the time that the
/// clock's owner takes to correct it slowly.
pub const STEP: Duration = Duration::from_secs(1);

/// A look at the two clocks that takes longer than this tells nothing: the thread was stopped in between.
const TOO_LONG: Duration = Duration::from_millis(100);

/// The arrival clock: microseconds since the server started, and the wall clock that goes with them. Clones share it.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    start: Instant,
    wall: Box<dyn Fn() -> Micros + Send + Sync>,
    /// What the wall clock would have shown at the start had it been as it is now, in µs since the Unix epoch. It is
    /// less than 0 when the wall clock is set to 1970 while the server runs.
    anchor: AtomicI64,
    /// The steps so far. The lock is held while the anchor moves, so that one step is not counted twice.
    steps: Mutex<Steps>,
    notices: Notices,
    /// Counts the steps, for those who wait for one.
    stepped: watch::Sender<u64>,
}

/// How often the wall clock was set while the server ran, and what was the last of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// The number of steps.
    pub count: u64,
    /// The last step.
    pub last: Option<Step>,
}

/// One step of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The moment of the step by the clock as it is now, in µs since the Unix epoch.
    pub at_unix_us: u64,
    /// By how much the clock was set forward, in µs; less than 0 when it was set back.
    pub by_us: i64,
}

impl Clock {
    /// A clock that begins now, at 0 µs, beside this computer's wall clock.
    #[must_use]
    pub fn start() -> Self {
        Self::beside(|| {
            Micros::from_duration(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
        })
    }

    /// A clock that begins now, at 0 µs, beside a wall clock that the caller tells, in µs since the Unix epoch.
    #[must_use]
    pub fn beside(wall: impl Fn() -> Micros + Send + Sync + 'static) -> Self {
        let anchor = AtomicI64::new(wall().0 as i64);
        Self(Arc::new(Inner {
            start: Instant::now(),
            wall: Box::new(wall),
            anchor,
            steps: Mutex::default(),
            notices: Notices::default(),
            stepped: watch::Sender::default(),
        }))
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Micros {
        Micros::from_duration(self.0.start.elapsed())
    }

    /// The moment `at` in µs since the Unix epoch, by the wall clock as it is now. So a step of the wall clock moves what
    /// comes after it and nothing that was told before.
    #[must_use]
    pub fn unix_us(&self, at: Micros) -> u64 {
        self.follow();
        self.0.anchor.load(Ordering::Relaxed).saturating_add_unsigned(at.0).max(0) as u64
    }

    /// Looks at the wall clock, and follows it when it was set by more than [`STEP`]. Says whether it was.
    pub fn follow(&self) -> bool {
        let inner = &*self.0;
        let mut steps = inner.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let before = inner.start.elapsed();
        let wall = (inner.wall)();
        // For example: a process that was stopped for 3 s between the two would see a step of 3 s.
        if inner.start.elapsed() - before > TOO_LONG {
            return false;
        }
        let anchor = (wall.0 as i64).saturating_sub_unsigned(Micros::from_duration(before).0);
        let by_us = anchor.saturating_sub(inner.anchor.load(Ordering::Relaxed));
        if by_us.unsigned_abs() <= Micros::from_duration(STEP).0 {
            return false;
        }
        inner.anchor.store(anchor, Ordering::Relaxed);
        *steps = Steps { count: steps.count + 1, last: Some(Step { at_unix_us: wall.0, by_us }) };
        let count = steps.count;
        drop(steps);
        inner.stepped.send_replace(count);
        // A clock that two programs set in turn must not fill the log.
        if let Some(held_back) = inner.notices.due("clock") {
            let (seconds, now) = (by_us / 1_000_000, moment(wall.0 / 1_000_000));
            tracing::warn!(
                seconds,
                %now,
                held_back,
                "this computer's clock was set, or the computer slept: times follow it from here on"
            );
        }
        true
    }

    /// How often the wall clock was set since the start.
    #[must_use]
    pub fn steps(&self) -> Steps {
        *self.0.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A receiver that wakes when the wall clock was set.
    #[must_use]
    pub fn stepped(&self) -> watch::Receiver<u64> {
        self.0.stepped.subscribe()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("start", &self.0.start)
            .field("steps", &self.steps())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    /// 2026-11-28, in µs.
    const TODAY: u64 = 1_795_824_000 * SECOND;

    /// A clock whose wall clock goes on as it should, from `set` on, and the means to set it.
    fn clock(set: u64) -> (Clock, impl Fn(u64)) {
        let wall = Arc::new(Mutex::new((Instant::now(), set)));
        let shown = wall.clone();
        let clock = Clock::beside(move || {
            let (since, at) = *shown.lock().unwrap();
            Micros(at + Micros::from_duration(since.elapsed()).0)
        });
        (clock, move |at| *wall.lock().unwrap() = (Instant::now(), at))
    }

    /// Waits until the clock shows `at`, or up to a minute later. One look may come to nothing, when the thread that
    /// looks is stopped.
    #[track_caller]
    fn shows(clock: &Clock, at: u64) {
        until(|| (at..at + 60 * SECOND).contains(&clock.unix_us(clock.now())));
    }

    #[track_caller]
    fn until(mut is: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is() {
            assert!(start.elapsed() < Duration::from_secs(30), "that never was so");
        }
    }

    #[test]
    fn a_clock_that_is_set_is_followed_both_ways_and_the_arrival_clock_goes_on() {
        // As a computer without a battery starts; a leap too far; a small correction; and back to 1970.
        for (from, to) in [
            (0, TODAY),
            (3600 * SECOND, TODAY),
            (TODAY + 10 * 365 * 86_400 * SECOND, TODAY),
            (TODAY + 120 * SECOND, TODAY),
            (TODAY, TODAY + 61 * SECOND),
            (TODAY, 0),
        ] {
            let (clock, set) = clock(from);
            shows(&clock, from);
            let before = clock.now();
            set(to);
            shows(&clock, to);
            assert!(clock.now() >= before && clock.now().0 < 60 * SECOND, "{from} → {to}");
            let Steps { count, last } = clock.steps();
            let (by, wanted) = (last.unwrap().by_us, to as i64 - from as i64);
            assert!(count == 1 && by.abs_diff(wanted) < 60 * SECOND, "{from} → {to}: {count} {by}");
            assert!(!clock.follow(), "once");
        }
    }

    #[test]
    fn before_1970_there_is_nothing() {
        let (clock, set) = clock(TODAY);
        until(|| clock.now().0 > 0);
        set(0);
        until(|| clock.follow());
        assert_eq!(clock.unix_us(Micros(0)), 0);
    }

    #[test]
    fn what_is_less_than_a_second_is_not_followed_until_it_adds_up() {
        let wall = Arc::new(AtomicI64::new(0));
        let (start, ahead) = (Instant::now(), wall.clone());
        let clock = Clock::beside(move || {
            let run = Micros::from_duration(start.elapsed()).0;
            Micros((TODAY + run).saturating_add_signed(ahead.load(Ordering::Relaxed)))
        });
        for (ahead, is_followed) in
            [(400_000, false), (-900_000, false), (-1_600_000, true), (-2_000_000, false)]
        {
            wall.store(ahead, Ordering::Relaxed);
            if is_followed {
                until(|| clock.follow());
            } else {
                assert!(!clock.follow(), "{ahead}");
            }
        }
        assert_eq!(clock.steps().count, 1);
    }

    #[test]
    fn who_waits_for_a_step_is_woken() {
        let (clock, set) = clock(0);
        let mut stepped = clock.stepped();
        assert!(!stepped.has_changed().unwrap());
        set(TODAY);
        shows(&clock.clone(), TODAY);
        assert!(stepped.has_changed().unwrap());
        assert_eq!(*stepped.borrow_and_update(), 1);
    }

    #[test]
    fn a_look_during_which_the_thread_was_stopped_tells_nothing() {
        let looks = AtomicI64::new(0);
        let clock = Clock::beside(move || {
            if looks.fetch_add(1, Ordering::Relaxed) > 0 {
                std::thread::sleep(TOO_LONG * 2);
                return Micros(TODAY + 5 * SECOND);
            }
            Micros(TODAY)
        });
        assert!(!clock.follow());
        assert_eq!(clock.steps(), Steps::default());
    }
}
