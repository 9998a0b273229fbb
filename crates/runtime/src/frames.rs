//! Memory for frames, in slots of one size: in PSRAM where there is some.
//!
//! Only bytes lie there: atomics do not work in the PSRAM of an ESP32-S3. The list of free slots is in internal memory.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use lenscast_device::jpeg::{EncodeError, EncodingError, JfifWrite, Rows, Sampling, encode_to};
use lenscast_device::stats::Stats;

/// The slots that are free.
pub struct Pool {
    free: Mutex<CriticalSectionRawMutex, RefCell<Vec<&'static mut [u8]>>>,
}

impl Pool {
    /// A pool without slots.
    #[must_use]
    pub const fn new() -> Self {
        Self { free: Mutex::new(RefCell::new(Vec::new())) }
    }

    /// Divides `memory` into slots of `bytes` bytes. What was in the pool before is not used any more.
    pub fn add(&self, memory: &'static mut [u8], bytes: usize) {
        let slots: Vec<_> = memory.chunks_exact_mut(bytes).collect();
        self.free.lock(|free| free.replace(slots));
    }

    /// How many slots are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.lock(|free| free.borrow().len())
    }

    /// A free slot, if there is one.
    #[must_use]
    pub fn take(&'static self) -> Option<Slot> {
        let memory = self.free.lock(|free| free.borrow_mut().pop())?;
        Some(Slot { pool: self, memory, length: 0 })
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

/// A frame in its slot, which becomes free again when this is dropped.
pub struct Slot {
    pool: &'static Pool,
    memory: &'static mut [u8],
    length: usize,
}

impl Slot {
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

    /// The whole slot, for what a camera fills.
    pub fn memory(&mut self) -> &mut [u8] {
        self.memory
    }

    /// The frame is the first `length` bytes of the slot, as far as it has so many.
    pub fn set_length(&mut self, length: usize) {
        self.length = length.min(self.memory.len());
    }
}

impl AsRef<[u8]> for Slot {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let memory = core::mem::take(&mut self.memory);
        self.pool.free.lock(|free| free.borrow_mut().push(memory));
    }
}

/// Writes into a slot until it is full.
struct Filler<'a>(&'a mut Slot);

impl JfifWrite for Filler<'_> {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), EncodingError> {
        let end = self.0.length + bytes.len();
        let room = self.0.memory.get_mut(self.0.length..end);
        room.ok_or(EncodingError::Write(String::new()))?.copy_from_slice(bytes);
        self.0.length = end;
        Ok(())
    }
}
