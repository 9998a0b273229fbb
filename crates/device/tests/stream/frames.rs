//! What is sent and what is read once the connection is open.

use crate::harness::{Bench, ms, random, unmasked};
use lenscast_device::stream::{Event, SocketEvent};
use lenscast_protocol::control::MAX_CONTROL_BYTES;
use lenscast_protocol::ws::{Opcode, frame};
use std::collections::HashSet;
use std::time::Duration;

const BINARY: u8 = 0x82;
const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;
const CLOSE: u8 = 0x88;

fn sent(bytes: usize, took: Duration) -> Event {
    Event::Sent { bytes, took }
}

#[test]
fn a_frame_is_one_masked_binary_message_whatever_the_socket_takes_at_once() {
    let mut random = random(1);
    for len in [1, 2, 125, 126, 127, 255, 65_535, 65_536, 70_001] {
        let frame: Vec<u8> = std::iter::repeat_with(|| random.next_u32() as u8).take(len).collect();
        for size in [1, 2, 3, 5, 6, 7, 13, 14, 15, 64, 1000, 65_536, 1_000_000] {
            let mut bench = Bench::plain();
            bench.offer(&frame[..]);
            let mut wire = Vec::new();
            loop {
                let part = bench.transmit_some(size);
                if part.is_empty() {
                    break;
                }
                wire.extend(part);
            }
            let messages = unmasked(&wire);
            assert_eq!(messages.len(), 1);
            assert!(messages[0].0 == BINARY && messages[0].2 == frame, "{len} bytes in parts of {size}");
            assert_eq!(bench.take_events(), [sent(len, Duration::ZERO)]);
        }
    }
}

#[test]
fn every_message_has_a_mask_of_its_own() {
    let mut bench = Bench::plain();
    let mut wire = Vec::new();
    for number in 0..200u8 {
        bench.offer([number; 20]);
        wire.extend(bench.transmit());
    }
    let masks: HashSet<[u8; 4]> = unmasked(&wire).into_iter().map(|(_, mask, _)| mask).collect();
    assert_eq!(masks.len(), 200);
}

#[test]
fn the_newest_frame_is_sent_and_the_one_on_its_way_is_finished() {
    let mut bench = Bench::plain();
    bench.offer(*b"one");
    bench.offer(*b"two");
    assert_eq!(bench.take_events(), [Event::Dropped]);
    let mut wire = bench.transmit_some(7);
    bench.offer(*b"three");
    bench.offer(*b"four");
    assert_eq!(bench.take_events(), [Event::Dropped]);
    bench.pass(ms(250));
    wire.extend(bench.transmit());
    let payloads: Vec<_> = unmasked(&wire).into_iter().map(|(_, _, payload)| payload).collect();
    assert_eq!(payloads, [b"two".to_vec(), b"four".to_vec()]);
    assert_eq!(bench.take_events(), [sent(3, ms(250)), sent(4, Duration::ZERO)]);
}

#[test]
fn a_frame_without_a_connection_is_dropped_and_told() {
    let mut bench = Bench::idle();
    bench.offer(*b"nobody");
    assert_eq!(bench.take_events(), [Event::Dropped]);

    let mut bench = Bench::dialling(crate::harness::target("cam.lan"));
    bench.offer(*b"dialling");
    bench.connect();
    bench.offer(*b"handshaking");
    assert_eq!(bench.take_events(), [Event::Dropped, Event::Dropped]);

    let mut bench = Bench::plain();
    bench.offer(*b"on its way");
    bench.transmit_some(8);
    bench.offer(*b"waits");
    bench.socket(SocketEvent::Closed(String::new()));
    assert_eq!(bench.take_lost().0.to_string(), "the connection broke without a good-bye");
    assert_eq!(bench.take_events(), [Event::Dropped, Event::Dropped]);
}

#[test]
fn what_waits_goes_out_in_the_order_pong_ping_text_frame() {
    let mut bench = Bench::extended();
    bench.pass(ms(1999));
    bench.receive(&frame(Opcode::Ping, b"?")[..2]);
    bench.pass(ms(2000));
    bench.offer(*b"before");
    let mut wire = bench.transmit_some(8);
    assert!(bench.client.send_text("text".into()));
    bench.offer(*b"frame");
    bench.receive(b"?");
    bench.pass(ms(2000));
    wire.extend(bench.transmit());
    let frames: Vec<_> = unmasked(&wire).into_iter().map(|(first, _, payload)| (first, payload)).collect();
    let expected: [(u8, &[u8]); 6] =
        [(PING, b""), (BINARY, b"before"), (PONG, b"?"), (PING, b""), (TEXT, b"text"), (BINARY, b"frame")];
    assert_eq!(frames, expected.map(|(first, payload)| (first, payload.to_vec())));
}

#[test]
fn only_the_newest_ping_is_answered() {
    let mut bench = Bench::plain();
    for number in 0..1000u32 {
        bench.receive(&frame(Opcode::Ping, &number.to_be_bytes()));
    }
    assert_eq!(bench.frames(), [(PONG, 999u32.to_be_bytes().to_vec())]);
    bench.receive(&frame(Opcode::Ping, &[7; 125]));
    assert_eq!(bench.frames(), [(PONG, vec![7; 125])]);
    assert_eq!(bench.frames(), []);
}

#[test]
fn texts_are_for_servers_that_agreed() {
    let mut bench = Bench::plain();
    assert!(!bench.client.send_text("hello".into()));
    assert!(!bench.client.is_extended());
    bench.receive(&frame(Opcode::Text, b"welcome"));
    bench.receive(&frame(Opcode::Binary, &[0; 60_000]));
    assert_eq!(bench.take_events(), []);
    assert_eq!(bench.transmit(), b"");
    assert!(bench.client.is_up(), "what is not read is no reason to leave");

    let mut bench = Bench::extended();
    assert!(bench.client.is_extended());
    assert!(bench.client.send_text("old".into()));
    assert!(bench.client.send_text("new".into()));
    assert_eq!(bench.frames(), [(TEXT, b"new".to_vec())]);
    let longest = "x".repeat(MAX_CONTROL_BYTES);
    bench.receive(&frame(Opcode::Binary, b"not for us"));
    bench.receive(&frame(Opcode::Text, format!("{longest}x").as_bytes()));
    bench.receive(&frame(Opcode::Text, longest.as_bytes()));
    assert_eq!(bench.take_events(), [Event::TooLong, Event::Text(longest)]);
    bench.socket(SocketEvent::Closed(String::new()));
    assert!(!bench.client.send_text("hello".into()));
}

#[test]
fn a_text_that_was_not_sent_is_not_for_the_next_connection() {
    let mut bench = Bench::extended();
    assert!(bench.client.send_text("old".into()));
    bench.socket(SocketEvent::Closed(String::new()));
    bench.pass(ms(10_000));
    bench.take_events();
    bench.accept("");
    assert_eq!(bench.transmit(), b"");
}

#[test]
fn to_a_foreign_server_goes_not_one_byte_beyond_the_spec() {
    let mut bench = Bench::plain();
    let mut wire = Vec::new();
    let mut expected: Vec<(u8, Vec<u8>)> = Vec::new();
    let offer = |bench: &mut Bench, wire: &mut Vec<u8>, expected: &mut Vec<_>, number: usize| {
        let jpeg: Vec<u8> = (0..number * 997 % 3000 + 4).map(|at| (at * number) as u8).collect();
        bench.offer(&jpeg[..]);
        bench.client.send_text("telemetry".into());
        wire.extend(bench.transmit());
        expected.push((BINARY, jpeg));
    };
    for number in 1..100 {
        offer(&mut bench, &mut wire, &mut expected, number);
        bench.receive(&frame(Opcode::Text, b"{\"type\":\"picture\",\"quality\":1}"));
        bench.pass(ms(67));
    }
    // A pause: a ping, which any server answers. A ping of its own. Then the end.
    bench.pass(ms(2000));
    wire.extend(bench.transmit());
    bench.receive(&frame(Opcode::Pong, b""));
    bench.receive(&frame(Opcode::Ping, b"alive?"));
    wire.extend(bench.transmit());
    expected.extend([(PING, vec![]), (PONG, b"alive?".to_vec())]);
    offer(&mut bench, &mut wire, &mut expected, 100);
    bench.set_target(None);
    wire.extend(bench.transmit());
    expected.push((CLOSE, 1000u16.to_be_bytes().to_vec()));
    bench.receive(&frame(Opcode::Close, &1000u16.to_be_bytes()));
    assert_eq!(bench.transmit(), b"");

    let seen: Vec<_> = unmasked(&wire).into_iter().map(|(first, _, payload)| (first, payload)).collect();
    assert!(seen == expected, "what was sent is {} messages, not these {}", seen.len(), expected.len());
}
