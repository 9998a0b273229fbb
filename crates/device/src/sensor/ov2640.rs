//! OmniVision OV2640: up to 1600 × 1200, JPEG made in the sensor. Most ESP32-CAM boards have it.
//!
//! Registers are numbered `bank << 8 | register`: bank 0 is the signal processor, bank 1 the sensor proper, and 2 what
//! the signal processor holds behind `0x7c` and `0x7d`. What they do, as far as it is used here:
//!
//! | register | what |
//! |---|---|
//! | `0x044` | quantiser, lower is better |
//! | `0x051`…`0x057` | window that is scaled: width and height ÷ 4, offsets, and their high bits |
//! | `0x05a`…`0x05c` | width and height of the output ÷ 4, and their high bits |
//! | `0x08c`, `0x0c0`, `0x0c1` | what the sensor proper hands over: width and height ÷ 8, and their low bits |
//! | `0x0d3` | divider of the pixel clock |
//! | `0x0da` | format of the output: `0x12` is JPEG |
//! | `0x0e0`, `0x005` | resets of parts, and the bypass: both while the size changes |
//! | `0x103`, `0x117`…`0x11a`, `0x132` | window of the array |
//! | `0x104` | bit 7 mirror, bit 6 flip, bits 0 and 1 the lowest bits of the exposure |
//! | `0x110`, `0x145` bits 0 to 5 | the other bits of the exposure, in lines: 2 to 9, and 10 to 15 |
//! | `0x111` | divider of the clock |
//! | `0x112` | bit 7 reset, bit 1 test bars, `0x60` how many rows and columns are left out |
//! | `0x113` | bit 0 automatic exposure |
//! | `0x200` bit 2, `0x209`, `0x20a` | brightness on, its amount, its sign |
//!
//! The array is read in one of three modes: whole (1600 × 1200), every second pixel (800 × 600), every fourth
//! (400 × 296). The smallest that is enough is taken, since it is the fastest, and scaled down to the frame's size.
//!
//! BOARD?: none of our boards has this sensor. The values of the registers are those that are in use with it elsewhere;
//! that they are written in this order, and each of those behind `0x7c` with its own number, was tried on no sensor.

use super::driver::{Driver, Hold, Numbers, Unfit, quantiser};
use super::field::Fields;
use super::field::Run::{self, Port, Row};
use super::setup::Setup;
use crate::camera::{Exposure, FrameSize};
use core::time::Duration;

/// The OV2640.
pub const DRIVER: Driver = Driver {
    name: "OV2640",
    address: 0x30,
    // The low byte, 0x10b, tells the revision: 0x40 to 0x42 were seen.
    id: (&[0x10a], 0x26),
    numbers: Numbers::Paged { select: 0xff, behind: Some((0x7c, 0x7d)) },
    warm_up: Duration::from_millis(20),
    max_size: FrameSize::UXGA,
    default_size: FrameSize::VGA,
    sizes: "qqvga, qvga, vga, svga, xga and uxga",
    jpeg: true,
    flip: false,
    brightness: 0,
    reset: (0x112, 0x80),
    settle_ms: 10,
    table: TABLE,
    hold: Some(Hold {
        before: &[(0x005, 0x01), (0x0e0, 0x14)],
        after: &[(0x0e0, 0x00), (0x005, 0x00)],
        settle_ms: 10,
    }),
    test_bar: Some((0x112, 0x02)),
    fields,
    // Reading what leads to bank 2 would count its number up.
    dump: &[0x000..=0x06f, 0x080..=0x0ff, 0x100..=0x17f],
    dump_note: ", 0x1nn is register nn of bank 1",
};

/// One way to read the array.
struct Mode {
    /// Columns and rows that are read.
    read: (u16, u16),
    /// Rows of a frame with its blanking.
    rows: u16,
    /// Divider of the pixel clock: the largest JPEGs leave more slowly.
    divider: u8,
    /// The registers of the sensor proper, as their maker sets them for this mode.
    registers: [u8; MODE_REGISTERS.len()],
}

/// What a mode sets: rows and columns left out, window of the array, mains filters, and analogue values.
const MODE_REGISTERS: [u16; 20] = [
    0x103, 0x132, 0x117, 0x118, 0x119, 0x11a, 0x14f, 0x150, 0x15a, 0x16d, 0x13d, 0x139, 0x135, 0x122, 0x137,
    0x134, 0x106, 0x10d, 0x10e, 0x142,
];

const QUARTER: Mode = Mode {
    read: (400, 296),
    rows: 336,
    divider: 8,
    registers: [
        0x0a, 0x89, 0x11, 0x43, 0x00, 0x25, 0xca, 0xa8, 0x23, 0x00, 0x38, 0x92, 0xda, 0x1a, 0xc3, 0xc0, 0x88,
        0x87, 0x41, 0x03,
    ],
};

const HALF: Mode = Mode {
    read: (800, 600),
    rows: 672,
    divider: 8,
    registers: [
        0x0a, 0x09, 0x11, 0x43, 0x00, 0x4b, 0xca, 0xa8, 0x23, 0x00, 0x38, 0x92, 0xda, 0x1a, 0xc3, 0xc0, 0x88,
        0x87, 0x41, 0x03,
    ],
};

const WHOLE: Mode = Mode {
    read: (1600, 1200),
    rows: 1248,
    divider: 12,
    registers: [
        0x0f, 0x36, 0x11, 0x75, 0x01, 0x97, 0xbb, 0x9c, 0x57, 0x80, 0x34, 0x82, 0x88, 0x0a, 0x40, 0xa0, 0x02,
        0xb7, 0x01, 0x83,
    ],
};

/// The registers that make this setup.
fn fields(setup: &Setup, fields: &mut Fields) -> Result<(), Unfit> {
    let (mode, skipping) = match setup.size {
        FrameSize::QQVGA | FrameSize::QVGA => (QUARTER, 0x20),
        FrameSize::VGA | FrameSize::SVGA => (HALF, 0x40),
        FrameSize::XGA | FrameSize::UXGA => (WHOLE, 0x00),
        _ => return Err(Unfit::Size),
    };
    fields.held = true;
    fields.bits(0x112, 0x74, skipping);
    for (register, value) in MODE_REGISTERS.into_iter().zip(mode.registers) {
        fields.byte(register, value);
    }
    fields.byte(0x111, 0x00);
    fields.byte(0x0d3, mode.divider);
    scaler(&mode, setup.size, fields);
    fields.held = false;

    fields.byte(0x044, quantiser(setup.quality));
    fields.bits(0x104, 0xc0, u8::from(setup.mirror) << 7 | u8::from(setup.flip) << 6);
    // The maker's five levels: 0x20 is the middle.
    fields.byte(0x200, 0x04);
    fields.byte(0x209, (0x20 + setup.brightness.clamp(-2, 2) * 0x10).cast_unsigned());
    fields.byte(0x20a, 0x00);
    fields.bits(0x113, 0x01, u8::from(setup.exposure == Exposure::Auto));
    if let Exposure::Lines(lines) = setup.exposure {
        // BOARD?: whether it takes all rows of a frame, or some less.
        let [high, low] = lines.clamp(1, mode.rows).to_be_bytes();
        fields.bits(0x145, 0x3f, high >> 2);
        fields.byte(0x110, high << 6 | low >> 2);
        fields.bits(0x104, 0x03, low);
    }
    Ok(())
}

/// From what is read to the frame: the largest part of its shape, in the middle, whose offsets and sides are multiples
/// of four, and then the scaler.
fn scaler(mode: &Mode, size: FrameSize, fields: &mut Fields) {
    let (width, height) = mode.read;
    fields.byte(0x0c0, (width / 8) as u8);
    fields.byte(0x0c1, (height / 8) as u8);
    fields.byte(0x08c, 0x00);

    // All frames are 4:3, and so is what is read, but for the quarter's 296 rows: 394 of its 400 columns go with them.
    let columns = (height * 4 / 3).min(width) & !3;
    let left = ((width - columns) / 2) & !3;
    let (w, h) = (columns / 4, height / 4);
    fields.byte(0x051, w as u8);
    fields.byte(0x052, h as u8);
    fields.byte(0x053, left as u8);
    fields.byte(0x054, 0x00);
    fields.byte(0x055, (h >> 8 << 7) as u8 | (w >> 8 << 3) as u8 & 0x08);
    fields.byte(0x057, (w >> 9 << 7) as u8);

    let (w, h) = (size.width / 4, size.height / 4);
    fields.byte(0x05a, w as u8);
    fields.byte(0x05b, h as u8);
    fields.byte(0x05c, (h >> 8 << 2) as u8 & 0x04 | (w >> 8) as u8 & 0x03);

    // The maker's: a low-pass filter, where pixels were left out.
    fields.byte(0x050, if width == WHOLE.read.0 { 0x00 } else { 0x80 });
}

/// What the OV2640 holds before it is set up: the maker's values for the analogue part, automatics, lens, gamma, colours
/// and noise, and the JPEG engine. What a setup writes is not among it.
#[rustfmt::skip]
const TABLE: &[Run] = &[
    Row(0x02c, &[0xff]),
    Row(0x02e, &[0xdf]),
    Row(0x13c, &[0x32]),
    Row(0x109, &[0x02]),
    Row(0x104, &[0x28]),
    Row(0x113, &[0xe5, 0x48]),
    Row(0x12c, &[0x0c]),
    Row(0x133, &[0x78]),
    Row(0x13a, &[0x33, 0xfb]),
    Row(0x13e, &[0x00]),
    Row(0x143, &[0x11]),
    Row(0x116, &[0x10]),
    Row(0x123, &[0x00]),
    Row(0x107, &[0xc0]),
    Row(0x14c, &[0x00]),
    Row(0x14a, &[0x81]),
    Row(0x121, &[0x99]),
    Row(0x124, &[0x40, 0x38, 0x82]),
    Row(0x15c, &[0x00]),
    Row(0x163, &[0x00]),
    Row(0x161, &[0x70, 0x80]),
    Row(0x17c, &[0x05]),
    Row(0x120, &[0x80]),
    Row(0x128, &[0x30]),
    Row(0x16c, &[0x00]),
    Row(0x16e, &[0x00]),
    Row(0x170, &[0x02, 0x94]),
    Row(0x173, &[0xc1]),
    Row(0x0e5, &[0x7f]),
    Row(0x0f9, &[0xc0]),
    Row(0x041, &[0x24]),
    Row(0x0e0, &[0x14]),
    Row(0x076, &[0xff]),
    Row(0x033, &[0x80]),
    Row(0x042, &[0x20, 0x18]),
    Row(0x04c, &[0x00]),
    Row(0x086, &[0x3d, 0x50, 0x3f]),
    Row(0x0d7, &[0x03]),
    Row(0x0d9, &[0x10]),
    Row(0x0c8, &[0x08, 0x80]),
    Row(0x203, &[0x48, 0x48]),
    Row(0x208, &[0x20]),
    Row(0x090, &[0x00]),
    Port(0x091, &[0x0e, 0x1a, 0x31, 0x5a, 0x69, 0x75, 0x7e, 0x88, 0x8f, 0x96, 0xa3, 0xaf, 0xc4, 0xd7, 0xe8, 0x20]),
    Row(0x092, &[0x00]),
    Port(0x093, &[0x06, 0xe3, 0x05, 0x05, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),
    Row(0x096, &[0x00]),
    Port(0x097, &[0x08, 0x19, 0x02, 0x0c, 0x24, 0x30, 0x28, 0x26, 0x02, 0x98, 0x80, 0x00, 0x00]),
    Row(0x0a4, &[0x00]),
    Row(0x0a8, &[0x00]),
    Row(0x0c5, &[0x11, 0x51]),
    Row(0x0bf, &[0x80]),
    Row(0x0c7, &[0x10]),
    Row(0x0b6, &[0x66, 0x64, 0xa5, 0x7c]),
    Row(0x0b3, &[0xaf, 0x97, 0xff]),
    Row(0x0b0, &[0xc5, 0x94, 0x0f]),
    Row(0x0c4, &[0x5c]),
    Row(0x0c3, &[0xfd]),
    Row(0x07f, &[0x00]),
    Row(0x0e5, &[0x1f]),
    Row(0x0da, &[0x12]),
    Row(0x0e1, &[0x77]),
    Row(0x0df, &[0x80]),
    Row(0x03c, &[0x10]),
    Row(0x0eb, &[0x30]),
    Row(0x0dd, &[0x7f]),
    Row(0x0e0, &[0x00]),
    Row(0x005, &[0x00]),
];
