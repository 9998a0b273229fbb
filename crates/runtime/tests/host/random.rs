//! Random numbers that a seed repeats (SplitMix64, Steele et al. 2014).

use std::ops::Range;

#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn within(&mut self, range: Range<usize>) -> usize {
        range.start + (self.next() % (range.end - range.start) as u64) as usize
    }

    /// True `per_mille` times of a thousand.
    pub fn hits(&mut self, per_mille: u32) -> bool {
        self.next() % 1000 < u64::from(per_mille)
    }
}

/// The seed of this run: `LENSCAST_SEED`, or always the same. A failure prints it.
pub fn seed() -> u64 {
    std::env::var("LENSCAST_SEED").map_or(1, |seed| seed.parse().expect("LENSCAST_SEED is a number"))
}
