//! Which sensor is there?

use super::sccb::{self, RegisterError, Sccb};
use super::{Model, Sensor};
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
    let mut sccb = Sccb::new(bus, delay, Model::ALL[0]);
    let mut answers = [Answer::Nothing; Model::ALL.len()];
    for (model, answer) in Model::ALL.into_iter().zip(&mut answers) {
        sccb = sccb.turn_to(model);
        *answer = match id(&mut sccb).await {
            Ok(id) if id == model.id() => return Ok(Sensor { sccb, known: Vec::new() }),
            Ok(id) => Answer::OtherId(id),
            Err(RegisterError { cause: ErrorKind::NoAcknowledge(_), .. }) => Answer::Nothing,
            Err(RegisterError { cause, .. }) => Answer::Failed(cause),
        };
    }
    Err(ProbeError { answers })
}

async fn id<I: I2c, D: DelayNs>(sccb: &mut Sccb<I, D>) -> Result<u16, RegisterError> {
    Ok(match sccb.model() {
        Model::Gc0308 => u16::from(sccb.read(0x00).await?),
        Model::Ov3660 => u16::from_be_bytes([sccb.read(0x300a).await?, sccb.read(0x300b).await?]),
    })
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
    /// What the addresses answered, in the order of [`Model::ALL`].
    pub answers: [Answer; Model::ALL.len()],
}

impl core::error::Error for ProbeError {}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (model, answer)) in Model::ALL.into_iter().zip(self.answers).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}no {} at {:#04x}: ", model.name(), model.address())?;
            match answer {
                Answer::Nothing => write!(f, "nothing answers")?,
                Answer::OtherId(id) => write!(f, "its id is {id:#04x}, not {:#04x}", model.id())?,
                Answer::Failed(kind) => write!(f, "{}", sccb::words(kind))?,
            }
        }
        if self.answers == [Answer::Nothing; Model::ALL.len()] {
            write!(f, "; has the camera power and its clock?")?;
        }
        Ok(())
    }
}
