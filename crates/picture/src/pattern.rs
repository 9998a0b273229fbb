//! A moving test scene: dusk over rolling hills, a bouncing ball, a running clock, and the same clock and the frame
//! number as two strips of black and white cells that a test reads back with [`read_strips`].
//!
//! Rows are drawn on the fly, from the top down or in any order, so that no frame buffer is needed. What can be known
//! before is computed once a frame ([`Scene::painter`]) or once a row; all of it is integer arithmetic.
//!
//! # The strips
//! Each strip is 32 cells wide; cell `i` covers the columns from `floor(i * width / 32)` up to, not including,
//! `floor((i + 1) * width / 32)`. Each is `max(8, height / 16)` rows high. The upper strip holds the frame number, the
//! lower one, which ends at the bottom of the picture, the clock in milliseconds. White is 1, black is 0, most
//! significant bit first: 24 bits of the value, then 8 bits of CRC-8 (polynomial 0x07, initial value 0) over these
//! 3 bytes. In a picture lower than two strips, what does not fit is cut off at the top.

mod bars;
mod canvas;
mod font;
mod landscape;
mod strips;

use crate::jpeg::Rows;
pub use bars::Bars;
use canvas::{Colour, Row};
use landscape::Landscape;
pub use strips::read_strips;

/// What one frame of the test scene shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Number of the frame. The text shows it modulo 10^6, the strip modulo 2^24.
    pub frame: u32,
    /// Milliseconds since the Unix epoch, or since boot: the caller says. Everything moves by it. The text shows its
    /// time of day (UTC), the strip shows it modulo 2^24 (4 h 39 min).
    pub clock_ms: u64,
}

impl Scene {
    /// Computes what all rows of this frame share. Allocates 12 bytes a column.
    pub fn painter(&self) -> Painter {
        let strips = strips::Strips::new(self);
        Painter {
            scene: *self,
            landscape: Landscape::new(self.width, strips.top(), self.clock_ms),
            labels: labels(self, strips.top()),
            strips,
        }
    }
}

/// One frame of a [`Scene`], ready to be had row by row.
#[derive(Clone, Debug)]
pub struct Painter {
    scene: Scene,
    landscape: Landscape,
    labels: [Option<Label>; 3],
    strips: strips::Strips,
}

impl Rows for Painter {
    fn width(&self) -> u16 {
        self.scene.width
    }

    fn height(&self) -> u16 {
        self.scene.height
    }

    /// # Panics
    /// When a slice is shorter than the width.
    fn row(&self, y: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
        let width = usize::from(self.scene.width);
        let mut row = Row { luma: &mut luma[..width], cb: &mut cb[..width], cr: &mut cr[..width] };
        let y = u32::from(y);
        if self.strips.paint(y, &mut row) {
            return;
        }
        self.landscape.paint(y, &mut row);
        for label in self.labels.iter().flatten() {
            label.paint(y, &mut row);
        }
    }
}

const TEXT: Colour = Colour::rgb(0xff_ff_ff);
const TEXT_SHADOW: Colour = Colour::rgb(0x10_12_30);

/// One line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Label {
    text: [u8; 12],
    left: u32,
    top: u32,
    /// Pixels of the picture per pixel of the font.
    scale: u32,
}

impl Label {
    fn paint(&self, y: u32, row: &mut Row<'_>) {
        // The shadow keeps the text readable where the ball or a hill passes behind it.
        let shadow = self.scale / 4;
        if shadow > 0 {
            self.paint_at(y, self.left + shadow, self.top + shadow, TEXT_SHADOW, row);
        }
        self.paint_at(y, self.left, self.top, TEXT, row);
    }

    fn paint_at(&self, y: u32, left: u32, top: u32, colour: Colour, row: &mut Row<'_>) {
        let Some(line) = y.checked_sub(top).map(|below| below / self.scale) else { return };
        if line >= font::HEIGHT {
            return;
        }
        let mut cell = left;
        for &character in &self.text {
            let bits = font::glyph(character)[line as usize];
            for column in 0..font::WIDTH {
                if bits >> (font::WIDTH - 1 - column) & 1 == 1 {
                    let x = cell + column * self.scale;
                    row.fill(x as usize..(x + self.scale) as usize, colour);
                }
            }
            cell += font::ADVANCE * self.scale;
        }
    }
}

/// The three lines of text: those that fit whole into `width` × `height`, the part of the picture above the strips.
fn labels(scene: &Scene, height: u32) -> [Option<Label>; 3] {
    let width = u32::from(scene.width);
    let scale = (width / 160).min(height / 60).max(1);
    // Eight letters at 3/2 of the scale are exactly as wide as twelve digits below them.
    let title = (scale * 3 / 2).max(1);
    let gap = scale * 3;
    let margin = scale * 4;

    let mut top = margin;
    [(title_text(), 8, title), (clock_text(scene.clock_ms), 12, scale), (frame_text(scene.frame), 12, scale)]
        .map(|(text, characters, scale)| {
            let label = Label { text, left: margin, top, scale };
            top += font::HEIGHT * scale + gap;
            let right = margin + characters * font::ADVANCE * scale;
            (right <= width && label.top + font::HEIGHT * scale <= height).then_some(label)
        })
}

fn title_text() -> [u8; 12] {
    *b"lenscast    "
}

/// `HH:MM:SS.mmm`, the time of day.
fn clock_text(clock_ms: u64) -> [u8; 12] {
    let ms = (clock_ms % 86_400_000) as u32;
    let mut text = *b"00:00:00.000";
    decimal(&mut text[0..2], ms / 3_600_000);
    decimal(&mut text[3..5], ms / 60_000 % 60);
    decimal(&mut text[6..8], ms / 1000 % 60);
    decimal(&mut text[9..12], ms % 1000);
    text
}

fn frame_text(frame: u32) -> [u8; 12] {
    let mut text = *b"frame 000000";
    decimal(&mut text[6..], frame);
    text
}

/// The last digits of `value`, as many as there is room for.
fn decimal(digits: &mut [u8], mut value: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    /// 2026-11-22 10:23:45.678 UTC.
    const CLOCK_MS: u64 = 1_795_343_025_678;

    fn luma(scene: Scene) -> Vec<u8> {
        let width = usize::from(scene.width);
        let mut luma = vec![0; width * usize::from(scene.height)];
        let (mut cb, mut cr) = (vec![0; width], vec![0; width]);
        let painter = scene.painter();
        for (y, row) in luma.chunks_exact_mut(width).enumerate() {
            painter.row(y as u16, row, &mut cb, &mut cr);
        }
        luma
    }

    /// Reads a label from the pixels, glyph by glyph: a `?` is a cell that shows no glyph.
    fn read_label(luma: &[u8], width: u32, label: &Label, characters: usize) -> Vec<u8> {
        let white = |x: u32, y: u32| luma[(y * width + x) as usize] == 255;
        (0..characters as u32)
            .map(|cell| {
                let mut rows = [0u8; 7];
                for (line, row) in rows.iter_mut().enumerate() {
                    for column in 0..font::WIDTH {
                        let x = label.left + (cell * font::ADVANCE + column) * label.scale;
                        let y = label.top + line as u32 * label.scale;
                        // All the pixels of one pixel of the font are alike.
                        let last = label.scale - 1;
                        let corners = [(0, 0), (last, 0), (0, last), (last, last)];
                        let lit = corners.map(|(right, down)| white(x + right, y + down));
                        assert!(lit.iter().all(|corner| *corner == lit[0]), "a ragged glyph at {x}, {y}");
                        *row = *row << 1 | u8::from(lit[0]);
                    }
                }
                *b" 0123456789:.lenscastfrm"
                    .iter()
                    .find(|known| *font::glyph(**known) == rows)
                    .unwrap_or(&b'?')
            })
            .collect()
    }

    #[test]
    fn the_text_is_really_drawn() {
        for (width, height) in [(160, 120), (320, 240), (333, 251), (640, 480), (1920, 1080)] {
            let scene = Scene { width, height, frame: 1234, clock_ms: CLOCK_MS };
            let luma = luma(scene);
            let painter = scene.painter();
            let read = |line: usize, characters| {
                let label = painter.labels[line].as_ref().expect("the text fits from QQVGA on");
                read_label(&luma, width.into(), label, characters)
            };
            assert_eq!(read(0, 8), b"lenscast", "{width}x{height}");
            assert_eq!(read(1, 12), b"10:23:45.678", "{width}x{height}");
            assert_eq!(read(2, 12), b"frame 001234", "{width}x{height}");
        }
    }

    #[test]
    fn text_that_does_not_fit_is_left_out_whole() {
        let scene = Scene { width: 60, height: 60, frame: 1, clock_ms: 0 };
        let lines = scene.painter().labels.map(|label| label.is_some());
        assert_eq!(lines, [true, false, false], "8 letters fit into 60 columns, 12 do not");
    }

    #[test]
    fn the_texts_wrap_as_documented() {
        assert_eq!(&clock_text(0), b"00:00:00.000");
        assert_eq!(&clock_text(86_400_000 * 3 - 1), b"23:59:59.999");
        assert_eq!(&clock_text(u64::MAX), b"14:25:51.615");
        assert_eq!(&frame_text(12_345_678), b"frame 345678");
    }

    #[test]
    fn the_strips_read_back_from_the_pixels() {
        for (frame, clock_ms) in [(1, 0), (0, CLOCK_MS), (0x00ff_ffff, u64::MAX), (u32::MAX, CLOCK_MS)] {
            for (width, height) in [(128, 16), (160, 120), (333, 251), (1920, 1080)] {
                let luma = luma(Scene { width, height, frame, clock_ms });
                let (width, height) = (usize::from(width), usize::from(height));
                let expected = (frame & 0xff_ffff, (clock_ms & 0xff_ffff) as u32);
                assert_eq!(read_strips(&luma, width, height, width), Some(expected), "{width}x{height}");
            }
        }
    }

    #[test]
    fn strips_that_cannot_be_read_are_refused() {
        let scene = Scene { width: 320, height: 240, frame: 77, clock_ms: CLOCK_MS };
        let good = luma(scene);
        assert!(read_strips(&good, 320, 240, 320).is_some());
        assert_eq!(read_strips(&good, 320, 240, 319), None, "a stride below the width");
        assert_eq!(read_strips(&good[1..], 320, 240, 320), None, "too few samples");
        assert_eq!(read_strips(&good, 127, 240, 320), None, "too narrow");
        assert_eq!(read_strips(&good, 320, 15, 320), None, "too low");
        assert_eq!(read_strips(&[], 320, usize::MAX, 320), None, "a height beyond memory");
        for sample in [0, 128, 255] {
            assert_eq!(read_strips(&vec![sample; 320 * 240], 320, 240, 320), None, "all {sample}");
        }
        // One cell turned over, in each strip, at every place.
        for top in [210, 225] {
            for cell in 0..32 {
                let mut bad = good.clone();
                for y in top..top + 15 {
                    bad[y * 320 + cell * 10..][..10].iter_mut().for_each(|sample| *sample = 255 - *sample);
                }
                assert_eq!(read_strips(&bad, 320, 240, 320), None, "cell {cell} of the strip at {top}");
            }
        }
    }

    #[test]
    fn the_picture_moves_with_the_clock_alone() {
        let scene = Scene { width: 320, height: 240, frame: 5, clock_ms: CLOCK_MS };
        let moving = |scene| luma(scene)[80 * 320..210 * 320].to_vec();
        let next = Scene { clock_ms: CLOCK_MS + 33, ..scene };
        assert_ne!(moving(scene), moving(next), "33 ms later, below the text and above the strips");
        assert_eq!(moving(scene), moving(Scene { frame: 6, ..scene }));
    }

    #[test]
    fn the_hills_do_not_jump_when_they_begin_anew() {
        for period in [64_000, 40_000, 24_000] {
            let [before, after] = [period - 1, period].map(|clock_ms| {
                let scene = Scene { width: 320, height: 240, frame: 1, clock_ms };
                scene.painter().landscape.outline()
            });
            let jump = before.iter().zip(&after).map(|(before, after)| (before - after).abs()).max();
            assert!(jump < Some(256), "a hill moves by less than one pixel in 1 ms, not {jump:?}/256");
        }
    }

    #[test]
    fn the_ball_stays_inside() {
        for clock_ms in (0..6000).step_by(7) {
            let painter = Scene { width: 320, height: 240, frame: 1, clock_ms }.painter();
            let (x, y, radius) = painter.landscape.ball();
            assert!(x - radius >= 0 && x + radius <= 320 * 256, "{clock_ms} ms: {x}");
            assert!(y - radius >= 0 && y + radius <= 210 * 256, "{clock_ms} ms: {y}");
        }
    }

    #[test]
    fn the_widest_and_the_highest_pictures_can_be_drawn() {
        for (width, height) in [(u16::MAX, 40), (40, u16::MAX), (1, 1), (u16::MAX, 1), (1, u16::MAX)] {
            let scene = Scene { width, height, frame: u32::MAX, clock_ms: u64::MAX };
            let painter = scene.painter();
            let [mut luma, mut cb, mut cr] = [(); 3].map(|()| vec![0; width.into()]);
            for y in (0..height).step_by(97).chain([height - 1]) {
                painter.row(y, &mut luma, &mut cb, &mut cr);
            }
            assert!(luma.iter().all(|sample| matches!(sample, 0 | 255)), "the last row is a strip");
        }
    }
}
