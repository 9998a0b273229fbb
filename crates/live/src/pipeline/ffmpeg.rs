//! An ffmpeg process for each camera, instead of the built-in encoder: for x264 and for encoders in hardware.
//!
//! The process gets raw pictures with our time stamps (`matroska`), and gives access units with the same time stamps (`nut`,
//! `units`). A thread feeds it and replaces it when it dies (`worker`, `child`). How ffmpeg is called is in `command`; whether it can
//! do what it is to do is tried at the server's start (`probe`).
//!
//! Measured with ffmpeg 5.1 and x264. What the options for hardware encoders do on that hardware is not verified.

mod child;
mod command;
mod matroska;
mod nut;
mod probe;
mod program;
mod units;
mod worker;

pub use program::{DEFAULT_CODEC, Ffmpeg, NotAnEncoder, ProbeError};

use super::encoder::MakeEncoder;
use lenscast_media::h264::encoder as openh264;
use std::str::FromStr;

/// Which encoder is to be used: `builtin`, `ffmpeg` or `ffmpeg:CODEC`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The encoder openh264, in the camera's thread.
    #[default]
    BuiltIn,
    /// An ffmpeg child for each camera.
    Ffmpeg(Ffmpeg),
}

impl Choice {
    /// The recipe for encoders of this choice. `bitrate` is in bits a second; `None` means what suits the picture.
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

impl Ffmpeg {
    /// Tries whether ffmpeg can do it: encodes a few small pictures, with the options that are used later.
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

    /// The recipe for such encoders, each with an ffmpeg process of its own.
    #[must_use]
    pub fn into_encoders(self) -> MakeEncoder {
        MakeEncoder::new(move |sink| Box::new(worker::Feeder::new(self.clone(), sink)))
    }
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
