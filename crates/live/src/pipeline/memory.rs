//! How much memory the pipelines of all cameras may take together.

use lenscast_media::jpeg::MAX_KEPT_PIXELS;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a pipeline for each pixel of its pictures. 4.5 are the decoder's: 1.5 the picture in I420, 3 a picture whose chroma
/// is not halved yet. The rest is the encoder's; see docs/limits.md for what was measured.
const BYTES_PER_PIXEL: u64 = 20;

/// Bytes for each pixel of an image whose coefficients are kept as a whole: 3 components of 16 bits, twice.
const KEPT_BYTES_PER_PIXEL: u64 = 12;

/// Bytes of a pipeline, however small its pictures are.
const BYTES_AT_LEAST: u64 = 2 << 20;

/// The memory that pipelines have taken, by what they will need at most. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<AtomicU64>);

/// A pipeline's part of the memory, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    memory: Memory,
    bytes: u64,
}

/// What a pipeline for pictures of this size takes at most, in bytes.
pub(super) fn needed(width: u16, height: u16) -> u64 {
    // Encoders work on macroblocks, so that a row of 4000×1 pixels takes as much as 16 of them.
    let side = |pixels: u16| u64::from(pixels).next_multiple_of(16);
    let pixels = side(width) * side(height);
    BYTES_AT_LEAST + pixels * BYTES_PER_PIXEL + pixels.min(MAX_KEPT_PIXELS.into()) * KEPT_BYTES_PER_PIXEL
}

impl Memory {
    /// A part of the memory that is nothing yet.
    pub(super) fn reserve_nothing(&self) -> Reservation {
        Reservation { memory: self.clone(), bytes: 0 }
    }

    /// How many bytes are reserved.
    pub(super) fn reserved(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Reservation {
    /// How many bytes are reserved.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes this one at least `bytes` large. False when all together would be over `most`; then nothing has changed.
    pub(super) fn grow(&mut self, bytes: u64, most: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let add = |taken: u64| taken.checked_add(more).filter(|&sum| more == 0 || sum <= most);
        if self.memory.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_err() {
            return false;
        }
        self.bytes += more;
        true
    }

    /// Gives all of it back.
    pub(super) fn release(&mut self) {
        self.memory.0.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_get_no_more_than_there_is_and_what_is_given_back_is_there_again() {
        let memory = Memory::default();
        let (mut first, mut second) = (memory.reserve_nothing(), memory.reserve_nothing());
        assert!(first.grow(60, 100));
        assert!(!second.grow(41, 100) && second.grow(40, 100));
        assert!(first.grow(50, 0), "what it has, it has, whatever the owner sets meanwhile");
        assert!(!first.grow(61, 100));
        drop(first);
        assert_eq!(memory.reserved(), 40);
        assert!(second.grow(100, 100));
        second.release();
        assert_eq!((memory.reserved(), second.bytes()), (0, 0));
    }

    #[test]
    fn the_largest_pictures_of_all_take_what_the_documents_say() {
        let mib = |width, height| needed(width, height) >> 20;
        assert_eq!([mib(640, 480), mib(1600, 1200), mib(1920, 1080), mib(3840, 2160)], [11, 60, 65, 186]);
        assert!(needed(u16::MAX, 1) > 16 * u64::from(u16::MAX) * BYTES_PER_PIXEL, "a row is no less than 16");
    }
}
