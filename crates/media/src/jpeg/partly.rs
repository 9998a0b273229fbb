//! Reading samples from the decoder: all of them, or as far as they are whole.

use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::{RawDecodeSession, RawImcuRowStatus};

/// The decoder with its headers read.
pub(super) type Raw<'a, 'b> = RawDecodeSession<'a, ZCursor<&'b [u8]>>;

/// How samples are read.
pub(super) enum Reading {
    /// All of them, or none.
    Whole,
    /// As far as they are whole.
    Partly {
        /// How many lines are; [`usize::MAX`] for all.
        lines: usize,
    },
}

impl Reading {
    /// Reads into planes of these strides, each as high as its component.
    pub(super) fn read(
        &mut self,
        raw: &mut Raw<'_, '_>,
        planes: &mut [&mut [u8]],
        strides: &[usize],
    ) -> Result<(), DecodeErrors> {
        match self {
            Self::Whole => raw.decode_into_planes_strided(planes, strides),
            Self::Partly { lines } => {
                *lines = read_rows(raw, planes, strides)?;
                Ok(())
            }
        }
    }
}

/// So much of the height may be missing for the last line to be repeated: one part in so many. More than that becomes grey, as with
/// libjpeg: what is repeated over a quarter of a picture is further from it than grey is (docs/decisions/0002-damaged-pictures.md).
const REPEATED_PART: usize = 5;

/// Reads rows of MCUs until one is damaged, and fills what is below. Gives how many lines are whole; [`usize::MAX`]
/// for all.
fn read_rows(
    raw: &mut Raw<'_, '_>,
    planes: &mut [&mut [u8]],
    strides: &[usize],
) -> Result<usize, DecodeErrors> {
    // How many bytes of each plane are filled. Example, 320×240 in 4:2:2 with 8 lines a row of MCUs: after the first one 2560 of
    // Y and 1280 of Cb and Cr each.
    let mut filled = [0; 4];
    let mut whole = false;
    let error = loop {
        let rest = planes.iter_mut().zip(filled).map(|(plane, filled)| &mut plane[filled..]);
        match raw.decode_next_imcu_row(&mut rest.collect::<Vec<_>>(), strides) {
            Ok(RawImcuRowStatus::RowReady { rows_written }) => {
                for (index, plane) in planes.iter().enumerate() {
                    filled[index] = plane.len().min(filled[index] + rows_written[index] * strides[index]);
                }
            }
            Ok(RawImcuRowStatus::Complete) => {
                whole = true;
                break DecodeErrors::ExhaustedData;
            }
            Ok(_) => break DecodeErrors::ExhaustedData,
            Err(error) => break error,
        }
    };
    if filled[0] == 0 {
        return Err(error);
    }
    for ((plane, &stride), filled) in planes.iter_mut().zip(strides).zip(filled) {
        let (done, missing) = plane.split_at_mut(filled);
        if whole {
            continue;
        }
        match done.len().checked_sub(stride) {
            Some(start) if missing.len() * REPEATED_PART <= done.len() + missing.len() => {
                let last = &done[start..];
                for line in missing.chunks_mut(stride) {
                    line.copy_from_slice(&last[..line.len()]);
                }
            }
            _ => missing.fill(128),
        }
    }
    Ok(if whole { usize::MAX } else { filled[0] / strides[0] })
}
