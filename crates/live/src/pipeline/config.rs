//! What the owner set for encoding.

use super::encoder::MakeEncoder;
use lenscast_media::jpeg;
use std::time::Duration;

/// The memory that all pipelines may take together when nothing else is said, in bytes: 512 MiB.
pub const DEFAULT_MAX_MEMORY: usize = 512 << 20;

/// What the owner set for encoding, the same for every camera.
#[derive(Clone, Debug)]
pub struct Config {
    /// The encoder that each camera gets.
    pub encoder: MakeEncoder,
    /// The largest picture that is decoded, in pixels.
    pub max_pixels: u32,
    /// How long an encoder may be at a single frame until it is given up.
    pub encoder_timeout: Duration,
    /// How many pipelines there may be; see [`max_pipelines`].
    pub max_pipelines: usize,
    /// How much memory the pipelines may take together, in bytes.
    pub max_memory: usize,
}

/// How many pipelines there may be when so many cameras may be connected: one for each, and a quarter more, at least four, for
/// those that hang.
#[must_use]
pub const fn max_pipelines(max_cameras: usize) -> usize {
    let spare = max_cameras / 4;
    max_cameras.saturating_add(if spare < 4 { 4 } else { spare })
}

impl Config {
    /// Whether a pipeline with this configuration makes the same video as one with `other`.
    pub(super) fn makes_the_same(&self, other: &Self) -> bool {
        self.encoder.is_same(&other.encoder)
            && self.max_pixels == other.max_pixels
            && self.max_memory == other.max_memory
    }
}

impl Default for Config {
    /// openh264 with limits that suit a home.
    fn default() -> Self {
        Self {
            encoder: MakeEncoder::built_in(Default::default()),
            max_pixels: jpeg::DEFAULT_MAX_PIXELS,
            encoder_timeout: Duration::from_secs(10),
            max_pipelines: max_pipelines(32),
            max_memory: DEFAULT_MAX_MEMORY,
        }
    }
}
