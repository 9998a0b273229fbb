//! Which sensor is there?

use super::sccb::{self, RegisterError, Sccb};
use super::{DRIVERS, Driver, Sensor};
use alloc::vec::Vec;
use core::fmt;
use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::{ErrorKind, I2c};

/// Finds the sensor on this bus. It must have power and XCLK.
///
/// Lend the bus (`&mut`) to have it back when there is none.
///
/// # Errors
/// What each address answered, when none is a sensor that there is a driver for.
pub async fn probe<I: I2c, D: DelayNs>(bus: I, delay: D) -> Result<Sensor<I, D>, ProbeError> {
    let mut sccb = Sccb::new(bus, delay, DRIVERS[0]);
    let mut answers = [Answer::Nothing; DRIVERS.len()];
    for (driver, answer) in DRIVERS.iter().zip(&mut answers) {
        sccb = sccb.turn_to(driver);
        *answer = match id(&mut sccb).await {
            Ok(id) if id == driver.id() => return Ok(Sensor { sccb, known: Vec::new() }),
            Ok(id) => Answer::OtherId(id),
            Err(RegisterError { cause: ErrorKind::NoAcknowledge(_), .. }) => Answer::Nothing,
            Err(RegisterError { cause, .. }) => Answer::Failed(cause),
        };
    }
    Err(ProbeError { answers })
}

async fn id<I: I2c, D: DelayNs>(sccb: &mut Sccb<I, D>) -> Result<u16, RegisterError> {
    let mut id = 0;
    for &register in sccb.driver().id.0 {
        id = id << 8 | u16::from(sccb.read(register).await?);
    }
    Ok(id)
}

/// What an address answered, where no sensor was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Nothing,
    /// An id that is not the sensor's.
    OtherId(u16),
    /// The bus failed.
    Failed(ErrorKind),
}

/// No sensor was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeError {
    /// What the addresses answered, in the order of [`DRIVERS`].
    pub answers: [Answer; DRIVERS.len()],
}

impl core::error::Error for ProbeError {}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (driver, answer)) in DRIVERS.iter().zip(self.answers).enumerate() {
            let &&Driver { name, address, .. } = driver;
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}no {name} at {address:#04x}: ")?;
            match answer {
                Answer::Nothing => write!(f, "nothing answers")?,
                Answer::OtherId(id) => write!(f, "its id is {id:#04x}, not {:#04x}", driver.id())?,
                Answer::Failed(kind) => write!(f, "{}", sccb::words(kind))?,
            }
        }
        if self.answers == [Answer::Nothing; DRIVERS.len()] {
            write!(f, "; has the camera power and its clock?")?;
        }
        Ok(())
    }
}
