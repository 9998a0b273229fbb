//! The port that pictures come through: LCD_CAM fills a ring in internal memory, and frames are copied from there into
//! their slots in PSRAM. (DMA straight into PSRAM is known to damage frames.)

use super::convert::{RAW, RawFrame};
use crate::shared::{CHANNELS, FRAMES, Task, alive};
use alloc::format;
use alloc::string::String;
use core::time::Duration;
use embassy_time::Timer;
use esp_hal::dma::DmaRxStreamBuf;
use esp_hal::dma_rx_stream_buffer;
use esp_hal::gpio::AnyPin;
use esp_hal::gpio::interconnect::InputSignal;
use esp_hal::lcd_cam::LcdCam;
use esp_hal::lcd_cam::cam::{Camera, CameraTransfer, Config, VsyncFilterThreshold};
use esp_hal::peripherals::{DMA_CH0, LCD_CAM};
use esp_hal::time::Rate;
use lenscast_device::camera::pacer::Pacer;
use lenscast_device::camera::{FrameInfo, FrameSize};
use lenscast_device::sensor::{Format, XCLK_HZ};
use lenscast_device::time::Instant;
use lenscast_picture::jpeg::sensor::{Assembler, Progress};
use lenscast_runtime::frames::Slot;
use lenscast_runtime::now;

/// A sensor that ends no frame for this long is silent. The longest exposure takes less than a second.
const SILENCE: Duration = Duration::from_secs(2);

/// How often the ring is looked at in one go; each time gives all that lies in it up to its wrap or the frame's end.
const PIECES: usize = 16;

/// The ring of the DMA.
pub type Memory = DmaRxStreamBuf;

/// The port and its pins.
pub struct Parts {
    pub lcd_cam: LCD_CAM<'static>,
    pub dma: DMA_CH0<'static>,
    pub xclk: AnyPin<'static>,
    pub pclk: AnyPin<'static>,
    pub vsync: AnyPin<'static>,
    pub href: AnyPin<'static>,
    /// From the lowest bit.
    pub data: [AnyPin<'static>; 8],
}

/// The ring, once. No raw frame is a multiple of its pieces: the end of a frame never has a piece of its own.
pub fn memory() -> Memory {
    dma_rx_stream_buffer!(32_000, 1000)
}

/// Connects the port. XCLK runs as long as the result lives.
///
/// # Errors
/// Why it cannot be, in words.
pub fn camera(parts: &mut Parts) -> Result<Camera<'_>, String> {
    let config = Config::default()
        .with_frequency(Rate::from_hz(XCLK_HZ))
        .with_vsync_filter_threshold(VsyncFilterThreshold::Five);
    let Parts { lcd_cam, dma, xclk, pclk, vsync, href, data: [d0, d1, d2, d3, d4, d5, d6, d7] } = parts;
    let camera = Camera::new(LcdCam::new(lcd_cam.reborrow()).cam, dma.reborrow(), config)
        .map_err(|error| format!("the camera port: {error:?}"))?;
    // BOARD?: that the DMA marks the end of a frame at VSYNC. Its polarity does not matter for that: both edges lie
    // between two frames.
    let vsync = InputSignal::from(vsync.reborrow()).with_input_inverter(true);
    Ok(camera
        .with_master_clock(xclk.reborrow())
        .with_pixel_clock(pclk.reborrow())
        .with_vsync(vsync)
        .with_h_enable(href.reborrow())
        .with_data0(d0.reborrow())
        .with_data1(d1.reborrow())
        .with_data2(d2.reborrow())
        .with_data3(d3.reborrow())
        .with_data4(d4.reborrow())
        .with_data5(d5.reborrow())
        .with_data6(d6.reborrow())
        .with_data7(d7.reborrow()))
}

/// What is captured.
pub struct Shot {
    pub format: Format,
    pub size: FrameSize,
    /// JPEG quality, for a sensor that makes none.
    pub quality: u8,
}

/// Why capturing ended.
pub enum End {
    /// Something else is to be done.
    Interrupted,
    /// The ring was not drained in time, and the port stopped itself.
    Overrun,
    /// The sensor ended no frame for [`SILENCE`].
    Silent,
}

/// A frame under way.
struct Frame {
    assembler: Assembler,
    slot: Slot,
    begun: Instant,
}

/// Captures frames at the pace of `pacer`, after the ends of `skip` frames.
pub async fn stream(
    transfer: &mut CameraTransfer<'_, Memory>,
    shot: &Shot,
    pacer: &mut Pacer,
    mut skip: u32,
    interrupted: impl Fn() -> bool,
) -> End {
    let mut frame: Option<Frame> = None;
    let mut ended = now();
    loop {
        // BOARD?: that this is often enough: `overrun` counts when it was not.
        Timer::after_millis(1).await;
        alive(Task::Capture);
        if interrupted() {
            return End::Interrupted;
        }
        // Looked at before the ring is drained: what came before is still good.
        let stopped = transfer.is_done();
        // Bounded, so that a sensor that is as fast as this is does not keep it from everything else.
        for _ in 0..PIECES {
            let (bytes, end) = transfer.peek_until_eof();
            let count = bytes.len();
            if count == 0 && !end {
                break;
            }
            let progress = frame.as_mut().map(|frame| frame.assembler.push(bytes, frame.slot.memory()));
            transfer.consume(count);
            if let Some(Progress::Whole(length)) = progress {
                frame.take().into_iter().for_each(|frame| deliver(frame, length, shot));
            }
            if !end {
                continue;
            }
            // A frame that is still here is not whole.
            if let Some(Err(fault)) = frame.take().map(|frame| frame.assembler.finish()) {
                CHANNELS.frame_lost(fault.name());
            }
            let period = now().since(ended);
            ended = now();
            if skip > 0 {
                skip -= 1;
            } else if pacer.due() <= ended + period / 2 {
                // Of the sensor's frames, this one is the nearest to when one is due.
                pacer.advance(ended);
                frame = begin(shot, ended);
            }
        }
        if stopped {
            return End::Overrun;
        }
        if now().since(ended) > SILENCE {
            return End::Silent;
        }
    }
}

fn begin(shot: &Shot, begun: Instant) -> Option<Frame> {
    let Some(slot) = FRAMES.take() else {
        CHANNELS.frame_lost("no_slot");
        return None;
    };
    let assembler = match shot.format.frame_bytes(shot.size) {
        Some(bytes) => Assembler::raw(bytes),
        None => Assembler::jpeg(),
    };
    Some(Frame { assembler, slot, begun })
}

/// Hands a whole frame on.
fn deliver(mut frame: Frame, length: usize, shot: &Shot) {
    frame.slot.set_length(length);
    let info = FrameInfo { capture: now().since(frame.begun), convert: Duration::ZERO };
    match shot.format {
        Format::Jpeg => CHANNELS.frame.signal((frame.slot, info)),
        Format::Raw(format) => {
            RAW.signal(RawFrame { slot: frame.slot, format, size: shot.size, quality: shot.quality, info });
        }
    }
}
