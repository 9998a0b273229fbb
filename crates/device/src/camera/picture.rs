//! What an owner wishes of the picture.

use super::units::{Exposure, FrameRate, FrameSize};

/// What the picture is to be. `None` leaves it to the sensor's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Size in pixels.
    pub size: Option<FrameSize>,
    /// JPEG quality, 1 (worst) to 100 (best).
    pub quality: u8,
    /// Frames a second at most.
    pub rate: FrameRate,
    /// Whether rate, quality and size yield when the network is slow.
    pub adaptive: bool,
    /// Upside down.
    pub flip: Option<bool>,
    /// Left is right.
    pub mirror: Option<bool>,
    /// −2 to 2.
    pub brightness: Option<i8>,
    /// How long the sensor gathers light.
    pub exposure: Exposure,
}

impl Picture {
    /// JPEG quality unless another is set.
    pub const DEFAULT_QUALITY: u8 = 80;
}

impl Default for Picture {
    fn default() -> Self {
        Self {
            size: None,
            quality: Self::DEFAULT_QUALITY,
            rate: FrameRate::DEFAULT,
            adaptive: true,
            flip: None,
            mirror: None,
            brightness: None,
            exposure: Exposure::Auto,
        }
    }
}
