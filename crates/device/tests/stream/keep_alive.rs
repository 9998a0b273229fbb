//! A link that died without a word is noticed in time.

use crate::harness::{Bench, ms};
use lenscast_device::stream::{Event, Lost, Timing};
use lenscast_device::time::Instant;
use lenscast_protocol::ws::{Decoder, Opcode, Role, frame};
use std::rc::Rc;
use std::time::Duration;

const PING: u8 = 0x89;

#[test]
fn after_two_silent_seconds_there_is_a_ping_and_three_and_a_half_later_an_end() {
    let mut bench = Bench::plain();
    bench.actions.clear();
    bench.pass(ms(1999));
    assert_eq!(bench.transmit(), b"");
    bench.pass(ms(1));
    assert_eq!(bench.frames(), [(PING, vec![])]);
    bench.pass(ms(3499));
    assert_eq!((bench.transmit(), bench.client.is_up()), (vec![], true));
    bench.pass(ms(1));
    assert_eq!(bench.take_lost().0, Lost::Silent(ms(5500)));
    bench.take_hangup();
}

#[test]
fn a_ping_for_which_there_was_no_room_does_not_prolong_the_silence() {
    for handed_over in [2000, 5999, 6001, 9400, 9499] {
        let mut bench = Bench::plain();
        bench.pass(ms(handed_over));
        assert_eq!(bench.frames(), [(PING, vec![])]);
        let left = (9500 - handed_over).min(3500);
        bench.pass(ms(left - 1));
        assert!(bench.client.is_up());
        bench.pass(ms(1));
        assert_eq!(bench.take_lost().0, Lost::Silent(ms(handed_over + left)));
    }
    let mut bench = Bench::plain();
    bench.pass(ms(9499));
    assert!(bench.client.is_up());
    bench.pass(ms(1));
    assert_eq!(bench.take_lost().0, Lost::Silent(ms(9500)), "and when there never is room");
}

#[test]
fn whatever_is_heard_counts_as_a_sign_of_life() {
    let signs =
        [frame(Opcode::Pong, b""), frame(Opcode::Pong, b"other"), frame(Opcode::Text, b"x"), vec![0x82]];
    for sign in signs {
        let mut bench = Bench::plain();
        bench.pass(ms(2000));
        assert_eq!(bench.frames(), [(PING, vec![])]);
        bench.pass(ms(3400));
        bench.receive(&sign);
        bench.pass(ms(1999));
        assert_eq!((bench.transmit(), bench.client.is_up()), (vec![], true));
        bench.pass(ms(1));
        assert_eq!(bench.frames(), [(PING, vec![])]);
    }
}

#[test]
fn a_server_that_talks_is_never_pinged() {
    let mut bench = Bench::plain();
    for _ in 0..100 {
        bench.pass(ms(1990));
        bench.receive(&frame(Opcode::Text, b"hello"));
        assert_eq!(bench.transmit(), b"");
    }
    assert!(bench.client.is_up());
}

#[test]
fn a_frame_that_takes_too_long_ends_the_connection_with_it() {
    let mut bench = Bench::plain();
    bench.actions.clear();
    bench.pass(ms(100));
    bench.offer([1; 1000]);
    bench.pass(ms(700));
    assert_eq!(bench.transmit_some(108).len(), 108);
    bench.pass(ms(1500));
    bench.receive(&frame(Opcode::Text, b"still here"));
    bench.pass(ms(1500));
    bench.receive(&frame(Opcode::Text, b"still here"));
    bench.pass(ms(999));
    assert!(bench.client.is_up());
    bench.pass(ms(1));
    let lost = bench.take_lost().0;
    assert_eq!(lost, Lost::Slow(ms(4000)));
    assert_eq!(lost.to_string(), "a frame could not be sent within 4.0 s");
    assert_eq!(bench.take_events(), [Event::Dropped]);
    bench.take_hangup();
}

#[test]
fn a_driver_that_comes_late_does_not_finish_an_overdue_frame() {
    let mut bench = Bench::plain();
    bench.offer([1; 1000]);
    bench.transmit_some(108);
    bench.now += ms(4001);
    assert_eq!(bench.transmit_some(4096), b"");
    assert!(matches!(bench.take_lost().0, Lost::Slow(_)));
}

/// A link that takes bytes at a rate, and dies.
struct Link {
    bytes_per_ms: usize,
    /// Bytes that it takes after its death.
    buffer: usize,
    dies: Instant,
    room: usize,
}

/// Runs until the connection is lost; how long after the last byte that was heard that is.
fn noticed_after(mut link: Link, frame_bytes: usize, chunk: usize) -> Duration {
    let mut bench = Bench::plain();
    let mut server = Decoder::new(Role::Server, usize::MAX);
    let jpeg = Rc::<[u8]>::from(vec![0; frame_bytes]);
    let mut heard = bench.now;
    let end = link.dies + Duration::from_secs(30);
    let mut dead = false;
    while bench.now < end {
        bench.pass(ms(10));
        if bench.events.iter().any(|event| matches!(event, Event::Down { .. })) {
            return bench.now.since(heard);
        }
        if bench.now >= link.dies && !dead {
            (dead, link.room) = (true, link.buffer);
        } else if !dead {
            link.room = link.bytes_per_ms * 10;
        }
        if frame_bytes > 0 {
            bench.offer(jpeg.clone());
        }
        bench.take_events();
        while link.room > 0 {
            let part = bench.transmit_some(chunk.min(link.room));
            if part.is_empty() {
                break;
            }
            link.room -= part.len();
            let mut input = &part[..];
            while let Some(event) = server.decode(&mut input).expect("a good client") {
                if !dead && matches!(event, lenscast_protocol::ws::Event::Ping(_)) {
                    bench.receive(&frame(Opcode::Pong, b""));
                    heard = bench.now;
                }
            }
        }
    }
    panic!("never noticed");
}

#[test]
fn a_half_open_link_is_noticed_within_ten_seconds_of_the_last_byte() {
    let start = Bench::plain().now;
    let mut longest = Duration::ZERO;
    for dies_after in (0..12_000).step_by(310) {
        // Idle; short frames; frames that take 1 s; frames that take almost as long as they may.
        for (frame_bytes, bytes_per_ms) in [(0, 10), (2000, 20), (20_000, 20), (39_500, 10)] {
            // Nothing is taken any more; a little is, in parts of a frame; everything is, and nobody hears it.
            for buffer in [0, 5, 9000, 5840 * 7, usize::MAX] {
                let link = Link { bytes_per_ms, buffer, dies: start + ms(dies_after), room: 0 };
                let noticed = noticed_after(link, frame_bytes, 1460);
                assert!(
                    noticed < Duration::from_secs(10),
                    "{noticed:?}: died after {dies_after} ms, frames of {frame_bytes}, buffer of {buffer}"
                );
                longest = longest.max(noticed);
            }
        }
    }
    assert!(longest > ms(7000), "the hard cases were met, not only {longest:?}");
    let Timing { ping_after, frame, pong, .. } = Timing::default();
    assert!(longest <= ping_after + frame + pong + ms(20), "as documented, plus the steps of this test");
}
