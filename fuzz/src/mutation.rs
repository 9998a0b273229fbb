//! Seeded mutations, for fuzzing a little in every test run.

/// Marsaglia's xorshift64: reproducible, and all that this needs.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator whose every number follows from `seed`.
    pub const fn new(seed: u64) -> Self {
        // Zero is the one state that xorshift never leaves.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`, which is not zero.
    pub const fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }
}

/// `input` with one to six changes: bytes overwritten, removed, inserted, repeated, or taken from `other`.
pub fn mutate(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    /// Bytes that mean something to a parser of markers.
    const TELLING: [u8; 12] = [0x00, 0x01, 0x02, 0x10, 0x7F, 0x80, 0xC4, 0xD0, 0xD8, 0xD9, 0xDA, 0xFF];
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len() + 1);
        let end = bytes.len().min(at + 1 + random.below(8));
        match random.below(8) {
            0 => bytes[at..end].iter_mut().for_each(|byte| *byte ^= 1 << random.below(8)),
            1 | 2 => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte = random.below(256) as u8),
            3 => bytes[at..end]
                .iter_mut()
                .take(2)
                .for_each(|byte| *byte = TELLING[random.below(TELLING.len())]),
            4 => drop(bytes.drain(at..end)),
            5 => bytes.insert(at, TELLING[random.below(TELLING.len())]),
            6 => {
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            _ => {
                let from = random.below(other.len() + 1);
                let taken = &other[from..other.len().min(from + random.below(64))];
                let end = bytes.len().min(at + taken.len());
                bytes.splice(at..end, taken.iter().copied());
            }
        }
    }
    if random.below(16) == 0 {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    bytes
}
