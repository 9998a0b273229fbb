//! Why a message is not one good JPEG.

use crate::causes::Cause;
use thiserror::Error;

/// Why [`inspect`](super::inspect()) refused a message. Offsets are in bytes from the beginning of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The message holds no byte.
    #[error("the message is empty: a camera sends one JPEG in each binary message")]
    Empty,
    /// The message does not begin with SOI (T.81 §B.2.1).
    #[error(
        "not a JPEG: it begins with {}, a JPEG with ff d8 (is the camera set to another pixel format?)",
        Hex(*.start, *.len)
    )]
    NotAJpeg {
        /// The first bytes of the message.
        start: [u8; 4],
        /// How many bytes of `start` the message has.
        len: u8,
    },
    /// A JPEG begins behind other bytes.
    #[error("a JPEG begins at byte {offset}: send nothing before it")]
    JpegNotFirst {
        /// Where the JPEG begins, in bytes from the beginning of the message.
        offset: usize,
    },
    /// A JPEG stands behind the header of a part of `multipart/x-mixed-replace`.
    #[error(
        "a JPEG begins at byte {offset}, behind the header of a part of an MJPEG stream: send the JPEG alone"
    )]
    Multipart {
        /// Where the JPEG begins.
        offset: usize,
    },
    /// A JPEG as text.
    #[error("the camera sends its JPEG as {what}: send its bytes as a binary message")]
    Base64 {
        /// The form of the text.
        what: &'static str,
    },
    /// JSON.
    #[error("the camera sends JSON: send each JPEG alone, as a binary message")]
    Json,
    /// A PNG.
    #[error("a PNG, not a JPEG: set the camera to JPEG")]
    Png,
    /// A WebP.
    #[error("a WebP, not a JPEG: set the camera to JPEG")]
    Webp,
    /// A BMP.
    #[error("a BMP, not a JPEG: set the camera to JPEG")]
    Bmp,
    /// H.264 or H.265 with start codes.
    #[error("H.264 or H.265 video, not a JPEG: set the camera to MJPEG")]
    H264,
    /// As many bytes as raw pixels of a usual size have.
    #[error("{} bytes are the raw pixels of {}×{} in {}: set the sensor's pixel format to JPEG", .0.len, .0.width, .0.height, .0.format)]
    RawPixels(Raw),
    /// The message ends before EOI (T.81 §B.2.1), or inside a segment.
    #[error(
        "truncated: the image is not complete after {len} bytes (was the frame buffer too small, or a frame cut in transit?)"
    )]
    Truncated {
        /// Length of the message.
        len: usize,
    },
    /// A marker segment breaks T.81 Annex B.
    #[error("bad marker segment at byte {offset}: {what}")]
    BadMarker {
        /// Where the segment, or what stands in its place, begins.
        offset: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The frame header says that the image is zero pixels wide.
    #[error("the frame header says {width}×{height} pixels")]
    ZeroDimensions {
        /// Pixels in a line, as announced.
        width: u16,
        /// Lines, as announced.
        height: u16,
    },
    /// The image is larger than [`Limits::max_pixels`](super::Limits::max_pixels).
    #[error("{width}×{height} pixels are more than the limit of {limit} pixels: choose a smaller frame size")]
    TooManyPixels {
        /// Pixels in a line.
        width: u16,
        /// Lines.
        height: u16,
        /// The limit in force.
        limit: u32,
    },
    /// Decoding would take much more time or memory than the image is worth: no camera's encoder makes such a JPEG.
    #[error("it would cost too much to decode: {what}")]
    TooCostly {
        /// What it has too much of.
        what: &'static str,
    },
    /// A legal JPEG of a kind that is not decoded here.
    #[error("this kind of JPEG is not supported: {what}")]
    Unsupported {
        /// The kind.
        what: &'static str,
    },
}

impl Fault {
    /// The cause that is counted and told to people.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Empty => Cause::Empty,
            Self::NotAJpeg { .. } => Cause::NotAJpeg,
            Self::JpegNotFirst { .. } => Cause::JpegNotFirst,
            Self::Multipart { .. } => Cause::Multipart,
            Self::Base64 { .. } => Cause::JpegAsText,
            Self::Json => Cause::Json,
            Self::Png => Cause::Png,
            Self::Webp => Cause::Webp,
            Self::Bmp => Cause::Bmp,
            Self::H264 => Cause::VideoStream,
            Self::RawPixels(_) => Cause::RawPixels,
            Self::Truncated { .. } => Cause::Truncated,
            Self::BadMarker { .. } => Cause::BadMarker,
            Self::ZeroDimensions { .. } => Cause::ZeroDimensions,
            Self::TooManyPixels { .. } => Cause::TooManyPixels,
            Self::TooCostly { .. } => Cause::TooCostly,
            Self::Unsupported { .. } => Cause::Unsupported,
        }
    }
}

/// Raw pixels, as the length of a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Length of the message in bytes.
    pub len: usize,
    /// Pixels in a line.
    pub width: u16,
    /// Lines.
    pub height: u16,
    /// The formats that have so many bytes a pixel.
    pub format: &'static str,
}

/// The first bytes of a message in hexadecimal.
struct Hex([u8; 4], u8);

impl std::fmt::Display for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, byte) in self.0.iter().take(usize::from(self.1)).enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{byte:02x}")?;
        }
        Ok(())
    }
}
