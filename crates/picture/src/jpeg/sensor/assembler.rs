//! A frame put together from the pieces that a DMA ring hands out.

use super::{SensorFault, Walk};

/// Copies one frame, piece by piece, into a slot of the caller, and says when it is whole: a JPEG at its EOI, a raw
/// frame when as many bytes have come as it has.
///
/// ```
/// use lenscast_picture::jpeg::sensor::{Assembler, Progress, SensorFault};
///
/// let mut slot = [0; 6];
/// let mut frame = Assembler::raw(4);
/// assert_eq!(frame.push(&[1, 2, 3], &mut slot), Progress::More);
/// assert_eq!(frame.finish(), Err(SensorFault::Truncated), "the sensor says that the frame is over");
/// assert_eq!(frame.push(&[4, 5], &mut slot), Progress::Whole(4));
/// assert_eq!(slot, [1, 2, 3, 4, 0, 0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Assembler {
    end: End,
    /// Bytes in the slot.
    length: usize,
    progress: Progress,
}

/// How far a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It needs more bytes.
    More,
    /// It is whole: so many bytes at the beginning of the slot. The rest of the sensor's frame is padding.
    Whole(usize),
    /// It is lost, whatever comes: capturing can be stopped until the sensor begins the next one.
    Lost(SensorFault),
}

/// How the end of a frame is known.
#[derive(Clone, Copy, Debug)]
enum End {
    Marker(Walk),
    Length(usize),
}

impl Assembler {
    /// Begins a JPEG.
    #[must_use]
    pub fn jpeg() -> Self {
        Self::begin(End::Marker(Walk::default()))
    }

    /// Begins a raw frame of so many bytes.
    #[must_use]
    pub fn raw(bytes: usize) -> Self {
        Self::begin(End::Length(bytes))
    }

    fn begin(end: End) -> Self {
        Self { end, length: 0, progress: Progress::More }
    }

    /// Takes the next piece. `slot` is the same one for all pieces of a frame. Once the frame is whole or lost, pieces
    /// are left out.
    pub fn push(&mut self, piece: &[u8], slot: &mut [u8]) -> Progress {
        if self.progress == Progress::More {
            self.progress = self.take(piece, slot).unwrap_or_else(Progress::Lost);
        }
        self.progress
    }

    fn take(&mut self, piece: &[u8], slot: &mut [u8]) -> Result<Progress, SensorFault> {
        let end = match &mut self.end {
            End::Marker(walk) => walk.push(piece)?,
            // Known to be too large before the first byte is copied.
            End::Length(expected) if *expected > slot.len() => return Err(SensorFault::TooBig),
            End::Length(expected) => Some(*expected - self.length).filter(|&left| left <= piece.len()),
        };
        let piece = &piece[..end.unwrap_or(piece.len())];
        slot.get_mut(self.length..)
            .and_then(|free| free.get_mut(..piece.len()))
            .ok_or(SensorFault::TooBig)?
            .copy_from_slice(piece);
        self.length += piece.len();
        Ok(if end.is_some() { Progress::Whole(self.length) } else { Progress::More })
    }

    /// The sensor says that its frame is over. Returns how many bytes of the slot it fills.
    ///
    /// # Errors
    /// Why it is not whole.
    pub fn finish(&self) -> Result<usize, SensorFault> {
        match (self.progress, self.end) {
            (Progress::Whole(length), _) => Ok(length),
            (Progress::Lost(fault), _) => Err(fault),
            (Progress::More, End::Marker(walk)) => Err(walk.missing()),
            (Progress::More, End::Length(_)) if self.length == 0 => Err(SensorFault::Empty),
            (Progress::More, End::Length(_)) => Err(SensorFault::Truncated),
        }
    }
}
