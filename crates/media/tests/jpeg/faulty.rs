//! Faults of real cameras, made of a clean JPEG, at any place of it.

use super::{position, segments};
use lenscast_media::causes::Mend;

/// Marsaglia's xorshift64: every test can be run again with its seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    /// Bytes of any value, 0xFF among them.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

/// A kind of fault: its name, how a JPEG gets it, and as what it is noted. `None`: it cannot have it.
pub(crate) type Kind = (&'static str, fn(&[u8], &mut Random) -> Option<Vec<u8>>, Mend);

/// All kinds that are mended.
pub(crate) const KINDS: &[Kind] = &[
    ("fill bytes before SOI", fill_before_start, Mend::FillBeforeStart),
    ("stray bytes before a marker", stray_before_one, Mend::StrayBytes),
    ("stray bytes before every marker", stray_before_all, Mend::StrayBytes),
    ("stuffed bytes and restart markers before a marker", stuffed, Mend::StrayBytes),
    ("a comment with too small a length", short_comment, Mend::StrayBytes),
    ("a thumbnail that sticks out of its Exif", thumbnail_sticks_out, Mend::StrayBytes),
    ("a comment with too large a length", long_comment, Mend::StrayBytes),
    ("a comment that says it is longer than the message", endless_comment, Mend::SegmentLength),
    ("a comment of length 0 or 1", no_length, Mend::SegmentLength),
    ("a DQT with too large a length", long_tables, Mend::SegmentLength),
    ("scan headers with any values", scan_header, Mend::ScanHeader),
    ("no EOI", no_end, Mend::EndMissing),
    ("half of EOI", half_an_end, Mend::EndMissing),
    ("zeros instead of EOI", zeros_for_end, Mend::EndMissing),
    ("the next JPEG instead of EOI", next_for_end, Mend::EndMissing),
    ("several SOI in a row", starts_in_a_row, Mend::SeveralStarts),
    ("an image that is broken off, then the whole one", broken_off, Mend::SeveralStarts),
    ("anything after EOI", after_end, Mend::AfterEnd),
];

/// Where markers begin: of all segments, and EOI.
fn markers(jpeg: &[u8]) -> Vec<usize> {
    let starts = segments(jpeg).into_iter().map(|(_, range)| range.start);
    starts.chain([jpeg.len() - 2]).collect()
}

fn with(jpeg: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    [&jpeg[..at], bytes, &jpeg[at..]].concat()
}

/// A comment before the first table.
fn with_comment(jpeg: &[u8], length: u16, content: &[u8]) -> Vec<u8> {
    let head = [&[0xFF, 0xFE][..], &length.to_be_bytes()].concat();
    with(jpeg, position(jpeg, 0xDB), &[&head, content].concat())
}

fn text(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| b'a' + random.below(26) as u8).collect()
}

fn fill_before_start(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let ones = 1 + random.below(300);
    Some(with(jpeg, 0, &vec![0xFF; ones]))
}

/// Stray bytes that a decoder could not take for the end of an image that is there.
fn stray(random: &mut Random) -> Vec<u8> {
    let count = 1 + random.below(700);
    let mut bytes = random.bytes(count);
    bytes[0] &= 0x7F;
    for i in 1..bytes.len() {
        if bytes[i - 1] == 0xFF && matches!(bytes[i], 0xD8 | 0xD9) {
            bytes[i] = 0x33;
        }
    }
    bytes
}

fn stray_before_one(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    // Behind image data they belong to it, for all that can be told, and are no fault.
    let markers = &markers(jpeg)[..=first_scan(jpeg)];
    let at = markers[random.below(markers.len())];
    Some(with(jpeg, at, &stray(random)))
}

/// The number of the segment that begins the first scan.
fn first_scan(jpeg: &[u8]) -> usize {
    segments(jpeg).iter().position(|(marker, _)| *marker == 0xDA).unwrap()
}

fn stray_before_all(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut bytes = jpeg.to_vec();
    for at in markers(jpeg).into_iter().rev() {
        bytes = with(&bytes, at, &stray(random));
    }
    Some(bytes)
}

fn stuffed(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let at = segments(jpeg)[random.below(2)].1.start;
    let some: Vec<u8> =
        (0..=random.below(8)).flat_map(|_| [0xFF, [0, 0xD0, 0xD5][random.below(3)]]).collect();
    Some(with(jpeg, at, &some))
}

fn short_comment(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let count = 2 + random.below(300);
    let told = random.below(count);
    let content = text(random, count);
    Some(with_comment(jpeg, told as u16 + 2, &content))
}

fn thumbnail_sticks_out(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let thumbnail = super::encode(16, 16, jpeg_encoder::SamplingFactor::F_2_1);
    let head = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0";
    // The length ends in the head, so that the thumbnail stands between segments.
    let told = 2 + 6 + random.below(head.len() - 6);
    let content = [&[0xFF, 0xE1][..], &(told as u16).to_be_bytes(), head, &thumbnail].concat();
    Some(with(jpeg, 2, &content))
}

fn long_comment(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    // It takes the beginning of the next comment with it.
    let next = [&[0xFF, 0xFE, 0, 42][..], &text(random, 40)].concat();
    let content = text(random, 20);
    let told = 2 + 20 + 4 + random.below(40) as u16;
    Some(with_comment(jpeg, told, &[content, next].concat()))
}

fn endless_comment(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let content = text(random, 30);
    (jpeg.len() < 50_000).then(|| with_comment(jpeg, 65_535 - random.below(10_000) as u16, &content))
}

fn no_length(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let count = random.below(300);
    let content = text(random, count);
    Some(with_comment(jpeg, random.below(2) as u16, &content))
}

fn long_tables(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let (_, range) = segments(jpeg).into_iter().find(|(marker, _)| *marker == 0xDB)?;
    let more = 1 + random.below(60);
    let mut bytes = jpeg.to_vec();
    let length = (range.len() - 2 + more) as u16;
    bytes[range.start + 2..range.start + 4].copy_from_slice(&length.to_be_bytes());
    let content: Vec<u8> = (0..more).map(|_| 0x80 + random.below(0x70) as u8).collect();
    // Half of them without anything there, so that the next segment is within the length.
    Some(if random.below(2) == 0 { with(&bytes, range.end, &content) } else { bytes })
}

fn scan_header(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if segments(jpeg).iter().any(|(marker, _)| *marker == 0xC2) {
        return None;
    }
    let mut bytes = jpeg.to_vec();
    for (_, range) in segments(jpeg).into_iter().filter(|(marker, _)| *marker == 0xDA) {
        let values = match random.below(4) {
            0 => [0, 0, 0],
            1 => [0, 64 + random.below(192) as u8, 0],
            2 => [random.below(255) as u8 + 1, 63, 0],
            _ => [0, 63, random.below(255) as u8 + 1],
        };
        bytes[range.end - 3..range.end].copy_from_slice(&values);
    }
    Some(bytes)
}

fn no_end(jpeg: &[u8], _: &mut Random) -> Option<Vec<u8>> {
    Some(jpeg[..jpeg.len() - 2].to_vec())
}

fn half_an_end(jpeg: &[u8], _: &mut Random) -> Option<Vec<u8>> {
    Some(jpeg[..jpeg.len() - 1].to_vec())
}

fn zeros_for_end(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut bytes = jpeg[..jpeg.len() - 2].to_vec();
    bytes.resize(jpeg.len() + random.below(3000), 0);
    Some(bytes)
}

fn next_for_end(jpeg: &[u8], _: &mut Random) -> Option<Vec<u8>> {
    Some([&jpeg[..jpeg.len() - 2], jpeg].concat())
}

fn starts_in_a_row(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    Some(with(jpeg, 0, &[0xFF, 0xD8].repeat(1 + random.below(20))))
}

fn broken_off(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let segments = segments(jpeg);
    let data = segments[first_scan(jpeg)].1.end;
    let cut = match random.below(2) {
        0 => segments[1 + random.below(segments.len() - 1)].1.start,
        // In the image data of the first scan.
        _ => {
            let end = segments.get(first_scan(jpeg) + 1).map_or(jpeg.len() - 20, |next| next.1.start);
            data + random.below(end - data)
        }
    };
    Some([&jpeg[..cut], jpeg].concat())
}

fn after_end(jpeg: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let count = 1 + random.below(700);
    Some([jpeg, b"\r\n", &random.bytes(count)].concat())
}
