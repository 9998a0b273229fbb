//! What the owner set for encoding.

use super::encoder::MakeEncoder;
use lenscast_media::jpeg;
use std::time::Duration;

/// What the owner set for encoding, the same for every camera.
#[derive(Clone, Debug)]
pub struct Config {
    /// The encoder that each camera gets.
    pub encoder: MakeEncoder,
    /// The largest picture that is decoded, in pixels.
    pub max_pixels: u32,
    /// How long an encoder may be at a single frame until it is given up.
    pub encoder_timeout: Duration,
}

impl Default for Config {
    /// openh264 with limits that suit a home.
    fn default() -> Self {
        Self {
            encoder: MakeEncoder::built_in(Default::default()),
            max_pixels: jpeg::DEFAULT_MAX_PIXELS,
            encoder_timeout: Duration::from_secs(10),
        }
    }
}
