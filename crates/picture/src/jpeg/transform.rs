//! The forward transform (T.81 §A.3.3): a block of samples becomes coefficients.
//!
//! The two-dimensional transform is one over the rows and then one over the columns. Each of those is the one of
//! C. Loeffler, A. Ligtenberg and G. Moschytz, "Practical Fast 1-D DCT Algorithms with 11 Multiplications" (ICASSP 1989),
//! in its form with 12 multiplications, no two of which follow each other, in fixed point with [`BITS`] bits. What
//! comes out is 8 times what T.81 asks for; the quantiser divides it away.

/// The bits after the point of the constants.
const BITS: u32 = 13;

/// The bits after the point that are kept between rows and columns, so that rounding happens almost once.
const KEPT: u32 = 2;

/// Transforms `block` in place: samples, less 128, become 8 times their coefficients, row by row.
#[inline]
pub(super) fn transform(block: &mut [i32; 64]) {
    for row in block.as_chunks_mut::<8>().0 {
        *row = line(*row, BITS - KEPT);
    }
    for x in 0..8 {
        let column = core::array::from_fn(|y| block[y * 8 + x]);
        for (y, coefficient) in line(column, BITS + KEPT).into_iter().enumerate() {
            block[y * 8 + x] = coefficient;
        }
    }
}

/// One row or one column. Of what comes out, `drop` bits are rounded away.
#[inline(always)]
fn line([s0, s1, s2, s3, s4, s5, s6, s7]: [i32; 8], drop: u32) -> [i32; 8] {
    // The even coefficients see the line folded in the middle, and folded once more.
    let (outer, inner) = ([s0 + s7, s3 + s4], [s1 + s6, s2 + s5]);
    let (sum_outer, difference_outer) = (outer[0] + outer[1], outer[0] - outer[1]);
    let (sum_inner, difference_inner) = (inner[0] + inner[1], inner[0] - inner[1]);
    let turned = (difference_outer + difference_inner) * fixed(0.541_196_100);

    // The odd ones see the differences.
    let [d0, d1, d2, d3] = [s0 - s7, s1 - s6, s2 - s5, s3 - s4];
    let both = (d3 + d1 + d2 + d0) * fixed(1.175_875_602);
    let a = (d3 + d0) * -fixed(0.899_976_223);
    let b = (d2 + d1) * -fixed(2.562_915_447);
    let c = (d3 + d1) * -fixed(1.961_570_560) + both;
    let d = (d2 + d0) * -fixed(0.390_180_644) + both;

    let round = |value: i32| (value + (1 << (drop - 1))) >> drop;
    [
        round((sum_outer + sum_inner) << BITS),
        round(d0 * fixed(1.501_321_110) + a + d),
        round(turned + difference_outer * fixed(0.765_366_865)),
        round(d1 * fixed(3.072_711_026) + b + c),
        round((sum_outer - sum_inner) << BITS),
        round(d2 * fixed(2.053_119_869) + b + d),
        round(turned - difference_inner * fixed(1.847_759_065)),
        round(d3 * fixed(0.298_631_336) + a + c),
    ]
}

/// A positive constant with [`BITS`] bits after the point.
const fn fixed(value: f64) -> i32 {
    (value * (1 << BITS) as f64 + 0.5) as i32
}

#[cfg(test)]
mod tests {
    // For the cosine.
    extern crate std;

    use super::transform;

    #[test]
    fn a_block_of_one_colour_has_one_coefficient() {
        for colour in [0, 1, 127, 128, 129, 255] {
            let mut expected = [0; 64];
            // 64 samples, an eighth of their sum, 8 times.
            expected[0] = 64 * (colour - 128);
            let mut block = [colour - 128; 64];
            transform(&mut block);
            assert_eq!(block, expected, "{colour}");
        }
    }

    #[test]
    fn coefficients_are_those_of_the_formula() {
        let samples: [[u8; 8]; 8] =
            core::array::from_fn(|y| core::array::from_fn(|x| (x * 31 + y * 57 + x * y * 13) as u8));
        let mut found = core::array::from_fn(|index| i32::from(samples[index / 8][index % 8]) - 128);
        transform(&mut found);
        let cosines: [[f64; 8]; 8] = core::array::from_fn(|u| {
            core::array::from_fn(|x| (std::f64::consts::PI / 16.0 * ((2 * x + 1) * u) as f64).cos())
        });
        for (v, row) in found.as_chunks::<8>().0.iter().enumerate() {
            for (u, &found) in row.iter().enumerate() {
                let mut sum = 0.0;
                for (y, row) in samples.iter().enumerate() {
                    for (x, &sample) in row.iter().enumerate() {
                        sum += (f64::from(sample) - 128.0) * cosines[u][x] * cosines[v][y];
                    }
                }
                let scale = |n| if n == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
                // T.81 §A.3.3, 8 times.
                let exact = 8.0 * sum / 4.0 * scale(u) * scale(v);
                assert!((f64::from(found) - exact).abs() < 2.5, "{u} {v}: {found}, not {exact}");
            }
        }
    }
}
