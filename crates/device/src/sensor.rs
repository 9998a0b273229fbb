//! Drivers of the GC0308 and the OV3660, over the control bus that their makers call SCCB and everybody else I2C.
//!
//! A driver is told how the picture is to be, as one [`Setup`], and writes the registers in which that differs from what
//! it wrote before. So the order of changes never matters, saying the same thing twice writes nothing, and a sensor that
//! lost its registers gets everything back by [`Sensor::init`].
//!
//! Pins, power and the pictures themselves are not here. What a driver of those needs to know is in [`Model`] and
//! [`Format`]. In order: give the camera power, wait [`Model::warm_up`], let XCLK run at [`XCLK_HZ`] (a sensor
//! answers only while it runs), [`probe()`], [`Sensor::init`], and [`Sensor::apply`] for every change.
//!
//! Nobody has seen these drivers on a board yet. What only a board can confirm is marked `BOARD?` where it is assumed.

mod gc0308;
mod ov3660;
mod probe;
mod sccb;

pub use probe::{Answer, ProbeError, probe};
pub use sccb::{Access, RegisterError};

use crate::camera::{CameraInfo, Exposure, FrameSize, Picture, Plan};
use crate::raw::RawFormat;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::time::Duration;
use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::I2c;
use sccb::{Field, Sccb};

/// Clock that the sensors need, in Hz. The timing in the tables below is for this one.
pub const XCLK_HZ: u32 = 20_000_000;

/// Clock of the control bus, in Hz.
pub const SCCB_HZ: u32 = 100_000;

/// A sensor that there is a driver for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// GalaxyCore GC0308: VGA, no JPEG.
    Gc0308,
    /// OmniVision OV3660: 2048 × 1536, JPEG.
    Ov3660,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gc0308, Self::Ov3660];

    /// Its name as its maker writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gc0308 => "GC0308",
            Self::Ov3660 => "OV3660",
        }
    }

    /// Its address on the bus, 7 bits.
    #[must_use]
    pub const fn address(self) -> u8 {
        match self {
            Self::Gc0308 => 0x21,
            Self::Ov3660 => 0x3c,
        }
    }

    /// What its id registers hold.
    #[must_use]
    pub const fn id(self) -> u16 {
        match self {
            Self::Gc0308 => 0x9b,
            Self::Ov3660 => 0x3660,
        }
    }

    /// How long it needs from power to the start of XCLK: what the boards' maker waits.
    ///
    /// BOARD?: the original firmware waited 1.2 s on both boards, so less may do for the OV3660.
    #[must_use]
    pub const fn warm_up(self) -> Duration {
        match self {
            Self::Gc0308 => Duration::from_millis(500),
            Self::Ov3660 => Duration::from_millis(1500),
        }
    }

    /// What it is and can do.
    #[must_use]
    pub fn info(self) -> CameraInfo {
        let (max_size, default_size, native_jpeg) = match self {
            Self::Gc0308 => (gc0308::MAX_SIZE, FrameSize::QVGA, false),
            Self::Ov3660 => (ov3660::MAX_SIZE, FrameSize::VGA, true),
        };
        CameraInfo { sensor: String::from(self.name()), max_size, default_size, native_jpeg }
    }

    /// How the picture is unless somebody wishes otherwise: upright on the boards, as in the original firmware.
    #[must_use]
    pub fn default_setup(self) -> Setup {
        Setup {
            size: self.info().default_size,
            quality: Picture::DEFAULT_QUALITY,
            flip: true,
            mirror: false,
            brightness: match self {
                Self::Gc0308 => 0,
                Self::Ov3660 => 1,
            },
            exposure: Exposure::Auto,
            raw: RawFormat::Yuyv,
            test_bar: false,
        }
    }

    /// How the picture is to be by this plan.
    #[must_use]
    pub fn setup(self, plan: &Plan) -> Setup {
        let default = self.default_setup();
        let picture = &plan.picture;
        Setup {
            size: plan.size,
            quality: plan.quality,
            flip: picture.flip.unwrap_or(default.flip),
            mirror: picture.mirror.unwrap_or(default.mirror),
            brightness: picture.brightness.unwrap_or(default.brightness),
            exposure: picture.exposure,
            ..default
        }
    }

    /// What comes out of it with this setup.
    #[must_use]
    pub const fn format(self, setup: &Setup) -> Format {
        match self {
            Self::Gc0308 => Format::Raw(setup.raw),
            Self::Ov3660 => Format::Jpeg,
        }
    }

    /// The registers that make this setup, in the order in which they are written.
    fn fields(self, setup: &Setup) -> Result<Vec<Field>, Error> {
        match self {
            Self::Gc0308 => gc0308::fields(setup),
            Self::Ov3660 => ov3660::fields(setup),
        }
    }
}

/// How the picture is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Size in pixels.
    pub size: FrameSize,
    /// JPEG quality, 1 (worst) to 100 (best); what is beyond is taken as these. A sensor without JPEG ignores it.
    pub quality: u8,
    /// Upside down, as seen by the sensor.
    pub flip: bool,
    /// Left is right, as seen by the sensor.
    pub mirror: bool,
    /// −2 to 2; what is beyond is taken as these.
    pub brightness: i8,
    /// How long the sensor gathers light; at least one line, at most the frame's.
    pub exposure: Exposure,
    /// What comes out of a sensor that makes no JPEGs; the others ignore it.
    pub raw: RawFormat,
    /// Coloured bars instead of the picture, to see whether the bytes arrive in order.
    pub test_bar: bool,
}

/// What comes out of a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JPEG, 4:2:2, whose length only its end tells.
    Jpeg,
    /// Pixels.
    Raw(RawFormat),
}

impl Format {
    /// Bytes of a frame of this size; `None` where every frame differs.
    #[must_use]
    pub const fn frame_bytes(self, size: FrameSize) -> Option<usize> {
        match self {
            Self::Jpeg => None,
            Self::Raw(raw) => {
                Some(size.width as usize * size.height as usize * raw.bytes_per_pixel() as usize)
            }
        }
    }
}

/// A sensor that [`probe()`] found.
pub struct Sensor<I, D> {
    sccb: Sccb<I, D>,
    /// What was written since its reset; empty before that, and when it is uncertain.
    known: Vec<Field>,
}

impl<I: I2c, D: DelayNs> Sensor<I, D> {
    /// Which one it is.
    pub fn model(&self) -> Model {
        self.sccb.model()
    }

    /// Resets it and makes it ready for pictures: after power came on, and when pictures stay out.
    ///
    /// # Errors
    /// A size or format that it does not make (nothing is written then), or a register that could not be written.
    pub async fn init(&mut self, setup: &Setup) -> Result<(), Error> {
        let wanted = self.model().fields(setup)?;
        let (reset, settle_ms, table) = match self.model() {
            Model::Gc0308 => (gc0308::RESET, gc0308::SETTLE_MS, gc0308::TABLE),
            Model::Ov3660 => (ov3660::RESET, ov3660::SETTLE_MS, ov3660::TABLE),
        };
        self.known.clear();
        self.sccb.write(reset.0, reset.1).await?;
        self.sccb.wait_ms(settle_ms).await;
        for &(first, values) in table {
            for (register, &value) in (first..).zip(values) {
                self.sccb.write(register, value).await?;
            }
        }
        self.sccb.wait_ms(settle_ms).await;
        self.change_to(wanted).await
    }

    /// Makes the picture like this from now on, and writes only what has to change. Frames that were on their way are
    /// still the old ones, and one may be half and half.
    ///
    /// After a failure of the bus, or when it was dropped half-way, the next one begins with a reset: nobody knows what
    /// the sensor holds.
    ///
    /// # Errors
    /// As of [`init`](Self::init).
    pub async fn apply(&mut self, setup: &Setup) -> Result<(), Error> {
        if self.known.is_empty() {
            return self.init(setup).await;
        }
        let wanted = self.model().fields(setup)?;
        self.change_to(wanted).await
    }

    async fn change_to(&mut self, wanted: Vec<Field>) -> Result<(), Error> {
        let known = core::mem::take(&mut self.known);
        for &field in wanted.iter().filter(|field| !known.contains(field)) {
            self.sccb.update(field).await?;
        }
        self.known = wanted;
        Ok(())
    }

    /// All registers that tell something, for `cam dump`: 16 a line, in hexadecimal.
    ///
    /// # Errors
    /// A register that could not be read.
    pub async fn dump(&mut self) -> Result<String, Error> {
        let (blocks, note) = match self.model() {
            Model::Gc0308 => (gc0308::DUMP, ", 0x1nn is register nn of page 1"),
            Model::Ov3660 => (ov3660::DUMP, ""),
        };
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(text, "{} at {:#04x}{note}", self.model().name(), self.model().address());
        for block in blocks {
            for register in block.clone() {
                if register % 16 == 0 {
                    let _ = write!(text, "\n{register:#05x}:");
                }
                let _ = write!(text, " {:02x}", self.sccb.read(register).await?);
            }
        }
        Ok(text)
    }
}

/// Why a sensor is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not make frames of this size.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// It does not send pixels like this.
    #[error("the {} does not send {}", .model.name(), .format.name())]
    Format {
        /// The sensor.
        model: Model,
        /// The format.
        format: RawFormat,
    },
    /// The bus failed.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

/// A size that a sensor does not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeError {
    /// The sensor.
    pub model: Model,
    /// The size.
    pub size: FrameSize,
}

impl core::error::Error for SizeError {}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, size } = self;
        let max = model.info().max_size;
        match model {
            _ if !size.fits(max) => write!(f, "the {} makes at most {max}, not {size}", model.name()),
            Model::Gc0308 => write!(f, "the GC0308 makes qqvga, qvga and vga, not {size}"),
            Model::Ov3660 => {
                write!(f, "the OV3660 makes sizes from 96x96 up in steps of 16 and 8 pixels, not {size}")
            }
        }
    }
}
