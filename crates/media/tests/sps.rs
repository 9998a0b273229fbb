//! Sequence parameter sets of real encoders and of a writer that uses all that the standard offers.

use lenscast_media::h264::sps::{Colour, Sps, SpsError};
use proptest::prelude::*;

const OPENH264: &str = "6742c0148c684726e0c0c0c0f08846a0";
const X264_HIGH: &str = "6764000aacd9447eabff0017001f1000000300100000030140f1225960";
const X264_HIGH_10: &str = "676e000aa6cd9447bff00030004a70506054000003000400000300503c489658";
const X264_4_4_4: &str = "67f4000a919b288fd57fe005e007e2000003000200000300281e244b2c";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn parse(hex: &str) -> Sps {
    Sps::parse(&bytes(hex)).unwrap()
}

#[test]
fn openh264_says_full_range_bt601() {
    let sps = parse(OPENH264);
    assert_eq!((sps.profile_idc, sps.constraint_flags, sps.level_idc), (66, 0xC0, 20));
    assert_eq!((sps.width, sps.height), (64, 48));
    assert_eq!(sps.colour, Some(Colour { full_range: true, primaries: 6, transfer: 6, matrix: 6 }));
    assert_eq!(sps.codec_string(), "avc1.42C014");
    assert!(!sps.is_high_profile());
}

/// The numbers are what ffprobe says of the same streams.
#[test]
fn x264_in_all_its_formats_is_read_as_ffprobe_reads_it() {
    let streams = [
        ("base", "6742c016d900a03dbff000300041000003000100000300140f162e48", 66, 22, 640, 480, 1, 8),
        (
            "1080p",
            "67640028acd940780227e5ffc002400404000003000400000300503c60c658",
            100,
            40,
            1920,
            1080,
            1,
            8,
        ),
        ("cropped", X264_HIGH, 100, 10, 62, 46, 1, 8),
        ("4:2:2", "677a000abcd94527888fffc006400844000003000400000300503c489658", 122, 10, 66, 50, 2, 8),
        ("4:4:4, odd", X264_4_4_4, 244, 10, 63, 47, 3, 8),
        ("interlaced", "67640015acd9444fc9ff8006800808000003000800000300a0f8a14cb0", 100, 21, 64, 52, 1, 8),
        ("ten bits", X264_HIGH_10, 110, 10, 64, 48, 1, 10),
    ];
    for (name, hex, profile, level, width, height, chroma, depth) in streams {
        let sps = parse(hex);
        assert_eq!((sps.profile_idc, sps.level_idc), (profile, level), "{name}");
        assert_eq!((sps.width, sps.height), (width, height), "{name}");
        assert_eq!(sps.chroma_format_idc, chroma, "{name}");
        assert_eq!((sps.bit_depth_luma, sps.bit_depth_chroma), (depth, depth), "{name}");
    }
}

#[test]
fn odd_sizes_of_a_picture_without_colour_are_told() {
    let sps = parse("6764000af36511faaffc00bc00fdb2000003000200000300281e244b2c");
    assert_eq!((sps.chroma_format_idc, sps.width, sps.height), (0, 63, 47));
    assert_eq!(sps.colour, Some(Colour { full_range: true, primaries: 2, transfer: 2, matrix: 2 }));
}

#[test]
fn a_vui_may_or_may_not_describe_the_colour() {
    let described = Colour { full_range: true, primaries: 5, transfer: 6, matrix: 5 };
    assert_eq!(parse(X264_HIGH_10).colour, Some(described));
    assert_eq!(parse(X264_HIGH).colour, None);
}

#[test]
fn another_nal_unit_is_refused_by_its_type() {
    assert_eq!(Sps::parse(&[]), Err(SpsError::NotAnSps(None)));
    let error = Sps::parse(&[0x68, 0xCE]).unwrap_err();
    assert_eq!(error.to_string(), "expected a NAL unit of type 7 (SPS), found type 8");
}

#[test]
fn a_truncated_sps_is_refused_with_the_field_it_ends_in() {
    let whole = bytes(OPENH264);
    assert_eq!(Sps::parse(&whole[..1]), Err(SpsError::Truncated("profile_idc")));
    assert_eq!(Sps::parse(&whole[..3]), Err(SpsError::Truncated("level_idc")));
    // The colour ends within the twelfth byte; what follows is not read.
    for length in 0..12 {
        assert!(Sps::parse(&whole[..length]).is_err(), "{length} bytes");
    }
    assert_eq!(Sps::parse(&whole[..12]), Sps::parse(&whole));
}

#[test]
fn a_size_beyond_every_level_is_refused() {
    let mut bits = Bits::default();
    Fields { width_mbs: 1056, ..Fields::default() }.write(&mut bits);
    let expected = SpsError::Invalid { field: "pic_width_in_mbs_minus1", value: 1055 };
    assert_eq!(Sps::parse(&bits.nal()), Err(expected));
}

#[test]
fn cropping_all_of_the_picture_away_is_refused() {
    let mut bits = Bits::default();
    Fields { width_mbs: 1, crop: Some([4, 4, 0, 0]), ..Fields::default() }.write(&mut bits);
    let expected = SpsError::Invalid { field: "frame_crop_right_offset", value: 4 };
    assert_eq!(Sps::parse(&bits.nal()), Err(expected));
}

/// What the writer below can say; the picture stays larger than what is cropped from it.
#[derive(Clone, Debug)]
struct Fields {
    profile: u8,
    level: u8,
    chroma: u8,
    separate_planes: bool,
    depth: u8,
    scaling: Vec<Option<Vec<i8>>>,
    order: Order,
    width_mbs: u32,
    height_units: u32,
    frames_only: bool,
    crop: Option<[u32; 4]>,
    colour: Option<Colour>,
    extended_sar: Option<(u16, u16)>,
}

#[derive(Clone, Debug)]
enum Order {
    Bits(u32),
    Offsets(i32, Vec<i32>),
    AsDecoded,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            profile: 66,
            level: 30,
            chroma: 1,
            separate_planes: false,
            depth: 8,
            scaling: Vec::new(),
            order: Order::AsDecoded,
            width_mbs: 4,
            height_units: 3,
            frames_only: true,
            crop: None,
            colour: None,
            extended_sar: None,
        }
    }
}

impl Fields {
    fn write(&self, bits: &mut Bits) {
        bits.put(u32::from(self.profile), 8);
        bits.put(0, 8);
        bits.put(u32::from(self.level), 8);
        bits.ue(0);
        if self.profile == 100 {
            bits.ue(self.chroma.into());
            if self.chroma == 3 {
                bits.put(self.separate_planes.into(), 1);
            }
            bits.ue(u32::from(self.depth) - 8);
            bits.ue(u32::from(self.depth) - 8);
            bits.put(0, 1);
            self.write_scaling(bits);
        }
        bits.ue(0);
        match &self.order {
            Order::Bits(log2_minus4) => {
                bits.ue(0);
                bits.ue(*log2_minus4);
            }
            Order::Offsets(offset, cycle) => {
                bits.ue(1);
                bits.put(0, 1);
                bits.se(*offset);
                bits.se(-*offset);
                bits.ue(cycle.len() as u32);
                cycle.iter().for_each(|&offset| bits.se(offset));
            }
            Order::AsDecoded => bits.ue(2),
        }
        bits.ue(1);
        bits.put(0, 1);
        bits.ue(self.width_mbs - 1);
        bits.ue(self.height_units - 1);
        bits.put(self.frames_only.into(), 1);
        if !self.frames_only {
            bits.put(1, 1);
        }
        bits.put(1, 1);
        bits.put(self.crop.is_some().into(), 1);
        self.crop.into_iter().flatten().for_each(|offset| bits.ue(offset));
        self.write_vui(bits);
        bits.put(1, 1);
    }

    fn write_scaling(&self, bits: &mut Bits) {
        bits.put((!self.scaling.is_empty()).into(), 1);
        if self.scaling.is_empty() {
            return;
        }
        for list in 0..if self.chroma == 3 { 12 } else { 8 } {
            let Some(Some(scales)) = self.scaling.get(list) else {
                bits.put(0, 1);
                continue;
            };
            bits.put(1, 1);
            // §7.3.2.1.1.1: each scale as the difference to the one before, and nothing after a zero.
            let mut last = 8_i32;
            for &scale in scales.iter().cycle().take(if list < 6 { 16 } else { 64 }) {
                let scale = i32::from(scale as u8);
                let delta = (scale - last + 128).rem_euclid(256) - 128;
                bits.se(delta);
                if scale == 0 {
                    break;
                }
                last = scale;
            }
        }
    }

    fn write_vui(&self, bits: &mut Bits) {
        bits.put((self.colour.is_some() || self.extended_sar.is_some()).into(), 1);
        if self.colour.is_none() && self.extended_sar.is_none() {
            return;
        }
        bits.put(self.extended_sar.is_some().into(), 1);
        if let Some((width, height)) = self.extended_sar {
            bits.put(255, 8);
            bits.put(width.into(), 16);
            bits.put(height.into(), 16);
        }
        bits.put(1, 1);
        bits.put(1, 1);
        bits.put(self.colour.is_some().into(), 1);
        if let Some(colour) = self.colour {
            bits.put(5, 3);
            bits.put(colour.full_range.into(), 1);
            bits.put(1, 1);
            for number in [colour.primaries, colour.transfer, colour.matrix] {
                bits.put(number.into(), 8);
            }
        }
    }

    /// Pixels of the picture, by the formulas (7-18) to (7-22) of the standard.
    fn size(&self) -> (u32, u32) {
        let fields = if self.frames_only { 1 } else { 2 };
        let (across, down) = match (self.chroma, self.separate_planes) {
            (1, _) => (2, 2),
            (2, _) => (2, 1),
            _ => (1, 1),
        };
        let [left, right, top, bottom] = self.crop.unwrap_or_default();
        (
            self.width_mbs * 16 - across * (left + right),
            self.height_units * 16 * fields - down * fields * (top + bottom),
        )
    }
}

#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn ue(&mut self, value: u32) {
        let digits = (u64::from(value) + 1).ilog2();
        self.put(0, digits);
        self.put(1, 1);
        self.put((value + 1) ^ (1 << digits), digits);
    }

    fn se(&mut self, value: i32) {
        self.ue(if value > 0 { value as u32 * 2 - 1 } else { value.unsigned_abs() * 2 });
    }

    /// The NAL unit, with emulation prevention bytes.
    fn nal(&self) -> Vec<u8> {
        let mut nal = vec![0x67];
        for bits in self.0.chunks(8) {
            let byte = bits.iter().enumerate().fold(0, |byte, (at, &bit)| byte | u8::from(bit) << (7 - at));
            if byte <= 3 && nal.ends_with(&[0, 0]) {
                nal.push(3);
            }
            nal.push(byte);
        }
        nal
    }
}

fn fields() -> impl Strategy<Value = Fields> {
    let order = prop_oneof![
        (0..=12_u32).prop_map(Order::Bits),
        (-70_000..70_000_i32, prop::collection::vec(-70_000..70_000_i32, 0..20))
            .prop_map(|(offset, cycle)| Order::Offsets(offset, cycle)),
        Just(Order::AsDecoded),
    ];
    let colour = (any::<bool>(), any::<u8>(), any::<u8>(), any::<u8>()).prop_map(
        |(full_range, primaries, transfer, matrix)| Colour { full_range, primaries, transfer, matrix },
    );
    let scaling = prop::collection::vec(prop::option::of(prop::collection::vec(any::<i8>(), 1..64)), 0..12);
    let picture = (1..=200_u32, 1..=200_u32, any::<bool>(), prop::option::of([0..4_u32, 0..3, 0..4, 0..3]));
    (
        (prop_oneof![Just(66_u8), Just(100)], any::<u8>(), 0..4_u8, any::<bool>(), 8..=14_u8, scaling),
        order,
        picture,
        prop::option::of(colour),
        prop::option::of((any::<u16>(), any::<u16>())),
    )
        .prop_map(
            |((profile, level, chroma, separate, depth, scaling), order, picture, colour, extended_sar)| {
                let high = profile == 100;
                Fields {
                    profile,
                    level,
                    chroma: if high { chroma } else { 1 },
                    separate_planes: high && chroma == 3 && separate,
                    depth: if high { depth } else { 8 },
                    scaling,
                    order,
                    width_mbs: picture.0,
                    height_units: picture.1,
                    frames_only: picture.2,
                    crop: picture.3,
                    colour,
                    extended_sar,
                }
            },
        )
}

proptest! {
    #[test]
    fn all_that_the_standard_can_say_is_read_back(fields in fields()) {
        let mut bits = Bits::default();
        fields.write(&mut bits);
        let sps = Sps::parse(&bits.nal()).unwrap();
        prop_assert_eq!((sps.profile_idc, sps.level_idc), (fields.profile, fields.level));
        prop_assert_eq!((sps.chroma_format_idc, sps.bit_depth_luma), (fields.chroma, fields.depth));
        prop_assert_eq!((u32::from(sps.width), u32::from(sps.height)), fields.size());
        prop_assert_eq!(sps.colour, fields.colour);
    }

    #[test]
    fn any_bytes_give_a_size_or_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..100), high in any::<bool>()) {
        bytes.splice(0..0, [0x67, if high { 100 } else { 66 }, 0, 30]);
        if let Ok(sps) = Sps::parse(&bytes) {
            prop_assert!(sps.width > 0 && sps.height > 0);
        }
    }

    #[test]
    fn a_flipped_bit_gives_a_size_or_an_error(at in 8..(29 * 8_usize)) {
        let mut bytes = bytes(X264_4_4_4);
        bytes[at / 8] ^= 1 << (at % 8);
        if let Ok(sps) = Sps::parse(&bytes) {
            prop_assert!(sps.width > 0 && sps.height > 0);
        }
    }
}
