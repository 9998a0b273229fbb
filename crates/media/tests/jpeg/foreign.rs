//! What is no JPEG is told by its bytes, and nothing that is one is taken for it.

use super::faulty::Random;
use super::{encode, inspected};
use jpeg_encoder::SamplingFactor;
use lenscast_media::jpeg::{Fault, Limits, inspect, text_fault};

fn fault(message: &[u8]) -> Fault {
    inspect(message, &Limits::default()).unwrap_err()
}

#[test]
fn a_jpeg_behind_other_bytes_is_found_at_any_place() {
    let jpeg = encode(64, 48, SamplingFactor::F_2_1);
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let count = 1 + random.below(3000);
        let mut before = random.bytes(count);
        // Not fill bytes, and no SOI by chance.
        before.iter_mut().for_each(|byte| *byte &= 0xBF);
        assert_eq!(
            fault(&[&before[..], &jpeg].concat()),
            Fault::JpegNotFirst { offset: count },
            "seed {seed}"
        );
    }
    for ones in 1..50 {
        inspected(&[&vec![0xFF; ones][..], &jpeg].concat());
    }
}

#[test]
fn the_length_before_a_jpeg_is_found_in_any_byte_order() {
    let jpeg = encode(64, 48, SamplingFactor::F_2_1);
    let len = jpeg.len() as u32;
    for prefix in [
        &len.to_be_bytes()[..],
        &len.to_le_bytes(),
        &u64::from(len).to_be_bytes(),
        &(len as u16).to_be_bytes(),
    ] {
        let found = fault(&[prefix, &jpeg].concat());
        assert_eq!(found, Fault::JpegNotFirst { offset: prefix.len() });
        let words = format!("a JPEG begins at byte {}: send nothing before it", prefix.len());
        assert_eq!(found.to_string(), words);
    }
    // Its JPEG may be a broken one, too.
    let cut = [&[0, 0, 9, 9], &jpeg[..jpeg.len() / 2]].concat();
    assert_eq!(fault(&cut), Fault::JpegNotFirst { offset: 4 });
}

#[test]
fn what_only_looks_like_a_jpeg_inside_is_none() {
    for noise in [
        &b"\x11\xFF\xD8\xFF\x00\x22"[..],
        b"\x11\xFF\xD8\xFF\xDB\x00\x01\x22",
        b"\x11\xFF\xD8\xFF\xE0\x00\x04\x22\x22\x22",
    ] {
        assert_eq!(fault(noise).cause().name(), "not_a_jpeg", "{noise:02x?}");
    }
}

#[test]
fn text_is_told_apart() {
    let name = |text: &str| text_fault(text.as_bytes()).map(|fault| fault.cause().name());
    for text in [
        "/9j/4AAQSkZJRg",
        "  /9j/4AAQ\r\nSkZJRg==",
        "\"/9j/4AAQ\"",
        "data:image/jpeg;base64,/9j/",
        "{\"i\":\"/9j/4AAQ\"}",
    ] {
        assert_eq!(name(text), Some("jpeg_as_text"), "{text}");
    }
    for text in ["{}", "{\"a\":1}", " [1,2]", "[ ]", "[[1]]", "{\n  \"ü\": 1}"] {
        assert_eq!(name(text), Some("json"), "{text}");
    }
    for text in ["", "hello", "/9j is how it begins", "{not}", "[not]", "data:text/plain,hello", "{"] {
        assert_eq!(name(text), None, "{text}");
    }
    assert_eq!(fault(b"no JPEG").cause().name(), "not_a_jpeg");
}

#[test]
fn no_message_makes_the_finder_panic() {
    for seed in 0..3000 {
        let random = &mut Random::new(seed);
        let count = random.below(300);
        let mut message = random.bytes(count);
        let heads: [&[u8]; 9] =
            [b"", b"{", b"[", b"RIFF", b"BM", b"\0\0\0\x01", b"\0\0\x01", b"--a", b"\x11\xFF\xD8\xFF"];
        message.splice(0..0, heads[random.below(heads.len())].iter().copied());
        match inspect(&message, &Limits::default()) {
            Ok(_) => {}
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
    }
}
