//! Rows of Y, Cb and Cr in, one baseline JPEG out (ITU-T T.81, with a JFIF header).
//!
//! The encoder asks for one row after the other and holds one row of blocks (8 or 16 picture rows), so a
//! microcontroller needs no frame buffer. There is no RGB in between: JFIF is full-range BT.601 Y, Cb, Cr, and so is
//! what [`Rows`] hands over.

pub mod sensor;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};
pub use jpeg_encoder::{EncodingError, JfifWrite};

/// A picture that can be had row by row.
pub trait Rows {
    /// Width in pixels.
    fn width(&self) -> u16;

    /// Height in pixels.
    fn height(&self) -> u16;

    /// Fills row `y` (0 is the top) with full-range BT.601 luma, Cb and Cr. Each slice is [`width`](Rows::width) long:
    /// chroma is at full resolution, the encoder reduces it.
    ///
    /// Rows are asked for from the top down; the last one may be asked for again, to fill the last row of blocks.
    fn row(&self, y: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]);

    /// Whether there is no colour in the picture. The JPEG of such a picture has luma as its only component, and `cb`
    /// and `cr` of [`row`](Rows::row) are empty.
    fn is_grey(&self) -> bool {
        false
    }
}

/// How much chroma is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// 4:4:4, all of it.
    Yuv444,
    /// 4:2:2, half of the columns: what ESP32 cameras send.
    #[default]
    Yuv422,
    /// 4:2:0, half of the columns and half of the rows.
    Yuv420,
}

/// Why a picture was not encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A JPEG has at least one column and one row.
    #[error("a picture of {width}x{height} cannot be a JPEG: both sides must be at least 1 pixel")]
    Empty {
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
    },
    /// The encoder refused for another reason, in its words.
    #[error("the JPEG encoder failed: {0}")]
    Encoder(String),
}

/// Encodes `source` as one baseline JPEG and puts it into `out`, whose old content is dropped (its memory is used
/// again).
///
/// `quality` is on the scale of the IJG, 1 (worst) to 100 (best); 0 is taken as 1 and more than 100 as 100.
///
/// # Errors
/// [`EncodeError::Empty`] when a side of the picture is 0. `out` then is empty.
pub fn encode(
    source: &impl Rows,
    quality: u8,
    sampling: Sampling,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.clear();
    encode_to(source, quality, sampling, &mut *out).inspect_err(|_| out.clear())
}

/// As [`encode`], for memory that does not grow: `writer` takes the JPEG piece by piece, and may refuse one.
///
/// # Errors
/// [`EncodeError::Empty`], and [`EncodeError::Encoder`] when `writer` refused.
pub fn encode_to(
    source: &impl Rows,
    quality: u8,
    sampling: Sampling,
    writer: impl JfifWrite,
) -> Result<(), EncodeError> {
    let (width, height) = (source.width(), source.height());
    if width == 0 || height == 0 {
        return Err(EncodeError::Empty { width, height });
    }
    let mut encoder = Encoder::new(writer, quality.clamp(1, 100));
    encoder.set_sampling_factor(match sampling {
        Sampling::Yuv444 => SamplingFactor::R_4_4_4,
        Sampling::Yuv422 => SamplingFactor::R_4_2_2,
        Sampling::Yuv420 => SamplingFactor::R_4_2_0,
    });
    encoder
        .encode_image(Buffer(source))
        .map_err(|error: EncodingError| EncodeError::Encoder(error.to_string()))
}

/// Shows [`Rows`] to the encoder.
struct Buffer<'a, R>(&'a R);

impl<R: Rows> ImageBuffer for Buffer<'_, R> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.0.is_grey() { JpegColorType::Luma } else { JpegColorType::Ycbcr }
    }

    fn width(&self) -> u16 {
        self.0.width()
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let width = usize::from(self.0.width());
        let chroma = if self.0.is_grey() { 0 } else { width };
        let [luma, cb, cr, _] = buffers;
        let [luma, cb, cr] = [(luma, width), (cb, chroma), (cr, chroma)].map(|(plane, width)| {
            let start = plane.len();
            plane.resize(start + width, 0);
            &mut plane[start..]
        });
        self.0.row(y, luma, cb, cr);
    }
}
