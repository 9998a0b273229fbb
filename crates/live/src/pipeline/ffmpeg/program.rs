//! The program ffmpeg with one of its encoders, and why it cannot be used.

use lenscast_media::h264::encoder::default_bitrate;
use std::io;
use thiserror::Error;

/// The encoder of ffmpeg that is used unless another one is named.
pub const DEFAULT_CODEC: &str = "libx264";

/// The longest name of a codec, in characters.
const MAX_CODEC: usize = 32;

/// ffmpeg with one of its encoders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    pub(super) codec: String,
    /// Bits a second; `None`: what suits the size of the picture.
    pub(super) bitrate: Option<u32>,
}

impl Default for Ffmpeg {
    fn default() -> Self {
        Self { codec: DEFAULT_CODEC.to_owned(), bitrate: None }
    }
}

impl Ffmpeg {
    /// ffmpeg with its encoder `codec`, as `ffmpeg -encoders` calls it.
    ///
    /// # Errors
    /// [`NotAnEncoder`] when `codec` is no name of 1 to 32 characters of `a-z0-9_`.
    pub fn new(codec: &str) -> Result<Self, NotAnEncoder> {
        let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if (1..=MAX_CODEC).contains(&codec.len()) && codec.bytes().all(good) {
            Ok(Self { codec: codec.to_owned(), bitrate: None })
        } else {
            Err(NotAnEncoder { text: format!("ffmpeg:{codec}") })
        }
    }

    /// The bits a second for pictures of this size in pixels.
    pub(super) fn bitrate(&self, (width, height): (usize, usize)) -> u32 {
        self.bitrate.unwrap_or(default_bitrate(width, height))
    }
}

/// Why a text names no encoder; its message says how encoders are named.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no encoder: it is builtin, ffmpeg, or ffmpeg:CODEC with a name that `ffmpeg -encoders` lists, such as \
     ffmpeg:h264_vaapi"
)]
pub struct NotAnEncoder {
    pub(super) text: String,
}

/// Why ffmpeg cannot be used as the encoder.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// There is no program ffmpeg, or it may not be run.
    #[error(
        "ffmpeg cannot be run ({0}): install it (on Debian, Ubuntu and Raspberry Pi OS: sudo apt install ffmpeg), or take \
         --encoder builtin"
    )]
    NotRun(io::Error),
    /// Nothing comes out of ffmpeg with this codec.
    #[error(
        "ffmpeg cannot encode with {codec}: {said}. This ffmpeg was built with these H.264 encoders: {known}; those in \
         hardware need that hardware, and the right to use it. Or take --encoder builtin"
    )]
    Unusable {
        /// The codec that was tried.
        codec: String,
        /// The first line of what ffmpeg complains of.
        said: String,
        /// The H.264 encoders that ffmpeg lists.
        known: String,
    },
    /// The encoder loses pictures or holds too many back, so that video would not be live.
    #[error(
        "ffmpeg's encoder {codec} loses pictures or holds more than three back: take another, or --encoder builtin"
    )]
    Late {
        /// The codec that was tried.
        codec: String,
    },
    /// The encoder makes no key frame when asked, so that viewers could not join.
    #[error("ffmpeg's encoder {codec} makes no key frame when asked to: take another, or --encoder builtin")]
    NoKeyFrames {
        /// The codec that was tried.
        codec: String,
    },
}
