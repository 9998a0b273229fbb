//! The two strips a machine reads. Their layout is in the documentation of [`pattern`](super).

use super::Scene;
use super::canvas::{Colour, Row};

const CELLS: u32 = 32;
const WHITE: Colour = Colour::rgb(0xff_ff_ff);
const BLACK: Colour = Colour::rgb(0x00_00_00);

/// Narrower, a cell is less than 4 pixels wide and a strongly compressed JPEG smears it.
const MIN_READABLE_WIDTH: usize = 128;

/// What the strips of a frame show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strips {
    width: u32,
    /// First row of the upper strip, of the lower one, and the row after it.
    rows: [u32; 3],
    upper: u32,
    lower: u32,
}

impl Strips {
    pub(super) fn new(scene: &Scene) -> Strips {
        Strips {
            width: u32::from(scene.width),
            rows: rows(u32::from(scene.height)),
            upper: word(scene.frame),
            lower: word(scene.clock_ms as u32),
        }
    }

    /// The first row of the strips: the landscape ends above it.
    pub(super) fn top(&self) -> u32 {
        self.rows[0]
    }

    /// Paints row `y` and returns true when it lies in one of the strips.
    pub(super) fn paint(&self, y: u32, row: &mut Row<'_>) -> bool {
        let [upper, lower, _] = self.rows;
        if y < upper {
            return false;
        }
        let bits = if y < lower { self.upper } else { self.lower };
        let mut start = 0;
        for cell in 0..CELLS {
            let end = (cell + 1) * self.width / CELLS;
            let white = bits >> (CELLS - 1 - cell) & 1 == 1;
            row.fill(start as usize..end as usize, if white { WHITE } else { BLACK });
            start = end;
        }
        true
    }
}

/// Reads frame number and clock, both modulo 2^24, from the strips of a decoded picture.
///
/// `luma` is full-range luma, `height` rows of `width` samples, `stride` samples apart.
///
/// `None` when a CRC is wrong; when all cells are black, as they are in a black picture (so frame 0 of a clock at 0
/// cannot be read); when the picture is narrower than 128 pixels, or not as high as both strips; when `luma` is too
/// short for what the sizes say.
pub fn read_strips(luma: &[u8], width: usize, height: usize, stride: usize) -> Option<(u32, u32)> {
    let tall_enough = height >= 16;
    if width < MIN_READABLE_WIDTH || width > u16::MAX.into() || height > u16::MAX.into() || !tall_enough {
        return None;
    }
    let last_row = height.checked_sub(1)?.checked_mul(stride)?;
    if stride < width || luma.len() < last_row.checked_add(width)? {
        return None;
    }
    let [upper, lower, end] = rows(height as u32).map(|row| row as usize);
    let read = |top: usize, bottom: usize| {
        (0..CELLS as usize).fold(0u32, |bits, cell| {
            let (left, right) = (cell * width / 32, (cell + 1) * width / 32);
            // Only the middle of the cell: its edges carry the ringing of the neighbours.
            let (columns, rows) = (middle(left, right), middle(top, bottom));
            let samples = columns.len() * rows.len();
            let sum: usize = rows
                .flat_map(|y| &luma[y * stride..][columns.clone()])
                .map(|&sample| usize::from(sample))
                .sum();
            bits << 1 | u32::from(sum >= 128 * samples)
        })
    };
    let (frame, clock) = (read(upper, lower), read(lower, end));
    if frame == 0 && clock == 0 {
        return None;
    }
    let value = |bits: u32| (word(bits >> 8) == bits).then_some(bits >> 8);
    Some((value(frame)?, value(clock)?))
}

/// Where the strips lie in a picture of this height: see [`Strips::rows`].
fn rows(height: u32) -> [u32; 3] {
    let strip = (height / 16).max(8);
    [height.saturating_sub(2 * strip), height.saturating_sub(strip), height]
}

/// `start..end` without a quarter at each end.
fn middle(start: usize, end: usize) -> core::ops::Range<usize> {
    let quarter = (end - start) / 4;
    start + quarter..end - quarter
}

/// The low 24 bits of `value`, followed by their CRC-8.
fn word(value: u32) -> u32 {
    let value = value & 0xff_ffff;
    let [_, bytes @ ..] = value.to_be_bytes();
    value << 8 | u32::from(crc8(bytes))
}

/// CRC-8/SMBUS: polynomial x^8 + x^2 + x + 1, initial value 0.
fn crc8(bytes: [u8; 3]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_one_that_is_documented() {
        // CRC-8/SMBUS of "123" by an independent implementation.
        assert_eq!(crc8(*b"123"), 0xc0);
        assert_eq!(word(0x12_34_56_78) >> 8, 0x34_56_78);
    }

    #[test]
    fn strips_lie_at_the_bottom_and_never_above_the_picture() {
        assert_eq!(rows(480), [420, 450, 480]);
        assert_eq!(rows(120), [104, 112, 120]);
        assert_eq!(rows(16), [0, 8, 16]);
        assert_eq!(rows(11), [0, 3, 11]);
        assert_eq!(rows(1), [0, 0, 1]);
    }
}
