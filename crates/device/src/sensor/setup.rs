//! How a sensor's picture is to be, and what comes out of it.

use crate::camera::{Exposure, FrameSize};
use lenscast_picture::raw::RawFormat;

/// How the picture is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Size in pixels.
    pub size: FrameSize,
    /// JPEG quality, 1 (worst) to 100 (best); what is beyond is taken as these. A sensor without JPEG ignores it.
    pub quality: u8,
    /// Upside down, as seen by the sensor.
    pub flip: bool,
    /// Left is right, as seen by the sensor.
    pub mirror: bool,
    /// −2 to 2; what is beyond is taken as these.
    pub brightness: i8,
    /// How long the sensor gathers light; at least one line, at most the frame's.
    pub exposure: Exposure,
    /// What comes out of a sensor that makes no JPEGs; the others ignore it.
    pub raw: RawFormat,
    /// Coloured bars instead of the picture, to see whether the bytes arrive in order.
    pub test_bar: bool,
}

/// What comes out of a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JPEG, 4:2:2, whose length only its end tells.
    Jpeg,
    /// Pixels.
    Raw(RawFormat),
}

impl Format {
    /// Bytes of a frame of this size; `None` where every frame differs.
    #[must_use]
    pub const fn frame_bytes(self, size: FrameSize) -> Option<usize> {
        match self {
            Self::Jpeg => None,
            Self::Raw(raw) => {
                Some(size.width as usize * size.height as usize * raw.bytes_per_pixel() as usize)
            }
        }
    }
}
