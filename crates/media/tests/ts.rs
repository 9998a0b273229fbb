//! The muxer against an independent parser (`mpeg2ts`), against a demuxer written from the standard, and against its
//! own bytes of version 1.

use lenscast_media::h264::nal::{NalType, is_key, nal_units};
use lenscast_media::time::Pts90k;
use lenscast_media::ts::{Muxer, PACKET_SIZE, PAT_PID, PCR_LEAD, PMT_PID, VIDEO_PID, discontinuity_packets};
use mpeg2ts::es::StreamType;
use mpeg2ts::ts::{ReadTsPacket, TsPacket, TsPacketReader, TsPayload};
use proptest::prelude::*;

/// Made by openh264: ten frames of 64×48, key frames first and sixth, a delimiter before each.
const MOVING: &[u8] = include_bytes!("data/h264/moving-64x48.h264");

const DELIMITER: &[u8] = &[0, 0, 0, 1, 0x09, 0xF0];

/// One packet, taken apart by ISO/IEC 13818-1 §2.4.3.
#[derive(Debug, PartialEq, Eq)]
struct Packet<'a> {
    pid: u16,
    unit_start: bool,
    counter: u8,
    /// Flags of the adaptation field; 0 without one.
    flags: u8,
    /// In 90 kHz ticks, 33 bits.
    pcr: Option<u64>,
    /// All of the adaptation field that is neither flags nor clock reference.
    stuffing: &'a [u8],
    payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        assert_eq!((bytes.len(), bytes[0]), (188, 0x47), "size and sync byte");
        assert_eq!(bytes[1] & 0xA0, 0, "no transport error, no priority");
        assert_eq!(bytes[3] & 0xC0, 0, "not scrambled");
        let mut rest = &bytes[4..];
        let (mut flags, mut pcr, mut stuffing) = (0, None, &[][..]);
        if bytes[3] & 0x20 != 0 {
            let field = &rest[1..=usize::from(rest[0])];
            rest = &rest[1 + field.len()..];
            if let Some((&first, mut left)) = field.split_first() {
                flags = first;
                if flags & 0x10 != 0 {
                    let base = left[..5].iter().fold(0, |base, &byte| base << 8 | u64::from(byte)) >> 7;
                    assert_eq!((left[4] & 0x7F, left[5]), (0x7E, 0), "reserved bits and extension");
                    pcr = Some(base);
                    left = &left[6..];
                }
                stuffing = left;
            }
        }
        let has_payload = bytes[3] & 0x10 != 0;
        assert_eq!(has_payload, !rest.is_empty(), "a payload is there if and only if it is announced");
        Packet {
            pid: u16::from_be_bytes([bytes[1] & 0x1F, bytes[2]]),
            unit_start: bytes[1] & 0x40 != 0,
            counter: bytes[3] & 0x0F,
            flags,
            pcr,
            stuffing,
            payload: has_payload.then_some(rest),
        }
    }

    fn read_all(stream: &'a [u8]) -> Vec<Self> {
        assert_eq!(stream.len() % PACKET_SIZE, 0, "whole packets");
        stream.chunks_exact(PACKET_SIZE).map(Self::read).collect()
    }
}

/// What one call of the muxer must have written, checked packet by packet; returns the access unit.
fn check_unit(packets: &[Packet<'_>], pts: Pts90k, key: bool) -> Vec<u8> {
    let (tables, video) = packets.split_at(if key { 2 } else { 0 });
    assert_eq!(tables.iter().map(|table| table.pid).collect::<Vec<_>>(), [PAT_PID, PMT_PID][..tables.len()]);
    assert!(video.iter().all(|packet| packet.pid == VIDEO_PID));

    let first = &video[0];
    assert!(first.unit_start);
    assert_eq!(first.flags, if key { 0x50 } else { 0x10 }, "clock reference, random access");
    let pes = first.payload.expect("the first packet begins the PES packet");
    assert_eq!(pes[..4], [0, 0, 1, 0xE0]);
    assert_eq!(pes[6..9], [0x84, 0x80, 5], "aligned, PTS only, five bytes of it");
    assert_eq!([pes[9] & 0xF1, pes[11] & 1, pes[13] & 1], [0x21, 1, 1], "marker bits");
    let bits = |at: usize| u64::from(pes[at]);
    let found =
        (bits(9) >> 1 & 7) << 30 | bits(10) << 22 | bits(11) >> 1 << 15 | bits(12) << 7 | bits(13) >> 1;
    assert_eq!(found, pts.0 % (1 << 33));
    assert_eq!((first.pcr.expect("in every access unit") + PCR_LEAD) % (1 << 33), found);

    let mut unit = pes[14..].to_vec();
    for packet in &video[1..] {
        assert!(!packet.unit_start && packet.flags == 0 && packet.pcr.is_none());
        unit.extend_from_slice(packet.payload.expect("no packet is empty"));
    }
    let length = u16::from_be_bytes([pes[4], pes[5]]);
    assert_eq!(usize::from(length), if unit.len() + 8 <= 65_535 { unit.len() + 8 } else { 0 });

    let (last, full) = video.split_last().expect("there is a packet");
    assert!(full.iter().all(|packet| packet.stuffing.is_empty()), "only the last packet is stuffed");
    assert!(last.stuffing.iter().all(|&byte| byte == 0xFF));
    assert_eq!(video.len(), (8 + 14 + unit.len()).div_ceil(184), "as few packets as can be");
    unit
}

/// Counters by PID: each payload packet one more than the one before (§2.4.3.3).
#[derive(Default)]
struct Counters(std::collections::HashMap<u16, u8>);

impl Counters {
    fn check(&mut self, packet: &Packet<'_>) {
        let announced = packet.flags & 0x80 != 0;
        let step = u8::from(packet.payload.is_some());
        if let Some(before) = self.0.insert(packet.pid, packet.counter) {
            assert!(announced || packet.counter == (before + step) & 15, "counter of {packet:?}");
        }
    }
}

fn moving_units() -> Vec<(&'static [u8], bool)> {
    let starts: Vec<_> = (0..MOVING.len()).filter(|&at| MOVING[at..].starts_with(DELIMITER)).collect();
    let ends = starts[1..].iter().copied().chain([MOVING.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| &MOVING[start..end])
        .map(|unit| (unit, is_key(unit)))
        .collect()
}

#[test]
fn an_independent_parser_reads_all_of_a_real_stream() {
    let mut muxer = Muxer::new();
    let mut stream = Vec::new();
    let units = moving_units();
    for (frame, &(unit, key)) in units.iter().enumerate() {
        muxer.mux(unit, Pts90k(90_000 + frame as u64 * 9_000), key, &mut stream);
    }

    let mut reader = TsPacketReader::new(&stream[..]);
    let (mut keys, mut stamps, mut clocks, mut video) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    while let Some(TsPacket { header, adaptation_field, payload }) = reader.read_ts_packet().unwrap() {
        match payload.expect("every packet has a payload") {
            TsPayload::Pat(pat) => {
                assert_eq!(pat.table.len(), 1);
                assert_eq!(pat.table[0].program_map_pid.as_u16(), PMT_PID);
            }
            TsPayload::Pmt(pmt) => {
                assert_eq!(pmt.pcr_pid.unwrap().as_u16(), VIDEO_PID);
                assert_eq!(pmt.es_info.len(), 1);
                assert_eq!(pmt.es_info[0].stream_type, StreamType::H264);
                assert_eq!(pmt.es_info[0].elementary_pid.as_u16(), VIDEO_PID);
            }
            TsPayload::PesStart(pes) => {
                assert_eq!(header.pid.as_u16(), VIDEO_PID);
                let field = adaptation_field.expect("the first packet has a clock reference");
                clocks.push(field.pcr.unwrap().as_u64() / 300);
                keys.push(field.random_access_indicator);
                assert!(pes.header.stream_id.is_video() && pes.header.data_alignment_indicator);
                assert_eq!(pes.header.dts, None);
                stamps.push(pes.header.pts.unwrap().as_u64());
                video.extend_from_slice(&pes.data);
            }
            TsPayload::PesContinuation(bytes) => video.extend_from_slice(&bytes),
            other => panic!("what is {other:?}?"),
        }
    }
    assert_eq!(video, MOVING);
    assert_eq!(keys, units.iter().map(|&(_, key)| key).collect::<Vec<_>>());
    assert_eq!(stamps, (0..10).map(|frame| 90_000 + frame * 9_000).collect::<Vec<_>>());
    assert_eq!(clocks, stamps.iter().map(|pts| pts - PCR_LEAD).collect::<Vec<_>>());
}

#[test]
fn an_access_unit_without_delimiter_gets_one() {
    let slice = [0, 0, 1, 0x65, 0x88, 0x84];
    let mut stream = Vec::new();
    Muxer::new().mux(&slice, Pts90k(90_000), true, &mut stream);
    let unit = check_unit(&Packet::read_all(&stream), Pts90k(90_000), true);
    assert_eq!(unit, [DELIMITER, &slice].concat());
}

#[test]
fn a_delimiter_after_a_short_start_code_is_enough() {
    let unit = [0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x41, 0x9A];
    let mut stream = Vec::new();
    Muxer::new().mux(&unit, Pts90k(90_000), false, &mut stream);
    assert_eq!(check_unit(&Packet::read_all(&stream), Pts90k(90_000), false), unit);
}

#[test]
fn the_clock_reference_before_tick_zero_wraps() {
    let mut stream = Vec::new();
    Muxer::new().mux(DELIMITER, Pts90k(PCR_LEAD - 1), false, &mut stream);
    assert_eq!(Packet::read_all(&stream)[0].pcr, Some((1 << 33) - 1));
}

#[test]
fn what_was_in_the_buffer_stays() {
    let mut stream = b"before".to_vec();
    Muxer::new().mux(DELIMITER, Pts90k(90_000), false, &mut stream);
    assert_eq!(stream.len(), 6 + PACKET_SIZE);
    assert!(stream.starts_with(b"before"));
}

#[test]
fn a_gap_is_announced_once_for_each_pid() {
    let mut muxer = Muxer::new();
    let mut key_unit = Vec::new();
    for _ in 0..3 {
        key_unit.clear();
        muxer.mux(&[DELIMITER, &[0, 0, 1, 0x65, 1]].concat(), Pts90k(90_000), true, &mut key_unit);
    }
    let announcement = discontinuity_packets(&key_unit);
    let packets = Packet::read_all(&announcement);
    assert_eq!(packets.iter().map(|packet| packet.pid).collect::<Vec<_>>(), [PAT_PID, PMT_PID, VIDEO_PID]);
    for packet in packets {
        assert_eq!((packet.flags, packet.payload, packet.counter), (0x80, None, 1));
        assert_eq!(packet.stuffing, [0xFF; 182]);
    }
    assert_eq!(discontinuity_packets(&[]), []);
}

/// The bytes that go over the wire, as they were when this was version 1. Never edit `v1-key-frame.*`: a player in
/// the field depends on them.
#[test]
fn a_key_frame_has_the_bytes_of_version_1() {
    let unit = include_bytes!("data/ts/v1-key-frame.h264");
    let mut stream = Vec::new();
    Muxer::new().mux(unit, Pts90k(Pts90k::WRAP + 123_456_789), true, &mut stream);
    assert!(stream == include_bytes!("data/ts/v1-key-frame.ts"), "the packets differ from v1-key-frame.ts");
}

/// Bytes of no meaning, in which start codes are not rare.
fn noise(size: usize, mut seed: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push(if seed >> 31 == 0 { (seed >> 24) as u8 & 1 } else { (seed >> 16) as u8 });
    }
    bytes
}

/// An access unit with the ticks since the one before and whether it is a key frame.
fn access_unit() -> impl Strategy<Value = (Vec<u8>, u64, bool)> {
    // What fills packets exactly, what just fits the 16 bits of PES_packet_length, and everything.
    let size = prop_oneof![4 => 1..600_usize, 1 => 65_500..65_560_usize, 2 => 1..200_000_usize];
    (size, any::<u32>(), any::<bool>(), prop_oneof![1..10_u64, 1..1_000_000_000_u64], any::<bool>()).prop_map(
        |(size, seed, delimited, ticks, key)| {
            let mut unit = noise(size, seed);
            if delimited && size >= DELIMITER.len() {
                unit[..DELIMITER.len()].copy_from_slice(DELIMITER);
            }
            (unit, ticks, key)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_unit_comes_out_as_it_went_in(
        units in prop::collection::vec(access_unit(), 1..12), origin in 0..u64::MAX / 2,
    ) {
        let (mut muxer, mut counters, mut pts) = (Muxer::new(), Counters::default(), Pts90k(origin));
        for (unit, ticks, key) in units {
            pts = pts.checked_add(ticks).unwrap();
            let mut stream = Vec::new();
            muxer.mux(&unit, pts, key, &mut stream);
            let packets = Packet::read_all(&stream);
            packets.iter().for_each(|packet| counters.check(packet));
            let delimited = nal_units(&unit).next().is_some_and(|nal| nal.unit_type == NalType::Aud);
            let expected = if delimited { unit } else { [DELIMITER, &unit].concat() };
            prop_assert!(check_unit(&packets, pts, key) == expected);
        }
    }

    #[test]
    fn a_viewer_may_skip_any_frames_if_it_is_told(
        units in prop::collection::vec((1..5_000_usize, any::<bool>(), any::<bool>()), 1..40),
    ) {
        let (mut muxer, mut counters, mut skipping) = (Muxer::new(), Counters::default(), false);
        for (index, (size, key, stalled)) in units.into_iter().enumerate() {
            let mut stream = Vec::new();
            muxer.mux(&noise(size, index as u32), Pts90k(index as u64 * 9_000), key, &mut stream);
            let resumes = skipping && key && !stalled;
            skipping = stalled || skipping && !key;
            if resumes {
                let announcement = discontinuity_packets(&stream);
                Packet::read_all(&announcement).iter().for_each(|packet| counters.check(packet));
            }
            if !skipping {
                Packet::read_all(&stream).iter().for_each(|packet| counters.check(packet));
            }
        }
    }
}
