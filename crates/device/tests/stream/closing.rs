//! How connections end in order.

use crate::harness::{Bench, ms, target};
use lenscast_device::stream::{Event, Lost, SocketAction, SocketEvent};
use lenscast_protocol::ws::{Opcode, Violation, close_frame, frame};
use std::time::Duration;

const CLOSE: u8 = 0x88;

fn code(code: u16) -> (u8, Vec<u8>) {
    (CLOSE, code.to_be_bytes().to_vec())
}

#[test]
fn a_server_that_closes_is_answered_and_its_reason_told() {
    let mut bench = Bench::plain();
    bench.receive(&close_frame(1001, "restarting\x1b[2J"));
    assert!(!bench.client.is_up());
    assert_eq!(bench.frames(), [code(1001)]);
    bench.socket(SocketEvent::Closed(String::new()));
    let (lost, attempt, retry_in) = bench.take_lost();
    assert_eq!(lost.to_string(), "the server closed the connection (code 1001: restarting [2J)");
    assert_eq!(attempt, 1);
    assert!(retry_in >= Some(ms(500)));
    assert_eq!(bench.actions, [], "nothing to hang up: the server did");
}

#[test]
fn a_close_without_a_code_is_answered_without_one() {
    let mut bench = Bench::plain();
    bench.receive(&frame(Opcode::Close, b""));
    assert_eq!(bench.frames(), [(CLOSE, vec![])]);
    bench.actions.clear();
    bench.pass(ms(1000));
    bench.take_hangup();
    assert_eq!(bench.take_lost().0.to_string(), "the server closed the connection");
}

#[test]
fn a_frame_on_its_way_is_finished_before_the_answer_to_a_close() {
    let mut bench = Bench::plain();
    bench.offer(*b"on its way");
    let mut wire = bench.transmit_some(8);
    bench.offer(*b"too late");
    bench.receive(&close_frame(1000, ""));
    assert_eq!(bench.take_events(), [Event::Dropped]);
    wire.extend(bench.transmit());
    let frames: Vec<_> = crate::harness::unmasked(&wire).into_iter().map(|(a, _, b)| (a, b)).collect();
    assert_eq!(frames, [(0x82, b"on its way".to_vec()), code(1000)]);
    assert!(matches!(bench.take_events()[..], [Event::Sent { bytes: 10, .. }]));
    bench.receive(&frame(Opcode::Ping, b"after its last frame"));
    assert_eq!(bench.transmit(), b"");
}

#[test]
fn a_device_that_stops_finishes_its_frame_and_says_good_bye() {
    let mut bench = Bench::extended();
    bench.actions.clear();
    bench.offer(*b"on its way");
    bench.transmit_some(8);
    bench.offer(*b"waits");
    assert!(bench.client.send_text("waits".into()));
    bench.set_target(None);
    bench.offer(*b"too late");
    assert!(!bench.client.is_up() && !bench.client.is_idle() && !bench.client.send_text(String::new()));
    assert_eq!(bench.take_events(), [Event::Dropped, Event::Dropped]);
    bench.transmit_some(8);
    assert_eq!(bench.frames(), [code(1000)]);
    bench.receive(&frame(Opcode::Text, b"not any more"));
    assert!(matches!(bench.take_events()[..], [Event::Sent { bytes: 10, .. }]));
    assert_eq!(bench.actions, []);
    bench.receive(&close_frame(1000, ""));
    bench.take_hangup();
    assert!(bench.client.is_idle());
    bench.take_left("cam.lan");
    assert_eq!(bench.client.next_wake(), None);
}

#[test]
fn a_good_bye_waits_a_second_for_the_socket_and_a_second_for_the_answer() {
    // The socket takes nothing.
    let mut bench = Bench::plain();
    bench.actions.clear();
    bench.offer(*b"on its way");
    bench.transmit_some(8);
    bench.set_target(None);
    bench.pass(ms(999));
    assert!(!bench.client.is_idle());
    bench.pass(ms(1));
    bench.take_hangup();
    assert_eq!(bench.events.remove(0), Event::Dropped);
    bench.take_left("cam.lan");
    assert!(bench.client.is_idle());

    // The server says nothing.
    let mut bench = Bench::plain();
    bench.actions.clear();
    bench.set_target(None);
    bench.pass(ms(999));
    assert_eq!(bench.frames(), [code(1000)]);
    bench.receive(&frame(Opcode::Ping, b"nothing follows a close frame"));
    assert_eq!(bench.transmit(), b"");
    bench.pass(ms(999));
    assert_eq!(bench.actions, []);
    bench.pass(ms(1));
    bench.take_hangup();
    bench.take_left("cam.lan");
    assert!(bench.client.is_idle());
}

#[test]
fn two_good_byes_at_the_same_time_are_one() {
    let mut bench = Bench::plain();
    bench.actions.clear();
    bench.set_target(None);
    bench.receive(&close_frame(1001, "I go too"));
    assert_eq!(bench.frames(), [code(1000)]);
    bench.socket(SocketEvent::Closed(String::new()));
    assert!(bench.client.is_idle());
    bench.take_left("cam.lan");
    assert_eq!(bench.actions, []);
}

#[test]
fn another_target_is_dialled_after_the_good_bye_to_the_old_one() {
    let mut bench = Bench::plain();
    bench.set_target(Some(target("cam.lan")));
    assert!(bench.client.is_up(), "the same target");
    bench.drain();
    bench.actions.clear();
    bench.set_target(Some(target("other.lan")));
    assert_eq!(bench.frames(), [code(1000)]);
    let old = bench.id;
    bench.receive(&close_frame(1000, ""));
    let dial = SocketAction::Dial { id: old + 1, host: "other.lan".into(), port: 8080 };
    assert_eq!(bench.actions, [SocketAction::Hangup { id: old }, dial]);
    bench.take_left("cam.lan");
    bench.accept("");

    // Even when the old server had just closed: then there is nothing to wait for.
    bench.receive(&close_frame(1001, ""));
    bench.transmit();
    bench.set_target(Some(target("third.lan")));
    bench.actions.clear();
    bench.socket(SocketEvent::Closed(String::new()));
    bench.take_dial();
    bench.take_left("other.lan");
}

#[test]
fn each_violation_ends_the_connection_with_its_code() {
    let too_big = Violation::TooBig { size: 1 << 40, limit: 1 << 24 };
    let faults: [(&[u8], Violation, u16); 5] = [
        (b"\x82\x80", Violation::Masked, 1002),
        (b"\xC2\x00", Violation::ReservedBits, 1002),
        (b"\x81\x01\xFF", Violation::Utf8, 1007),
        (b"\x82\x7F\0\0\x01\0\0\0\0\0", too_big, 1009),
        (b"\x88\x01x", Violation::Close, 1002),
    ];
    for (bytes, violation, close) in faults {
        let mut bench = Bench::plain();
        bench.receive(bytes);
        assert!(!bench.client.is_up(), "{violation}");
        bench.receive(b"and more of it");
        assert_eq!(bench.frames(), [code(close)], "{violation}");
        bench.actions.clear();
        bench.pass(ms(1000));
        bench.take_hangup();
        assert_eq!(bench.take_lost().0, Lost::Violation(violation));

        // Inside a frame there is no place for a good-bye.
        let mut bench = Bench::plain();
        bench.offer(*b"on its way");
        bench.transmit_some(8);
        bench.actions.clear();
        bench.receive(bytes);
        bench.take_hangup();
        assert_eq!(bench.take_lost().0, Lost::Violation(violation));
        assert_eq!(bench.take_events(), [Event::Dropped]);
        assert_eq!(bench.transmit(), b"");
    }
}

#[test]
fn a_network_that_goes_takes_everything_with_it_at_once() {
    let mut bench = Bench::plain();
    bench.actions.clear();
    bench.offer(*b"waits");
    bench.set_network(false);
    bench.take_hangup();
    let (lost, attempt, retry_in) = bench.take_lost();
    assert_eq!((lost.to_string().as_str(), attempt, retry_in), ("the network is down", 1, None));
    assert_eq!(bench.take_events(), [Event::Dropped]);
    assert_eq!(bench.client.next_wake(), None);
    bench.pass(Duration::from_secs(3600));
    assert_eq!(bench.actions, []);
    bench.set_network(true);
    bench.take_dial();

    // A good-bye under way ends with it, and was wanted.
    bench.accept("");
    bench.set_target(None);
    bench.set_network(false);
    bench.take_hangup();
    bench.take_left("cam.lan");
    assert!(bench.client.is_idle());
}
