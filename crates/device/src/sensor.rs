//! Drivers of image sensors, over the control bus that their makers call SCCB and everybody else I2C.
//!
//! A sensor is one [`Driver`] in a file of its own, and an entry in [`DRIVERS`]; the rest is the same for all of them.
//! A sensor is told how the picture is to be, as one [`Setup`], and writes the registers in which that differs from what
//! it wrote before. So the order of changes never matters, saying the same thing twice writes nothing, and a sensor that
//! lost its registers gets everything back by [`Sensor::init`].
//!
//! Pins, power and the pictures themselves are not here. What a driver of those needs to know is in [`Driver`] and
//! [`Format`]. In order: give the camera power, wait [`Driver::warm_up`], let XCLK run at [`XCLK_HZ`] (a sensor
//! answers only while it runs), [`probe()`], [`Sensor::init`], and [`Sensor::apply`] for every change.
//!
//! Nobody has seen these drivers on a board yet. What only a board can confirm is marked `BOARD?` where it is assumed.

mod driver;
mod field;
mod probe;
mod sccb;
mod setup;

pub mod gc0308;
pub mod ov2640;
pub mod ov3660;

pub use driver::Driver;
pub use probe::{Answer, ProbeError, probe};
pub use sccb::{Access, RegisterError};
pub use setup::{Format, Setup};

use crate::camera::FrameSize;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::I2c;
use field::Field;
use lenscast_picture::raw::RawFormat;
use sccb::Sccb;

/// Clock that the sensors need, in Hz. The timing in the tables below is for this one.
pub const XCLK_HZ: u32 = 20_000_000;

/// Clock of the control bus, in Hz.
pub const SCCB_HZ: u32 = 100_000;

/// Every sensor that there is a driver for, in the order in which they are looked for.
pub const DRIVERS: &[&Driver] = &[&gc0308::DRIVER, &ov3660::DRIVER, &ov2640::DRIVER];

/// A sensor that [`probe()`] found.
pub struct Sensor<I, D> {
    sccb: Sccb<I, D>,
    /// What was written since its reset; empty before that, and when it is uncertain.
    known: Vec<Field>,
}

impl<I: I2c, D: DelayNs> Sensor<I, D> {
    /// Which one it is.
    pub fn driver(&self) -> &'static Driver {
        self.sccb.driver()
    }

    /// Resets it and makes it ready for pictures: after power came on, and when pictures stay out.
    ///
    /// # Errors
    /// A size or format that it does not make (nothing is written then), or a register that could not be written.
    pub async fn init(&mut self, setup: &Setup) -> Result<(), Error> {
        let &Driver { reset: (register, value), settle_ms, table, .. } = self.driver();
        let wanted = self.driver().wanted(setup)?;
        self.known.clear();
        self.sccb.reset(register, value).await?;
        self.sccb.wait_ms(settle_ms).await;
        for (register, value) in table.iter().flat_map(|run| run.writes()) {
            self.sccb.write(register, value).await?;
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
        let wanted = self.driver().wanted(setup)?;
        self.change_to(wanted).await
    }

    async fn change_to(&mut self, wanted: Vec<Field>) -> Result<(), Error> {
        let known = core::mem::take(&mut self.known);
        let new = || wanted.iter().filter(|field| !known.contains(field));
        let hold = self.driver().hold.as_ref().filter(|_| new().any(|field| field.held));
        for &(register, value) in hold.map_or(&[][..], |hold| hold.before) {
            self.sccb.write(register, value).await?;
        }
        for &field in new() {
            self.sccb.update(field).await?;
        }
        if let Some(hold) = hold {
            for &(register, value) in hold.after {
                self.sccb.write(register, value).await?;
            }
            self.sccb.wait_ms(hold.settle_ms).await;
        }
        self.known = wanted;
        Ok(())
    }

    /// All registers that tell something, for `cam dump`: 16 a line, in hexadecimal.
    ///
    /// # Errors
    /// A register that could not be read.
    pub async fn dump(&mut self) -> Result<String, Error> {
        let Driver { name, address, dump, dump_note, .. } = self.driver();
        let mut text = String::new();
        // Writing to a String cannot fail.
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = write!(text, "{name} at {address:#04x}{dump_note}");
        for block in *dump {
            for register in block.clone() {
                if register % 16 == 0 {
                    #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
                    let _ = write!(text, "\n{register:#05x}:");
                }
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
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
    #[error("the {} does not send {}", .driver.name(), .format.name())]
    Format {
        /// The sensor.
        driver: &'static Driver,
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
    pub driver: &'static Driver,
    /// The size.
    pub size: FrameSize,
}

impl core::error::Error for SizeError {}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { driver: Driver { name, max_size, sizes, .. }, size } = self;
        if size.fits(*max_size) {
            write!(f, "the {name} makes {sizes}, not {size}")
        } else {
            write!(f, "the {name} makes at most {max_size}, not {size}")
        }
    }
}
