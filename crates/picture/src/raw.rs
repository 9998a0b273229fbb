//! Raw frames of a sensor, row by row for the JPEG encoder.
//!
//! A [`Raw`] borrows the bytes as the camera port wrote them and is [`jpeg::Rows`](crate::jpeg::Rows):
//!
//! ```
//! use lenscast_picture::jpeg::{self, Sampling};
//! use lenscast_picture::raw::{Raw, RawFormat};
//!
//! let frame = Raw::new(2, 1, RawFormat::Yuyv, &[76, 85, 76, 255])?;
//! let mut out = Vec::new();
//! jpeg::encode(&frame, 80, Sampling::Yuv422, &mut out)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Two pixels share one Cb and one Cr, as in a JPEG 4:2:2: YUV arrives so, and the colour of RGB565 is the mean of the
//! two. Both samples of a pair are alike, so that the encoder, which takes every second one, loses nothing.

mod rgb565;

use crate::jpeg::Rows;
use core::fmt;

/// How the bytes of a raw frame are to be understood. Rows follow each other without a gap, the top one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RawFormat {
    /// 16 bits a pixel, RRRRRGGG GGGBBBBB, the high byte first: what the GC0308 sends.
    Rgb565Be,
    /// The same, the low byte first.
    Rgb565Le,
    /// Y0 Cb Y1 Cr for two pixels.
    ///
    /// BOARD?: full-range BT.601, as JFIF has it, is assumed for this and for [`Uyvy`](RawFormat::Uyvy). If the sensor
    /// sends 16 to 235 instead, blacks look grey and whites dull, which a picture of the covered lens shows: its luma
    /// then never falls below 16.
    Yuyv,
    /// Cb Y0 Cr Y1 for two pixels.
    Uyvy,
    /// 8 bits of luma a pixel, no colour.
    Y8,
}

impl RawFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rgb565Be, Self::Rgb565Le, Self::Yuyv, Self::Uyvy, Self::Y8];

    /// Its name: `rgb565be`, `rgb565le`, `yuyv`, `uyvy`, `y8`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rgb565Be => "rgb565be",
            Self::Rgb565Le => "rgb565le",
            Self::Yuyv => "yuyv",
            Self::Uyvy => "uyvy",
            Self::Y8 => "y8",
        }
    }

    /// Bytes of one pixel.
    #[must_use]
    pub const fn bytes_per_pixel(self) -> u8 {
        match self {
            Self::Y8 => 1,
            _ => 2,
        }
    }

    /// Bytes of one frame of this size. More than 32 bits hold it, since more than memory holds may be asked for.
    #[must_use]
    pub const fn frame_bytes(self, width: u16, height: u16) -> u64 {
        width as u64 * height as u64 * self.bytes_per_pixel() as u64
    }

    /// Whether two pixels share their colour in the bytes, so that there is no half of a pair.
    const fn is_in_pairs(self) -> bool {
        matches!(self, Self::Yuyv | Self::Uyvy)
    }
}

/// Its [`name`](RawFormat::name).
impl fmt::Display for RawFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why bytes are no raw frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    /// There are fewer bytes than pixels need.
    #[error("a raw frame of {width}x{height} in {format} has {expected} bytes, but there are only {found}")]
    TooShort {
        /// How the bytes were to be understood.
        format: RawFormat,
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
        /// Bytes of a whole frame.
        expected: u64,
        /// Bytes that there are.
        found: usize,
    },
    /// Two pixels share their colour, and there is a pixel alone.
    #[error(
        "a raw frame in {format} cannot be {width} pixels wide: two share their colour, so it must be even"
    )]
    OddWidth {
        /// How the bytes were to be understood.
        format: RawFormat,
        /// Width in pixels.
        width: u16,
    },
}

/// One raw frame, borrowed.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    width: u16,
    height: u16,
    format: RawFormat,
    /// As long as the format and the size say.
    bytes: &'a [u8],
}

impl<'a> Raw<'a> {
    /// A frame of `width` × `height` pixels. What `bytes` holds beyond it is left out: buffers are often larger.
    ///
    /// # Errors
    /// [`RawError::TooShort`], and [`RawError::OddWidth`] for YUYV and UYVY.
    pub fn new(width: u16, height: u16, format: RawFormat, bytes: &'a [u8]) -> Result<Self, RawError> {
        if format.is_in_pairs() && width % 2 == 1 {
            return Err(RawError::OddWidth { format, width });
        }
        let expected = format.frame_bytes(width, height);
        let bytes = usize::try_from(expected)
            .ok()
            .and_then(|length| bytes.get(..length))
            .ok_or(RawError::TooShort { format, width, height, expected, found: bytes.len() })?;
        Ok(Self { width, height, format, bytes })
    }

    /// How its bytes are understood.
    #[must_use]
    pub const fn format(&self) -> RawFormat {
        self.format
    }

    /// Its bytes, exactly as many as a frame has.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Without its bytes.
impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({}x{} {})", self.width, self.height, self.format)
    }
}

impl Rows for Raw<'_> {
    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    /// Cb and Cr of a grey picture are filled with 128, as far as there is room.
    ///
    /// # Panics
    /// When there is no row `y`.
    fn row(&self, y: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
        let stride = usize::from(self.width) * usize::from(self.format.bytes_per_pixel());
        let row = &self.bytes[usize::from(y) * stride..][..stride];
        let planes = Planes { luma, cb, cr };
        match self.format {
            RawFormat::Yuyv => planes.fill(row, |&[y0, cb, y1, cr]| Pair { luma: [y0, y1], cb, cr }),
            RawFormat::Uyvy => planes.fill(row, |&[cb, y0, cr, y1]| Pair { luma: [y0, y1], cb, cr }),
            RawFormat::Rgb565Be => planes.fill(row, |&[h0, l0, h1, l1]| rgb565::pair([h0, h1], [l0, l1])),
            RawFormat::Rgb565Le => planes.fill(row, |&[l0, h0, l1, h1]| rgb565::pair([h0, h1], [l0, l1])),
            RawFormat::Y8 => {
                planes.luma.copy_from_slice(row);
                planes.cb.fill(128);
                planes.cr.fill(128);
            }
        }
    }

    fn is_grey(&self) -> bool {
        self.format == RawFormat::Y8
    }
}

/// Two pixels that share their colour.
struct Pair {
    luma: [u8; 2],
    cb: u8,
    cr: u8,
}

/// One row of each component.
struct Planes<'a> {
    luma: &'a mut [u8],
    cb: &'a mut [u8],
    cr: &'a mut [u8],
}

impl Planes<'_> {
    /// Fills them from a row of two bytes a pixel.
    #[inline]
    fn fill(self, row: &[u8], pair: impl Fn(&[u8; 4]) -> Pair) {
        let (pairs, single) = row.as_chunks::<4>();
        let (luma, single_luma) = self.luma.as_chunks_mut::<2>();
        let (cb, single_cb) = self.cb.as_chunks_mut::<2>();
        let (cr, single_cr) = self.cr.as_chunks_mut::<2>();
        for (((bytes, luma), cb), cr) in pairs.iter().zip(luma).zip(cb).zip(cr) {
            let pair = pair(bytes);
            [luma[0], luma[1]] = pair.luma;
            (cb[0], cb[1]) = (pair.cb, pair.cb);
            (cr[0], cr[1]) = (pair.cr, pair.cr);
        }
        if let (&[a, b], [luma], [cb], [cr]) = (single, single_luma, single_cb, single_cr) {
            let pair = pair(&[a, b, a, b]);
            [*luma, _] = pair.luma;
            (*cb, *cr) = (pair.cb, pair.cr);
        }
    }
}
