//! Registers over the bus: 8-bit ones on pages (GC0308) and 16-bit ones (OV3660), tried again when the bus fails.

use super::Model;
use alloc::vec::Vec;
use core::fmt;
use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::{Error, ErrorKind, I2c};

/// How often a register is tried: a sensor sometimes misses its address.
const TRIES: u8 = 3;

/// Pause before another try, in ms.
const RETRY_MS: u32 = 1;

/// Register of the GC0308 that selects the page of all others; the one that resets it too, to page 0.
const PAGE_SELECT: u8 = 0xfe;

/// Values of a register and of those that follow it.
pub(super) type Run = (u16, &'static [u8]);

/// Some bits of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    register: u16,
    mask: u8,
    value: u8,
}

/// Collects [`Field`]s.
#[derive(Default)]
pub(super) struct Fields(pub Vec<Field>);

impl Fields {
    /// A whole register.
    pub fn byte(&mut self, register: u16, value: u8) {
        self.bits(register, 0xff, value);
    }

    /// Two registers, the high byte first.
    pub fn word(&mut self, register: u16, value: u16) {
        let [high, low] = value.to_be_bytes();
        self.byte(register, high);
        self.byte(register + 1, low);
    }

    /// The bits of `mask`; the others stay.
    pub fn bits(&mut self, register: u16, mask: u8, value: u8) {
        self.0.push(Field { register, mask, value: value & mask });
    }
}

/// The bus to one sensor.
///
/// A register's number is 16 bits wide for both: of the GC0308's, the high byte is the page.
pub(super) struct Sccb<I, D> {
    bus: I,
    delay: D,
    model: Model,
    /// The GC0308's page, while that is certain.
    page: Option<u8>,
}

impl<I: I2c, D: DelayNs> Sccb<I, D> {
    pub fn new(bus: I, delay: D, model: Model) -> Self {
        Self { bus, delay, model, page: None }
    }

    pub fn model(&self) -> Model {
        self.model
    }

    /// Talks to another sensor from now on.
    pub fn turn_to(self, model: Model) -> Self {
        Self::new(self.bus, self.delay, model)
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

    /// Sets the bits of `field`, and keeps the others of its register.
    pub async fn update(&mut self, field: Field) -> Result<(), RegisterError> {
        let Field { register, mask, value } = field;
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
                    return Err(RegisterError { model: self.model, register, access, cause: error.kind() });
                }
                Err(_) => tries += 1,
            }
            self.wait_ms(RETRY_MS).await;
        }
    }

    async fn attempt(&mut self, register: u16, access: Access) -> Result<u8, I::Error> {
        let [high, low] = register.to_be_bytes();
        let address = self.model.address();
        let number = match self.model {
            Model::Gc0308 => {
                self.select(high).await?;
                1
            }
            Model::Ov3660 => 0,
        };
        match access {
            Access::Write(value) => {
                self.bus.write(address, &[high, low, value][number..]).await?;
                Ok(value)
            }
            // Two transfers with a stop between them: SCCB knows no repeated start.
            Access::Read => {
                let mut value = [0];
                self.bus.write(address, &[high, low][number..]).await?;
                self.bus.read(address, &mut value).await?;
                Ok(value[0])
            }
        }
    }

    async fn select(&mut self, page: u8) -> Result<(), I::Error> {
        if self.page == Some(page) {
            return Ok(());
        }
        // Uncertain until it is done, also when this is dropped half-way.
        self.page = None;
        self.bus.write(self.model.address(), &[PAGE_SELECT, page]).await?;
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
    /// Whose register.
    pub model: Model,
    /// Its number; of the GC0308's, the high byte is the page.
    pub register: u16,
    /// What was tried.
    pub access: Access,
    /// What the bus said the last time.
    pub cause: ErrorKind,
}

impl core::error::Error for RegisterError {}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.model.name();
        match self.access {
            Access::Read => write!(f, "reading ")?,
            Access::Write(value) => write!(f, "writing {value:#04x} to ")?,
        }
        match (self.model, self.register.to_be_bytes()) {
            (Model::Gc0308, [page, register]) => {
                write!(f, "register {register:#04x} (page {page}) of the {name}")?
            }
            (Model::Ov3660, _) => write!(f, "register {:#06x} of the {name}", self.register)?,
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
