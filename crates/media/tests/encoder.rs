//! The built-in H.264 encoder, against openh264's own decoder.

#[path = "jpeg/scene.rs"]
#[allow(dead_code)] // Shared with the JPEG tests, which use the rest.
mod scene;

use lenscast_media::causes::Cause;
use lenscast_media::h264::encoder::{Config, EncodeFault, Encoded, OpenH264, default_bitrate};
use lenscast_media::h264::sps::Sps;
use lenscast_media::picture::I420;
use lenscast_media::time::Pts90k;
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

const ACCESS_UNIT_DELIMITER: u8 = 9;
const SPS: u8 = 7;
const PPS: u8 = 8;
const IDR: u8 = 5;
const NON_IDR: u8 = 1;

/// A textured scene that moves two pixels a picture, with a little noise as of a cheap sensor.
fn moving(width: usize, height: usize, t: usize) -> I420 {
    let mut picture = I420::new(width, height);
    let (columns, half) = (picture.width(), picture.width() / 2);
    let mut noise = 0x9E37_79B9_u32 ^ t as u32;
    let [y, u, v] = picture.planes_mut();
    for (i, sample) in y.iter_mut().enumerate() {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let (x, y) = ((i % columns + 2 * t) as f64, (i / columns) as f64);
        let texture = 40.0 * (x / 5.0).sin() * (y / 7.0).cos() + 50.0 * ((x + 2.0 * y) / 90.0).sin();
        *sample = (128.0 + texture + f64::from(noise % 5) - 2.0) as u8;
    }
    for (plane, slope) in [(u, 1.0), (v, -1.0)] {
        for (i, sample) in plane.iter_mut().enumerate() {
            let (x, y) = ((i % half + t) as f64, (i / half) as f64);
            *sample = (128.0 + 40.0 * ((x + slope * y) / 40.0).sin()) as u8;
        }
    }
    picture
}

/// Types of the NAL units; each begins with a start code of four bytes.
fn nal_types(annex_b: &[u8]) -> Vec<u8> {
    let mut types = vec![];
    for at in 0..annex_b.len() - 4 {
        if annex_b[at..].starts_with(&[0, 0, 0, 1]) {
            types.push(annex_b[at + 4] & 31);
        }
    }
    types
}

/// The SPS, from its NAL unit header on.
fn sps(encoded: &Encoded) -> &[u8] {
    let bytes = &encoded.annex_b;
    let start = bytes.windows(5).position(|w| w[..4] == [0, 0, 0, 1] && w[4] & 31 == SPS).unwrap() + 4;
    let len = bytes[start..].windows(4).position(|w| w == [0, 0, 0, 1]).unwrap();
    &bytes[start..start + len]
}

/// The picture of frame `n` at `fps` frames a second.
fn pts(n: usize, fps: usize) -> Pts90k {
    Pts90k((n * 90_000 / fps) as u64)
}

fn encode(encoder: &mut OpenH264, n: usize, force_key: bool) -> Encoded {
    encoder.encode(&moving(320, 240, n), pts(n, 25), force_key).unwrap()
}

#[test]
fn every_access_unit_begins_with_a_delimiter() {
    let mut encoder = OpenH264::default();
    for n in 0..4 {
        let encoded = encode(&mut encoder, n, n == 2);
        assert_eq!(encoded.key, n == 0 || n == 2);
        // primary_pic_type 0: I slices only; 7: any.
        let delimiter = [0, 0, 0, 1, ACCESS_UNIT_DELIMITER, if encoded.key { 0x10 } else { 0xF0 }];
        assert_eq!(encoded.annex_b[..6], delimiter);
        let rest: &[u8] = if encoded.key { &[SPS, PPS, IDR] } else { &[NON_IDR] };
        assert_eq!(nal_types(&encoded.annex_b)[1..], *rest, "picture {n}");
    }
}

#[test]
fn key_frames_come_when_forced_and_only_then() {
    let mut encoder = OpenH264::default();
    for n in 0..700 {
        // Every scene is another one: no scene detection may interfere.
        let picture = moving(64, 48, n * 50);
        let forced = n % 150 == 149;
        let encoded = encoder.encode(&picture, pts(n, 25), forced).unwrap();
        assert_eq!(encoded.key, n == 0 || forced, "picture {n}");
        assert_eq!(nal_types(&encoded.annex_b).contains(&IDR), encoded.key, "picture {n}");
    }
}

#[test]
fn parameter_sets_stay_the_same_while_the_size_does() {
    let mut encoder = OpenH264::default();
    let first = encode(&mut encoder, 0, true);
    for n in 1..5 {
        let again = encode(&mut encoder, n, true);
        assert_eq!(sps(&first), sps(&again));
    }
    let mut other = OpenH264::default();
    assert_eq!(sps(&first), sps(&encode(&mut other, 3, false)), "a new encoder of the same size");
}

#[test]
fn the_profile_is_constrained_baseline() {
    let encoded = encode(&mut OpenH264::default(), 0, false);
    // profile_idc 66; constraint_set0_flag and constraint_set1_flag: avc1.42C0xx.
    assert_eq!(sps(&encoded)[1..3], [0x42, 0xC0]);
}

/// Limited range, the matrix that JFIF means (BT.601), and primaries and transfer of sRGB.
#[test]
fn the_colours_are_said() {
    let encoded = encode(&mut OpenH264::default(), 0, false);
    let colour = Sps::parse(sps(&encoded)).unwrap().colour.expect("a colour description");
    assert!(!colour.full_range);
    assert_eq!((colour.primaries, colour.transfer, colour.matrix), (1, 13, 6));
}

#[test]
fn the_level_allows_for_60_pictures_a_second_and_not_for_more() {
    for (width, height, level) in
        [(160, 120, 20), (320, 240, 21), (640, 480, 31), (1280, 720, 32), (1920, 1080, 42), (3840, 2160, 52)]
    {
        let encoded = OpenH264::default().encode(&I420::new(width, height), Pts90k::ZERO, false).unwrap();
        assert_eq!(sps(&encoded)[3], level, "{width}×{height}");
    }
}

/// The noise of a cheap sensor in the dark: nothing can be predicted.
fn noisy(width: usize, height: usize, random: &mut u32) -> I420 {
    let mut picture = I420::new(width, height);
    for sample in picture.planes_mut().into_iter().flatten() {
        *random ^= *random << 13;
        *random ^= *random >> 17;
        *random ^= *random << 5;
        *sample = 100 + (*random % 21) as u8;
    }
    picture
}

#[test]
fn the_bitrate_is_held_at_any_frame_rate_and_no_picture_is_skipped() {
    let bitrate = 800_000;
    for fps in [5, 15, 30] {
        let mut encoder = OpenH264::new(Config { bitrate: Some(bitrate) });
        let mut random = 1;
        let mut bytes = 0;
        let mut sets = std::collections::BTreeSet::new();
        // Six seconds to learn the rate in, and then eight that count, with a key frame every two.
        for n in 0..14 * fps {
            let picture = noisy(320, 240, &mut random);
            let encoded = encoder.encode(&picture, pts(n, fps), n % (2 * fps) == 0).unwrap();
            if encoded.key {
                sets.insert(sps(&encoded).to_vec());
            }
            if n >= 6 * fps {
                bytes += encoded.annex_b.len();
            }
        }
        let ratio = bytes as f64 * 8.0 / 8.0 / f64::from(bitrate);
        assert!((0.6..1.3).contains(&ratio), "{fps} fps: {ratio:.2} of the bitrate");
        assert_eq!(sets.len(), 1, "the SPS does not change with the rate");
    }
}

#[test]
fn a_simple_picture_takes_less_than_the_bitrate() {
    let mut encoder = OpenH264::default();
    let bytes: usize =
        (0..60).map(|n| encoder.encode(&moving(320, 240, n), pts(n, 30), false).unwrap().annex_b.len()).sum();
    assert!(bytes * 8 / 2 < default_bitrate(320, 240) as usize * 2 / 3, "{bytes} bytes in two seconds");
}

#[test]
fn another_size_begins_anew() {
    let mut encoder = OpenH264::default();
    let mut decoder = Decoder::new().unwrap();
    let mut sets = vec![];
    for (n, (width, height)) in
        [(320, 240), (320, 240), (640, 480), (17, 33), (320, 240)].into_iter().enumerate()
    {
        let picture = moving(width, height, n);
        let encoded = encoder.encode(&picture, pts(n, 25), false).unwrap();
        assert_eq!(encoded.key, n != 1, "picture {n}");
        if encoded.key {
            sets.push(sps(&encoded).to_vec());
        }
        let decoded = decoder.decode(&encoded.annex_b).unwrap().expect("a picture for each access unit");
        assert_eq!(decoded.dimensions(), (picture.width(), picture.height()), "picture {n}");
    }
    assert_eq!(sets[0], sets[3]);
    assert_ne!(sets[0], sets[1]);
    assert_ne!(sets[1], sets[2]);
}

#[test]
fn pictures_come_back_as_they_were() {
    for (width, height, fps) in [(640, 480, 4), (640, 480, 60), (160, 120, 25), (18, 34, 25), (16, 16, 25)] {
        let mut encoder = OpenH264::default();
        let mut decoder = Decoder::new().unwrap();
        for n in 0..20 {
            let picture = moving(width, height, n);
            let encoded = encoder.encode(&picture, pts(n, fps), n == 10).unwrap();
            let decoded = decoder.decode(&encoded.annex_b).unwrap().expect("a picture for each access unit");
            let rows = |plane: &[u8], stride: usize, width: usize, height: usize| -> Vec<u8> {
                plane.chunks(stride).take(height).flat_map(|row| &row[..width]).copied().collect()
            };
            let (stride, chroma_stride, _) = decoded.strides();
            let y = scene::psnr(picture.y(), &rows(decoded.y(), stride, width, height));
            let u = scene::psnr(picture.u(), &rows(decoded.u(), chroma_stride, width / 2, height / 2));
            let v = scene::psnr(picture.v(), &rows(decoded.v(), chroma_stride, width / 2, height / 2));
            assert!(
                y > 34.0 && u > 34.0 && v > 34.0,
                "{width}×{height} at {fps} Hz, picture {n}: PSNR {y:.1} {u:.1} {v:.1} dB, {} bytes",
                encoded.annex_b.len()
            );
        }
    }
}

#[test]
fn a_still_scene_costs_next_to_nothing() {
    let mut encoder = OpenH264::default();
    let picture = moving(640, 480, 0);
    let key = encoder.encode(&picture, pts(0, 25), false).unwrap();
    let settled =
        (1..6).map(|n| encoder.encode(&picture, pts(n, 25), false).unwrap().annex_b.len()).last().unwrap();
    assert!(settled * 20 < key.annex_b.len(), "{settled} bytes after a key frame of {}", key.annex_b.len());
}

#[test]
fn what_is_over_the_highest_level_is_refused_and_the_rest_goes_on() {
    let mut encoder = OpenH264::default();
    for (width, height) in [(3842, 16), (16, 3842), (2162, 2162), (4000, 3000)] {
        let fault = encoder.encode(&I420::new(width, height), Pts90k::ZERO, false).unwrap_err();
        assert_eq!(fault, EncodeFault::TooLarge { width, height });
        assert_eq!(fault.cause(), Cause::TooLargeForVideo);
    }
    for (width, height) in [(3840, 16), (16, 3840), (2160, 3840)] {
        assert!(encoder.encode(&I420::new(width, height), Pts90k::ZERO, false).unwrap().key);
    }
}

#[test]
fn an_encoder_may_move_to_another_thread() {
    let mut encoder = OpenH264::default();
    let encoded =
        std::thread::spawn(move || encoder.encode(&moving(64, 48, 0), Pts90k::ZERO, false)).join().unwrap();
    assert!(encoded.unwrap().key);
}
