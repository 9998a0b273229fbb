//! JPEG inspection and decoding, against images of every kind that a camera may send.

mod costly;
mod decoding;
mod faulty;
mod foreign;
mod mending;
mod mutations;
mod oracles;
mod partly;
mod price;
mod scene;
mod structure;

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use lenscast_media::jpeg::{DecodeFault, Decoder, Inspected, Limits, inspect, with_default_huffman_tables};
use lenscast_media::picture::I420;

/// The scene as a JPEG of quality 90.
fn encode(width: usize, height: usize, sampling: SamplingFactor) -> Vec<u8> {
    encode_with(width, height, |encoder| encoder.set_sampling_factor(sampling))
}

fn encode_with(width: usize, height: usize, set_up: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 90);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    set_up(&mut encoder);
    encoder.encode(&scene::rgb(width, height), width as u16, height as u16, ColorType::Rgb).unwrap();
    jpeg
}

/// A JPEG of `tests/data/jpeg`.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../data/jpeg/", $name)).as_slice()
    };
}
use fixture;

fn inspected(jpeg: &[u8]) -> Inspected {
    inspect(jpeg, &Limits::default()).unwrap()
}

/// The whole way of a frame, as the pipeline takes it.
fn decode(jpeg: &[u8]) -> Result<I420, DecodeFault> {
    let inspected = inspected(jpeg);
    let jpeg = with_default_huffman_tables(jpeg, &inspected);
    let mut picture = I420::default();
    Decoder::default().decode(&jpeg, &mut picture)?;
    assert_eq!(picture.source_size(), (usize::from(inspected.width), usize::from(inspected.height)));
    Ok(picture)
}

/// A JPEG's segments: the marker and where its 0xFF and its end are. Entropy-coded data is skipped.
fn segments(jpeg: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let mut segments = vec![];
    let mut at = 2;
    while jpeg[at + 1] != 0xD9 {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        segments.push((jpeg[at + 1], at..end));
        at = end;
        while jpeg[at] != 0xFF || matches!(jpeg[at + 1], 0 | 0xD0..=0xD7 | 0xFF) {
            at += 1;
        }
    }
    segments
}

/// `jpeg` without its segments of this marker.
fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let mut kept = jpeg.to_vec();
    for (_, range) in segments(jpeg).into_iter().rev().filter(|(found, _)| *found == marker) {
        kept.drain(range);
    }
    kept
}

/// Where the only segment of this marker begins.
fn position(jpeg: &[u8], marker: u8) -> usize {
    segments(jpeg).into_iter().find(|(found, _)| *found == marker).unwrap().1.start
}
