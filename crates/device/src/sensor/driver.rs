//! What is particular to one sensor, as one value: its name, its registers, its tables.

use super::field::{Field, Fields, Run};
use super::setup::{Format, Setup};
use super::{Error, SizeError};
use crate::camera::{CameraInfo, Exposure, FrameSize, Picture, Plan};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;
use core::time::Duration;
use lenscast_picture::raw::RawFormat;

/// All that is known about one sensor. Each has one in a file of its own, and [`DRIVERS`](super::DRIVERS) lists them.
pub struct Driver {
    /// The sensor's name as its maker writes it.
    pub(super) name: &'static str,
    /// The sensor's address on the bus, 7 bits.
    pub(super) address: u8,
    /// The registers that hold the id, the highest byte first, and what they hold.
    pub(super) id: (&'static [u16], u16),
    /// How a register's number goes over the bus.
    pub(super) numbers: Numbers,
    /// Time from power to the start of XCLK.
    pub(super) warm_up: Duration,
    /// The largest frame.
    pub(super) max_size: FrameSize,
    /// The size of a frame unless another is set.
    pub(super) default_size: FrameSize,
    /// The sizes that it makes, in words that follow "makes".
    pub(super) sizes: &'static str,
    /// Whether JPEGs come out of it, or pixels.
    pub(super) jpeg: bool,
    /// Whether the sensor's picture is upright on the boards only when it is turned upside down.
    pub(super) flip: bool,
    /// The brightness unless another is set, −2 to 2.
    pub(super) brightness: i8,
    /// The register and value that reset it.
    pub(super) reset: (u16, u8),
    /// Time that it needs after the reset, and after its table, in ms.
    pub(super) settle_ms: u32,
    /// What it holds before it is set up.
    pub(super) table: &'static [Run],
    /// What surrounds a change of the fields that are held; `None` where no field is.
    pub(super) hold: Option<Hold>,
    /// The register and the bits that show test bars; `None` where it has none.
    pub(super) test_bar: Option<(u16, u8)>,
    /// The registers of a setup, in the order in which they are written. Test bars are added to them.
    pub(super) fields: fn(&Setup, &mut Fields) -> Result<(), Unfit>,
    /// The registers that tell something, for `cam dump`.
    pub(super) dump: &'static [RangeInclusive<u16>],
    /// What a reader of the dump must know, as the rest of its first line.
    pub(super) dump_note: &'static str,
}

/// How the number of a register, 16 bits wide for every sensor, goes over the bus.
pub(super) enum Numbers {
    /// As two bytes, the high one first.
    Wide,
    /// As its low byte. The high byte is the page, which is written to the register `select` before.
    ///
    /// With `behind`, page 2 is what page 0 holds behind two registers: the first takes the number, the second the
    /// value. Register 9 behind `(0x7c, 0x7d)` is numbered `0x209`, and is written as `7c = 09`, `7d = value`.
    Paged {
        /// The register that selects the page.
        select: u8,
        /// The registers for number and value of page 2, where there is one.
        behind: Option<(u8, u8)>,
    },
}

/// What is written around a change of held fields, so that no picture is made meanwhile.
pub(super) struct Hold {
    /// Registers and values before the change.
    pub before: &'static [(u16, u8)],
    /// Registers and values after it.
    pub after: &'static [(u16, u8)],
    /// Time that the sensor needs then, in ms.
    pub settle_ms: u32,
}

/// What a sensor does not make.
pub(super) enum Unfit {
    /// Frames of the setup's size.
    Size,
    /// The setup's pixels.
    Format,
}

impl Driver {
    /// The sensor's name as its maker writes it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The sensor's address on the bus, 7 bits.
    #[must_use]
    pub const fn address(&self) -> u8 {
        self.address
    }

    /// What the sensor's id registers hold.
    #[must_use]
    pub const fn id(&self) -> u16 {
        self.id.1
    }

    /// Time that the sensor needs from power to the start of XCLK: what the boards' maker waits.
    ///
    /// BOARD?: the original firmware waited 1.2 s on both boards, so less may do for the OV3660.
    #[must_use]
    pub const fn warm_up(&self) -> Duration {
        self.warm_up
    }

    /// What the sensor is and can do.
    #[must_use]
    pub fn info(&self) -> CameraInfo {
        let &Self { name, max_size, default_size, jpeg, test_bar, .. } = self;
        let (sensor, test_bar) = (String::from(name), test_bar.is_some());
        CameraInfo { sensor, max_size, default_size, native_jpeg: jpeg, test_bar }
    }

    /// How the picture is unless somebody wishes otherwise: upright on the boards, as in the original firmware.
    #[must_use]
    pub fn default_setup(&self) -> Setup {
        Setup {
            size: self.default_size,
            quality: Picture::DEFAULT_QUALITY,
            flip: self.flip,
            mirror: false,
            brightness: self.brightness,
            exposure: Exposure::Auto,
            raw: RawFormat::Yuyv,
            test_bar: false,
        }
    }

    /// How the picture is to be by this plan.
    #[must_use]
    pub fn setup(&self, plan: &Plan) -> Setup {
        let default = self.default_setup();
        let picture = &plan.picture;
        Setup {
            size: plan.size,
            quality: plan.quality,
            flip: picture.flip.unwrap_or(default.flip),
            mirror: picture.mirror.unwrap_or(default.mirror),
            brightness: picture.brightness.unwrap_or(default.brightness),
            exposure: picture.exposure,
            test_bar: plan.test_bar,
            ..default
        }
    }

    /// What comes out of the sensor with this setup.
    #[must_use]
    pub const fn format(&self, setup: &Setup) -> Format {
        if self.jpeg { Format::Jpeg } else { Format::Raw(setup.raw) }
    }

    /// The registers that make this setup, in the order in which they are written.
    ///
    /// # Errors
    /// A size or format that the sensor does not make.
    pub(super) fn wanted(&'static self, setup: &Setup) -> Result<Vec<Field>, Error> {
        let mut fields = Fields::default();
        match (self.fields)(setup, &mut fields) {
            Ok(()) => {}
            Err(Unfit::Size) => return Err(SizeError { driver: self, size: setup.size }.into()),
            Err(Unfit::Format) => return Err(Error::Format { driver: self, format: setup.raw }),
        }
        if let Some((register, bits)) = self.test_bar {
            fields.bits(register, bits, if setup.test_bar { bits } else { 0 });
        }
        Ok(fields.list)
    }
}

/// Two are the same when they have the same name.
impl PartialEq for Driver {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Driver {}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// An OmniVision sensor's quantiser for a quality of 1 to 100, on the scale of the IJG that software encoders use:
/// their tables are scaled by 200 − 2q percent, below 50 by 5000 ÷ q. 80 (40 percent) is 12, the usual value with these
/// sensors, and the rest follows in proportion; from 23 down it is their worst, 63.
///
/// The best is 5 (92 and up): finer, the JPEGs are known to outgrow the pixel clock, and frames stay out.
/// BOARD?: whether 12 looks and weighs like the IJG's 80.
pub(super) fn quantiser(quality: u8) -> u8 {
    let quality = u16::from(quality.clamp(1, 100));
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    (percent * 3 / 10).clamp(5, 63) as u8
}
