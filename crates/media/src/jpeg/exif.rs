//! Which way up a JPEG is meant: the tag Orientation of its EXIF (CIPA DC-008), read and written.
//!
//! EXIF is a TIFF file in an APP1 segment, and anybody can write one. So no more is read than the first directory, within
//! the bounds of its segment; nothing is followed from there, and nothing else is believed.

use crate::turn::Turn;
use std::ops::Range;

const SOI: [u8; 2] = [0xFF, 0xD8];
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const SOS: u8 = 0xDA;
const EOI: u8 = 0xD9;

/// The beginning of an APP1 segment that holds EXIF.
const SIGNATURE: &[u8] = b"Exif\0\0";

/// The most segments before the image data that are looked at. Cameras write about ten.
const MAX_SEGMENTS: usize = 64;

/// The tag Orientation, and the type SHORT of its value.
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;

/// Bytes of an entry in a directory.
const ENTRY: usize = 12;

/// Which way up `jpeg` is to be shown, as its EXIF says; [`Turn::NONE`] when that says nothing, or nothing of use.
///
/// `jpeg` begins with SOI. What stands there as SHORT with one value counts, as in browsers.
#[must_use]
pub fn orientation(jpeg: &[u8]) -> Turn {
    find(jpeg).map_or(Turn::NONE, |found| found.turn)
}

/// The same JPEG with another way up in its EXIF.
///
/// Two bytes change where the EXIF has the tag. Otherwise a segment with nothing but the tag is put in front of what
/// there is, which is left as it was. Nothing else changes, and the image data is not decoded.
#[must_use]
pub fn with_orientation(jpeg: &[u8], turn: Turn) -> Vec<u8> {
    let number = turn.to_exif();
    if let Some(found) = find(jpeg) {
        let mut copy = jpeg.to_vec();
        let bytes = if found.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        copy[found.value].copy_from_slice(&bytes);
        return copy;
    }
    // Behind the marker of JFIF, which is to be the first (JFIF 1.02 page 2), and before any other EXIF: the first counts.
    let at = match Segments::of(jpeg).next() {
        Some(Segment { marker: APP0, bytes }) => bytes.end,
        _ => SOI.len().min(jpeg.len()),
    };
    let segment = segment(number);
    let mut copy = Vec::with_capacity(jpeg.len() + segment.len());
    copy.extend_from_slice(&jpeg[..at]);
    copy.extend_from_slice(&segment);
    copy.extend_from_slice(&jpeg[at..]);
    copy
}

/// A segment APP1 whose EXIF holds the orientation and nothing else.
fn segment(number: u16) -> Vec<u8> {
    // Byte order "MM", the number 42, where the directory begins; then one entry, and no further directory.
    let mut tiff = b"MM\0\x2A\0\0\0\x08".to_vec();
    tiff.extend([0, 1]);
    tiff.extend(ORIENTATION.to_be_bytes());
    tiff.extend(SHORT.to_be_bytes());
    tiff.extend([0, 0, 0, 1]);
    tiff.extend(number.to_be_bytes());
    tiff.extend([0, 0]);
    tiff.extend([0, 0, 0, 0]);
    let len = (2 + SIGNATURE.len() + tiff.len()) as u16;
    [&[0xFF, APP1], &len.to_be_bytes()[..], SIGNATURE, &tiff].concat()
}

/// A tag Orientation.
struct Found {
    turn: Turn,
    /// Where its number stands in the JPEG.
    value: Range<usize>,
    big_endian: bool,
}

fn find(jpeg: &[u8]) -> Option<Found> {
    Segments::of(jpeg).filter(|segment| segment.marker == APP1).find_map(|segment| {
        let body = jpeg.get(segment.bytes.clone())?;
        let tiff = body.strip_prefix(SIGNATURE)?;
        find_in(tiff, segment.bytes.end - tiff.len())
    })
}

/// The tag in a TIFF file, which begins at `at` of the JPEG.
fn find_in(tiff: &[u8], at: usize) -> Option<Found> {
    let big_endian = match tiff.get(..4)? {
        b"MM\0\x2A" => true,
        b"II\x2A\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let [first, second] = [u16_at(at)?, u16_at(at.checked_add(2)?)?].map(u32::from);
        Some(if big_endian { first << 16 | second } else { second << 16 | first })
    };
    let directory = usize::try_from(u32_at(4)?).ok()?;
    let count = usize::from(u16_at(directory)?);
    // As many entries as there are bytes for, whatever the count says.
    for entry in (0..count)
        .map(|number| directory + 2 + number * ENTRY)
        .take_while(|entry| entry + ENTRY <= tiff.len())
    {
        if u16_at(entry)? == ORIENTATION {
            if u16_at(entry + 2)? != SHORT || u32_at(entry + 4)? != 1 {
                return None;
            }
            let turn = Turn::from_exif(u16_at(entry + 8)?).unwrap_or(Turn::NONE);
            let value = at + entry + 8;
            return Some(Found { turn, value: value..value + 2, big_endian });
        }
    }
    None
}

/// A segment before the image data.
struct Segment {
    marker: u8,
    /// What it holds, behind its length, as a range of the JPEG.
    bytes: Range<usize>,
}

/// The segments from SOI to the image data; it ends where something else stands.
struct Segments<'a> {
    jpeg: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Segments<'a> {
    fn of(jpeg: &'a [u8]) -> Self {
        let left = if jpeg.starts_with(&SOI) { MAX_SEGMENTS } else { 0 };
        Self { jpeg, at: SOI.len(), left }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        self.left = self.left.checked_sub(1)?;
        // Any number of fill bytes may stand before a marker (T.81 §B.1.1.2).
        let rest = self.jpeg.get(self.at..)?.strip_prefix(&[0xFF])?;
        let fill = rest.iter().position(|&byte| byte != 0xFF)?;
        let marker = rest[fill];
        if matches!(marker, 0 | SOS | EOI) {
            return None;
        }
        let length = rest.get(fill + 1..fill + 3)?.try_into().ok()?;
        let start = self.at + fill + 4;
        let end = start + usize::from(u16::from_be_bytes(length)).checked_sub(2)?;
        self.jpeg.get(start..end)?;
        self.at = end;
        Some(Segment { marker, bytes: start..end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A JPEG up to its image data, with these segments behind SOI.
    fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
        [&SOI[..], &segments.concat(), &[0xFF, 0xDB, 0, 4, 1, 2, 0xFF, SOS, 0, 2, 9, 9, 0xFF, EOI]].concat()
    }

    fn segment_of(marker: u8, body: &[u8]) -> Vec<u8> {
        [&[0xFF, marker], &(body.len() as u16 + 2).to_be_bytes()[..], body].concat()
    }

    /// The TIFF file in an APP1 segment.
    fn exif(tiff: &[u8]) -> Vec<u8> {
        segment_of(APP1, &[SIGNATURE, tiff].concat())
    }

    /// A directory with other tags around this one, in either byte order.
    fn tiff(big_endian: bool, tag: u16, kind: u16, count: u32, value: u16) -> Vec<u8> {
        let short = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
        let long = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
        let entry = |tag, kind, count, value| {
            [&short(tag)[..], &short(kind), &long(count), &short(value), &[0, 0]].concat()
        };
        let head = if big_endian { b"MM\0\x2A" } else { b"II\x2A\0" };
        // The directory need not follow the head.
        let between = [7; 10];
        [
            &head[..],
            &long(18),
            &between,
            &short(3),
            &entry(0x010F, 2, 5, 99),
            &entry(tag, kind, count, value),
            &entry(0x0128, 3, 1, 2),
            &long(0),
        ]
        .concat()
    }

    fn jfif() -> Vec<u8> {
        segment_of(APP0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0")
    }

    #[test]
    fn the_tag_is_read_in_either_byte_order_wherever_it_stands() {
        for big_endian in [true, false] {
            for number in 1..=8 {
                let exif = exif(&tiff(big_endian, ORIENTATION, SHORT, 1, number));
                for segments in
                    [vec![exif.clone()], vec![jfif(), exif.clone()], vec![segment_of(0xE5, b"x"), exif]]
                {
                    assert_eq!(orientation(&jpeg(&segments)).to_exif(), number, "{big_endian} {number}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_such_tag_says_nothing() {
        let good = tiff(true, ORIENTATION, SHORT, 1, 6);
        for segments in [
            vec![],
            vec![jfif()],
            vec![exif(&tiff(true, 0x0111, SHORT, 1, 6))],
            vec![exif(&tiff(true, ORIENTATION, 4, 1, 6))],
            vec![exif(&tiff(true, ORIENTATION, SHORT, 2, 6))],
            vec![exif(&tiff(true, ORIENTATION, SHORT, 1, 0))],
            vec![exif(&tiff(true, ORIENTATION, SHORT, 1, 9))],
            vec![segment_of(0xE2, &[SIGNATURE, &good].concat())],
            vec![segment_of(APP1, &[b"http:\0", &good[..]].concat())],
            vec![exif(b"")],
            vec![exif(b"MM\0\x2A\xFF\xFF\xFF\xFF")],
            vec![exif(b"MM\0\x2A\0\0\0\x08\xFF\xFF")],
            vec![exif(b"XX\0\x2A\0\0\0\x08")],
        ] {
            assert_eq!(orientation(&jpeg(&segments)), Turn::NONE, "{segments:x?}");
        }
        // A directory in itself, and one of which each entry is behind the end.
        assert_eq!(orientation(&jpeg(&[exif(b"MM\0\x2A\0\0\0\0")])), Turn::NONE);
        for length in 0..good.len() {
            // The tag ends with byte 20 + 2 × 12.
            let turn = orientation(&jpeg(&[exif(&good[..length])]));
            assert_eq!(turn.to_exif(), if length >= 44 { 6 } else { 1 }, "{length} bytes");
        }
        let late = vec![segment_of(0xE5, b"x"); MAX_SEGMENTS];
        assert_eq!(
            orientation(&jpeg(&[&late[..], &[exif(&good)]].concat())),
            Turn::NONE,
            "too many segments"
        );
        for junk in [&b""[..], &SOI, &[0xFF], &[0xFF, 0xD8, 0xFF], &[0xFF, 0xD8, 0xFF, APP1, 0, 1], &[9; 40]]
        {
            assert_eq!(orientation(junk), Turn::NONE);
        }
    }

    #[test]
    fn only_two_bytes_change_where_the_tag_is_there() {
        for big_endian in [true, false] {
            let before = jpeg(&[jfif(), exif(&tiff(big_endian, ORIENTATION, SHORT, 1, 6))]);
            for turn in Turn::ALL {
                let after = with_orientation(&before, turn);
                assert_eq!(orientation(&after), turn);
                let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
                assert!(after.len() == before.len() && changed <= 1, "{changed}");
            }
        }
    }

    #[test]
    fn where_there_is_no_tag_a_segment_is_put_in_front_of_any_other_exif() {
        let other = exif(&tiff(true, 0x0111, SHORT, 1, 6));
        for (segments, at) in [
            (vec![], 2),
            (vec![jfif()], 2 + jfif().len()),
            (vec![other.clone()], 2),
            (vec![jfif(), other], 2 + jfif().len()),
            (vec![exif(b"junk")], 2),
        ] {
            let before = jpeg(&segments);
            for turn in Turn::ALL {
                let after = with_orientation(&before, turn);
                assert_eq!(orientation(&after), turn);
                assert_eq!([&after[..at], &after[at + segment(1).len()..]].concat(), before);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_written_without_harm(
            bytes in prop::collection::vec(any::<u8>(), 0..200), signed in any::<bool>(), turn in 0..8_usize,
        ) {
            let jpeg = if signed { jpeg(&[exif(&bytes)]) } else { [&SOI[..], &bytes].concat() };
            let after = with_orientation(&jpeg, Turn::ALL[turn]);
            prop_assert_eq!(orientation(&after), Turn::ALL[turn]);
        }
    }
}
