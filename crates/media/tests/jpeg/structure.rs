//! What inspection finds out, and what it refuses.

use jpeg_encoder::SamplingFactor;
use lenscast_media::jpeg::{DEFAULT_MAX_PIXELS, Fault, Limits, Trailing, inspect};

use super::{decode, encode, encode_with, fixture, inspected, position, segments, without};

fn fault(message: &[u8]) -> Fault {
    inspect(message, &Limits::default()).unwrap_err()
}

/// A small 4:2:2 image, changed at `offset` bytes after the beginning of its segment `marker`.
fn changed(marker: u8, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut jpeg = encode(64, 48, SamplingFactor::F_2_1);
    let at = position(&jpeg, marker) + offset;
    jpeg[at..at + bytes.len()].copy_from_slice(bytes);
    jpeg
}

#[test]
fn a_good_image_is_described() {
    let jpeg = encode_with(64, 48, |encoder| {
        encoder.set_sampling_factor(SamplingFactor::F_2_1);
        encoder.set_restart_interval(4);
    });
    let inspected = inspected(&jpeg);
    assert_eq!(inspected.len, jpeg.len());
    assert_eq!((inspected.width, inspected.height, inspected.components), (64, 48, 3));
    assert_eq!(inspected.sampling.factors, [(2, 1), (1, 1), (1, 1)]);
    assert_eq!(inspected.restart_interval, 4);
    assert!(!inspected.progressive && !inspected.missing_huffman_tables);
    assert_eq!(inspected.trailing, Trailing::None);
}

#[test]
fn every_truncation_is_refused() {
    let jpegs = [
        encode(24, 24, SamplingFactor::F_2_1),
        without(&encode(24, 24, SamplingFactor::F_2_2), 0xC4),
        fixture!("progressive_420_restart.jpg").to_vec(),
        fixture!("three_scans_422.jpg").to_vec(),
    ];
    for jpeg in jpegs {
        assert_eq!(fault(&[]).cause().name(), "empty");
        // Without its last two bytes it has all its data, and is mended.
        for len in 1..jpeg.len() - 2 {
            assert_eq!(fault(&jpeg[..len]), Fault::Truncated { len }, "of {}", jpeg.len());
        }
        inspected(&jpeg);
    }
}

#[test]
fn what_follows_the_image_is_cut_and_named() {
    let jpeg = encode(64, 48, SamplingFactor::F_2_1);
    for (follows, trailing) in [
        (vec![0; 300], Trailing::Padding(300)),
        (vec![0xFF; 3], Trailing::Padding(3)),
        (b"\r\n".to_vec(), Trailing::Bytes(2)),
        (jpeg.clone(), Trailing::AnotherJpeg(jpeg.len())),
        ([vec![0; 5], jpeg.clone()].concat(), Trailing::AnotherJpeg(jpeg.len() + 5)),
    ] {
        let inspected = inspected(&[jpeg.clone(), follows].concat());
        assert_eq!(inspected.len, jpeg.len());
        assert_eq!(inspected.trailing, trailing);
    }
}

#[test]
fn a_broken_image_that_starts_inside_another_is_refused() {
    let jpeg = encode(64, 48, SamplingFactor::F_2_1);
    for cut in [segments(&jpeg)[1].1.start, jpeg.len() - 30] {
        let mut glued = jpeg[..cut].to_vec();
        if glued.last() == Some(&0xFF) {
            glued.pop();
        }
        let offset = glued.len();
        glued.extend_from_slice(&jpeg[..jpeg.len() - 9]);
        let found = fault(&glued);
        assert!(matches!(found, Fault::BadMarker { offset: at, .. } if at == offset), "{found}");
    }
}

#[test]
fn what_is_not_a_jpeg_is_told_by_its_first_bytes() {
    assert_eq!(fault(b"GIF89a").cause().name(), "not_a_jpeg");
    assert!(fault(b"GIF89a").to_string().contains("47 49 46 38"), "{}", fault(b"GIF89a"));
    assert!(fault(b"\0").to_string().contains("begins with 00,"), "{}", fault(b"\0"));
    let jpeg = encode(64, 48, SamplingFactor::F_2_1);
    assert_eq!(fault(&jpeg[1..]).cause().name(), "not_a_jpeg");
}

#[test]
fn unsupported_kinds_are_named() {
    for (jpeg, word) in [
        (fixture!("arithmetic.jpg").to_vec(), "arithmetic"),
        (fixture!("lossless.jpg").to_vec(), "lossless"),
        (fixture!("cmyk.jpg").to_vec(), "CMYK"),
        (changed(0xC0, 1, &[0xC5]), "hierarchical"),
        (changed(0xC0, 4, &[12]), "12-bit"),
        (changed(0xC0, 5, &[0, 0]), "DNL"),
        (changed(0xC0, 9, &[2]), "two components"),
        (changed(0xC0, 11, &[0x31]), "factor of 3"),
    ] {
        let fault = fault(&jpeg);
        assert_eq!(fault.cause().name(), "unsupported", "{fault}");
        assert!(fault.to_string().contains(word), "{fault}");
    }
}

#[test]
fn restart_markers_that_were_announced_must_come() {
    let mut jpeg = encode(64, 48, SamplingFactor::F_2_1);
    let scan = position(&jpeg, 0xDA);
    jpeg.splice(scan..scan, [0xFF, 0xDD, 0, 4, 0, 10]);
    let fault = fault(&jpeg);
    assert_eq!(fault.cause().name(), "bad_marker");
    assert!(fault.to_string().contains("restart interval"), "{fault}");
}

#[test]
fn a_file_of_thousands_of_scans_is_refused() {
    let jpeg = encode(64, 48, SamplingFactor::F_2_1);
    let (_, scan) = segments(&jpeg).pop().unwrap();
    let mut many = jpeg[..scan.start].to_vec();
    for _ in 0..5000 {
        many.extend_from_slice(&jpeg[scan.clone()]);
    }
    many.extend([0xFF, 0xD9]);
    assert_eq!(fault(&many).cause().name(), "too_costly", "{}", fault(&many));
}

#[test]
fn impossible_frame_headers_are_refused() {
    assert_eq!(fault(&changed(0xC0, 7, &[0, 0])), Fault::ZeroDimensions { width: 0, height: 48 });
    assert_eq!(fault(&changed(0xC0, 5, &[0; 4])), Fault::ZeroDimensions { width: 0, height: 0 });
    let limit = DEFAULT_MAX_PIXELS;
    assert_eq!(
        fault(&changed(0xC0, 5, &[0xFF; 4])),
        Fault::TooManyPixels { width: 65535, height: 65535, limit }
    );
    let jpeg = encode(64, 48, SamplingFactor::F_2_1);
    let first_id = jpeg[position(&jpeg, 0xC0) + 10];
    for (offset, byte) in [(4, 7), (9, 0), (9, 5), (11, 0x01), (11, 0x25), (12, 4), (13, first_id)] {
        let fault = fault(&changed(0xC0, offset, &[byte]));
        assert_eq!(fault.cause().name(), "bad_marker", "{fault}");
    }
}

#[test]
fn the_limit_counts_pixels_and_not_sides() {
    let jpeg = changed(0xC0, 5, &[0x00, 0xC8, 0xFF, 0xDC]);
    let inspected = inspected(&jpeg);
    assert_eq!((inspected.width, inspected.height), (65500, 200));
    let limits = Limits { max_pixels: 64 * 48 };
    assert!(inspect(&encode(64, 48, SamplingFactor::F_2_1), &limits).is_ok());
    assert_eq!(
        inspect(&encode(65, 48, SamplingFactor::F_2_1), &limits).unwrap_err().cause().name(),
        "too_many_pixels"
    );
}

#[test]
fn images_without_what_their_scans_need_are_refused() {
    let jpeg = encode(64, 48, SamplingFactor::F_2_1);
    let progressive = encode_with(64, 48, |encoder| encoder.set_progressive(true));
    for (broken, word) in [
        (without(&jpeg, 0xC0), "before the frame header"),
        (without(&jpeg, 0xDB), "quantisation table"),
        (without(&progressive, 0xC4), "Huffman table"),
        (without(&jpeg, 0xDA)[..position(&jpeg, 0xDA)].to_vec(), "without a scan"),
        (vec![0xFF, 0xD8], "without a frame header"),
        (changed(0xDA, 5, &[77]), "does not have"),
        (changed(0xDA, 6, &[0x02]), "Huffman table"),
        (changed(0xC4, 4, &[0x20]), "Huffman table"),
        (changed(0xC4, 5, &[0xFF; 16]), "256 values"),
        (changed(0xDB, 2, &[0, 66]), "short quantisation table"),
        (changed(0xDB, 2, &[0, 1]), "length under 2"),
    ] {
        let broken =
            if broken.ends_with(&[0xFF, 0xD9]) { broken } else { [&broken[..], &[0xFF, 0xD9]].concat() };
        let fault = fault(&broken);
        assert_eq!(fault.cause().name(), "bad_marker", "{fault}");
        assert!(fault.to_string().contains(word), "{fault} ≠ {word}");
    }
}

#[test]
fn damaged_image_data_between_good_markers_is_left_to_the_decoder() {
    let mut jpeg = encode(64, 48, SamplingFactor::F_2_1);
    let data = segments(&jpeg).last().unwrap().1.end;
    let end = jpeg.len() - 2;
    for byte in &mut jpeg[data..end] {
        *byte = 0x5A;
    }
    inspected(&jpeg);
    assert_eq!(decode(&jpeg).unwrap_err().cause().name(), "damaged");
}
