//! A flash that loses its power when it is told to.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use esp_nvs::platform::Crc;
use lenscast_device::settings::store::{PARTITION_BYTES, PARTITION_OFFSET};

pub const SECTOR: usize = 4096;
const WORD: usize = 4;
/// Something follows the partition, as on a board.
const CAPACITY: usize = PARTITION_OFFSET + PARTITION_BYTES + SECTOR;

/// What a flash is told to do: the least that happens as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Clears those bits of the word at this address that are zero here.
    Write(usize, [u8; WORD]),
    /// Sets all bits of the sector at this address.
    Erase(usize),
}

/// How far an operation got when the power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// It did not begin.
    Before,
    /// Every other bit of the word is as it should be, beginning with the first or the second.
    Bits(u8),
    /// These bytes of the sector are erased.
    Erased(usize, usize),
    /// Bits all over the sector are erased, as this seed has it.
    Noise(u64),
}

/// The ways in which an operation can be cut short.
pub fn tears(operation: Operation) -> &'static [Tear] {
    match operation {
        Operation::Write(..) => &[Tear::Before, Tear::Bits(0x55), Tear::Bits(0xAA)],
        Operation::Erase(_) => &[
            Tear::Before,
            Tear::Erased(0, 32),
            Tear::Erased(0, 64),
            Tear::Erased(32, 64),
            Tear::Erased(64, SECTOR),
            Tear::Erased(0, SECTOR / 2),
            Tear::Erased(SECTOR / 2, SECTOR),
            Tear::Noise(1),
            Tear::Noise(2),
        ],
    }
}

/// NOR flash with words of 4 bytes and sectors of 4096.
#[derive(Clone, Debug)]
pub struct Flash {
    bytes: Vec<u8>,
    /// What was done to it.
    pub done: Vec<Operation>,
    /// How many operations it carries out before one fails; the ones after that work again.
    pub fails_after: Option<usize>,
    /// The same for reading.
    pub fails_to_read_after: Option<usize>,
}

impl Flash {
    pub fn blank() -> Self {
        Self::holding(&[0xFF; PARTITION_BYTES])
    }

    /// With this in the partition.
    pub fn holding(partition: &[u8]) -> Self {
        let mut bytes = vec![0x5A; CAPACITY];
        bytes[PARTITION_OFFSET..][..PARTITION_BYTES].copy_from_slice(partition);
        Self { bytes, done: Vec::new(), fails_after: None, fails_to_read_after: None }
    }

    pub fn partition(&self) -> &[u8] {
        &self.bytes[PARTITION_OFFSET..][..PARTITION_BYTES]
    }

    pub fn erases(&self) -> usize {
        self.done.iter().filter(|it| matches!(it, Operation::Erase(_))).count()
    }

    /// Carries an operation out, without counting it.
    pub fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Write(at, word) => {
                self.bytes[at..at + WORD].iter_mut().zip(word).for_each(|(to, from)| *to &= from);
            }
            Operation::Erase(at) => self.bytes[at..at + SECTOR].fill(0xFF),
        }
    }

    /// Carries it out as far as the power lasts.
    pub fn tear(&mut self, operation: Operation, tear: Tear) {
        match (operation, tear) {
            (_, Tear::Before) => {}
            (Operation::Write(at, word), Tear::Bits(mask)) => {
                self.perform(Operation::Write(at, word.map(|byte| byte | mask)));
            }
            (Operation::Erase(at), Tear::Erased(from, to)) => self.bytes[at + from..at + to].fill(0xFF),
            (Operation::Erase(at), Tear::Noise(seed)) => {
                let mut random = Random(seed);
                self.bytes[at..at + SECTOR].iter_mut().for_each(|byte| *byte |= random.next() as u8);
            }
            _ => panic!("{operation:?} does not end with {tear:?}"),
        }
    }

    fn carry_out(&mut self, operation: Operation) -> Result<(), NorFlashErrorKind> {
        count_down(&mut self.fails_after)?;
        self.done.push(operation);
        self.perform(operation);
        Ok(())
    }
}

fn count_down(left: &mut Option<usize>) -> Result<(), NorFlashErrorKind> {
    match left.take() {
        Some(0) => Err(NorFlashErrorKind::Other),
        more => {
            *left = more.map(|more| more - 1);
            Ok(())
        }
    }
}

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = WORD;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let offset = offset as usize;
        assert!(
            offset.is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD),
            "{offset:#x}, {}",
            bytes.len()
        );
        count_down(&mut self.fails_to_read_after)?;
        bytes.copy_from_slice(&self.bytes[offset..offset + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        assert_within(from as usize, to as usize, SECTOR);
        (from..to).step_by(SECTOR).try_for_each(|at| self.carry_out(Operation::Erase(at as usize)))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let offset = offset as usize;
        assert_within(offset, offset + bytes.len(), WORD);
        for (index, word) in bytes.as_chunks().0.iter().enumerate() {
            self.carry_out(Operation::Write(offset + index * WORD, *word))?;
        }
        Ok(())
    }
}

/// Nothing else in the flash is ever touched.
fn assert_within(from: usize, to: usize, unit: usize) {
    let partition = PARTITION_OFFSET..=PARTITION_OFFSET + PARTITION_BYTES;
    assert!(partition.contains(&from) && partition.contains(&to), "{from:#x} to {to:#x}");
    assert!(from.is_multiple_of(unit) && to.is_multiple_of(unit), "{from:#x} to {to:#x}");
}

impl Crc for Flash {
    fn crc32(init: u32, data: &[u8]) -> u32 {
        let step = |crc: u32, byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
        !data.iter().fold(!init, step)
    }
}

/// The tests read whole partitions hundreds of thousands of times: bit by bit, that takes minutes.
static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// SplitMix64: numbers that look random, and are the same in every run.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
