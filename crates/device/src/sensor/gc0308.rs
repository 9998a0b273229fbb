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

mod table;

pub(super) use table::TABLE;

use super::sccb::{Field, Fields};
use super::{Error, Model, Setup, SizeError};
use crate::camera::{Exposure, FrameSize};
use crate::raw::RawFormat;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

pub(super) const MAX_SIZE: FrameSize = FrameSize::VGA;

/// Register and value that reset it.
pub(super) const RESET: (u16, u8) = (0xfe, 0xf0);

/// Time that it needs after the reset, and after its table.
pub(super) const SETTLE_MS: u32 = 80;

pub(super) const DUMP: &[RangeInclusive<u16>] = &[0x000..=0x1ff];

/// Rows of a frame with its blanking. A longer exposure would stretch the frame.
const ROWS: u16 = 504;

/// The registers that make this setup.
///
/// All sizes show the whole view: the window is always the whole array, and smaller frames leave out rows and columns.
pub(super) fn fields(setup: &Setup) -> Result<Vec<Field>, Error> {
    let model = Model::Gc0308;
    let one_of = match setup.size {
        FrameSize::VGA => 1,
        FrameSize::QVGA => 2,
        FrameSize::QQVGA => 4,
        size => return Err(SizeError { model, size }.into()),
    };
    // The whole register: Y8 differs from the others in bits beyond the format's.
    let format = match setup.raw {
        RawFormat::Uyvy => 0xa0,
        RawFormat::Yuyv => 0xa2,
        RawFormat::Rgb565Be => 0xa6,
        RawFormat::Y8 => 0xb1,
        format @ RawFormat::Rgb565Le => return Err(Error::Format { model, format }),
    };
    let mut fields = Fields::default();
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
    fields.bits(0x2e, 0x01, u8::from(setup.test_bar));
    // BOARD?: sources differ in which of the two bits lets go of the exposure; with both off, either is right. The gain
    // is found by the same loop, so it stays as it is while the exposure is manual.
    let auto = setup.exposure == Exposure::Auto;
    fields.bits(0x22, 0x01, u8::from(auto));
    fields.bits(0xd2, 0x80, u8::from(auto) << 7);
    if let Exposure::Lines(rows) = setup.exposure {
        fields.word(0x03, rows.clamp(1, ROWS));
    }
    Ok(fields.0)
}
