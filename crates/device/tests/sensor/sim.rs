//! A bus with one simulated sensor (or none) on it: its registers, its reset, and what it refuses.

use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use lenscast_device::sensor::Driver;
use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::future::pending;
use std::ops::Range;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Runs what never waits for anything but this bus, whose transfers are done at once.
pub fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the driver waits for something that is neither the bus nor the delay"),
    }
}

/// Runs it until the bus hangs, and drops it then. Tells whether it hung.
pub fn run_until_it_hangs<F: Future>(future: F) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// A sensor as its data sheet has it: written down apart from its driver, which is judged by it.
pub struct Chip {
    pub driver: &'static Driver,
    pub numbers: Numbers,
    /// The registers that hold the id, the highest byte first.
    pub id: &'static [u16],
    /// The register and bit that reset it, and how long it is deaf then, in ms.
    pub reset: (u16, u8, u64),
    /// Pauses that it must have while it is initialised, in ms.
    pub pauses_ms: u64,
    /// Registers and bits that are the sensor's own while its exposure is automatic.
    pub exposure: &'static [(u16, u8)],
    /// Registers that have another value for a moment, while others change.
    pub passing: &'static [u16],
    /// Registers of which a setting takes only these bits, and something else may use the others.
    pub shared: &'static [(u16, u8)],
}

impl std::ops::Deref for Chip {
    type Target = Driver;

    fn deref(&self) -> &Driver {
        self.driver
    }
}

impl std::fmt::Debug for Chip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.driver.fmt(f)
    }
}

/// How a chip numbers its registers.
#[derive(Clone, Copy)]
pub enum Numbers {
    /// In two bytes, the high one first.
    Wide,
    /// In one byte, on two pages. Which one, this register tells.
    Paged(u8),
    /// The same; and behind two registers of page 0, a number that counts up and a value, are those of page 2.
    PagedWithMore(u8, (u8, u8)),
}

/// Handle to the bus; also the clock of whoever waits.
#[derive(Clone)]
pub struct Bus(Rc<RefCell<Wires>>);

pub struct Wires {
    /// The sensor, and its id where that is another.
    pub sensor: Option<(&'static Chip, u16)>,
    /// Whether XCLK runs; without it, no sensor answers.
    pub clocked: bool,
    /// The transfers that fail, by number, and how.
    pub faults: Vec<(Range<usize>, ErrorKind)>,
    /// The transfer, by number, whose end is never told.
    pub hangs_after: Option<usize>,
    /// Transfers so far.
    pub transfers: usize,
    /// Registers that were written, without the page's, with their values.
    pub writes: Vec<(u16, u8)>,
    registers: BTreeMap<u16, u8>,
    pub page: u8,
    /// The number behind which the next value of page 2 is.
    more: u8,
    /// Register of the next read: the number must be written anew for each.
    number: Option<u16>,
    /// Time that was waited, in µs.
    pub now_us: u64,
    busy_until_us: u64,
}

impl Bus {
    pub fn with(chip: &'static Chip) -> Self {
        Self::with_id(Some((chip, chip.driver.id())))
    }

    pub fn with_id(sensor: Option<(&'static Chip, u16)>) -> Self {
        Self(Rc::new(RefCell::new(Wires {
            sensor,
            clocked: true,
            faults: Vec::new(),
            hangs_after: None,
            transfers: 0,
            writes: Vec::new(),
            registers: BTreeMap::new(),
            page: 0,
            more: 0,
            number: None,
            now_us: 0,
            busy_until_us: 0,
        })))
    }

    pub fn wires(&self) -> RefMut<'_, Wires> {
        self.0.borrow_mut()
    }

    pub fn get(&self, register: u16) -> u8 {
        self.wires().get(register)
    }

    pub fn word(&self, register: u16) -> u16 {
        u16::from_be_bytes([self.get(register), self.get(register + 1)])
    }

    /// All registers that are not as after a reset.
    pub fn registers(&self) -> BTreeMap<u16, u8> {
        self.wires().registers.clone()
    }

    /// What was written since the last call.
    pub fn take_writes(&self) -> Vec<(u16, u8)> {
        std::mem::take(&mut self.wires().writes)
    }
}

impl Wires {
    fn get(&self, register: u16) -> u8 {
        if let Some((chip, id)) = self.sensor
            && let Some(place) = chip.id.iter().rev().position(|known| *known == register)
        {
            return (id >> (8 * place)) as u8;
        }
        // The bit that resets is off again when that is done.
        let off =
            self.sensor.filter(|(chip, _)| chip.reset.0 == register).map_or(0, |(chip, _)| chip.reset.1);
        self.registers.get(&register).copied().unwrap_or(after_reset(register) & !off)
    }

    fn transfer(&mut self, address: u8, operation: &mut Operation<'_>) -> Result<(), ErrorKind> {
        let this = self.transfers;
        self.transfers += 1;
        let nothing = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let Some((chip, _)) = self.sensor else { return Err(nothing) };
        if !self.clocked || address != chip.driver.address() || self.now_us < self.busy_until_us {
            return Err(nothing);
        }
        if let Some((_, kind)) = self.faults.iter().find(|(transfers, _)| transfers.contains(&this)) {
            return Err(*kind);
        }
        match operation {
            Operation::Read(values) => {
                assert_eq!(values.len(), 1, "SCCB reads one register at a time");
                let number = self.number.take().expect("the number must be written before each read");
                values[0] = self.get(number);
            }
            Operation::Write(bytes) => self.written(chip, bytes),
        }
        Ok(())
    }

    fn written(&mut self, chip: &Chip, bytes: &[u8]) {
        let paged = |number: u8| u16::from_be_bytes([self.page, number]);
        let (register, value) = match (chip.numbers, bytes) {
            (Numbers::Wide, &[high, low]) => (u16::from_be_bytes([high, low]), None),
            (Numbers::Wide, &[high, low, value]) => (u16::from_be_bytes([high, low]), Some(value)),
            (Numbers::Paged(_) | Numbers::PagedWithMore(..), &[number]) => (paged(number), None),
            (Numbers::Paged(select) | Numbers::PagedWithMore(select, _), &[number, value])
                if number == select =>
            {
                // The GC0308 is reset by the register that selects its page, too.
                self.page = value & 1;
                (u16::from(number), Some(value))
            }
            (Numbers::Paged(_) | Numbers::PagedWithMore(..), &[number, value]) => {
                (paged(number), Some(value))
            }
            _ => panic!("{} bytes are no access to a register of the {}", bytes.len(), chip.driver.name()),
        };
        // On page 0, two registers lead to those of page 2.
        let register = match chip.numbers {
            Numbers::PagedWithMore(_, (number, _)) if register == u16::from(number) => {
                self.more = value.expect("nobody reads the number");
                return;
            }
            Numbers::PagedWithMore(_, (_, data)) if register == u16::from(data) => {
                self.more += 1;
                u16::from_be_bytes([2, self.more - 1])
            }
            _ => register,
        };
        let Some(value) = value else {
            self.number = Some(register);
            return;
        };
        self.number = None;
        let (reset, bit, deaf_ms) = chip.reset;
        if register == reset && value & bit != 0 {
            self.reset(deaf_ms);
        } else if !self.selects(chip, register) {
            self.registers.insert(register, value);
            self.writes.push((register, value));
        }
    }

    fn selects(&self, chip: &Chip, register: u16) -> bool {
        match chip.numbers {
            Numbers::Wide => false,
            Numbers::Paged(select) | Numbers::PagedWithMore(select, _) => register == u16::from(select),
        }
    }

    fn reset(&mut self, busy_ms: u64) {
        self.registers.clear();
        // Whichever it was on, it may be on the other now.
        self.page ^= 1;
        self.busy_for_us(busy_ms * 1000);
    }

    /// It does not answer for so long.
    pub fn busy_for_us(&mut self, us: u64) {
        self.busy_until_us = self.now_us + us;
    }
}

/// What a register holds after a reset: something, the same each time, with bits of both kinds in every nibble.
pub fn after_reset(register: u16) -> u8 {
    (register.wrapping_mul(0x9e37) >> 5) as u8 ^ 0x5a
}

#[derive(Debug)]
pub struct Fault(ErrorKind);

impl Error for Fault {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

impl ErrorType for Bus {
    type Error = Fault;
}

impl I2c for Bus {
    async fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Fault> {
        let [operation] = operations else { panic!("a repeated start, which SCCB does not know") };
        let this = self.wires().transfers;
        let result = self.wires().transfer(address, operation).map_err(Fault);
        if self.wires().hangs_after == Some(this) {
            pending::<()>().await;
        }
        result
    }
}

impl DelayNs for Bus {
    async fn delay_ns(&mut self, ns: u32) {
        self.wires().now_us += u64::from(ns).div_ceil(1000);
    }
}
