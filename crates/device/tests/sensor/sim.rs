//! A bus with one simulated sensor (or none) on it: its registers, its reset, and what it refuses.

use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use lenscast_device::sensor::Model;
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

/// Handle to the bus; also the clock of whoever waits.
#[derive(Clone)]
pub struct Bus(Rc<RefCell<Wires>>);

pub struct Wires {
    /// The sensor, and its id where that is another.
    pub sensor: Option<(Model, u16)>,
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
    page: u8,
    /// Register of the next read: the number must be written anew for each.
    number: Option<u16>,
    /// Time that was waited, in µs.
    pub now_us: u64,
    busy_until_us: u64,
}

impl Bus {
    pub fn with(model: Model) -> Self {
        Self::with_id(Some((model, model.id())))
    }

    pub fn with_id(sensor: Option<(Model, u16)>) -> Self {
        Self(Rc::new(RefCell::new(Wires {
            sensor,
            clocked: true,
            faults: Vec::new(),
            hangs_after: None,
            transfers: 0,
            writes: Vec::new(),
            registers: BTreeMap::new(),
            page: 0,
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
        match (self.sensor, register) {
            (Some((Model::Gc0308, id)), 0x00) | (Some((Model::Ov3660, id)), 0x300b) => id as u8,
            (Some((Model::Ov3660, id)), 0x300a) => (id >> 8) as u8,
            _ => self.registers.get(&register).copied().unwrap_or(after_reset(register)),
        }
    }

    fn transfer(&mut self, address: u8, operation: &mut Operation<'_>) -> Result<(), ErrorKind> {
        let this = self.transfers;
        self.transfers += 1;
        let nothing = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let Some((model, _)) = self.sensor else { return Err(nothing) };
        if !self.clocked || address != model.address() || self.now_us < self.busy_until_us {
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
            Operation::Write(bytes) => self.written(model, bytes),
        }
        Ok(())
    }

    fn written(&mut self, model: Model, bytes: &[u8]) {
        let (register, value) = match (model, bytes) {
            (Model::Gc0308, &[number]) => (number.into(), None),
            (Model::Gc0308, &[number, value]) => (number.into(), Some(value)),
            (Model::Ov3660, &[high, low]) => (u16::from_be_bytes([high, low]), None),
            (Model::Ov3660, &[high, low, value]) => (u16::from_be_bytes([high, low]), Some(value)),
            _ => panic!("{} bytes are no access to a register of the {}", bytes.len(), model.name()),
        };
        let paged = if model == Model::Gc0308 { u16::from(self.page) << 8 | register } else { register };
        let Some(value) = value else {
            self.number = Some(paged);
            return;
        };
        self.number = None;
        match (model, register) {
            (Model::Gc0308, 0xfe) => {
                self.page = value & 1;
                if value & 0x80 != 0 {
                    self.reset(80);
                }
            }
            (Model::Ov3660, 0x3008) if value & 0x80 != 0 => self.reset(100),
            _ => {
                self.registers.insert(paged, value);
                self.writes.push((paged, value));
            }
        }
    }

    fn reset(&mut self, busy_ms: u64) {
        self.registers.clear();
        self.page = 0;
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
