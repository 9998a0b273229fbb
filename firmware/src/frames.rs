//! Memory for frames, in slots of one size: in PSRAM where there is some.
//!
//! Only bytes lie there: atomics do not work in the PSRAM of an ESP32-S3. The list of free slots is in internal memory.

use alloc::vec::Vec;
use core::cell::RefCell;
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use lenscast_device::jpeg::{EncodeError, EncodingError, JfifWrite, Rows, Sampling, encode_to};
use lenscast_device::stats::Stats;

static FREE: Mutex<CriticalSectionRawMutex, RefCell<Vec<&'static mut [u8]>>> =
    Mutex::new(RefCell::new(Vec::new()));

/// Divides `memory` into slots of `bytes` bytes.
pub fn add(memory: &'static mut [u8], bytes: usize) {
    let slots: Vec<_> = memory.chunks_exact_mut(bytes).collect();
    FREE.lock(|free| free.replace(slots));
}

/// How many slots are free.
pub fn free() -> usize {
    FREE.lock(|free| free.borrow().len())
}

/// A frame in its slot, which becomes free again when this is dropped.
pub struct Slot {
    memory: &'static mut [u8],
    length: usize,
}

impl Slot {
    /// A free slot, if there is one.
    pub fn take() -> Option<Self> {
        FREE.lock(|free| free.borrow_mut().pop()).map(|memory| Self { memory, length: 0 })
    }

    /// Makes it a JPEG of `picture`.
    ///
    /// # Errors
    /// The cause, as it is counted.
    pub fn encode(&mut self, picture: &impl Rows, quality: u8) -> Result<(), &'static str> {
        self.length = 0;
        match encode_to(picture, quality, Sampling::Yuv422, Filler(self)) {
            Ok(()) => Ok(()),
            // The only thing that the filler refuses for.
            Err(EncodeError::Encoder(_)) => Err(Stats::TOO_BIG),
            Err(_) => Err("empty"),
        }
    }
}

/// For what a camera fills.
#[cfg(feature = "esp32s3")]
impl Slot {
    /// The whole slot.
    pub fn memory(&mut self) -> &mut [u8] {
        self.memory
    }

    /// The frame is the first `length` bytes of the slot.
    pub fn set_length(&mut self, length: usize) {
        self.length = length.min(self.memory.len());
    }
}

impl AsRef<[u8]> for Slot {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let memory = core::mem::take(&mut self.memory);
        FREE.lock(|free| free.borrow_mut().push(memory));
    }
}

/// Writes into a slot until it is full.
struct Filler<'a>(&'a mut Slot);

impl JfifWrite for Filler<'_> {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), EncodingError> {
        let end = self.0.length + bytes.len();
        let room = self.0.memory.get_mut(self.0.length..end);
        room.ok_or(EncodingError::Write(alloc::string::String::new()))?.copy_from_slice(bytes);
        self.0.length = end;
        Ok(())
    }
}
