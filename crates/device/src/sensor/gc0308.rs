//! GalaxyCore GC0308: VGA at most, YUV 4:2:2, RGB565 or Y8.
//!
//! Registers are numbered `page << 8 | register`. What they do, as far as it is used here:
//!
//! | register | what |
//! |---|---|
//! | `0x01`, `0x02`, `0x0f` | blanking: columns and rows, low bytes; `0x0f` holds the high nibbles, rows first |
//! | `0x03`, `0x04` | exposure in rows, 12 bits |
//! | `0x05`…`0x0c` | window: first row, first column, height + 8, width + 8 |
//! | `0x12` | columns between a row and its blanking |
//! | `0x14` | bit 0 mirror, bit 1 flip |
//! | `0x22` | bit 0 automatic exposure, bit 1 white balance, bit 2 gain |
//! | `0x24` | format of the output |
//! | `0x2e` | bit 0 test bars |
//! | `0xb5` | brightness: added to luma, signed |
//! | `0xd2` | bit 7 automatic exposure |
//! | `0xe2`…`0xeb` | rows in a half-wave of the mains, and the exposures that it may reach, multiples of that |
//! | `0x153` bit 7, `0x155` bit 0 | subsampling on |
//! | `0x154` | one of so many rows, one of so many columns |
//!
//! Timing: a row is blanking + `0x12` + 640 + 12 columns, and a frame is blanking + 4 + 480 + 8 rows, at one column per
//! two ticks of XCLK. The table makes that 1000 columns (100 µs) and 504 rows: 19.8 frames a second for all sizes, as in
//! the maker's QVGA mode for a clock of 20 MHz.
//!
//! BOARD?: a row of VGA comes at 20 MB/s while it lasts, one of QVGA at half of that. Should the camera port lose bytes of
//! VGA, `0x28` divides the pixel clock.
//!
//! BOARD?: the original left the blanking as it is after a reset, whatever that is.

use super::driver::{Driver, Numbers, Unfit};
use super::field::Fields;
use super::field::Run::{self, Row};
use super::setup::Setup;
use crate::camera::{Exposure, FrameSize};
use core::time::Duration;
use lenscast_picture::raw::RawFormat;

/// The GC0308.
pub const DRIVER: Driver = Driver {
    name: "GC0308",
    address: 0x21,
    id: (&[0x00], 0x9b),
    numbers: Numbers::Paged { select: 0xfe, behind: None },
    warm_up: Duration::from_millis(500),
    max_size: MAX_SIZE,
    default_size: FrameSize::QVGA,
    sizes: "qqvga, qvga and vga",
    jpeg: false,
    flip: true,
    brightness: 0,
    reset: (0xfe, 0xf0),
    settle_ms: 80,
    table: TABLE,
    hold: None,
    test_bar: Some((0x2e, 0x01)),
    fields,
    dump: &[0x000..=0x1ff],
    dump_note: ", 0x1nn is register nn of page 1",
};

const MAX_SIZE: FrameSize = FrameSize::VGA;

/// Rows of a frame with its blanking. A longer exposure would stretch the frame.
const ROWS: u16 = 504;

/// The registers that make this setup.
///
/// All sizes show the whole view: the window is always the whole array, and smaller frames leave out rows and columns.
fn fields(setup: &Setup, fields: &mut Fields) -> Result<(), Unfit> {
    let one_of = match setup.size {
        FrameSize::VGA => 1,
        FrameSize::QVGA => 2,
        FrameSize::QQVGA => 4,
        _ => return Err(Unfit::Size),
    };
    // The whole register: Y8 differs from the others in bits beyond the format's.
    let format = match setup.raw {
        RawFormat::Uyvy => 0xa0,
        RawFormat::Yuyv => 0xa2,
        RawFormat::Rgb565Be => 0xa6,
        RawFormat::Y8 => 0xb1,
        RawFormat::Rgb565Le => return Err(Unfit::Format),
    };
    fields.word(0x05, 0);
    fields.word(0x07, 0);
    fields.word(0x09, MAX_SIZE.height + 8);
    fields.word(0x0b, MAX_SIZE.width + 8);
    fields.bits(0x153, 0x80, 0x80);
    fields.bits(0x155, 0x01, 0x01);
    fields.byte(0x154, one_of << 4 | one_of);
    for register in 0x156..=0x159 {
        fields.byte(register, 0);
    }
    fields.byte(0x24, format);
    fields.bits(0x14, 0x03, u8::from(setup.flip) << 1 | u8::from(setup.mirror));
    // BOARD?: whether 16 of 255 is a step that people see, and that none clips.
    fields.byte(0xb5, (setup.brightness.clamp(-2, 2) * 16).cast_unsigned());
    // BOARD?: sources differ in which of the two bits lets go of the exposure; with both off, either is right. The gain
    // is found by the same loop, so it stays as it is while the exposure is manual.
    let auto = setup.exposure == Exposure::Auto;
    fields.bits(0x22, 0x01, u8::from(auto));
    fields.bits(0xd2, 0x80, u8::from(auto) << 7);
    if let Exposure::Lines(rows) = setup.exposure {
        fields.word(0x03, rows.clamp(1, ROWS));
    }
    Ok(())
}

/// What the GC0308 holds before it is set up: the maker's values for colour, noise, sharpness, gamma and automatics,
/// and a timing for XCLK at 20 MHz (see the head of this file).
#[rustfmt::skip]
const TABLE: &[Run] = &[
    Row(0x0001, &[0x32, 0x0c]),
    Row(0x000f, &[0x01]),
    Row(0x00e2, &[0x00, 0x64, 0x01, 0xf4, 0x01, 0xf4, 0x01, 0xf4, 0x01, 0xf4, 0x20]),
    Row(0x000d, &[0x02, 0x02]),
    Row(0x0010, &[0x26, 0x0d, 0x2a, 0x00, 0x10, 0x0a, 0x05, 0x01, 0x44, 0x44, 0x2a, 0x00, 0x49, 0x9a, 0x61, 0x00, 0x7f, 0xfa, 0x57]),
    Row(0x0025, &[0x0f, 0x03]),
    Row(0x0028, &[0x00]),
    Row(0x002d, &[0x0a]),
    Row(0x002f, &[0x01, 0xf7, 0x50, 0x00, 0x28, 0x2a, 0x28]),
    Row(0x0039, &[0x04, 0x20, 0x20, 0x00, 0x00, 0x00, 0x00]),
    Row(0x0050, &[0x14]),
    Row(0x0052, &[0x41, 0x80, 0x80, 0x80, 0x80]),
    Row(0x008b, &[0x20, 0x20, 0x20, 0x14, 0x10, 0x14, 0x3c, 0x50]),
    Row(0x005d, &[0x12, 0x1a, 0x24, 0x07, 0x15, 0x08]),
    Row(0x0064, &[0x03]),
    Row(0x0066, &[0xe8, 0x86, 0x82, 0x18, 0x0f, 0x00, 0x5f, 0x8f, 0x55, 0x38, 0x15, 0x33, 0xdc, 0x00, 0x02, 0x3f, 0x02, 0x38, 0x88, 0x81, 0x81, 0x22, 0xff]),
    Row(0x0093, &[0x48, 0x02, 0x07, 0xe0, 0x40, 0xf0]),
    Row(0x00b1, &[0x40, 0x40, 0x40]),
    Row(0x00b6, &[0xe0]),
    Row(0x00bd, &[0x38, 0x36]),
    Row(0x00d0, &[0xcb, 0x10, 0x90, 0x48]),
    Row(0x00d5, &[0xf2, 0x16]),
    Row(0x00db, &[0x92, 0xa5]),
    Row(0x00df, &[0x23]),
    Row(0x00d9, &[0x00, 0x00]),
    Row(0x00e0, &[0x09]),
    Row(0x00ed, &[0x04, 0xa0, 0x40]),
    Row(0x0080, &[0x03]),
    Row(0x009f, &[0x10, 0x20, 0x38, 0x4e, 0x63, 0x76, 0x87, 0xa2, 0xb8, 0xca, 0xd8, 0xe3, 0xeb, 0xf0, 0xf8, 0xfd, 0xff]),
    Row(0x00c0, &[0x00, 0x10, 0x1c, 0x30, 0x43, 0x54, 0x65, 0x75, 0x93, 0xb0, 0xcb, 0xe6, 0xff]),
    Row(0x00f0, &[0x02, 0x01, 0x02, 0x30]),
    Row(0x00f7, &[0x04, 0x02, 0x9f, 0x78]),
    Row(0x0100, &[0xf5]),
    Row(0x0102, &[0x20]),
    Row(0x0104, &[0x10, 0x08, 0x20]),
    Row(0x0108, &[0x0a]),
    Row(0x010a, &[0xa0, 0x60, 0x08]),
    Row(0x010e, &[0x44, 0x32, 0x41, 0x37, 0x22, 0x19, 0x44, 0x44, 0xc2, 0xa8, 0x18, 0x50, 0xd8, 0xf5]),
    Row(0x0170, &[0x40, 0x58, 0x30, 0x48, 0x20, 0x60]),
    Row(0x0177, &[0x20, 0x32]),
    Row(0x0130, &[0x03, 0x40, 0x10, 0xe0, 0xe0, 0x00, 0x80, 0x00, 0x04, 0x09, 0x12, 0x1c, 0x28, 0x31, 0x44, 0x57, 0x6c, 0x81, 0x94, 0xa7, 0xb8, 0xd6, 0xee, 0x0d]),
    Row(0x0162, &[0xf7, 0x68, 0xd3, 0xd3, 0x60]),
];
