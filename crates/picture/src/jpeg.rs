//! Rows of Y, Cb and Cr in, one baseline JPEG out (ITU-T T.81, with a JFIF header).
//!
//! An [`Encoder`] asks for one row after the other and holds one row of blocks (8 or 16 picture rows), so a
//! microcontroller needs no frame buffer. There is no RGB in between: JFIF is full-range BT.601 Y, Cb, Cr, and so is
//! what [`Rows`] hands over.
//!
//! What is large lies on the heap: a core whose tasks share 32 KB of stack encodes in less than 2 KB of it. The steps of
//! a block, in order: `transform`, `quantiser`, `entropy`.

mod encoder;
mod entropy;
mod quantiser;
pub mod sensor;
mod transform;

use alloc::vec::Vec;

pub use encoder::{Encoder, Strips};

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

/// Where a JPEG goes, piece by piece.
pub trait Sink {
    /// Takes all of `bytes`, which follow those of the call before.
    ///
    /// # Errors
    /// There is no room for all of them. What came before is then no JPEG.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Full>;
}

/// There is no room for the rest of a JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Grows.
impl Sink for Vec<u8> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), Full> {
        (**self).write(bytes)
    }
}

/// Why a picture was not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// The JPEG is larger than the memory for it.
    #[error("the JPEG is larger than the memory for it")]
    Full,
}

impl From<Full> for EncodeError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Encodes `source` as one baseline JPEG and puts it into `out`, whose old content is dropped (its memory is used
/// again).
///
/// `quality` is on the scale of the IJG, 1 (worst) to 100 (best); 0 is taken as 1 and more than 100 as 100. Who makes one
/// JPEG after the other keeps an [`Encoder`] for them.
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
    Encoder::new().encode(source, quality, sampling, out)
}
