//! When it is tried again, and when not.

use crate::harness::{Bench, accepting, ms, target};
use lenscast_device::backoff::Random;
use lenscast_device::settings::Target;
use lenscast_device::stream::{Event, SocketAction, SocketEvent};
use lenscast_device::time::Instant;
use lenscast_protocol::ws::{Opcode, frame};
use std::time::Duration;

/// Keeps an open connection alive.
fn last(bench: &mut Bench, time: Duration) {
    let end = bench.now + time;
    while bench.now < end {
        bench.pass(ms(100).min(end.since(bench.now)));
        bench.receive(&frame(Opcode::Text, b"hello"));
    }
    assert!(bench.client.is_up());
}

fn lose(bench: &mut Bench) -> (u32, Duration) {
    bench.socket(SocketEvent::Closed("reset".into()));
    let (lost, attempt, retry_in) = bench.take_lost();
    assert_eq!(lost.to_string(), "the connection broke without a good-bye: reset");
    (attempt, retry_in.expect("it is tried again"))
}

#[test]
fn the_wait_grows_to_ten_seconds_and_is_random() {
    for (random, waits) in [(u32::MAX, [1000, 2000, 4000, 8000, 10_000, 10_000]), (0, [500; 6])] {
        let mut bench = Bench::dialling(target("cam.lan"));
        bench.random = Random::new(move || random);
        for (attempt, wait) in (1..).zip(waits) {
            bench.socket(SocketEvent::Failed("no".into()));
            let (_, told, retry_in) = bench.take_lost();
            assert_eq!((told, retry_in), (attempt, Some(ms(wait))));
            bench.pass(ms(wait - 1));
            assert_eq!(bench.actions, []);
            bench.pass(ms(1));
            bench.take_dial();
        }
    }
}

#[test]
fn only_a_connection_that_lasted_makes_the_wait_short_again() {
    let mut bench = Bench::plain();
    bench.random = Random::new(|| u32::MAX);
    for (lasts, expected) in [
        (0, (1, 1000)),
        (9000, (2, 2000)),
        (9999, (3, 4000)),
        (10_000, (1, 1000)),
        (100, (2, 2000)),
        (60_000, (1, 1000)),
    ] {
        last(&mut bench, ms(lasts));
        let (attempt, wait) = lose(&mut bench);
        assert_eq!((attempt, wait), (expected.0, ms(expected.1)), "after {lasts} ms");
        bench.actions.clear();
        bench.pass(wait);
        bench.take_dial();
        bench.accept("");
    }
}

#[test]
fn a_new_target_is_dialled_at_once_and_with_fresh_patience() {
    let mut bench = Bench::dialling(target("old.lan"));
    for _ in 0..5 {
        bench.socket(SocketEvent::Failed("no".into()));
        let wait = bench.take_lost().2.unwrap();
        bench.pass(wait);
    }
    bench.actions.clear();
    let old = bench.id;
    bench.set_target(Some(target("new.lan")));
    let dial = SocketAction::Dial { id: old + 1, host: "new.lan".into(), port: 8080 };
    assert_eq!(bench.actions, [SocketAction::Hangup { id: old }, dial], "one socket at a time");
    bench.socket(SocketEvent::Failed("no".into()));
    assert_eq!(bench.take_lost().1, 1);
    bench.actions.clear();
    bench.set_target(Some(target("new.lan")));
    assert_eq!(bench.actions, [], "it waits on: nothing has changed");
    bench.set_target(Some(Target { key: Some("k".into()), ..target("new.lan") }));
    bench.take_dial();
}

#[test]
fn without_a_host_or_a_network_there_is_nothing_to_dial() {
    let mut bench = Bench::idle();
    for target in [None, Some(Target::default()), Some(target(""))] {
        bench.set_target(target);
        bench.pass(Duration::from_secs(60));
        assert_eq!((bench.client.is_idle(), bench.client.next_wake()), (true, None));
    }
    bench.set_network(false);
    bench.set_target(Some(target("cam.lan")));
    bench.pass(Duration::from_secs(60));
    assert_eq!((&bench.actions[..], bench.client.next_wake()), (&[][..], None));
    bench.set_network(true);
    bench.set_network(true);
    bench.take_dial();
    bench.set_target(None);
    bench.take_hangup();
    assert!(bench.client.is_idle());
    assert_eq!(bench.take_events(), []);
}

#[test]
fn a_network_that_comes_back_ends_the_wait() {
    let mut bench = Bench::dialling(target("cam.lan"));
    bench.set_network(false);
    bench.take_hangup();
    assert_eq!(bench.take_lost().2, None);
    bench.set_network(true);
    bench.take_dial();
    bench.socket(SocketEvent::Failed("no".into()));
    bench.take_lost();
    bench.set_network(false);
    assert_eq!(bench.take_events(), [], "there was nothing to lose");
    bench.set_network(true);
    bench.take_dial();
}

#[test]
fn what_comes_late_from_an_older_attempt_is_ignored() {
    let mut bench = Bench::plain();
    let old = bench.id;
    let (_, wait) = lose(&mut bench);
    bench.actions.clear();
    bench.pass(wait);
    bench.take_dial();
    let request = bench.connect();
    for event in [SocketEvent::Connected, SocketEvent::Failed("x".into()), SocketEvent::Closed("x".into())] {
        for id in [old, 0, bench.id + 1] {
            bench.client.socket_event(bench.now, id, event.clone(), &mut bench.random);
            bench.client.received(bench.now, id, b"garbage", &mut bench.random);
            assert_eq!(bench.client.poll_transmit(bench.now, id, &mut [0; 99], &mut bench.random), 0);
        }
    }
    bench.drain();
    assert_eq!((bench.take_events(), &bench.actions[..]), (vec![], &[][..]));
    bench.receive(&accepting(&request, ""));
    assert!(bench.client.is_up());
    bench.socket(SocketEvent::Connected);
    assert!(bench.client.is_up(), "twice connected is connected");
}

#[test]
fn a_clock_that_leaps_forward_makes_one_attempt_not_many() {
    let mut bench = Bench::dialling(target("cam.lan"));
    let hour = Duration::from_secs(3600);
    for _ in 0..50 {
        bench.leap(hour);
        assert!(bench.take_lost().2 >= Some(ms(500)), "the dial is overdue: a wait like any other");
        bench.take_hangup();
        bench.leap(hour);
        bench.take_dial();
    }
    // With a connection, the silence may be one that only the clock saw.
    bench.accept("");
    bench.now += hour;
    bench.client.received(bench.now, bench.id, &frame(Opcode::Text, b"x"), &mut bench.random);
    bench.drain();
    assert!(bench.client.is_up());
    bench.leap(hour);
    assert!(bench.take_lost().2 >= Some(ms(500)));
    bench.take_hangup();
}

#[test]
fn a_clock_that_stands_still_or_runs_backwards_does_no_harm() {
    let mut bench = Bench::plain();
    for now in [0, 5_000_000, 1, u64::MAX / 2, 7, 1 << 40, 0] {
        bench.now = Instant::from_micros(now);
        for _ in 0..3 {
            bench.offer([1; 500]);
            bench.transmit_some(300);
            bench.receive(&frame(Opcode::Ping, b"x"));
            bench.leap(Duration::ZERO);
            if !bench.client.is_up() {
                bench.socket(SocketEvent::Closed(String::new()));
                bench.set_target(None);
                bench.set_target(Some(target("cam.lan")));
                bench.take_events();
                bench.accept("");
            }
        }
    }
    let frames = bench.take_events().into_iter().filter(|event| matches!(event, Event::Sent { .. }));
    assert!(frames.count() > 0);
}
