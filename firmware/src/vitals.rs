//! How the device is.

use crate::board;
use crate::shared::FRAMES;
use alloc::vec::Vec;
use lenscast_device::device::Vitals;
use portable_atomic::{AtomicU32, Ordering};

/// Bytes of PSRAM that were found.
pub static PSRAM: AtomicU32 = AtomicU32::new(0);

/// Reads it all.
pub fn read() -> Vitals {
    let psram_size = PSRAM.load(Ordering::Relaxed);
    let free = if psram_size > 0 { FRAMES.free() } else { 0 };
    Vitals {
        heap_free: esp_alloc::HEAP.free() as u32,
        heap_largest: largest() as u32,
        psram_size,
        psram_free: (free * board::SLOT) as u32,
        psram_largest: if free > 0 { board::SLOT as u32 } else { 0 },
    }
}

/// The largest piece of the heap to be had, within 256 bytes. The allocator does not tell it, so it is tried out.
fn largest() -> usize {
    let (mut fits, mut fails) = (0, esp_alloc::HEAP.free() + 1);
    while fails - fits > 256 {
        let middle = fits.midpoint(fails);
        // Nobody else may find the heap empty meanwhile.
        let fit = critical_section::with(|_| Vec::<u8>::new().try_reserve_exact(middle).is_ok());
        if fit { fits = middle } else { fails = middle }
    }
    fits
}
