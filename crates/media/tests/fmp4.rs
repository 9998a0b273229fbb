//! Init segments and fragments: box by box as `mp4-atom` reads them, and as ffmpeg plays them.

mod ffmpeg;

use lenscast_media::fmp4::{Fmp4Error, TRACK_ID, fragment, init_segment};
use lenscast_media::h264::nal::{append_avcc, avcc_len, is_key, parameter_sets};
use lenscast_media::h264::sps::SpsError;
use lenscast_media::time::Pts90k;
use mp4_atom::{Any, Atom, Codec, Colr, DecodeMaybe, Encode, Moof, Moov, TrunEntry};
use proptest::prelude::*;

/// Made by openh264: ten frames of 64×48, key frames first and sixth, a delimiter before each.
const MOVING: &[u8] = include_bytes!("data/h264/moving-64x48.h264");

/// Of x264: High 4:4:4 Predictive, 63×47.
const HIGH_SPS: &[u8] = &[
    0x67, 0xF4, 0x00, 0x0A, 0x91, 0x9B, 0x28, 0x8F, 0xD5, 0x7F, 0xE0, 0x05, 0xE0, 0x07, 0xE2, 0x00, 0x00,
    0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x28, 0x1E, 0x24, 0x4B, 0x2C,
];

/// Ticks until the next frame: 30 fps, one frame late, 4 fps.
const DURATIONS: [u32; 10] = [3_000, 3_000, 12_000, 1, 22_499, 22_500, 22_500, 22_500, 22_500, 22_500];

fn atoms(mut bytes: &[u8]) -> Vec<Any> {
    let mut atoms = Vec::new();
    while let Some(atom) = Any::decode_maybe(&mut bytes).expect("the boxes are well formed") {
        atoms.push(atom);
    }
    assert!(bytes.is_empty(), "{} bytes are in no box", bytes.len());
    atoms
}

fn moving_init() -> Vec<u8> {
    let sets = parameter_sets(MOVING).expect("the stream begins with a key frame");
    init_segment(sets.sps, sets.pps).unwrap()
}

fn moov(init: &[u8]) -> Moov {
    let [Any::Ftyp(ftyp), Any::Moov(moov)] = &atoms(init)[..] else {
        panic!("an init segment is ftyp and moov")
    };
    assert_eq!(ftyp.major_brand, b"iso5".into());
    moov.clone()
}

fn moof(fragment: &[u8]) -> Moof {
    let [Any::Moof(moof), Any::Mdat(_)] = &atoms(fragment)[..] else { panic!("a fragment is moof and mdat") };
    moof.clone()
}

fn only_sample(moof: &Moof) -> TrunEntry {
    let [run] = &moof.traf[0].trun[..] else { panic!("one run") };
    assert_eq!(run.samples.len(), 1);
    run.samples.get(0).unwrap()
}

/// The init segment and the fragments of the first `frames` frames, of ten, the first one at `origin`.
fn moving(origin: u64, frames: usize) -> Vec<u8> {
    let mut stream = moving_init();
    let mut time = Pts90k(origin);
    let units = ffmpeg::access_units(MOVING);
    assert_eq!(units.len(), DURATIONS.len());
    for (index, (unit, duration)) in units.into_iter().zip(DURATIONS).enumerate().take(frames) {
        fragment(index as u32 + 1, unit, time, duration, is_key(unit), &mut stream).unwrap();
        time = time.saturating_add(duration.into());
    }
    stream
}

#[test]
fn an_init_segment_describes_one_live_track() {
    let sets = parameter_sets(MOVING).unwrap();
    let moov = moov(&moving_init());
    let [track] = &moov.trak[..] else { panic!("one track") };
    assert_eq!((moov.mvhd.duration, track.tkhd.duration, track.mdia.mdhd.duration), (0, 0, 0));
    assert_eq!(track.mdia.mdhd.timescale, 90_000);
    assert_eq!(track.tkhd.track_id, TRACK_ID);
    assert_eq!((track.tkhd.width.integer(), track.tkhd.height.integer()), (64, 48));
    assert_eq!(moov.mvex.as_ref().unwrap().trex[0].track_id, TRACK_ID);

    let [Codec::Avc1(entry)] = &track.mdia.minf.stbl.stsd.codecs[..] else { panic!("one sample entry avc1") };
    assert_eq!((entry.visual.width, entry.visual.height), (64, 48));
    assert_eq!(entry.avcc.sequence_parameter_sets, [sets.sps]);
    assert_eq!(entry.avcc.picture_parameter_sets, [sets.pps]);
    assert_eq!((entry.avcc.avc_profile_indication, entry.avcc.avc_level_indication), (66, 20));
    assert_eq!((entry.avcc.length_size, &entry.avcc.ext), (4, &None));
    assert_eq!(entry.colr, Some(Colr::new(6, 6, 6, true).unwrap()));
}

#[test]
fn a_high_profile_repeats_its_chroma_format() {
    let moov = moov(&init_segment(HIGH_SPS, &[0x68, 0xCE]).unwrap());
    let [Codec::Avc1(entry)] = &moov.trak[0].mdia.minf.stbl.stsd.codecs[..] else { panic!("avc1") };
    let ext = entry.avcc.ext.as_ref().expect("ISO/IEC 14496-15 §5.3.3.1.2 wants it for this profile");
    assert_eq!((ext.chroma_format, ext.bit_depth_luma, ext.bit_depth_chroma), (3, 8, 8));
    assert_eq!((entry.visual.width, entry.visual.height), (63, 47));
    assert_eq!(entry.colr, None);
}

#[test]
fn wrong_parameter_sets_are_refused() {
    let error = init_segment(&[0x68, 0xCE], &[0x68, 0xCE]).unwrap_err();
    assert!(matches!(error, Fmp4Error::Sps(SpsError::NotAnSps(Some(0x68)))));
    let error = init_segment(HIGH_SPS, HIGH_SPS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no init segment without a PPS: expected a NAL unit of type 8, found type 7"
    );
    assert!(matches!(init_segment(HIGH_SPS, &[]), Err(Fmp4Error::NotAPps(None))));
    let long = [HIGH_SPS, &[1; 70_000]].concat();
    assert!(matches!(init_segment(&long, &[0x68]), Err(Fmp4Error::ParameterSetTooLong(70_029))));
}

#[test]
fn an_access_unit_without_slices_makes_no_fragment() {
    let mut out = b"before".to_vec();
    let error = fragment(1, &[0, 0, 1, 0x09, 0xF0], Pts90k(0), 1, true, &mut out).unwrap_err();
    assert!(matches!(error, Fmp4Error::NoSample(5)));
    assert_eq!(out, b"before");
}

#[test]
fn a_key_frame_is_a_sync_sample_and_another_is_not() {
    let unit = [0, 0, 1, 0x65, 1];
    let flags = [true, false].map(|key| {
        let mut out = Vec::new();
        fragment(1, &unit, Pts90k(0), 3_000, key, &mut out).unwrap();
        only_sample(&moof(&out)).flags.unwrap()
    });
    // sample_depends_on and sample_is_non_sync_sample of ISO/IEC 14496-12 §8.8.3.1.
    assert_eq!(flags, [0x0200_0000, 0x0101_0000]);
}

#[test]
fn ffmpeg_finds_every_frame_at_its_time() {
    // 33 bits are no limit here.
    for origin in [0, Pts90k::WRAP - 90_000, 1 << 40] {
        let mut next = origin as i64;
        let expected = DURATIONS.map(|duration| {
            next += i64::from(duration);
            next - i64::from(duration)
        });
        let found = ffmpeg::packets("mp4", &moving(origin, 10));
        assert_eq!(found.iter().map(|packet| packet.pts).collect::<Vec<_>>(), expected);
        let keys: Vec<_> = (0..10).filter(|&frame| found[frame].key).collect();
        assert_eq!(keys, [0, 5]);
    }
}

/// ffprobe tells the end of the newest frame, so the durations show as frames are added.
#[test]
fn ffmpeg_finds_every_frame_of_its_duration() {
    let mut end = 0;
    for (frame, duration) in DURATIONS.into_iter().enumerate() {
        end += duration;
        let stream = moving(0, frame + 1);
        assert_eq!(ffmpeg::stream_field("mp4", "duration_ts", &stream), end.to_string(), "frame {frame}");
    }
}

#[test]
fn ffmpeg_decodes_the_pictures_that_the_encoder_made() {
    let stream = moving(90_000, 10);
    let fields =
        [("codec_name", "h264"), ("codec_tag_string", "avc1"), ("width", "64"), ("color_range", "pc")];
    for (field, expected) in fields {
        assert_eq!(ffmpeg::stream_field("mp4", field, &stream), expected, "{field}");
    }
    let pictures = ffmpeg::pictures("mp4", &stream);
    assert_eq!(pictures.len(), 10);
    assert_eq!(pictures, ffmpeg::pictures("h264", MOVING));
}

proptest! {
    #[test]
    fn a_fragment_points_at_its_sample(
        slices in prop::collection::vec(prop::collection::vec(1..=255_u8, 1..3_000), 1..5),
        sequence in any::<u32>(), time in any::<u64>(), duration in any::<u32>(), before in 0..50_usize,
    ) {
        let mut unit = vec![0, 0, 0, 1, 0x09, 0xF0];
        for slice in slices {
            unit.extend_from_slice(&[0, 0, 0, 1, 0x41]);
            unit.extend_from_slice(&slice);
        }
        let mut out = vec![0xAA; before];
        fragment(sequence, &unit, Pts90k(time), duration, false, &mut out).unwrap();

        prop_assert!(out[..before].iter().all(|&byte| byte == 0xAA));
        let bytes = &out[before..];
        let moof = moof(bytes);
        let track = &moof.traf[0];
        prop_assert_eq!(moof.mfhd.sequence_number, sequence);
        prop_assert!(track.tfhd.default_base_is_moof && track.tfhd.base_data_offset.is_none());
        prop_assert_eq!(track.tfdt.as_ref().unwrap().base_media_decode_time, time);
        let sample = only_sample(&moof);
        prop_assert_eq!(sample.duration, Some(duration));

        let offset = track.trun[0].data_offset.unwrap() as usize;
        let mut expected = Vec::new();
        append_avcc(&unit, &mut expected);
        prop_assert_eq!(sample.size.unwrap() as usize, avcc_len(&unit));
        prop_assert_eq!(&bytes[offset..], &expected[..]);
        prop_assert_eq!(&bytes[offset - 4..offset], b"mdat");
        prop_assert_eq!(Moof::KIND, b"moof".into());
        let mut again = Vec::new();
        moof.encode(&mut again).unwrap();
        prop_assert_eq!(again.len() + 8, offset);
    }
}
