//! Framing from the outside: what is sent is what is received, however the bytes are cut, and each fault has its code.

use lenscast_protocol::ws::{
    Decoder, Event, Opcode, Role, Violation, close_code, close_frame, frame, frame_head, mask_in_place,
};
use proptest::prelude::*;

const LIMIT: usize = 100_000;
const MASK: [u8; 4] = [0xA1, 0x02, 0xF3, 0x44];

/// A frame as a client sends it. `first` is the first byte: FIN, reserved bits and opcode.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame_head(Opcode::Binary, payload.len(), Some(MASK)).as_bytes().to_vec();
    bytes[0] = first;
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    mask_in_place(&mut bytes[start..], MASK, 0);
    bytes
}

/// Decodes `bytes` in pieces of `piece` bytes.
fn decode_all(role: Role, bytes: &[u8], piece: usize) -> Result<Vec<Event>, Violation> {
    let mut decoder = Decoder::new(role, LIMIT);
    let mut events = Vec::new();
    for mut part in bytes.chunks(piece.max(1)) {
        while let Some(event) = decoder.decode(&mut part)? {
            events.push(event);
        }
    }
    Ok(events)
}

fn violation(bytes: &[u8]) -> Violation {
    let whole = decode_all(Role::Server, bytes, usize::MAX).expect_err("must be refused");
    assert_eq!(decode_all(Role::Server, bytes, 1), Err(whole), "byte by byte");
    whole
}

proptest! {
    #[test]
    fn a_message_survives_any_fragmentation_and_any_cut(
        payload in prop::collection::vec(any::<u8>(), 0..70_000),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        piece in 1usize..20_000,
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(payload.len());
        let mut wire = Vec::new();
        let mut start = 0;
        for (number, &end) in cuts.iter().enumerate() {
            let fin = if number + 1 == cuts.len() { 0x80 } else { 0 };
            let opcode = if number == 0 { 2 } else { 0 };
            wire.extend(masked(fin | opcode, &payload[start..end]));
            // A control frame may come between the fragments (RFC 6455 §5.4).
            wire.extend(masked(0x8A, b"pong"));
            start = end;
        }
        let events = decode_all(Role::Server, &wire, piece).unwrap();
        let expected = Event::Binary(payload);
        let messages: Vec<&Event> = events.iter().filter(|event| matches!(event, Event::Binary(_))).collect();
        prop_assert_eq!(messages, vec![&expected]);
        prop_assert_eq!(events.len(), cuts.len() + 1);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_never_outgrow_the_limit(
        bytes in prop::collection::vec(any::<u8>(), 0..4_000),
        piece in 1usize..50,
    ) {
        for role in [Role::Server, Role::Client] {
            if let Ok(events) = decode_all(role, &bytes, piece) {
                prop_assert!(events.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn masking_in_pieces_is_masking_at_once(
        payload in prop::collection::vec(any::<u8>(), 0..200), mask: [u8; 4], cut in any::<prop::sample::Index>(),
    ) {
        let mut whole = payload.clone();
        mask_in_place(&mut whole, mask, 0);
        let expected: Vec<u8> = payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
        prop_assert_eq!(&whole, &expected);
        let mut pieces = payload;
        let cut = cut.index(pieces.len() + 1);
        mask_in_place(&mut pieces[..cut], mask, 0);
        mask_in_place(&mut pieces[cut..], mask, cut);
        prop_assert_eq!(pieces, expected);
    }
}

#[test]
fn a_servers_frames_are_read_by_a_client() {
    for len in [0, 1, 125, 126, 65_535, 65_536] {
        let payload = vec![7; len];
        let events = decode_all(Role::Client, &frame(Opcode::Binary, &payload), 1_000).unwrap();
        assert_eq!(events, [Event::Binary(payload)]);
    }
    let close = close_frame(close_code::GOING_AWAY, "bye");
    assert_eq!(
        decode_all(Role::Client, &close, 1).unwrap(),
        [Event::Close(Some((close_code::GOING_AWAY, "bye".into())))]
    );
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    let close = close_frame(close_code::POLICY, &"ü".repeat(100));
    let events = decode_all(Role::Client, &close, 1_000).unwrap();
    assert_eq!(events, [Event::Close(Some((close_code::POLICY, "ü".repeat(61))))]);
}

#[test]
fn each_fault_is_named_and_has_its_close_code() {
    assert_eq!(violation(&frame(Opcode::Binary, b"x")), Violation::Unmasked);
    assert_eq!(violation(&masked(0xC2, b"x")), Violation::ReservedBits);
    assert_eq!(violation(&masked(0x83, b"x")), Violation::Opcode(3));
    assert_eq!(violation(&masked(0x8F, b"x")), Violation::Opcode(15));
    assert_eq!(violation(&masked(0x09, b"x")), Violation::Control, "a fragmented ping");
    assert_eq!(violation(&masked(0x89, &[0; 126])), Violation::Control, "a long ping");
    assert_eq!(violation(&masked(0x80, b"x")), Violation::Fragment, "a continuation of nothing");
    assert_eq!(violation(&[masked(0x02, b"x"), masked(0x82, b"y")].concat()), Violation::Fragment);
    assert_eq!(violation(&masked(0x88, b"x")), Violation::Close);
    assert_eq!(violation(&masked(0x88, &1005u16.to_be_bytes())), Violation::Close);
    assert_eq!(violation(&masked(0x81, b"\xFF")), Violation::Utf8);
    assert_eq!(violation(&[0x82, 0xFE, 0, 5, 0, 0, 0, 0]), Violation::Length);
    assert_eq!(violation(&[0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Violation::Length);
    assert_eq!(decode_all(Role::Client, &masked(0x82, b"x"), 10), Err(Violation::Masked));
    assert_eq!(Violation::Utf8.close_code(), close_code::INVALID_PAYLOAD);
    assert_eq!(Violation::Unmasked.close_code(), close_code::PROTOCOL_ERROR);
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_head_alone() {
    let head = frame_head(Opcode::Binary, LIMIT + 1, Some(MASK));
    let too_big = Violation::TooBig { size: LIMIT as u64 + 1, limit: LIMIT };
    assert_eq!(violation(head.as_bytes()), too_big);
    assert_eq!(too_big.close_code(), close_code::TOO_BIG);
    let split = [masked(0x02, &[0; 60_000]), masked(0x80, &[0; 60_000])].concat();
    assert_eq!(violation(&split), Violation::TooBig { size: 120_000, limit: LIMIT });
    assert!(decode_all(Role::Server, &masked(0x82, &vec![0; LIMIT]), 1_000).is_ok());
}

#[test]
fn a_message_that_is_too_long_to_be_kept_is_passed_over_and_the_next_one_is_not() {
    let mut wire = frame(Opcode::Text, b"before");
    wire.extend(frame(Opcode::Binary, &[7; 60_000]));
    wire.extend(frame(Opcode::Ping, b"between"));
    // In fragments: the first two fit, the third does not, and a control frame comes before the last.
    for (first, payload) in [(0x01, &[b'a'; 60][..]), (0x00, &[b'b'; 40]), (0x00, &[0xFF; 1])] {
        wire.extend([first, payload.len() as u8]);
        wire.extend(payload);
    }
    wire.extend(frame(Opcode::Pong, b"inside"));
    wire.extend([0x80, 0]);
    wire.extend(frame(Opcode::Text, &[b'x'; 100]));
    wire.extend(frame(Opcode::Text, &[b'x'; 101]));
    wire.extend(frame(Opcode::Text, b"after"));
    for piece in [1, 7, 1000, usize::MAX] {
        let mut decoder = Decoder::passing_over(Role::Client, 100, 60_000);
        let mut events = Vec::new();
        for mut part in wire.chunks(piece) {
            while let Some(event) = decoder.decode(&mut part).expect("nothing is against the rules") {
                events.push(event);
            }
        }
        let expected = [
            Event::Text("before".into()),
            Event::Ping(b"between".into()),
            Event::Pong(b"inside".into()),
            Event::Text("x".repeat(100)),
            Event::Text("after".into()),
        ];
        assert_eq!((events, decoder.passed_over()), (expected.into(), 3), "pieces of {piece}");
    }
    let mut decoder = Decoder::passing_over(Role::Client, 100, 60_000);
    let too_big = Violation::TooBig { size: 60_001, limit: 60_000 };
    assert_eq!(decoder.decode(&mut &frame(Opcode::Binary, &[7; 60_001])[..]), Err(too_big));
}
