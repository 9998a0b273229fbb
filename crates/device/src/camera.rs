//! What the camera is to do, and what it tells.

pub mod adaptive;
pub mod pacer;
mod picture;
mod units;

pub use picture::Picture;
pub use units::{Exposure, FrameRate, FrameSize};

use alloc::string::String;
use core::time::Duration;

/// What a camera is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraInfo {
    /// Name of the sensor, such as `GC0308`.
    pub sensor: String,
    /// Largest frame.
    pub max_size: FrameSize,
    /// Size of a frame unless another is set.
    pub default_size: FrameSize,
    /// Whether the sensor makes JPEGs itself.
    pub native_jpeg: bool,
    /// Whether the camera can show test bars instead of its picture.
    pub test_bar: bool,
}

/// What the camera is to do from now on. The driver keeps to the newest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whether the camera has power.
    pub power: bool,
    /// Whether frames are wanted.
    pub capture: bool,
    /// Size in pixels, at most the sensor's.
    pub size: FrameSize,
    /// JPEG quality, 1 (worst) to 100 (best).
    pub quality: u8,
    /// Frames a second at most; see [`pacer::Pacer`].
    pub rate: FrameRate,
    /// The rest of the picture; its size, quality and rate are the wished ones, which the fields above may be below.
    pub picture: Picture,
    /// Whether the infrared light is on.
    pub ir: bool,
    /// Whether test bars are shown instead of the picture.
    pub test_bar: bool,
}

/// What the camera's driver tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraEvent {
    /// The sensor answers.
    Ready(CameraInfo),
    /// There is no camera, for this reason in words.
    Failed(String),
    /// One frame could not be had, for this cause: a few words that name the kind of fault.
    FrameLost(&'static str),
    /// What `cam dump` asked for: lines of text.
    Dump(String),
}

/// What is told about a frame with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameInfo {
    /// Time from the request to the whole raw frame.
    pub capture: Duration,
    /// Time to make a JPEG of it; zero when the sensor did.
    pub convert: Duration,
}
