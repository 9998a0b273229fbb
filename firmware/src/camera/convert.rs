//! Raw frames become JPEGs, in the time that capturing leaves.

use crate::shared::{CHANNELS, FRAMES, Task, alive};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, with_timeout};
use lenscast_device::camera::{FrameInfo, FrameSize};
use lenscast_picture::jpeg::Encoder;
use lenscast_picture::raw::{Raw, RawFormat};
use lenscast_runtime::frames::Slot;
use lenscast_runtime::now;

/// A frame as the sensor sent it.
pub struct RawFrame {
    pub slot: Slot,
    pub format: RawFormat,
    pub size: FrameSize,
    /// JPEG quality.
    pub quality: u8,
    pub info: FrameInfo,
}

/// The newest raw frame. One that is replaced goes back to its pool.
pub static RAW: Signal<CriticalSectionRawMutex, RawFrame> = Signal::new();

#[embassy_executor::task]
pub async fn run() {
    let mut encoder = Encoder::new();
    loop {
        alive(Task::Convert);
        let Ok(frame) = with_timeout(Duration::from_secs(1), RAW.wait()).await else { continue };
        match convert(&mut encoder, &frame).await {
            Ok(done) => CHANNELS.frame.signal(done),
            Err(cause) => CHANNELS.frame_lost(cause),
        }
    }
}

/// # Errors
/// The cause, as it is counted.
async fn convert(encoder: &mut Encoder, frame: &RawFrame) -> Result<(Slot, FrameInfo), &'static str> {
    let begun = now();
    let FrameSize { width, height } = frame.size;
    let raw = Raw::new(width, height, frame.format, frame.slot.as_ref()).map_err(|_| "truncated")?;
    let mut slot = FRAMES.take().ok_or("no_slot")?;
    slot.encode(encoder, &raw, frame.quality).await?;
    Ok((slot, FrameInfo { convert: now().since(begun), ..frame.info }))
}
