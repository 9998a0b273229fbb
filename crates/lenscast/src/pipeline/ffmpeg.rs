//! An ffmpeg child for each camera, instead of the built-in encoder: for x264 and for encoders in hardware.
//!
//! The child gets raw pictures with our time stamps ([`matroska`]) and gives access units with the same ones ([`nut`]);
//! a thread feeds it and replaces it when it dies ([`worker`]). Measured with ffmpeg 5.1 and x264. What the options for
//! hardware encoders ([`command`]) do on that hardware is not verified; [`Ffmpeg::probe`] tells at the server's start.

mod child;
mod command;
mod matroska;
mod nut;
mod probe;
mod units;
mod worker;

use super::encoder::MakeEncoder;
use lenscast_media::h264::encoder::{self as openh264, default_bitrate};
use std::io;
use std::str::FromStr;
use thiserror::Error;

/// The encoder of ffmpeg that is taken unless one is named.
pub const DEFAULT_CODEC: &str = "libx264";

/// The longest name of a codec, in characters.
const MAX_CODEC: usize = 32;

/// Which encoder is to be used: `builtin`, `ffmpeg` or `ffmpeg:CODEC`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// openh264, in the camera's thread.
    #[default]
    BuiltIn,
    /// An ffmpeg child for each camera.
    Ffmpeg(Ffmpeg),
}

impl Choice {
    /// What makes such encoders. `bitrate` is in bits per second, and `None` what suits the picture.
    ///
    /// # Errors
    /// A [`ProbeError`] when ffmpeg cannot do it. Finding out takes a fraction of a second, at worst 20 s; the caller's
    /// thread waits.
    pub fn make(self, bitrate: Option<u32>) -> Result<MakeEncoder, ProbeError> {
        match self {
            Self::BuiltIn => Ok(MakeEncoder::built_in(openh264::Config { bitrate })),
            Self::Ffmpeg(ffmpeg) => {
                let ffmpeg = Ffmpeg { bitrate: bitrate.or(ffmpeg.bitrate), ..ffmpeg };
                ffmpeg.probe()?;
                Ok(ffmpeg.into_encoders())
            }
        }
    }
}

impl FromStr for Choice {
    type Err = NotAnEncoder;

    fn from_str(text: &str) -> Result<Self, NotAnEncoder> {
        match text.split_once(':') {
            None if text == "builtin" => Ok(Self::BuiltIn),
            None if text == "ffmpeg" => Ok(Self::Ffmpeg(Ffmpeg::default())),
            Some(("ffmpeg", codec)) => Ffmpeg::new(codec).map(Self::Ffmpeg),
            _ => Err(NotAnEncoder { text: text.to_owned() }),
        }
    }
}

/// ffmpeg with one of its encoders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    codec: String,
    bitrate: Option<u32>,
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
    /// When it is no name of 1 to 32 characters of `a-z0-9_`.
    pub fn new(codec: &str) -> Result<Self, NotAnEncoder> {
        let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if (1..=MAX_CODEC).contains(&codec.len()) && codec.bytes().all(good) {
            Ok(Self { codec: codec.to_owned(), bitrate: None })
        } else {
            Err(NotAnEncoder { text: format!("ffmpeg:{codec}") })
        }
    }

    /// Encodes a few small pictures, with the options that are used later.
    ///
    /// # Errors
    /// A [`ProbeError`]. The caller's thread waits, at worst for 20 s.
    pub fn probe(&self) -> Result<(), ProbeError> {
        if !probe::run(self)? {
            let codec = &self.codec;
            tracing::warn!(%codec, "this encoder holds pictures back until later ones come: video is late by as much");
        }
        Ok(())
    }

    /// Bits a second for pictures of this size in pixels.
    fn bitrate(&self, (width, height): (usize, usize)) -> u32 {
        self.bitrate.unwrap_or(default_bitrate(width, height))
    }

    /// Makes an encoder for each camera, each with a child of its own.
    #[must_use]
    pub fn into_encoders(self) -> MakeEncoder {
        MakeEncoder::new(move |sink| Box::new(worker::Feeder::new(self.clone(), sink)))
    }
}

/// What is said is no encoder.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no encoder: it is builtin, ffmpeg, or ffmpeg:CODEC with a name that `ffmpeg -encoders` lists, such as \
     ffmpeg:h264_vaapi"
)]
pub struct NotAnEncoder {
    text: String,
}

/// Why ffmpeg cannot be used as the encoder.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// There is no such program, or it may not be run.
    #[error(
        "ffmpeg cannot be run ({0}): install it (on Debian, Ubuntu and Raspberry Pi OS: sudo apt install ffmpeg), or take \
         --encoder builtin"
    )]
    NotRun(io::Error),
    /// It gives no video with this codec.
    #[error(
        "ffmpeg cannot encode with {codec}: {said}. This ffmpeg was built with these H.264 encoders: {known}; those in \
         hardware need that hardware, and the right to use it. Or take --encoder builtin"
    )]
    Unusable {
        /// The codec.
        codec: String,
        /// Its first line of complaint.
        said: String,
        /// The encoders that it lists.
        known: String,
    },
    /// Live video is not possible with it.
    #[error(
        "ffmpeg's encoder {codec} loses pictures or holds more than three back: take another, or --encoder builtin"
    )]
    Late {
        /// The codec.
        codec: String,
    },
    /// Viewers could not join.
    #[error("ffmpeg's encoder {codec} makes no key frame when asked to: take another, or --encoder builtin")]
    NoKeyFrames {
        /// The codec.
        codec: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_are_named_as_in_the_manual() {
        let ffmpeg = |codec: &str| Ok(Choice::Ffmpeg(Ffmpeg { codec: codec.to_owned(), bitrate: None }));
        assert_eq!("builtin".parse(), Ok(Choice::BuiltIn));
        assert_eq!("ffmpeg".parse(), ffmpeg("libx264"));
        assert_eq!("ffmpeg:h264_v4l2m2m".parse(), ffmpeg("h264_v4l2m2m"));
    }

    #[test]
    fn nothing_else_gets_into_the_command_line() {
        let long = format!("ffmpeg:{}", "a".repeat(33));
        for text in [
            "",
            "x264",
            "builtin:x",
            "ffmpeg:",
            "ffmpeg:-y",
            "ffmpeg:a b",
            "ffmpeg:H264",
            "ffmpeg:a;b",
            &long,
        ] {
            assert!(text.parse::<Choice>().is_err(), "{text:?}");
        }
    }
}
