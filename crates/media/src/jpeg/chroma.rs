//! From any sampling to 4:2:0, and from RGB to Y′CbCr.

use super::plane::{Plane, Ratio};

/// Averages a chroma plane down, or repeats it up, to half the size of the image in both directions.
///
/// `target` has rows of `stride` bytes, of which `width` × `height` samples (half the image's sides, rounded up) are
/// written.
pub(super) fn halve(source: &Plane<'_>, target: &mut [u8], stride: usize, (width, height): (usize, usize)) {
    for (y, target) in target.chunks_exact_mut(stride).take(height).enumerate() {
        // Two rows, which are the same one where the plane has but one for this row of the target.
        let (first, second) = match source.vertical {
            Ratio::Full => (2 * y, 2 * y + 1),
            Ratio::Half => (y, y),
            Ratio::Quarter => (y / 2, y / 2),
        };
        let (a, b) = (source.row(first), source.row(second));
        let target = &mut target[..width];
        match source.horizontal {
            Ratio::Full => {
                for (target, (a, b)) in target.iter_mut().zip(a.chunks_exact(2).zip(b.chunks_exact(2))) {
                    let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
                    *target = ((sum + 2) / 4) as u8;
                }
                if a.len() % 2 == 1 {
                    target[width - 1] = mean(a[a.len() - 1], b[b.len() - 1]);
                }
            }
            Ratio::Half if first == second => target.copy_from_slice(&a[..width]),
            Ratio::Half => {
                for (target, (&a, &b)) in target.iter_mut().zip(a.iter().zip(b)) {
                    *target = mean(a, b);
                }
            }
            Ratio::Quarter => {
                for (x, target) in target.iter_mut().enumerate() {
                    *target = mean(a[x / 2], b[x / 2]);
                }
            }
        }
    }
}

/// Copies a luma plane, repeating samples where an odd choice of sampling factors made it smaller than the image.
pub(super) fn enlarge(source: &Plane<'_>, target: &mut [u8], stride: usize, (width, height): (usize, usize)) {
    let (across, down) = (source.horizontal.repeat(), source.vertical.repeat());
    for (y, target) in target.chunks_exact_mut(stride).take(height).enumerate() {
        let row = source.row(y / down);
        for (x, target) in target[..width].iter_mut().enumerate() {
            *target = row[x / across];
        }
    }
}

const fn mean(a: u8, b: u8) -> u8 {
    (a as u16 + b as u16).div_ceil(2) as u8
}

/// Turns R′G′B′ samples into full-range BT.601 Y′CbCr in place, as JFIF 1.02 page 3 has it, in 16-bit fixed point.
pub(super) fn rgb_to_ycbcr(red: &mut [u8], green: &mut [u8], blue: &mut [u8]) {
    const HALF: i32 = 1 << 15;
    const MIDDLE: i32 = (128 << 16) + HALF;
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let (red, green, blue) = (i32::from(*r), i32::from(*g), i32::from(*b));
        *r = ((19_595 * red + 38_470 * green + 7_471 * blue + HALF) >> 16) as u8;
        *g = ((-11_059 * red - 21_709 * green + 32_768 * blue + MIDDLE) >> 16).min(255) as u8;
        *b = ((32_768 * red - 27_439 * green - 5_329 * blue + MIDDLE) >> 16).min(255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_and_greys_convert_as_jfif_says() {
        for (rgb, ycbcr) in [
            ([0, 0, 0], [0, 128, 128]),
            ([255, 255, 255], [255, 128, 128]),
            ([77, 77, 77], [77, 128, 128]),
            ([255, 0, 0], [76, 85, 255]),
            ([0, 255, 0], [150, 44, 21]),
            ([0, 0, 255], [29, 255, 107]),
        ] {
            let [mut r, mut g, mut b] = rgb.map(|sample| [sample]);
            rgb_to_ycbcr(&mut r, &mut g, &mut b);
            assert_eq!([r[0], g[0], b[0]], ycbcr, "{rgb:?}");
        }
    }

    #[test]
    fn an_odd_last_column_and_row_stand_for_themselves() {
        let samples = [10, 20, 30, 30, 40, 50, 70, 80, 90];
        let plane =
            Plane { samples: &samples, width: 3, height: 3, horizontal: Ratio::Full, vertical: Ratio::Full };
        let mut target = [0; 4];
        halve(&plane, &mut target, 2, (2, 2));
        assert_eq!(target, [25, 40, 75, 90]);
    }
}
