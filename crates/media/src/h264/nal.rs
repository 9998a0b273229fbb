//! NAL units in an Annex B byte stream, and the way from there to the length-prefixed form of MP4.

use memchr::memmem;

/// What every start code ends in; a fourth zero byte before it belongs to the padding (ISO/IEC 14496-10 Annex B).
const START_CODE: &[u8] = &[0, 0, 1];

/// What a NAL unit holds: `nal_unit_type` of ISO/IEC 14496-10 Table 7-1, as far as a camera's stream uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NalType {
    /// 1: a coded slice that needs earlier pictures or, at least, is no entry point.
    Slice,
    /// 5: a coded slice of an IDR picture, that is of a key frame.
    Idr,
    /// 6: supplemental enhancement information.
    Sei,
    /// 7: sequence parameter set.
    Sps,
    /// 8: picture parameter set.
    Pps,
    /// 9: access unit delimiter.
    Aud,
    /// Any other number, 0 to 31.
    Other(u8),
}

impl NalType {
    /// The type in the first byte of a NAL unit.
    pub const fn of_header(header: u8) -> Self {
        match header & 0x1F {
            1 => Self::Slice,
            5 => Self::Idr,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            9 => Self::Aud,
            other => Self::Other(other),
        }
    }
}

/// One NAL unit, borrowed from the byte stream it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NalUnit<'a> {
    /// What it holds.
    pub unit_type: NalType,
    /// The NAL unit from its header byte on: never empty, without start code and trailing zero bytes, emulation
    /// prevention bytes still in it.
    pub bytes: &'a [u8],
}

/// The SPS and the PPS of an access unit, each as a NAL unit without start code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterSets<'a> {
    /// The sequence parameter set.
    pub sps: &'a [u8],
    /// The picture parameter set.
    pub pps: &'a [u8],
}

/// The NAL units of an Annex B byte stream (ISO/IEC 14496-10 §B.1).
///
/// Start codes may have three or four bytes. Bytes before the first start code and empty NAL units are passed over.
pub fn nal_units(annex_b: &[u8]) -> NalUnits<'_> {
    let first = memmem::find(annex_b, START_CODE).map(|at| &annex_b[at + START_CODE.len()..]);
    NalUnits { rest: first }
}

/// Whether the access unit is a key frame: it has an IDR slice.
pub fn is_key(annex_b: &[u8]) -> bool {
    nal_units(annex_b).any(|nal| nal.unit_type == NalType::Idr)
}

/// The first SPS and the first PPS of an access unit; `None` unless both are there, as they are in our key frames.
pub fn parameter_sets(annex_b: &[u8]) -> Option<ParameterSets<'_>> {
    let (mut sps, mut pps) = (None, None);
    for nal in nal_units(annex_b) {
        match nal.unit_type {
            NalType::Sps => sps = sps.or(Some(nal.bytes)),
            NalType::Pps => pps = pps.or(Some(nal.bytes)),
            // Parameter sets stand before the slices (§7.4.1.2.3): no need to search the bulk of the picture.
            NalType::Slice | NalType::Idr => break,
            _ => {}
        }
    }
    Some(ParameterSets { sps: sps?, pps: pps? })
}

/// The NAL units that belong into an MP4 sample of type `avc1` (ISO/IEC 14496-15 §5.3): all but access unit
/// delimiters, and parameter sets, which the sample entry holds.
pub fn sample_units(annex_b: &[u8]) -> impl Iterator<Item = NalUnit<'_>> {
    nal_units(annex_b).filter(|nal| !matches!(nal.unit_type, NalType::Aud | NalType::Sps | NalType::Pps))
}

/// Bytes that [`append_avcc`] will write for this access unit; 0 when nothing of it belongs into a sample.
pub fn avcc_len(annex_b: &[u8]) -> usize {
    sample_units(annex_b).map(|nal| AVCC_LENGTH_SIZE + nal.bytes.len()).sum()
}

/// Appends an access unit in the form of MP4: each of its [`sample_units`] after its length, four bytes big-endian.
///
/// # Panics
///
/// If a NAL unit has 4 GiB or more.
pub fn append_avcc(annex_b: &[u8], out: &mut Vec<u8>) {
    for nal in sample_units(annex_b) {
        let length = u32::try_from(nal.bytes.len()).expect("a NAL unit is shorter than 4 GiB");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(nal.bytes);
    }
}

/// The size of the length before each NAL unit that [`append_avcc`] writes, in bytes.
pub const AVCC_LENGTH_SIZE: usize = 4;

/// The iterator that [`nal_units`] returns.
#[derive(Clone, Debug)]
pub struct NalUnits<'a> {
    /// What follows the newest start code.
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = NalUnit<'a>;

    fn next(&mut self) -> Option<NalUnit<'a>> {
        loop {
            let from_header = self.rest?;
            let end = memmem::find(from_header, START_CODE);
            self.rest = end.map(|at| &from_header[at + START_CODE.len()..]);
            let bytes = without_trailing_zeros(&from_header[..end.unwrap_or(from_header.len())]);
            if let Some(&header) = bytes.first() {
                return Some(NalUnit { unit_type: NalType::of_header(header), bytes });
            }
        }
    }
}

/// For messages: what kind of NAL unit begins with this byte, if there is one.
pub(crate) fn describe(header: Option<u8>) -> String {
    header.map_or("nothing".to_owned(), |header| format!("type {}", header & 0x1F))
}

/// A NAL unit never ends in a zero byte (§7.4.1): such bytes are `trailing_zero_8bits` or part of a start code.
fn without_trailing_zeros(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &bytes[..end]
}
