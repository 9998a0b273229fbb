//! RGB565 to full-range BT.601 Y, Cb, Cr (JFIF 1.02) by two tables of 1 KiB.
//!
//! Y, Cb and Cr are sums of what R, G and B add to them, and what G adds is the sum of what its upper three bits, which
//! are in the one byte of a pixel, and its lower three bits, which are in the other, add. So a pixel costs two look-ups
//! and an addition, and its bits are never taken apart; the three components stand side by side in one word.

use super::Pair;

/// Where Y stands in a word: bits 22 to 31, in quarters.
const Y: u32 = 22;
/// Where Cb stands: bits 11 to 21, in quarters; there is room for the sum of two pixels.
const CB: u32 = 11;
/// Three eighths, to round: the sum of two pixels in quarters is their mean in eighths. With four, the purest blue and
/// red (255.5) would become 256.
const ROUND_MEAN: u32 = 3 << CB | 3;

/// What RRRRRGGG adds.
static HIGH: [u32; 256] = high();
/// What GGGBBBBB adds.
static LOW: [u32; 256] = low();

/// Two pixels, of which these are the high bytes and the low bytes.
#[inline(always)]
pub(super) fn pair(high: [u8; 2], low: [u8; 2]) -> Pair {
    let first = HIGH[usize::from(high[0])] + LOW[usize::from(low[0])];
    let second = HIGH[usize::from(high[1])] + LOW[usize::from(low[1])];
    // The luma of both is more than there is room for: it falls out at the top.
    let sum = first.wrapping_add(second) + ROUND_MEAN;
    Pair {
        luma: [(first >> (Y + 2)) as u8, (second >> (Y + 2)) as u8],
        cb: (sum >> (CB + 3)) as u8,
        cr: (sum >> 3) as u8,
    }
}

// The weights are those of JFIF in millionths, of R, G and B from 0 to 255. Of the 128 that Cb and Cr stand for without
// colour, each table has as much as keeps its own share from becoming negative; the half that rounds Y is in the lower
// one.

const fn high() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (r, g) = (byte as u64 >> 3, (byte as u64 & 7) << 3);
        table[byte] = word(
            red(299_000, r) + green(587_000, g),
            118_500_000 - red(168_736, r) - green(331_264, g),
            95_250_000 + red(500_000, r) - green(418_688, g),
        );
        byte += 1;
    }
    table
}

const fn low() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (g, b) = (byte as u64 >> 5, byte as u64 & 31);
        table[byte] = word(
            green(587_000, g) + blue(114_000, b) + 500_000,
            9_500_000 - green(331_264, g) + blue(500_000, b),
            32_750_000 - green(418_688, g) - blue(81_312, b),
        );
        byte += 1;
    }
    table
}

const fn red(weight: u64, bits: u64) -> u64 {
    weight * 255 * bits / 31
}

const fn green(weight: u64, bits: u64) -> u64 {
    weight * 255 * bits / 63
}

const fn blue(weight: u64, bits: u64) -> u64 {
    red(weight, bits)
}

/// Y, Cb and Cr, in millionths, each at its place in the nearest quarters.
const fn word(y: u64, cb: u64, cr: u64) -> u32 {
    quarters(y) << Y | quarters(cb) << CB | quarters(cr)
}

const fn quarters(millionths: u64) -> u32 {
    ((millionths * 4 + 500_000) / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula of JFIF 1.02.
    fn exact(colour: u16) -> [f64; 3] {
        let [r, g, b] = [(colour >> 11, 31.0), (colour >> 5 & 63, 63.0), (colour & 31, 31.0)]
            .map(|(value, most)| f64::from(value) * 255.0 / most);
        [
            0.299 * r + 0.587 * g + 0.114 * b,
            -0.168_736 * r - 0.331_264 * g + 0.5 * b + 128.0,
            0.5 * r - 0.418_688 * g - 0.081_312 * b + 128.0,
        ]
    }

    fn near(got: u8, exact: f64) -> bool {
        (f64::from(got) - (exact + 0.5).floor().min(255.0)).abs() <= 1.0
    }

    #[test]
    fn every_colour_is_within_one_of_the_formula() {
        for colour in 0..=u16::MAX {
            let [high, low] = colour.to_be_bytes();
            let pair = pair([high; 2], [low; 2]);
            let exact = exact(colour);
            let got = [pair.luma[0], pair.cb, pair.cr];
            assert!(
                got.iter().zip(exact).all(|(&got, exact)| near(got, exact)),
                "{colour:04x}: {got:?}, {exact:?}"
            );
            assert_eq!(pair.luma[0], pair.luma[1]);
        }
    }

    #[test]
    fn two_different_pixels_keep_their_luma_and_share_their_mean_colour() {
        let mut second = 0u16;
        for first in 0..=u16::MAX {
            // Visits every colour once, in another order.
            second = second.wrapping_add(25_033);
            let [a, b] = [first, second].map(u16::to_be_bytes);
            let pair = pair([a[0], b[0]], [a[1], b[1]]);
            let [x, y] = [first, second].map(exact);
            let mean = |component: usize| (x[component] + y[component]) / 2.0;
            let right = near(pair.luma[0], x[0]) && near(pair.luma[1], y[0]);
            assert!(right && near(pair.cb, mean(1)) && near(pair.cr, mean(2)), "{first:04x} {second:04x}");
        }
    }

    #[test]
    fn what_is_rounded_up_and_down_balances() {
        let mut sums = [0.0; 3];
        for colour in 0..=u16::MAX {
            let [high, low] = colour.to_be_bytes();
            let pair = pair([high; 2], [low; 2]);
            let got = [pair.luma[0], pair.cb, pair.cr].map(f64::from);
            sums.iter_mut().zip(got).zip(exact(colour)).for_each(|((sum, got), exact)| *sum += got - exact);
        }
        assert!(sums.iter().all(|sum| (sum / 65_536.0).abs() < 0.15), "{sums:?}");
    }

    #[test]
    fn there_is_no_colour_in_black_and_white() {
        for (colour, luma) in [(0x0000, 0), (0xffff, 255)] {
            let [high, low] = u16::to_be_bytes(colour);
            let pair = pair([high; 2], [low; 2]);
            assert_eq!((pair.luma, pair.cb, pair.cr), ([luma; 2], 128, 128));
        }
    }
}
