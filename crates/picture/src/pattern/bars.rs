//! The bars that sensors show when they test themselves.

use super::canvas::{Colour, Row};
use crate::jpeg::Rows;

/// Eight upright bars, from white to black by their brightness: what a camera without a sensor shows for `cam testbar`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bars {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

/// White, yellow, cyan, green, magenta, red, blue, black.
const COLOURS: [Colour; 8] = [
    Colour::rgb(0xff_ff_ff),
    Colour::rgb(0xff_ff_00),
    Colour::rgb(0x00_ff_ff),
    Colour::rgb(0x00_ff_00),
    Colour::rgb(0xff_00_ff),
    Colour::rgb(0xff_00_00),
    Colour::rgb(0x00_00_ff),
    Colour::rgb(0x00_00_00),
];

impl Rows for Bars {
    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    /// # Panics
    /// When a slice is shorter than the width.
    fn row(&self, _y: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
        let width = usize::from(self.width);
        let mut row = Row { luma: &mut luma[..width], cb: &mut cb[..width], cr: &mut cr[..width] };
        for (bar, colour) in COLOURS.into_iter().enumerate() {
            row.fill(bar * width / COLOURS.len()..(bar + 1) * width / COLOURS.len(), colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_the_row_from_bright_to_dark_whatever_its_width() {
        for width in [8, 9, 100, 640] {
            let (mut luma, mut cb, mut cr) = ([7; 640], [7; 640], [7; 640]);
            Bars { width, height: 4 }.row(3, &mut luma, &mut cb, &mut cr);
            let row = &luma[..usize::from(width)];
            assert!(row.is_sorted_by(|left, right| left >= right), "{row:?}");
            let mut levels = row.to_vec();
            levels.dedup();
            assert_eq!(levels.len(), 8, "{row:?}");
            assert_eq!((row[0], row[row.len() - 1]), (255, 0));
        }
    }
}
