//! One row of pixels, and what can be drawn on it.

use core::ops::Range;

/// Full-range BT.601, as JFIF wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour {
    pub(super) luma: u8,
    pub(super) cb: u8,
    pub(super) cr: u8,
}

impl Colour {
    /// From `0xRRGGBB`.
    pub(super) const fn rgb(rgb: u32) -> Colour {
        let (r, g, b) = ((rgb >> 16 & 255) as i32, (rgb >> 8 & 255) as i32, (rgb & 255) as i32);
        // The factors of JFIF 1.02, times 2^16. Each row of them sums to 65536 or to 0, so grey stays grey; the sums
        // for Cb and Cr reach 255.5, hence the limit.
        let luma = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
        let cb = (-11059 * r - 21709 * g + 32768 * b + (128 << 16) + 32768) >> 16;
        let cr = (32768 * r - 27439 * g - 5329 * b + (128 << 16) + 32768) >> 16;
        Colour {
            luma: luma as u8,
            cb: if cb > 255 { 255 } else { cb as u8 },
            cr: if cr > 255 { 255 } else { cr as u8 },
        }
    }

    /// This colour where `part` is 0, `other` where it is 256.
    pub(super) fn mix(self, other: Colour, part: i32) -> Colour {
        Colour {
            luma: mix(self.luma, other.luma, part),
            cb: mix(self.cb, other.cb, part),
            cr: mix(self.cr, other.cr, part),
        }
    }
}

/// A circle. All lengths are in 1/256 pixel; the centre of the top left pixel is at (128, 128).
#[derive(Clone, Copy, Debug)]
pub(super) struct Disc {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) radius: i64,
    pub(super) colour: Colour,
    /// 256 covers what is behind, less lets it shine through.
    pub(super) opacity: i32,
}

/// The samples of one row.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) luma: &'a mut [u8],
    pub(super) cb: &'a mut [u8],
    pub(super) cr: &'a mut [u8],
}

impl Row<'_> {
    pub(super) fn width(&self) -> usize {
        self.luma.len()
    }

    /// Paints the pixels of `range`; what is outside of the row is left out.
    pub(super) fn fill(&mut self, range: Range<usize>, colour: Colour) {
        let end = range.end.min(self.width());
        let range = range.start.min(end)..end;
        self.luma[range.clone()].fill(colour.luma);
        self.cb[range.clone()].fill(colour.cb);
        self.cr[range].fill(colour.cr);
    }

    /// Paints one pixel, `opacity` of 256.
    pub(super) fn blend(&mut self, x: usize, colour: Colour, opacity: i32) {
        self.luma[x] = mix(self.luma[x], colour.luma, opacity);
        self.cb[x] = mix(self.cb[x], colour.cb, opacity);
        self.cr[x] = mix(self.cr[x], colour.cr, opacity);
    }

    /// Paints what row `y` shows of `disc`, with a soft edge to the left and the right.
    pub(super) fn disc(&mut self, y: u32, disc: &Disc) {
        let above = (i64::from(y) << 8) + 128 - disc.y;
        let Some(square) =
            (disc.radius * disc.radius).checked_sub(above * above).filter(|square| *square > 0)
        else {
            return;
        };
        let half = square.isqrt();
        let width = (self.width() as i64) << 8;
        let (left, right) = ((disc.x - half).clamp(0, width), (disc.x + half).clamp(0, width));
        let (first, last) = (left >> 8, right >> 8);
        // The columns between the two edge pixels are covered whole.
        let (from, to) = ((left + 255) >> 8, last);
        let coverage = |part: i64| ((part * i64::from(disc.opacity)) >> 8) as i32;
        if from > to {
            self.blend(first as usize, disc.colour, coverage(right - left));
            return;
        }
        if first < from {
            self.blend(first as usize, disc.colour, coverage((from << 8) - left));
        }
        if disc.opacity >= 256 {
            self.fill(from as usize..to as usize, disc.colour);
        } else {
            for x in from as usize..to as usize {
                self.blend(x, disc.colour, disc.opacity);
            }
        }
        if right > last << 8 {
            self.blend(last as usize, disc.colour, coverage(right - (last << 8)));
        }
    }
}

/// `behind` where `part` is 0, `front` where it is 256.
pub(super) fn mix(behind: u8, front: u8, part: i32) -> u8 {
    let (behind, front) = (i32::from(behind), i32::from(front));
    (behind + (((front - behind) * part) >> 8)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_full_range_bt_601() {
        assert_eq!(Colour::rgb(0xff_ff_ff), Colour { luma: 255, cb: 128, cr: 128 });
        assert_eq!(Colour::rgb(0x00_00_00), Colour { luma: 0, cb: 128, cr: 128 });
        assert_eq!(Colour::rgb(0xff_00_00), Colour { luma: 76, cb: 85, cr: 255 });
        assert_eq!(Colour::rgb(0x00_ff_00), Colour { luma: 150, cb: 44, cr: 21 });
        assert_eq!(Colour::rgb(0x00_00_ff), Colour { luma: 29, cb: 255, cr: 107 });
    }

    #[test]
    fn a_disc_covers_the_area_of_a_disc() {
        let (mut covered, size) = (0u64, 64);
        for y in 0..size {
            let (mut luma, mut cb, mut cr) = ([0; 64], [0; 64], [0; 64]);
            let mut row = Row { luma: &mut luma, cb: &mut cb, cr: &mut cr };
            let white = Colour::rgb(0xff_ff_ff);
            row.disc(y, &Disc { x: 8192 + 100, y: 8192, radius: 20 << 8, colour: white, opacity: 256 });
            covered += luma.iter().map(|&sample| u64::from(sample)).sum::<u64>();
        }
        let area = covered / 255;
        assert!((1245..=1268).contains(&area), "400 pi is 1257, got {area}");
    }
}
