//! Frames that can be told from all others, and counted while they exist.

use crate::dice::Dice;
use std::ops::Range;
use std::rc::Rc;

/// One frame: its number, and bytes that follow from it.
pub struct Frame {
    bytes: Vec<u8>,
    _alive: Rc<()>,
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

pub struct Camera {
    seed: u64,
    sizes: Range<u64>,
    /// Frames made so far; the last one has this number.
    pub made: u64,
    alive: Rc<()>,
}

impl Camera {
    pub fn new(seed: u64, sizes: Range<u64>) -> Self {
        Self { seed, sizes, made: 0, alive: Rc::new(()) }
    }

    pub fn shoot(&mut self) -> Frame {
        self.made += 1;
        Frame { bytes: self.picture(self.made), _alive: Rc::clone(&self.alive) }
    }

    /// Frames that somebody still holds.
    pub fn alive(&self) -> usize {
        Rc::strong_count(&self.alive) - 1
    }

    /// The number of the frame that this is, byte for byte.
    pub fn recognise(&self, bytes: &[u8]) -> Option<u64> {
        let number = u64::from_be_bytes(*bytes.first_chunk()?);
        ((1..=self.made).contains(&number) && self.picture(number) == bytes).then_some(number)
    }

    fn picture(&self, number: u64) -> Vec<u8> {
        let mut dice = Dice::new(self.seed ^ number);
        let size = dice.magnitude(self.sizes.clone()) as usize;
        let mut bytes = number.to_be_bytes().to_vec();
        while bytes.len() < size {
            bytes.extend_from_slice(&dice.roll().to_ne_bytes());
        }
        bytes.truncate(size);
        bytes
    }
}
