//! Pictures as ffmpeg takes them: raw I420 in Matroska (RFC 9559), because it carries our time stamps, in µs, and says how
//! the samples are meant.

use lenscast_media::picture::I420;

/// Nanoseconds in a tick of the time stamps (RFC 9559 §5.1.2.9).
const TIMESTAMP_SCALE: u64 = 1000;

/// Nanoseconds of a picture (RFC 9559 §5.1.4.1.13). Only a hint: encoders choose level and buffers for this rate, and
/// the time stamps say what is true.
const DEFAULT_DURATION: u64 = 1_000_000_000 / 30;

/// What comes before the first picture, for pictures of this size in pixels.
pub(super) fn header(width: usize, height: usize) -> Vec<u8> {
    let (width, height) = (width as u64, height as u64);
    // RFC 9559 §5.1.4.1.28.16: the same as in the built-in encoder's VUI: JFIF's matrix in limited range, and sRGB.
    let colour = [
        number(&[0x55, 0xB1], 6),
        number(&[0x55, 0xB9], 1),
        number(&[0x55, 0xBA], 13),
        number(&[0x55, 0xBB], 1),
    ];
    let video = [
        number(&[0xB0], width),
        number(&[0xBA], height),
        element(&[0x2E, 0xB5, 0x24], b"I420"),
        element(&[0x55, 0xB0], &colour.concat()),
    ];
    let track = [
        number(&[0xD7], 1),
        number(&[0x73, 0xC5], 1),
        number(&[0x83], 1),
        // No lacing.
        number(&[0x9C], 0),
        number(&[0x23, 0xE3, 0x83], DEFAULT_DURATION),
        element(&[0x86], b"V_UNCOMPRESSED"),
        element(&[0xE0], &video.concat()),
    ];
    let ebml = [element(&[0x42, 0x82], b"matroska"), number(&[0x42, 0x87], 4), number(&[0x42, 0x85], 2)];
    [
        element(&[0x1A, 0x45, 0xDF, 0xA3], &ebml.concat()),
        // A segment of unknown size: it ends where the stream ends (RFC 8794 §6.2).
        vec![0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        element(&[0x15, 0x49, 0xA9, 0x66], &number(&[0x2A, 0xD7, 0xB1], TIMESTAMP_SCALE)),
        element(&[0x16, 0x54, 0xAE, 0x6B], &element(&[0xAE], &track.concat())),
    ]
    .concat()
}

/// What comes before a picture's planes: a cluster of its own, so that the whole time stamp (µs) is there.
pub(super) fn picture_head(picture: &I420, stamp: u64) -> Vec<u8> {
    let samples = (picture.y().len() + picture.u().len() + picture.v().len()) as u64;
    // Track 1, no time after the cluster's, a key frame.
    let block_head = [0x81, 0, 0, 0x80];
    let mut block = vec![0xA3];
    block.extend(size(samples + block_head.len() as u64));
    block.extend(block_head);
    let time = number(&[0xE7], stamp);
    let mut cluster = vec![0x1F, 0x43, 0xB6, 0x75];
    cluster.extend(size(time.len() as u64 + block.len() as u64 + samples));
    cluster.extend(time);
    cluster.extend(block);
    cluster
}

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    [id, &size(content.len() as u64), content].concat()
}

fn number(id: &[u8], value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

/// A size in eight bytes, the longest form (RFC 8794 §4).
fn size(bytes: u64) -> [u8; 8] {
    (bytes | 1 << 56).to_be_bytes()
}
