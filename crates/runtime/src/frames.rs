//! Memory for frames, in slots of one size: in PSRAM where there is some.
//!
//! Only bytes lie there: atomics do not work in the PSRAM of an ESP32-S3. The list of free slots is in internal memory.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use lenscast_device::stats::Stats;
use lenscast_picture::jpeg::{EncodeError, Encoder, Full, Rows, Sampling, Sink};

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
    /// Makes it a JPEG of `picture`. Everything else that waits for the processor has it between two rows of blocks.
    ///
    /// # Errors
    /// The cause, as it is counted.
    pub async fn encode(
        &mut self,
        encoder: &mut Encoder,
        picture: &impl Rows,
        quality: u8,
    ) -> Result<(), &'static str> {
        self.length = 0;
        let cause = |error| if error == EncodeError::Full { Stats::TOO_BIG } else { "empty" };
        let filler = Filler(self);
        let mut strips = encoder.begin(picture, quality, Sampling::Yuv422, filler).map_err(cause)?;
        while strips.encode_next().map_err(cause)? {
            yield_now().await;
        }
        Ok(())
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

impl Sink for Filler<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.0.length + bytes.len();
        self.0.memory.get_mut(self.0.length..end).ok_or(Full)?.copy_from_slice(bytes);
        self.0.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use lenscast_picture::pattern::Scene;

    /// The result, and how often the processor was given to others before it came.
    fn run<T>(future: impl Future<Output = T>) -> (T, usize) {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        let mut pauses = 0;
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(result) => return (result, pauses),
                Poll::Pending => pauses += 1,
            }
        }
    }

    fn slot(bytes: usize) -> Slot {
        let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
        pool.add(Box::leak(alloc::vec![0; bytes].into_boxed_slice()), bytes);
        pool.take().expect("there is one slot")
    }

    #[test]
    fn others_run_between_two_rows_of_blocks_of_a_frame() {
        let picture = Scene { width: 320, height: 240, frame: 7, clock_ms: 0 }.painter();
        let mut slot = slot(20 * 1024);
        let (result, pauses) = run(slot.encode(&mut Encoder::new(), &picture, 80));
        assert_eq!(result, Ok(()));
        assert_eq!(pauses, 240 / 8 - 1);
        assert!(slot.as_ref().starts_with(&[0xff, 0xd8]) && slot.as_ref().ends_with(&[0xff, 0xd9]));
    }

    #[test]
    fn a_frame_that_does_not_fit_is_counted_as_too_big() {
        let picture = Scene { width: 320, height: 240, frame: 7, clock_ms: 0 }.painter();
        let mut slot = slot(2000);
        assert_eq!(run(slot.encode(&mut Encoder::new(), &picture, 80)).0, Err(Stats::TOO_BIG));
    }
}
