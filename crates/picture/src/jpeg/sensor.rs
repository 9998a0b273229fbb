//! What a sensor with a JPEG engine of its own sent, checked and cut to one whole JPEG.
//!
//! Drivers hand out buffers that hold no beginning, no end, half a frame, padding after the frame, or several frames.
//! Here the markers are walked (ITU-T T.81 Annex B), so that a thumbnail inside an APPn segment ends nothing; image
//! data is only searched for the next 0xFF. Whether it can be decoded, the server finds out: sensors damage a few
//! frames in a thousand between valid markers.

mod assembler;

pub use assembler::{Assembler, Progress};

/// Why a frame of a sensor is no whole JPEG, or no whole raw frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SensorFault {
    /// There is no byte.
    #[error("the sensor sent nothing")]
    Empty,
    /// It does not begin with SOI (T.81 §B.2.1): another pixel format, or the beginning was missed.
    #[error("the frame does not begin like a JPEG")]
    NoSoi,
    /// Something that is no marker segment stands where one must be.
    #[error("the frame has a bad marker")]
    BadMarker,
    /// It ends before the image data begins, another frame begins inside of it, or a raw frame has too few bytes.
    #[error("the frame is cut off")]
    Truncated,
    /// The image data has no end.
    #[error("the frame has no end")]
    NoEoi,
    /// It is larger than its buffer.
    #[error("the frame is larger than the frame buffer")]
    TooBig,
}

impl SensorFault {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Empty, Self::NoSoi, Self::BadMarker, Self::Truncated, Self::NoEoi, Self::TooBig];

    /// Its name in counters: never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoSoi => "no_soi",
            Self::BadMarker => "bad_marker",
            Self::Truncated => "truncated",
            Self::NoEoi => "no_eoi",
            Self::TooBig => "too_big",
        }
    }
}

/// The JPEG, from SOI through EOI, that `bytes` begin with. What follows (padding, another frame) is left out.
///
/// # Errors
/// Any [`SensorFault`] but [`TooBig`](SensorFault::TooBig).
pub fn trim(bytes: &[u8]) -> Result<&[u8], SensorFault> {
    let mut walk = Walk::default();
    match walk.push(bytes)? {
        Some(end) => Ok(&bytes[..end]),
        None => Err(walk.missing()),
    }
}

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// A walk over the markers of one JPEG, whose bytes come in any portions.
#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    expected: Expected,
    /// Whether a scan has begun.
    scan: bool,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, Default)]
enum Expected {
    /// 0xFF of SOI.
    #[default]
    Start,
    /// The code of SOI.
    Soi,
    /// 0xFF of a marker.
    Marker,
    /// The code of a marker, or fill bytes before it (§B.1.1.2).
    Code,
    /// The high byte of a segment's length. `scan`: it is a scan header.
    LengthHigh { scan: bool },
    /// The low byte.
    LengthLow { scan: bool, high: u8 },
    /// One of so many bytes of a segment that nobody looks at.
    Segment { scan: bool, left: u16 },
    /// Image data (§B.1.1.5).
    Data,
    /// What follows 0xFF in image data.
    DataCode,
}

impl Walk {
    /// Walks on. `Some` is how many of these bytes belong to the JPEG, which ends with them.
    fn push(&mut self, bytes: &[u8]) -> Result<Option<usize>, SensorFault> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += match self.expected {
                Expected::Segment { scan, left } => {
                    let taken = usize::from(left).min(bytes.len() - at);
                    self.segment(scan, left - taken as u16);
                    taken
                }
                Expected::Data => {
                    let data = bytes[at..].iter().position(|&byte| byte == 0xff);
                    if data.is_some() {
                        self.expected = Expected::DataCode;
                    }
                    data.map_or(bytes.len() - at, |length| length + 1)
                }
                _ => {
                    if self.step(byte)? {
                        return Ok(Some(at + 1));
                    }
                    1
                }
            };
        }
        Ok(None)
    }

    /// One byte of what is looked at byte by byte. Says whether it was the last.
    fn step(&mut self, byte: u8) -> Result<bool, SensorFault> {
        self.expected = match (self.expected, byte) {
            (Expected::Start, 0xff) => Expected::Soi,
            (Expected::Soi, SOI) => Expected::Marker,
            (Expected::Start | Expected::Soi, _) => return Err(SensorFault::NoSoi),
            (Expected::Marker, 0xff) => Expected::Code,
            (Expected::Code | Expected::DataCode, 0xff) => return Ok(false),
            // A stuffed 0xFF and restart markers do not end image data.
            (Expected::DataCode, 0x00 | 0xd0..=0xd7) => Expected::Data,
            (Expected::Code | Expected::DataCode, EOI) if self.scan => return Ok(true),
            (Expected::Code | Expected::DataCode, SOI | EOI) => return Err(SensorFault::Truncated),
            // Another scan, tables for it, metadata: all but the reserved codes and those without parameters.
            (Expected::Code | Expected::DataCode, 0xc0..=0xcf | SOS..) => {
                Expected::LengthHigh { scan: byte == SOS }
            }
            (Expected::LengthHigh { scan }, high) => Expected::LengthLow { scan, high },
            (Expected::LengthLow { scan, high }, low) => {
                // The length counts its own two bytes.
                let length = u16::from_be_bytes([high, low]);
                self.segment(scan, length.checked_sub(2).ok_or(SensorFault::BadMarker)?);
                return Ok(false);
            }
            _ => return Err(SensorFault::BadMarker),
        };
        Ok(false)
    }

    /// So many bytes of a segment are left.
    fn segment(&mut self, scan: bool, left: u16) {
        self.scan |= scan;
        self.expected = match left {
            0 if scan => Expected::Data,
            0 => Expected::Marker,
            _ => Expected::Segment { scan, left },
        };
    }

    /// What is wrong when no more bytes come.
    fn missing(&self) -> SensorFault {
        match self.expected {
            Expected::Start => SensorFault::Empty,
            Expected::Soi => SensorFault::NoSoi,
            Expected::Data | Expected::DataCode => SensorFault::NoEoi,
            _ => SensorFault::Truncated,
        }
    }
}
