//! What hangs is named, and what works is not.

use crate::clock;
use lenscast_runtime::starts::{hung_in_a_row, reason_of};
use lenscast_runtime::watchdog::{PATIENCE, Watch};

#[test]
fn a_task_that_is_silent_for_too_long_is_named_once_it_was_heard() {
    let watch = Watch::new(["the first task", "the second task"]);
    let second = 1_000_000;
    clock::advance_to(1000 * second);
    assert_eq!(watch.hung(), None, "none was heard yet");
    watch.alive(0);
    watch.alive(1);
    clock::advance_to((1000 + PATIENCE.as_secs()) * second);
    watch.alive(0);
    assert_eq!(watch.hung(), None);
    clock::advance_to((1001 + PATIENCE.as_secs()) * second);
    assert_eq!(watch.hung(), Some("the second task"));
    watch.alive(1);
    assert_eq!(watch.hung(), None);
}

#[test]
fn milliseconds_that_begin_anew_after_49_days_hang_nobody() {
    let watch = Watch::new(["the task"]);
    let wrap = (u64::from(u32::MAX) + 1) * 1000;
    clock::advance_to(wrap - 2_000_000);
    watch.alive(0);
    clock::advance_to(wrap + 2_000_000);
    assert_eq!(watch.hung(), None);
    clock::advance_to(wrap + 7_000_000);
    assert_eq!(watch.hung(), Some("the task"));
}

#[test]
fn a_watchdogs_reason_and_a_panic_count_as_hung_starts() {
    let reason = format!("restart: {}", reason_of("the device task"));
    assert_eq!(hung_in_a_row(2, &reason), 3);
    assert_eq!(hung_in_a_row(2, "watchdog"), 3);
    assert_eq!(hung_in_a_row(2, "restart: panic: panicked at src/wifi.rs:1:2:"), 3);
    assert_eq!(hung_in_a_row(2, "restart: reboot command"), 0);
    assert_eq!(hung_in_a_row(2, "brown-out"), 0);
    assert_eq!(hung_in_a_row(u8::MAX, "watchdog"), u8::MAX);
}
