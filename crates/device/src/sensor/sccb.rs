//! Registers over the bus, however a sensor numbers them, tried again when the bus fails.

use super::driver::{Driver, Numbers};
use super::field::Field;
use core::fmt;
use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::{Error, ErrorKind, I2c};

/// How often a register is tried: a sensor sometimes misses its address.
const TRIES: u8 = 3;

/// Pause before another try, in ms.
const RETRY_MS: u32 = 1;

/// The bus to one sensor.
pub(super) struct Sccb<I, D> {
    bus: I,
    delay: D,
    driver: &'static Driver,
    /// The page that is selected, while that is certain.
    page: Option<u8>,
}

impl<I: I2c, D: DelayNs> Sccb<I, D> {
    pub fn new(bus: I, delay: D, driver: &'static Driver) -> Self {
        Self { bus, delay, driver, page: None }
    }

    pub fn driver(&self) -> &'static Driver {
        self.driver
    }

    /// Talks to another sensor from now on.
    pub fn turn_to(self, driver: &'static Driver) -> Self {
        Self::new(self.bus, self.delay, driver)
    }

    pub async fn wait_ms(&mut self, ms: u32) {
        self.delay.delay_ms(ms).await;
    }

    pub async fn read(&mut self, register: u16) -> Result<u8, RegisterError> {
        self.transfer(register, Access::Read).await
    }

    pub async fn write(&mut self, register: u16, value: u8) -> Result<(), RegisterError> {
        self.transfer(register, Access::Write(value)).await.map(|_| ())
    }

    /// Writes what resets the sensor. Which page is selected then, sensors' data sheets do not say.
    pub async fn reset(&mut self, register: u16, value: u8) -> Result<(), RegisterError> {
        let written = self.write(register, value).await;
        self.page = None;
        written
    }

    /// Sets the bits of `field`, and keeps the others of its register.
    pub async fn update(&mut self, field: Field) -> Result<(), RegisterError> {
        let Field { register, mask, value, .. } = field;
        let kept = if mask == 0xff { 0 } else { self.read(register).await? & !mask };
        self.write(register, kept | value).await
    }

    /// One access with its retries; answers what was read, or the value that was written.
    async fn transfer(&mut self, register: u16, access: Access) -> Result<u8, RegisterError> {
        let mut tries = 1;
        loop {
            match self.attempt(register, access).await {
                Ok(value) => return Ok(value),
                Err(error) if tries == TRIES => {
                    return Err(RegisterError { driver: self.driver, register, access, cause: error.kind() });
                }
                Err(_) => tries += 1,
            }
            self.wait_ms(RETRY_MS).await;
        }
    }

    async fn attempt(&mut self, register: u16, access: Access) -> Result<u8, I::Error> {
        let [high, low] = register.to_be_bytes();
        let wide = [high, low];
        let narrow = [low];
        let number: &[u8] = match self.driver.numbers {
            Numbers::Wide => &wide,
            Numbers::Paged { select, behind: Some((number, value)) } if high == 2 => {
                self.select(select, 0).await?;
                self.bus.write(self.driver.address, &[number, low]).await?;
                &[value]
            }
            Numbers::Paged { select, .. } => {
                self.select(select, high).await?;
                &narrow
            }
        };
        let address = self.driver.address;
        match access {
            Access::Write(value) => {
                let message = [number[0], *number.get(1).unwrap_or(&value), value];
                self.bus.write(address, &message[..number.len() + 1]).await?;
                Ok(value)
            }
            // Two transfers with a stop between them: SCCB knows no repeated start.
            Access::Read => {
                let mut value = [0];
                self.bus.write(address, number).await?;
                self.bus.read(address, &mut value).await?;
                Ok(value[0])
            }
        }
    }

    async fn select(&mut self, register: u8, page: u8) -> Result<(), I::Error> {
        if self.page == Some(page) {
            return Ok(());
        }
        // Uncertain until it is done, also when this is dropped half-way.
        self.page = None;
        self.bus.write(self.driver.address, &[register, page]).await?;
        self.page = Some(page);
        Ok(())
    }
}

/// What was tried with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading it.
    Read,
    /// Writing this value.
    Write(u8),
}

/// A register that could not be read or written, however often it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterError {
    /// The sensor whose register it is.
    pub driver: &'static Driver,
    /// The register's number; where a sensor has pages, the high byte is the page.
    pub register: u16,
    /// What was tried.
    pub access: Access,
    /// What the bus said the last time.
    pub cause: ErrorKind,
}

impl core::error::Error for RegisterError {}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Driver { name, numbers, .. } = self.driver;
        match self.access {
            Access::Read => write!(f, "reading ")?,
            Access::Write(value) => write!(f, "writing {value:#04x} to ")?,
        }
        match (numbers, self.register.to_be_bytes()) {
            (Numbers::Paged { .. }, [page, register]) => {
                write!(f, "register {register:#04x} (page {page}) of the {name}")?;
            }
            (Numbers::Wide, _) => write!(f, "register {:#06x} of the {name}", self.register)?,
        }
        write!(f, " failed {TRIES} times: {}", words(self.cause))
    }
}

/// A bus error for people.
pub(super) fn words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NoAcknowledge(_) => "it did not answer",
        ErrorKind::Bus => "the bus was disturbed",
        ErrorKind::ArbitrationLoss => "somebody else used the bus",
        ErrorKind::Overrun => "bytes came faster than they were taken",
        _ => "the bus hung or was misused",
    }
}
