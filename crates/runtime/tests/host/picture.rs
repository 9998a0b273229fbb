//! Frames that a receiver can check byte by byte, knowing nothing but the seed.

use crate::random::Random;
use lenscast_picture::jpeg::{Sampling, encode};
use lenscast_picture::pattern::Scene;
use std::sync::OnceLock;

/// Largest number of bytes of a frame.
pub const MAX: usize = 24 * 1024;

/// Frame `number` of the run with this seed: a picture, and as many comments of random bytes (ITU-T T.81 §B.2.4.5) as make
/// its size random. The first comment is the number.
pub fn frame(seed: u64, number: u64) -> Vec<u8> {
    static PICTURE: OnceLock<Vec<u8>> = OnceLock::new();
    let picture = PICTURE.get_or_init(|| {
        let mut jpeg = Vec::new();
        let scene = Scene { width: 96, height: 64, frame: 1, clock_ms: 0 };
        encode(&scene.painter(), 40, Sampling::Yuv422, &mut jpeg).expect("it has pixels");
        jpeg
    });
    let mut random = Random::new(seed ^ number.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let mut bytes = picture[..2].to_vec();
    let mut comment = |content: &[u8]| {
        bytes.extend([0xff, 0xfe]);
        bytes.extend(u16::try_from(content.len() + 2).expect("comments are short").to_be_bytes());
        bytes.extend(content);
    };
    comment(&number.to_be_bytes());
    // Many small ones, and some that fill all buffers on the way.
    let most = if random.hits(700) { 3000 } else { MAX - picture.len() - 100 };
    let content: Vec<u8> = (0..random.within(1..most)).map(|_| random.next() as u8).collect();
    comment(&content);
    bytes.extend(&picture[2..]);
    assert!(bytes.len() <= MAX);
    bytes
}

/// The number of a frame, if each of its bytes is as it was captured.
///
/// # Errors
/// What is wrong with it.
pub fn check(seed: u64, bytes: &[u8]) -> Result<u64, String> {
    let number = bytes.get(6..14).ok_or_else(|| format!("{} bytes are no frame", bytes.len()))?;
    let number = u64::from_be_bytes(number.try_into().expect("8 bytes"));
    let wanted = frame(seed, number);
    if bytes == wanted {
        return Ok(number);
    }
    let at = bytes.iter().zip(&wanted).position(|(is, wanted)| is != wanted);
    let at = at.unwrap_or(bytes.len().min(wanted.len()));
    Err(format!(
        "frame {number} is another from byte {at}: {} bytes came of {} that were captured",
        bytes.len(),
        wanted.len()
    ))
}
