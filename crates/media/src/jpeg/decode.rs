//! From JPEG to I420.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::budget::MAX_PASSES;
use super::chroma;
use super::fault::Fault;
use super::inspect::inspect;
use super::inspected::Limits;
use super::partly::{Raw, Reading};
use super::plane::{Plane, Ratio};
use crate::causes::Cause;
use crate::picture::I420;

/// Why [`Decoder::decode`] refused an image.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeFault {
    /// The image data breaks T.81: bits were lost or changed on the way.
    #[error("the image data is damaged: {reason}")]
    Damaged {
        /// What the decoder says about it.
        reason: String,
    },
    /// The image is larger than [`Limits::max_pixels`].
    #[error("{width}×{height} pixels are more than the limit of {limit} pixels: choose a smaller frame size")]
    TooManyPixels {
        /// Pixels in a line.
        width: usize,
        /// Lines.
        height: usize,
        /// The limit in force.
        limit: u32,
    },
    /// Decoding would take much more time or memory than the image is worth.
    #[error("it would cost too much to decode: {what}")]
    TooCostly {
        /// What it has too much of.
        what: &'static str,
    },
    /// Whoever wanted the picture wants it no more: the decoder was told to stop ([`Decoder::stopping`]).
    #[error("nobody waits for the picture any more")]
    Stopped,
    /// A legal JPEG of a kind that is not decoded here.
    #[error("this kind of JPEG is not supported: {what}")]
    Unsupported {
        /// The kind.
        what: String,
    },
}

impl DecodeFault {
    /// The cause that is counted and told to people.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Damaged { .. } => Cause::Damaged,
            Self::TooManyPixels { .. } => Cause::TooManyPixels,
            Self::TooCostly { .. } => Cause::TooCostly,
            Self::Unsupported { .. } => Cause::Unsupported,
            // Whoever told it to stop counts nothing; for everybody else the picture was left out.
            Self::Stopped => Cause::EncoderSkipped,
        }
    }
}

/// The scratch planes that are kept from frame to frame, in bytes: those of 1920×1200 in 4:2:2.
const MAX_KEPT_SCRATCH: usize = 4 << 20;

/// Decodes one JPEG after another. Keeps its scratch planes from frame to frame: use one for each camera.
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    scratch: [Vec<u8>; 3],
    fenced: Vec<u8>,
    /// Set when nobody waits for the picture any more.
    stop: Option<Arc<AtomicBool>>,
}

/// Width and height of a component, and how many samples it has a pixel.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    height: usize,
    horizontal: Ratio,
    vertical: Ratio,
}

impl Decoder {
    /// A decoder that refuses what is over `limits`, whether the image was inspected or not.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The same decoder, which gives up what it is at soon after `stop` is true: it looks once for some rows of blocks.
    #[must_use]
    pub fn stopping(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Decodes one image into `out`, which takes its size: see [`I420`] for odd and tiny ones.
    ///
    /// `jpeg` goes from SOI through EOI, which is `message[..inspected.len]`, and defines its Huffman tables
    /// ([`with_default_huffman_tables`](super::with_default_huffman_tables)). Every sampling of
    /// one or three components is brought to 4:2:0; a grey image gets chroma planes of 128; RGB, which is what three
    /// components named `R`, `G`, `B` or an Adobe marker with transform 0 mean, is converted when its components are
    /// all sampled alike.
    ///
    /// # Errors
    /// [`DecodeFault`]. Then `out` has an unspecified size and content.
    pub fn decode(&mut self, jpeg: &[u8], out: &mut I420) -> Result<(), DecodeFault> {
        self.can_be_paid(jpeg)?;
        let fenced = fence(jpeg, std::mem::take(&mut self.fenced));
        let decoded = self.decode_as(&fenced, options(), &mut Reading::Whole, out);
        self.fenced = fenced;
        self.give_back();
        decoded
    }

    /// Gives scratch planes back that are large: the encoder needs its own memory next, and not at the same time.
    fn give_back(&mut self) {
        if self.scratch.iter().map(Vec::len).sum::<usize>() > MAX_KEPT_SCRATCH {
            self.scratch = Default::default();
        }
    }

    /// Decodes an image as far as its data is whole, like [`decode`](Self::decode). Below that the last line is repeated, or, when more
    /// than a fifth is missing, there is grey. Gives how many lines are as they should be, which is all of them for an image that is whole.
    ///
    /// An image of several scans (a progressive one) is decoded as well as its data allows, all lines alike.
    ///
    /// # Errors
    /// [`DecodeFault`] when nothing can be decoded.
    pub fn decode_partly(&mut self, jpeg: &[u8], out: &mut I420) -> Result<usize, DecodeFault> {
        self.can_be_paid(jpeg)?;
        let fenced = fence(jpeg, std::mem::take(&mut self.fenced));
        let mut reading = Reading::Partly { lines: 0 };
        let decoded = self.decode_as(&fenced, options(), &mut reading, out);
        self.fenced = fenced;
        let lines = match (decoded, reading) {
            (Err(DecodeFault::Damaged { .. }), Reading::Partly { lines: 0 }) => {
                let lenient = options().set_strict_mode(false);
                // No line is sure to be right.
                self.decode_as(jpeg, lenient, &mut Reading::Whole, out).map(|()| 0)
            }
            (decoded, Reading::Partly { lines }) => decoded.map(|()| lines.min(out.source_size().1)),
            (_, Reading::Whole) => unreachable!("it was set above"),
        };
        self.give_back();
        lines
    }

    /// Not every caller inspects, and the budget is what keeps a decoder from a second of work for 3 kB. Whatever else is wrong is
    /// for the decoder to find.
    fn can_be_paid(&self, jpeg: &[u8]) -> Result<(), DecodeFault> {
        match inspect(jpeg, &self.limits) {
            Err(Fault::TooCostly { what }) => Err(DecodeFault::TooCostly { what }),
            _ => Ok(()),
        }
    }

    fn decode_as(
        &mut self,
        jpeg: &[u8],
        options: DecoderOptions,
        reading: &mut Reading,
        out: &mut I420,
    ) -> Result<(), DecodeFault> {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        if let Some(stop) = self.stop.clone() {
            decoder.set_cancel(move || stop.load(Ordering::Relaxed));
        }
        decoder.decode_headers().map_err(fault)?;
        let (width, height) =
            decoder.dimensions().ok_or_else(|| damaged("no frame header before the image data"))?;
        if width == 0 || height == 0 {
            return Err(damaged("a side of zero pixels"));
        }
        if width * height > self.limits.max_pixels as usize {
            return Err(DecodeFault::TooManyPixels { width, height, limit: self.limits.max_pixels });
        }
        let colours = decoder.input_colorspace();
        let mut raw = decoder.raw_output();
        let layout = raw.layout().ok_or_else(|| damaged("no frame header before the image data"))?;
        let layout = &layout[..raw.num_components().unwrap_or(0)];

        let widest = layout.iter().map(|plane| plane.horizontal_sampling_factor).max().unwrap_or(1);
        let highest = layout.iter().map(|plane| plane.vertical_sampling_factor).max().unwrap_or(1);
        let mut shapes = Vec::with_capacity(3);
        for plane in layout {
            let horizontal = Ratio::new(plane.horizontal_sampling_factor, widest);
            let vertical = Ratio::new(plane.vertical_sampling_factor, highest);
            let (Some(horizontal), Some(vertical)) = (horizontal, vertical) else {
                return Err(unsupported("a sampling factor of 3"));
            };
            shapes.push(Shape { width: plane.width, height: plane.height, horizontal, vertical });
        }

        out.resize(width, height);
        match (shapes.as_slice(), colours) {
            ([y], _) => {
                let stride = out.width();
                let [luma, u, v] = out.planes_mut();
                debug_assert_eq!((y.width, y.height), (width, height));
                reading.read(&mut raw, &mut [luma], &[stride]).map_err(fault)?;
                u.fill(128);
                v.fill(128);
            }
            (&[red, green, blue], Some(ColorSpace::RGB)) => {
                let full = |shape: Shape| (shape.horizontal, shape.vertical) == (Ratio::Full, Ratio::Full);
                if !(full(red) && full(green) && full(blue)) {
                    return Err(unsupported("RGB with subsampled components"));
                }
                let mut planes = self.scratch_for([red, green, blue]);
                reading.read(&mut raw, &mut planes, &[width; 3]).map_err(fault)?;
                let [r, g, b] = planes;
                chroma::rgb_to_ycbcr(r, g, b);
                self.scratch_to(out, &[(0, red), (1, green), (2, blue)]);
            }
            (&[y, cb, cr], Some(ColorSpace::YCbCr)) => {
                self.decode_ycbcr(&mut raw, reading, [y, cb, cr], out)?
            }
            _ => return Err(unsupported("components other than grey, YCbCr or RGB")),
        }
        out.repeat_edges();
        Ok(())
    }

    fn decode_ycbcr(
        &mut self,
        raw: &mut Raw<'_, '_>,
        reading: &mut Reading,
        shapes: [Shape; 3],
        out: &mut I420,
    ) -> Result<(), DecodeFault> {
        let [stride, half, _] = out.strides();
        let [y, cb, cr] = shapes;
        let is = |shape: Shape, ratio| shape.horizontal == ratio && shape.vertical == ratio;
        if is(y, Ratio::Full) && is(cb, Ratio::Half) && is(cr, Ratio::Half) {
            // 4:2:0 already: no copy.
            return reading.read(raw, &mut out.planes_mut(), &[stride, half, half]).map_err(fault);
        }
        if is(y, Ratio::Full) {
            let [_, in_u, in_v] = self.scratch_for([Shape { width: 0, ..y }, cb, cr]);
            let [luma, ..] = out.planes_mut();
            reading.read(raw, &mut [luma, in_u, in_v], &[stride, cb.width, cr.width]).map_err(fault)?;
            self.scratch_to(out, &[(1, cb), (2, cr)]);
        } else {
            let [in_y, in_u, in_v] = self.scratch_for(shapes);
            let strides = shapes.map(|shape| shape.width);
            reading.read(raw, &mut [in_y, in_u, in_v], &strides).map_err(fault)?;
            self.scratch_to(out, &[(0, y), (1, cb), (2, cr)]);
        }
        Ok(())
    }

    /// Scratch planes of exactly these shapes.
    fn scratch_for(&mut self, shapes: [Shape; 3]) -> [&mut [u8]; 3] {
        let mut index = 0;
        self.scratch.each_mut().map(|plane| {
            plane.resize(shapes[index].width * shapes[index].height, 0);
            index += 1;
            plane.as_mut_slice()
        })
    }

    /// Brings the numbered scratch planes to the size that `out` has for them.
    fn scratch_to(&self, out: &mut I420, planes: &[(usize, Shape)]) {
        let (width, height) = out.source_size();
        let strides = out.strides();
        let targets = out.planes_mut();
        for &(index, shape) in planes {
            let source = Plane {
                samples: &self.scratch[index],
                width: shape.width,
                height: shape.height,
                horizontal: shape.horizontal,
                vertical: shape.vertical,
            };
            let target = &mut targets[index][..];
            match index {
                0 => chroma::enlarge(&source, target, strides[0], (width, height)),
                _ => chroma::halve(&source, target, strides[index], (width.div_ceil(2), height.div_ceil(2))),
            }
        }
    }
}

/// A copy of `jpeg` in the buffer `copy`, with 64 one bits before EOI.
///
/// zune-jpeg goes on with zero bits when EOI comes before the last MCU, and zero bits are good codes: half a frame with
/// an EOI would be a picture, striped from there on. No code consists of ones only (T.81 §C.2), so that with them
/// the missing data is the error it should be. After a complete image they are padding, which is skipped.
fn fence(jpeg: &[u8], mut copy: Vec<u8>) -> Vec<u8> {
    const ONES: &[u8] = [[0xFF, 0x00]; 8].as_flattened();
    copy.clear();
    match jpeg.strip_suffix(&[0xFF, 0xD9]) {
        Some(image) => {
            copy.extend_from_slice(image);
            copy.extend_from_slice(ONES);
            copy.extend_from_slice(&[0xFF, 0xD9]);
        }
        None => copy.extend_from_slice(jpeg),
    }
    copy
}

/// Strict: without it, damaged image data gives a picture that is grey or garbled from the damage on, and no error.
/// The sides are limited by the number of pixels, not by zune-jpeg's 16,384 each.
fn options() -> DecoderOptions {
    let longest = usize::from(u16::MAX);
    DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(longest)
        .set_max_height(longest)
        .jpeg_set_max_scans(3 * usize::from(MAX_PASSES))
}

fn fault(error: DecodeErrors) -> DecodeFault {
    match error {
        DecodeErrors::Cancelled => DecodeFault::Stopped,
        DecodeErrors::Unsupported(what) => DecodeFault::Unsupported { what: format!("{what:?}") },
        other => DecodeFault::Damaged { reason: other.to_string() },
    }
}

fn damaged(reason: &str) -> DecodeFault {
    DecodeFault::Damaged { reason: reason.to_owned() }
}

fn unsupported(what: &str) -> DecodeFault {
    DecodeFault::Unsupported { what: what.to_owned() }
}
