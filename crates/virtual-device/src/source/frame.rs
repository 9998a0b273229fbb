//! One picture of a source, as a JPEG.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lenscast_device::camera::{FrameInfo, Plan};
use lenscast_picture::jpeg::{self, Rows, Sampling};

use super::SourceError;
use super::adjusted::Adjusted;

/// A frame, and what is told about it.
pub(crate) type Frame = (Bytes, FrameInfo);

/// Why there is no frame.
#[derive(Debug)]
pub(crate) enum NoFrame {
    /// This one could not be had, for this cause; the next one may.
    Lost(&'static str),
    /// There will be none any more.
    Gone(SourceError),
}

impl From<SourceError> for NoFrame {
    fn from(error: SourceError) -> Self {
        Self::Gone(error)
    }
}

/// A frame that was a JPEG from the beginning.
pub(super) fn captured(jpeg: Bytes, start: Instant) -> Frame {
    (jpeg, FrameInfo { capture: start.elapsed(), convert: Duration::ZERO })
}

/// Makes a JPEG of a picture whose capture began at `start`. `size` is that of the one before, to begin with.
pub(super) fn encode(
    picture: &impl Rows,
    plan: &Plan,
    size: &mut usize,
    start: Instant,
) -> Result<Frame, NoFrame> {
    let captured = Instant::now();
    let mut jpeg = Vec::with_capacity(*size + *size / 8);
    let picture = Adjusted::new(picture, &plan.picture);
    jpeg::encode(&picture, plan.quality, Sampling::Yuv422, &mut jpeg)
        .map_err(|_| NoFrame::Lost("cannot be encoded"))?;
    *size = jpeg.len();
    Ok((jpeg.into(), FrameInfo { capture: captured - start, convert: captured.elapsed() }))
}
