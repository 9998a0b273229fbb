//! Sequence parameter sets (ISO/IEC 14496-10 §7.3.2.1.1), read as far as a player's set-up needs them.

use thiserror::Error;

use super::nal::{NalType, describe};

/// The longest side that any level allows: √(8 × MaxFS) macroblocks at level 6.2 (ISO/IEC 14496-10 §A.3.1).
const MAX_SIDE_IN_MACROBLOCKS: u32 = 1055;

/// The profiles whose SPS tells chroma format and bit depth (§7.3.2.1.1).
const HIGH_PROFILES: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// What a sequence parameter set says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    /// The profile, e.g. 66 for Baseline, 100 for High.
    pub profile_idc: u8,
    /// The byte with `constraint_set0_flag` in its highest bit.
    pub constraint_flags: u8,
    /// Ten times the level, e.g. 30 for level 3.
    pub level_idc: u8,
    /// 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits of a luma sample, 8 to 14.
    pub bit_depth_luma: u8,
    /// Bits of a chroma sample, 8 to 14.
    pub bit_depth_chroma: u8,
    /// Width of the picture as shown, after cropping, in pixels; never 0.
    pub width: u16,
    /// Height of the picture as shown, after cropping, in pixels; never 0.
    pub height: u16,
    /// How to show the samples, if the VUI says so.
    pub colour: Option<Colour>,
}

/// The video signal description of the VUI (ISO/IEC 14496-10 §E.2.1); the numbers are those of ISO/IEC 23091-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// `video_full_range_flag`: black is 0 and white is 255, as in a JPEG, and not 16 and 235.
    pub full_range: bool,
    /// `colour_primaries`; 2 = unspecified.
    pub primaries: u8,
    /// `transfer_characteristics`; 2 = unspecified.
    pub transfer: u8,
    /// `matrix_coefficients`; 2 = unspecified, 5 and 6 = BT.601.
    pub matrix: u8,
}

/// Why a sequence parameter set could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpsError {
    /// The bytes are another NAL unit, or none.
    #[error("expected a NAL unit of type 7 (SPS), found {}", describe(*.0))]
    NotAnSps(Option<u8>),
    /// The bytes end within a field.
    #[error("the SPS ends in the middle of {0}")]
    Truncated(&'static str),
    /// A field has a value that the standard forbids.
    #[error("the SPS has {field} = {value}, which the standard does not allow")]
    Invalid {
        /// The field's name in the standard.
        field: &'static str,
        /// What was found.
        value: i64,
    },
}

impl Sps {
    /// Reads an SPS given as a NAL unit: header byte first, no start code, emulation prevention bytes still in it.
    ///
    /// # Errors
    ///
    /// When `nal` is no SPS, ends too early or holds a value outside its range. Never panics.
    pub fn parse(nal: &[u8]) -> Result<Self, SpsError> {
        let header = nal.first().copied();
        if header.map(NalType::of_header) != Some(NalType::Sps) {
            return Err(SpsError::NotAnSps(header));
        }
        let rbsp = without_emulation_prevention(&nal[1..]);
        let mut bits = BitReader { bytes: &rbsp, position: 0 };

        let profile_idc = bits.u8("profile_idc")?;
        let constraint_flags = bits.u8("constraint_set_flags")?;
        let level_idc = bits.u8("level_idc")?;
        bits.ue("seq_parameter_set_id", 31)?;
        let chroma = if HIGH_PROFILES.contains(&profile_idc) {
            Chroma::read(&mut bits)?
        } else {
            Chroma { format_idc: 1, separate_planes: false, bit_depth_luma: 8, bit_depth_chroma: 8 }
        };
        bits.ue("log2_max_frame_num_minus4", 12)?;
        skip_picture_order_count(&mut bits)?;
        bits.ue("max_num_ref_frames", 16)?;
        bits.flag("gaps_in_frame_num_value_allowed_flag")?;
        let (width, height) = picture_size(&mut bits, &chroma)?;
        let colour = if bits.flag("vui_parameters_present_flag")? { vui_colour(&mut bits)? } else { None };

        Ok(Self {
            profile_idc,
            constraint_flags,
            level_idc,
            chroma_format_idc: chroma.format_idc,
            bit_depth_luma: chroma.bit_depth_luma,
            bit_depth_chroma: chroma.bit_depth_chroma,
            width,
            height,
            colour,
        })
    }

    /// The codec as RFC 6381 §3.3 names it, which MSE and WebCodecs ask for: `avc1.42C01E`.
    pub fn codec_string(&self) -> String {
        format!("avc1.{:02X}{:02X}{:02X}", self.profile_idc, self.constraint_flags, self.level_idc)
    }

    /// Whether this profile tells chroma format and bit depth, which `avcC` then repeats.
    pub fn is_high_profile(&self) -> bool {
        HIGH_PROFILES.contains(&self.profile_idc)
    }
}

struct Chroma {
    format_idc: u8,
    separate_planes: bool,
    bit_depth_luma: u8,
    bit_depth_chroma: u8,
}

impl Chroma {
    fn read(bits: &mut BitReader<'_>) -> Result<Self, SpsError> {
        let format_idc = bits.ue("chroma_format_idc", 3)? as u8;
        let separate_planes = format_idc == 3 && bits.flag("separate_colour_plane_flag")?;
        let bit_depth_luma = 8 + bits.ue("bit_depth_luma_minus8", 6)? as u8;
        let bit_depth_chroma = 8 + bits.ue("bit_depth_chroma_minus8", 6)? as u8;
        bits.flag("qpprime_y_zero_transform_bypass_flag")?;
        if bits.flag("seq_scaling_matrix_present_flag")? {
            for list in 0..if format_idc == 3 { 12 } else { 8 } {
                if bits.flag("seq_scaling_list_present_flag")? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(Self { format_idc, separate_planes, bit_depth_luma, bit_depth_chroma })
    }

    /// Pixels that one step of a cropping offset stands for, across and down, in a frame (§7.4.2.1.1).
    fn crop_unit(&self) -> (u32, u32) {
        match self.format_idc {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        }
    }
}

/// §7.3.2.1.1.1: a list ends early where the next scale becomes zero.
fn skip_scaling_list(bits: &mut BitReader<'_>, size: usize) -> Result<(), SpsError> {
    let (mut last_scale, mut next_scale) = (8_i64, 8_i64);
    for _ in 0..size {
        if next_scale != 0 {
            let delta = bits.se("delta_scale", -128..=127)?;
            next_scale = (last_scale + delta).rem_euclid(256);
        }
        if next_scale != 0 {
            last_scale = next_scale;
        }
    }
    Ok(())
}

fn skip_picture_order_count(bits: &mut BitReader<'_>) -> Result<(), SpsError> {
    const ANY: std::ops::RangeInclusive<i64> = i32::MIN as i64 + 1..=i32::MAX as i64;
    match bits.ue("pic_order_cnt_type", 2)? {
        0 => {
            bits.ue("log2_max_pic_order_cnt_lsb_minus4", 12)?;
        }
        1 => {
            bits.flag("delta_pic_order_always_zero_flag")?;
            bits.se("offset_for_non_ref_pic", ANY)?;
            bits.se("offset_for_top_to_bottom_field", ANY)?;
            for _ in 0..bits.ue("num_ref_frames_in_pic_order_cnt_cycle", 255)? {
                bits.se("offset_for_ref_frame", ANY)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Width and height in pixels after cropping.
fn picture_size(bits: &mut BitReader<'_>, chroma: &Chroma) -> Result<(u16, u16), SpsError> {
    let width_in_macroblocks = 1 + bits.ue("pic_width_in_mbs_minus1", MAX_SIDE_IN_MACROBLOCKS - 1)?;
    let height_in_map_units = 1 + bits.ue("pic_height_in_map_units_minus1", MAX_SIDE_IN_MACROBLOCKS - 1)?;
    let frames_only = bits.flag("frame_mbs_only_flag")?;
    if !frames_only {
        bits.flag("mb_adaptive_frame_field_flag")?;
    }
    bits.flag("direct_8x8_inference_flag")?;

    // A map unit is a macroblock of a frame, or of each of the two fields.
    let fields = if frames_only { 1 } else { 2 };
    let (mut width, mut height) = (width_in_macroblocks * 16, height_in_map_units * 16 * fields);
    if bits.flag("frame_cropping_flag")? {
        let (across, down) = if chroma.separate_planes { (1, 1) } else { chroma.crop_unit() };
        width = cropped(bits, ["frame_crop_left_offset", "frame_crop_right_offset"], width, across)?;
        height = cropped(bits, ["frame_crop_top_offset", "frame_crop_bottom_offset"], height, down * fields)?;
    }
    let side = |field, value: u32| {
        u16::try_from(value).map_err(|_| SpsError::Invalid { field, value: i64::from(value) })
    };
    Ok((side("picture width", width)?, side("picture height", height)?))
}

/// What two cropping offsets leave of a side: at least one pixel.
fn cropped(
    bits: &mut BitReader<'_>,
    fields: [&'static str; 2],
    side: u32,
    unit: u32,
) -> Result<u32, SpsError> {
    let first = bits.ue(fields[0], (side - 1) / unit)?;
    let left = side - first * unit;
    let second = bits.ue(fields[1], (left - 1) / unit)?;
    Ok(left - second * unit)
}

/// The VUI (§E.1.1) up to the colour, which is all that is wanted of it.
fn vui_colour(bits: &mut BitReader<'_>) -> Result<Option<Colour>, SpsError> {
    const EXTENDED_SAR: u8 = 255;
    if bits.flag("aspect_ratio_info_present_flag")? && bits.u8("aspect_ratio_idc")? == EXTENDED_SAR {
        bits.bits(16, "sar_width")?;
        bits.bits(16, "sar_height")?;
    }
    if bits.flag("overscan_info_present_flag")? {
        bits.flag("overscan_appropriate_flag")?;
    }
    if !bits.flag("video_signal_type_present_flag")? {
        return Ok(None);
    }
    bits.bits(3, "video_format")?;
    let full_range = bits.flag("video_full_range_flag")?;
    let mut colour = Colour { full_range, primaries: 2, transfer: 2, matrix: 2 };
    if bits.flag("colour_description_present_flag")? {
        colour.primaries = bits.u8("colour_primaries")?;
        colour.transfer = bits.u8("transfer_characteristics")?;
        colour.matrix = bits.u8("matrix_coefficients")?;
    }
    Ok(Some(colour))
}

/// The payload of a NAL unit: 00 00 03 stands for 00 00 (§7.4.1).
fn without_emulation_prevention(bytes: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for &byte in bytes {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    position: usize,
}

impl BitReader<'_> {
    fn flag(&mut self, field: &'static str) -> Result<bool, SpsError> {
        let byte = self.bytes.get(self.position / 8).ok_or(SpsError::Truncated(field))?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Ok(bit == 1)
    }

    /// `count` bits, at most 32.
    fn bits(&mut self, count: u32, field: &'static str) -> Result<u32, SpsError> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.flag(field)?);
        }
        Ok(value)
    }

    fn u8(&mut self, field: &'static str) -> Result<u8, SpsError> {
        Ok(self.bits(8, field)? as u8)
    }

    /// An unsigned Exp-Golomb code (§9.1) of at most `max`.
    fn ue(&mut self, field: &'static str, max: u32) -> Result<u32, SpsError> {
        let value = self.exp_golomb(field)?;
        match u32::try_from(value) {
            Ok(value) if value <= max => Ok(value),
            _ => Err(SpsError::Invalid { field, value }),
        }
    }

    /// A signed Exp-Golomb code (§9.1.1): 1, −1, 2, −2, …
    fn se(&mut self, field: &'static str, range: std::ops::RangeInclusive<i64>) -> Result<i64, SpsError> {
        let code = self.exp_golomb(field)?;
        let value = if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) };
        if range.contains(&value) { Ok(value) } else { Err(SpsError::Invalid { field, value }) }
    }

    /// At most 2³³ − 2, which a code of 32 leading zeros stands for.
    fn exp_golomb(&mut self, field: &'static str) -> Result<i64, SpsError> {
        let mut zeros = 0;
        while !self.flag(field)? {
            zeros += 1;
            if zeros > 32 {
                return Err(SpsError::Invalid { field, value: i64::MAX });
            }
        }
        let rest = self.bits(zeros, field)?;
        Ok((1_i64 << zeros) - 1 + i64::from(rest))
    }
}
