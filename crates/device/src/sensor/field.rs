//! Bits of registers, and the tables of a sensor's maker.

use alloc::vec::Vec;

/// Values that a table writes, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// Values of a register and of those that follow it.
    Row(u16, &'static [u8]),
    /// Values that one register takes one after the other: behind it, the sensor counts up.
    Port(u16, &'static [u8]),
}

impl Run {
    /// Every write of it: a register and its value.
    pub fn writes(self) -> impl Iterator<Item = (u16, u8)> {
        let (first, step, values) = match self {
            Self::Row(first, values) => (first, 1, values),
            Self::Port(register, values) => (register, 0, values),
        };
        (0..).zip(values).map(move |(index, &value)| (first + step * index, value))
    }
}

/// Some bits of a register, as a setup wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub register: u16,
    pub mask: u8,
    pub value: u8,
    /// Whether the field may change only while the sensor is held: see [`Hold`](super::driver::Hold).
    pub held: bool,
}

/// Collects [`Field`]s.
#[derive(Default)]
pub(super) struct Fields {
    pub list: Vec<Field>,
    /// Whether the next ones are [`Field::held`].
    pub held: bool,
}

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
        self.list.push(Field { register, mask, value: value & mask, held: self.held });
    }
}
