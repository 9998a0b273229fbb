//! NAL units of an Annex B byte stream, and the samples of MP4 made from them.

use lenscast_media::h264::nal::{
    NalType, append_avcc, avcc_len, is_key, nal_units, parameter_sets, sample_units,
};
use proptest::prelude::*;

/// Made by openh264: ten frames of 64×48, key frames first and sixth, a delimiter before each.
const MOVING: &[u8] = include_bytes!("data/h264/moving-64x48.h264");

fn units(annex_b: &[u8]) -> Vec<(NalType, &[u8])> {
    nal_units(annex_b).map(|nal| (nal.unit_type, nal.bytes)).collect()
}

#[test]
fn start_codes_have_three_or_four_bytes() {
    let stream = [0, 0, 0, 1, 0x09, 0xF0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xCE];
    let expected: [(NalType, &[u8]); 3] =
        [(NalType::Aud, &[0x09, 0xF0]), (NalType::Sps, &[0x67, 0x42]), (NalType::Pps, &[0x68, 0xCE])];
    assert_eq!(units(&stream), expected);
}

#[test]
fn zero_bytes_after_a_nal_unit_are_not_part_of_it() {
    let stream = [0, 0, 1, 0x65, 0x88, 0, 0, 0, 0, 0, 0, 1, 0x41, 0x9A, 0, 0];
    let expected: [(NalType, &[u8]); 2] = [(NalType::Idr, &[0x65, 0x88]), (NalType::Slice, &[0x41, 0x9A])];
    assert_eq!(units(&stream), expected);
}

#[test]
fn bytes_before_the_first_start_code_and_empty_units_are_passed_over() {
    let stream = [7, 7, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0x06, 0x05, 0, 0, 1];
    assert_eq!(units(&stream), [(NalType::Sei, &[0x06, 0x05][..])]);
    assert_eq!(units(&[]), []);
    assert_eq!(units(&[0x65, 0x88]), []);
    assert_eq!(units(&[0, 0, 1]), []);
}

#[test]
fn two_zeros_within_a_nal_unit_do_not_end_it() {
    let stream = [0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0, 2];
    assert_eq!(units(&stream), [(NalType::Idr, &stream[3..])]);
}

#[test]
fn every_type_number_is_told() {
    for header in 0..=255_u8 {
        let expected = match header & 31 {
            1 => NalType::Slice,
            5 => NalType::Idr,
            6 => NalType::Sei,
            7 => NalType::Sps,
            8 => NalType::Pps,
            9 => NalType::Aud,
            other => NalType::Other(other),
        };
        assert_eq!(NalType::of_header(header), expected);
    }
}

#[test]
fn a_real_stream_is_taken_apart() {
    use NalType::{Aud, Idr, Pps, Slice, Sps};
    let types: Vec<_> = nal_units(MOVING).map(|nal| nal.unit_type).collect();
    let group = [&[Aud, Sps, Pps, Idr][..], &[Aud, Slice].repeat(4)].concat();
    assert_eq!(types, group.repeat(2));
}

#[test]
fn a_key_frame_and_its_parameter_sets_are_found() {
    let key = [0, 0, 1, 0x09, 0xF0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 3];
    let sets = parameter_sets(&key).expect("SPS and PPS are there");
    assert_eq!((sets.sps, sets.pps), (&[0x67, 1][..], &[0x68, 2][..]));
    assert!(is_key(&key));

    let other = [0, 0, 1, 0x09, 0xF0, 0, 0, 1, 0x41, 3];
    assert_eq!(parameter_sets(&other), None);
    assert_eq!(parameter_sets(&key[..10]), None, "an SPS alone is not enough");
    assert!(!is_key(&other));
}

#[test]
fn a_sample_has_lengths_and_neither_delimiters_nor_parameter_sets() {
    let unit =
        [0, 0, 1, 0x09, 0xF0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x06, 9, 9, 0, 0, 1, 0x65, 3];
    let mut sample = vec![0xAA];
    append_avcc(&unit, &mut sample);
    assert_eq!(sample, [0xAA, 0, 0, 0, 3, 0x06, 9, 9, 0, 0, 0, 2, 0x65, 3]);
    assert_eq!(avcc_len(&unit), sample.len() - 1);
}

/// A NAL unit as an encoder writes it: no three bytes in it look like a start code, and the last is not zero.
fn nal_unit() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 1..200).prop_map(|mut bytes| {
        bytes[0] |= 0x20;
        for at in 2..bytes.len() {
            if bytes[at - 2..at] == [0, 0] && bytes[at] <= 2 {
                bytes[at] = 3;
            }
        }
        let last = bytes.len() - 1;
        bytes[last] |= 0x80;
        bytes
    })
}

proptest! {
    #[test]
    fn what_an_encoder_writes_is_read_back(
        nals in prop::collection::vec((nal_unit(), 2..6_usize), 0..10), trailing in 0..4_usize,
    ) {
        let mut stream = Vec::new();
        for (nal, zeros) in &nals {
            stream.resize(stream.len() + zeros, 0);
            stream.push(1);
            stream.extend_from_slice(nal);
        }
        stream.resize(stream.len() + trailing, 0);
        let found: Vec<_> = nal_units(&stream).map(|nal| nal.bytes.to_vec()).collect();
        let expected: Vec<_> = nals.into_iter().map(|(nal, _)| nal).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(0..4_u8, 0..300)) {
        let mut sample = Vec::new();
        append_avcc(&bytes, &mut sample);
        prop_assert_eq!(sample.len(), avcc_len(&bytes));
        prop_assert!(sample_units(&bytes).count() <= nal_units(&bytes).count());
        for nal in nal_units(&bytes) {
            prop_assert!(nal.bytes.last().is_some_and(|&byte| byte != 0));
            prop_assert!(!nal.bytes.windows(3).any(|bytes| bytes == [0, 0, 1]));
        }
    }
}
