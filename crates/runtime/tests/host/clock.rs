//! The clock of a test: it stands still unless the test moves it.
//!
//! Each thread has its own, and each test runs in a thread of its own: tests do not disturb each other.

use std::cell::RefCell;
use std::task::Waker;
use std::time::Duration;

struct Clock;

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock);

#[derive(Default)]
struct State {
    /// Microseconds since the start.
    now: u64,
    /// Who wants to be woken, and when: one entry for each waker, as the queues of embassy have it.
    alarms: Vec<(u64, Waker)>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

impl embassy_time_driver::Driver for Clock {
    fn now(&self) -> u64 {
        now()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        STATE.with_borrow_mut(|state| {
            match state.alarms.iter_mut().find(|(_, known)| known.will_wake(waker)) {
                Some((known, _)) => *known = at.min(*known),
                None => state.alarms.push((at, waker.clone())),
            }
        });
    }
}

/// Microseconds since the start.
pub fn now() -> u64 {
    STATE.with_borrow(|state| state.now)
}

/// Time since the start.
pub fn elapsed() -> Duration {
    Duration::from_micros(now())
}

/// When somebody is to be woken next.
pub fn next() -> Option<u64> {
    STATE.with_borrow(|state| state.alarms.iter().map(|(at, _)| *at).min())
}

/// Moves the clock, and wakes whoever is due.
pub fn advance_to(at: u64) {
    let due = STATE.with_borrow_mut(|state| {
        state.now = state.now.max(at);
        let now = state.now;
        state.alarms.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>()
    });
    due.into_iter().for_each(|(_, waker)| waker.wake());
}
