//! Quantisation (T.81 §A.3.4), with the tables of T.81 §K.1 and the IJG's scale of quality.

use alloc::vec::Vec;

/// Luma and chroma, row by row (tables K.1 and K.2).
#[rustfmt::skip]
const TABLES: [[u8; 64]; 2] = [
    [
        16, 11, 10, 16,  24,  40,  51,  61,
        12, 12, 14, 19,  26,  58,  60,  55,
        14, 13, 16, 24,  40,  57,  69,  56,
        14, 17, 22, 29,  51,  87,  80,  62,
        18, 22, 37, 56,  68, 109, 103,  77,
        24, 35, 55, 64,  81, 104, 113,  92,
        49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103,  99,
    ],
    [
        17, 18, 24, 47, 99, 99, 99, 99,
        18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
    ],
];

/// Where the coefficients stand in a block, in the order in which they are written (T.81 figure A.6).
#[rustfmt::skip]
const ZIGZAG: [u8; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The bits after the point of a reciprocal.
const BITS: u32 = 15;

/// Divides the coefficients of one kind of component, by multiplying.
pub(super) struct Quantiser {
    /// Of 64 coefficients, in zigzag order. On the heap, as all that a block is not made of.
    steps: Vec<Step>,
}

/// How one coefficient is divided.
#[derive(Clone, Copy)]
struct Step {
    /// Where it stands in its block.
    place: u8,
    divisor: u8,
    /// What is added first, so that the result is rounded.
    add: u16,
    /// The reciprocal of 8 times the divisor.
    reciprocal: u16,
}

impl Quantiser {
    /// A quantiser for no quality yet.
    pub(super) const fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// `kind`: 0 for luma, 1 for chroma. `quality`: 1 to 100.
    pub(super) fn set(&mut self, kind: usize, quality: u8) {
        let quality = u32::from(quality);
        let scale = if quality < 50 { 5000 / quality } else { 200 - quality * 2 };
        self.steps.clear();
        self.steps.extend(ZIGZAG.iter().map(|&place| {
            let divisor = (u32::from(TABLES[kind][usize::from(place)]) * scale + 50) / 100;
            Step::new(place, divisor.clamp(1, 255) as u8)
        }));
    }

    /// The divisors in zigzag order, as a JPEG has them.
    pub(super) fn divisors(&self) -> [u8; 64] {
        let mut divisors = [0; 64];
        divisors.iter_mut().zip(&self.steps).for_each(|(place, step)| *place = step.divisor);
        divisors
    }

    /// The quantised coefficients of a block in zigzag order, from 8 times the coefficients row by row.
    #[inline]
    pub(super) fn quantise(&self, block: &[i32; 64]) -> impl Iterator<Item = i32> {
        self.steps.iter().map(|&Step { place, add, reciprocal, .. }| {
            let coefficient = block[usize::from(place & 63)];
            // All ones for a negative one. No branch: which sign comes next, no processor guesses.
            let sign = coefficient >> 31;
            let size = (coefficient ^ sign) - sign;
            // At most 8,192 + 1,021, times at most 4,096: it fits in 31 bits.
            let size = ((size + i32::from(add)) * i32::from(reciprocal)) >> BITS;
            (size ^ sign) - sign
        })
    }
}

impl Step {
    /// The reciprocal is rounded to the nearest, and one that came out too small is made up for by one more before it is
    /// multiplied. For a divisor of 3, which is 24 here: 32,768 / 24 = 1,365.3, so 1,365, and 12 + 1 are added.
    fn new(place: u8, divisor: u8) -> Self {
        let eightfold = u16::from(divisor) * 8;
        let (reciprocal, rest) = ((1 << BITS) / eightfold, (1 << BITS) % eightfold);
        let half = eightfold / 2;
        let (add, reciprocal) = match rest {
            0 => (half, reciprocal),
            rest if rest <= half => (half + 1, reciprocal),
            _ => (half, reciprocal + 1),
        };
        Self { place, divisor, add, reciprocal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coefficient_is_divided_and_rounded_to_the_nearest() {
        for quality in [1, 10, 50, 80, 100] {
            let mut quantiser = Quantiser::new();
            quantiser.set(0, quality);
            for coefficient in (-8192..=8192).step_by(7) {
                let block = [coefficient; 64];
                for (quantised, divisor) in quantiser.quantise(&block).zip(quantiser.divisors()) {
                    let divisor = 8.0 * f64::from(divisor);
                    let exact = f64::from(coefficient) / divisor;
                    // Half a step is rounding. Of the reciprocal half a bit is missing, of the sum at most one.
                    let sum = f64::from(coefficient.abs()) + divisor / 2.0;
                    let most = 0.5 + sum / f64::from(2 << BITS) + 1.0 / divisor;
                    assert!((f64::from(quantised) - exact).abs() <= most, "{coefficient} / {divisor}");
                }
            }
        }
    }

    #[test]
    fn the_best_quality_divides_by_one() {
        for kind in [0, 1] {
            let mut quantiser = Quantiser::new();
            quantiser.set(kind, 100);
            assert_eq!(quantiser.divisors(), [1; 64]);
        }
    }
}
