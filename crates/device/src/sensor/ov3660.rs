//! OmniVision OV3660: up to 2048 × 1536, JPEG made in the sensor.
//!
//! | register | what |
//! |---|---|
//! | `0x303a`…`0x303d`, `0x3824`, `0x460c` | PLL, and the divider of the pixel clock |
//! | `0x3500`…`0x3502` | exposure in sixteenths of a line, 20 bits |
//! | `0x3503` | bit 0 manual exposure |
//! | `0x3800`…`0x3807` | window of the array: left, top, right, bottom, both ends within |
//! | `0x3808`…`0x380b` | width and height of the output |
//! | `0x380c`…`0x380f` | columns of a line and lines of a frame, with blanking |
//! | `0x3810`…`0x3813` | columns and lines left out at each edge of what was read |
//! | `0x3814`, `0x3815` | steps across and down: `0x11` every pixel, `0x31` pairs of every fourth, for binning |
//! | `0x3820` | bit 0 binning down, bits 1 and 2 flip, bit 6 set without binning |
//! | `0x3821` | bit 0 binning across, bits 1 and 2 mirror, bit 5 JPEG |
//! | `0x4407` | bits 0 to 5 quantiser, lower is better |
//! | `0x4514`, `0x4520` | go with binning, flip and mirror, so that colours stay right |
//! | `0x5001` | bit 5 scaler |
//! | `0x503d` | bits 6 and 7 test bars, rolling |
//! | `0x5587`, `0x5588` bit 3 | brightness and its sign |

use super::driver::{Driver, Numbers, Unfit, quantiser};
use super::field::Fields;
use super::field::Run::{self, Row};
use super::setup::Setup;
use crate::camera::{Exposure, FrameSize};
use core::ops::RangeInclusive;
use core::time::Duration;

/// The OV3660.
pub const DRIVER: Driver = Driver {
    name: "OV3660",
    address: 0x3c,
    id: (&[0x300a, 0x300b], 0x3660),
    numbers: Numbers::Wide,
    warm_up: Duration::from_millis(1500),
    max_size: MAX_SIZE,
    default_size: FrameSize::VGA,
    sizes: "sizes from 96x96 up in steps of 16 and 8 pixels",
    jpeg: true,
    flip: true,
    brightness: 1,
    reset: (0x3008, 0x82),
    settle_ms: 100,
    table: TABLE,
    hold: None,
    test_bar: Some((0x503d, 0xc0)),
    fields,
    dump: DUMP,
    dump_note: "",
};

const MAX_SIZE: FrameSize = FrameSize { width: 2048, height: 1536 };

/// System, clocks, exposure, window and timing, automatics, black level, formats, JPEG, output, picture, colours.
const DUMP: &[RangeInclusive<u16>] = &[
    0x3000..=0x303f,
    0x3100..=0x310f,
    0x3400..=0x340f,
    0x3500..=0x351f,
    0x3800..=0x382f,
    0x3a00..=0x3a2f,
    0x4000..=0x400f,
    0x4300..=0x430f,
    0x4400..=0x440f,
    0x4510..=0x452f,
    0x4600..=0x460f,
    0x4710..=0x474f,
    0x5000..=0x503f,
    0x5180..=0x519f,
    0x5300..=0x530f,
    0x5380..=0x538f,
    0x5580..=0x558f,
];

/// Smallest side of a frame: below, the scaler was never seen to work.
const MIN_SIDE: u16 = 96;

/// Pixels beyond the largest frame, at each edge: the colours at the rim need neighbours.
const RIM: (u16, u16) = (16, 6);

/// Columns of a line with its blanking.
const COLUMNS: u16 = 2300;

/// The registers that make this setup.
fn fields(setup: &Setup, fields: &mut Fields) -> Result<(), Unfit> {
    let window = Window::for_size(setup.size).ok_or(Unfit::Size)?;
    window.fields(setup, fields);
    pll(setup.size, fields);
    fields.bits(0x4407, 0x3f, quantiser(setup.quality));
    let brightness = setup.brightness.clamp(-2, 2);
    fields.byte(0x5587, brightness.unsigned_abs() * 16);
    fields.bits(0x5588, 0x08, u8::from(brightness < 0) << 3);
    fields.bits(0x3503, 0x01, u8::from(setup.exposure != Exposure::Auto));
    if let Exposure::Lines(lines) = setup.exposure {
        // BOARD?: whether it takes all lines of a frame, or some less.
        let [_, high, middle, low] = (u32::from(lines.clamp(1, window.lines)) << 4).to_be_bytes();
        fields.byte(0x3500, high);
        fields.byte(0x3501, middle);
        fields.byte(0x3502, low);
    }
    Ok(())
}

/// The part of the array that a frame is made of: the largest of its shape, in the middle.
///
/// BOARD?: for 4:3 these are the maker's numbers; other shapes are calculated in the same way.
struct Window {
    size: FrameSize,
    /// First column and line.
    start: (u16, u16),
    /// Last column and line.
    end: (u16, u16),
    /// Lines of a frame with its blanking.
    lines: u16,
    /// Two by two pixels become one: four times the light, and half the time.
    binned: bool,
    /// What is left is larger than the frame.
    scaled: bool,
}

impl Window {
    fn for_size(size: FrameSize) -> Option<Self> {
        let FrameSize { width, height } = size;
        let whole_blocks = width % 16 == 0 && height % 8 == 0;
        if !whole_blocks || width < MIN_SIDE || height < MIN_SIDE || !size.fits(MAX_SIZE) {
            return None;
        }
        let (w, h) = (u32::from(width), u32::from(height));
        let (max_w, max_h) = (u32::from(MAX_SIZE.width), u32::from(MAX_SIZE.height));
        // In fours, so that half of it begins and ends with whole groups of colours.
        let (from_w, from_h) = if w * max_h >= h * max_w {
            (max_w, (max_w * h / w) & !3)
        } else {
            ((max_h * w / h) & !3, max_h)
        };
        let start = (((max_w - from_w) / 2) as u16, ((max_h - from_h) / 2) as u16);
        let end = (start.0 + from_w as u16 + 2 * RIM.0 - 1, start.1 + from_h as u16 + 2 * RIM.1 - 1);
        let binned = w <= from_w / 2 && h <= from_h / 2;
        let left = if binned { (from_w / 2, from_h / 2) } else { (from_w, from_h) };
        // Some lines for the blanking, counted from the top of the array: with binning, each line read is two.
        let lines = end.1 + 17;
        let lines = if binned { lines / 2 + 1 } else { lines };
        Some(Self { size, start, end, lines, binned, scaled: left != (w, h) })
    }

    fn fields(&self, setup: &Setup, fields: &mut Fields) {
        let Self { size, start, end, lines, binned, scaled } = *self;
        // Binned, two lines of the rim more than half of it stay: the original's values, which are known to work.
        let offset = if binned { (8, 2) } else { RIM };
        for (register, (across, down)) in [
            (0x3800, start),
            (0x3804, end),
            (0x3808, (size.width, size.height)),
            (0x380c, (COLUMNS, lines)),
            (0x3810, offset),
        ] {
            fields.word(register, across);
            fields.word(register + 2, down);
        }
        fields.bits(0x5001, 0x20, u8::from(scaled) << 5);

        let step = if binned { 0x31 } else { 0x11 };
        fields.byte(0x3814, step);
        fields.byte(0x3815, step);
        let flip = if setup.flip { 0x06 } else { 0 };
        let mirror = if setup.mirror { 0x06 } else { 0 };
        fields.byte(0x3820, flip | if binned { 0x01 } else { 0x40 });
        fields.byte(0x3821, mirror | 0x20 | u8::from(binned));
        fields.byte(
            0x4514,
            match (binned, setup.flip, setup.mirror) {
                (false, _, false) => 0x88,
                (true, false, false) | (true, true, true) => 0xaa,
                (false, _, true) | (true, true, false) | (true, false, true) => 0xbb,
            },
        );
        fields.byte(0x4520, if binned { 0x0b } else { 0xb0 });
    }
}

/// Clocks for XCLK at 20 MHz: XCLK ÷ 3 × multiplier is what the PLL makes; a quarter of it drives the sensor, and half
/// of it, divided, is the pixel clock: 10 MHz, at which a byte of JPEG leaves at each tick.
fn pll(size: FrameSize, fields: &mut Fields) {
    // The largest frames are read more slowly, or their JPEGs would not get out in time.
    let (multiplier, divider) = if size == MAX_SIZE { (24, 8) } else { (30, 10) };
    fields.byte(0x303a, 0x00);
    fields.byte(0x303b, multiplier);
    fields.byte(0x303c, 0x11);
    fields.byte(0x303d, 0x30);
    fields.byte(0x3824, divider);
    fields.byte(0x460c, 0x22);
}

/// What the OV3660 holds before it is set up: the maker's values for the analogue part, automatics, lens, noise and
/// colours; saturation two steps below the middle, as in the original; the target of the exposure in its middle; JPEG.
#[rustfmt::skip]
const TABLE: &[Run] = &[
    Row(0x3103, &[0x13]),
    Row(0x3008, &[0x42]),
    Row(0x3017, &[0xff, 0xff]),
    Row(0x302c, &[0xc3]),
    Row(0x4740, &[0x21]),
    Row(0x3611, &[0x01, 0x2d]),
    Row(0x3032, &[0x00]),
    Row(0x3614, &[0x80]),
    Row(0x3618, &[0x00, 0x75]),
    Row(0x3622, &[0x80, 0x00, 0x03]),
    Row(0x3630, &[0x52]),
    Row(0x3632, &[0x07, 0xd2]),
    Row(0x3704, &[0x80]),
    Row(0x3708, &[0x66, 0x12]),
    Row(0x370b, &[0x12]),
    Row(0x3717, &[0x00]),
    Row(0x371b, &[0x60, 0x00]),
    Row(0x3901, &[0x13]),
    Row(0x3600, &[0x08]),
    Row(0x3620, &[0x43]),
    Row(0x3702, &[0x20]),
    Row(0x3739, &[0x48]),
    Row(0x3730, &[0x20]),
    Row(0x370c, &[0x0c]),
    Row(0x3a18, &[0x00, 0xf8]),
    Row(0x3000, &[0x10]),
    Row(0x3004, &[0xef]),
    Row(0x6700, &[0x05, 0x19, 0xfd, 0xd1, 0xff, 0xff]),
    Row(0x3c01, &[0x80]),
    Row(0x3c00, &[0x04]),
    Row(0x3a08, &[0x00, 0x62, 0x00, 0x52]),
    Row(0x3a0d, &[0x09, 0x08]),
    Row(0x3a00, &[0x3a]),
    Row(0x3a14, &[0x09, 0x30]),
    Row(0x3a02, &[0x09, 0x30]),
    Row(0x440e, &[0x08]),
    Row(0x460b, &[0x37]),
    Row(0x4713, &[0x02]),
    Row(0x5086, &[0x00]),
    Row(0x5002, &[0x00]),
    Row(0x3008, &[0x02]),
    Row(0x5180, &[0xff, 0xf2, 0x00, 0x14, 0x25, 0x24, 0x16, 0x16, 0x16, 0x68, 0x60, 0xe0, 0xb2, 0x42, 0x35, 0x56, 0x56, 0xf8, 0x04, 0x70, 0xf0, 0xf0, 0x03, 0x01, 0x04, 0x12, 0x04, 0x00, 0x06, 0x82, 0x38]),
    Row(0x5381, &[0x1d, 0x60, 0x03, 0x0a, 0x60, 0x6a, 0x64, 0x56, 0x0e, 0x01, 0x98]),
    Row(0x5480, &[0x01]),
    Row(0x5000, &[0xa7]),
    Row(0x5800, &[0x0c, 0x09, 0x0c, 0x0c, 0x0d, 0x17, 0x06, 0x05, 0x04, 0x06, 0x09, 0x0e, 0x05, 0x01, 0x01, 0x01, 0x05, 0x0d, 0x05, 0x01, 0x01, 0x01, 0x05, 0x0d, 0x08, 0x06, 0x05, 0x07, 0x0b, 0x0d, 0x12, 0x0d, 0x0e, 0x10, 0x10, 0x1e, 0x53, 0x15, 0x05, 0x14, 0x54, 0x25, 0x33, 0x33, 0x34, 0x16, 0x24, 0x41, 0x50, 0x42, 0x15, 0x25, 0x34, 0x33, 0x24, 0x26, 0x54, 0x25, 0x15, 0x25, 0x53, 0xcf]),
    Row(0x3a0f, &[0x3b, 0x32, 0x76]),
    Row(0x3a1b, &[0x3b]),
    Row(0x3a1e, &[0x32, 0x19]),
    Row(0x5302, &[0x28, 0x20]),
    Row(0x5306, &[0x1c, 0x28]),
    Row(0x4002, &[0xc5, 0x81]),
    Row(0x4005, &[0x12]),
    Row(0x5688, &[0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11]),
    Row(0x5580, &[0x06]),
    Row(0x5588, &[0x00]),
    Row(0x5583, &[0x40, 0x2c]),
    Row(0x5001, &[0x83]),
    Row(0x501f, &[0x00]),
    Row(0x4300, &[0x30]),
    Row(0x3002, &[0x00]),
    Row(0x3006, &[0xff]),
    Row(0x471c, &[0x50]),
];
