//! Pictures the right way up: the eight ways to turn and mirror one.

use crate::picture::I420;

/// The side of the squares in which a plane is turned by a quarter, in samples: rows of it stay in the fastest cache.
const TILE: usize = 16;

/// One of the eight ways to show a picture: mirrored or not, and then turned by quarters, clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Turn {
    /// Whether left and right are exchanged first.
    mirrored: bool,
    /// Quarters, clockwise, 0 to 3.
    quarters: u8,
}

impl Turn {
    /// The picture as it is.
    pub const NONE: Self = Self { mirrored: false, quarters: 0 };

    /// All eight, in the order of their numbers in EXIF.
    pub const ALL: [Self; 8] = {
        const fn turn(mirrored: bool, quarters: u8) -> Turn {
            Turn { mirrored, quarters }
        }
        [
            turn(false, 0),
            turn(true, 0),
            turn(false, 2),
            turn(true, 2),
            turn(true, 3),
            turn(false, 1),
            turn(true, 1),
            turn(false, 3),
        ]
    };

    /// The turn that mirrors the picture (left and right) if that is wanted, and then turns it clockwise by 0, 90, 180 or
    /// 270 degrees. `None` for other degrees.
    #[must_use]
    pub const fn new(mirrored: bool, degrees: u16) -> Option<Self> {
        match degrees {
            0 | 90 | 180 | 270 => Some(Self { mirrored, quarters: (degrees / 90) as u8 }),
            _ => None,
        }
    }

    /// The turn with this number in EXIF, 1 to 8 (CIPA DC-008 §4.6.4, tag Orientation). `None` for other numbers.
    #[must_use]
    pub const fn from_exif(number: u16) -> Option<Self> {
        match number {
            1..=8 => Some(Self::ALL[number as usize - 1]),
            _ => None,
        }
    }

    /// The number of this turn in EXIF, 1 to 8.
    #[must_use]
    pub const fn to_exif(self) -> u16 {
        let number = match (self.mirrored, self.quarters) {
            (false, 0) => 1,
            (true, 0) => 2,
            (false, 2) => 3,
            (true, 2) => 4,
            (true, 3) => 5,
            (false, 1) => 6,
            (true, _) => 7,
            (false, _) => 8,
        };
        number as u16
    }

    /// Whether left and right are exchanged, before the picture is turned.
    #[must_use]
    pub const fn mirrored(self) -> bool {
        self.mirrored
    }

    /// By how many degrees the picture is turned, clockwise: 0, 90, 180 or 270.
    #[must_use]
    pub const fn degrees(self) -> u16 {
        self.quarters as u16 * 90
    }

    /// This turn, and `next` after it, as one.
    ///
    /// Mirroring turns clockwise into anticlockwise: a quarter and then a mirror is a mirror and then a quarter back.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        let first = if next.mirrored { 4 - self.quarters } else { self.quarters };
        Self { mirrored: self.mirrored != next.mirrored, quarters: (first + next.quarters) % 4 }
    }

    /// Whether width and height change places.
    #[must_use]
    pub const fn swaps_sides(self) -> bool {
        self.quarters % 2 == 1
    }

    /// The size of a picture of this size, in pixels, once it is turned.
    #[must_use]
    pub const fn size<T: Copy>(self, (width, height): (T, T)) -> (T, T) {
        if self.swaps_sides() { (height, width) } else { (width, height) }
    }

    /// Turns `picture` into `turned`, which takes its size. Samples move, and none is changed; beside odd sides, where a chroma
    /// sample stands for one column or row of pixels only, colours move by up to one pixel.
    pub fn apply(self, picture: &I420, turned: &mut I420) {
        let size = picture.source_size();
        let half = (size.0.div_ceil(2), size.1.div_ceil(2));
        let (width, height) = self.size(size);
        turned.resize(width, height);
        let (from, to) = (picture.strides(), turned.strides());
        let planes = [picture.y(), picture.u(), picture.v()];
        for (index, (plane, target)) in planes.into_iter().zip(turned.planes_mut()).enumerate() {
            let size = if index == 0 { size } else { half };
            self.plane((plane, from[index]), size, (target, to[index]));
        }
        turned.repeat_edges();
    }

    /// Turns a plane of `width` × `height` samples; each plane comes with the samples from one of its rows to the next.
    fn plane(
        self,
        (plane, stride): (&[u8], usize),
        (width, height): (usize, usize),
        (target, target_stride): (&mut [u8], usize),
    ) {
        // Where the sample in column x of row y goes: mirrored, then turned. With 3 × 2 samples and a quarter, the sample at
        // (0, 0) goes to (1, 0), that at (2, 0) to (1, 2).
        //
        //     a b c        d a
        //     d e f   →    e b
        //                  f c
        //
        // So along a row of the target the source goes along a row (none, half a turn) or along a column (a quarter), forwards
        // or backwards.
        let (rows_back, columns_back) = match self.quarters {
            0 => (false, self.mirrored),
            1 => (true, self.mirrored),
            2 => (true, !self.mirrored),
            _ => (false, !self.mirrored),
        };
        let row_of = |y: usize| if rows_back { height - 1 - y } else { y };
        if !self.swaps_sides() {
            for (y, target) in target.chunks_exact_mut(target_stride).take(height).enumerate() {
                let row = &plane[row_of(y) * stride..][..width];
                let target = &mut target[..width];
                target.copy_from_slice(row);
                if columns_back {
                    target.reverse();
                }
            }
            return;
        }
        // The target has `width` rows of `height` samples: its sample (x, y) is the source's in row x, column y.
        for top in (0..width).step_by(TILE) {
            for left in (0..height).step_by(TILE) {
                for y in top..(top + TILE).min(width) {
                    let column = if columns_back { width - 1 - y } else { y };
                    let right = (left + TILE).min(height);
                    let target = &mut target[y * target_stride + left..y * target_stride + right];
                    for (x, target) in (left..right).zip(target) {
                        *target = plane[row_of(x) * stride + column];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Where the pixel at (x, y) of a picture of this size goes, by the meaning of the words.
    fn moved(
        turn: Turn,
        (mut x, mut y): (usize, usize),
        (mut width, mut height): (usize, usize),
    ) -> (usize, usize) {
        if turn.mirrored() {
            x = width - 1 - x;
        }
        for _ in 0..turn.degrees() / 90 {
            (x, y) = (height - 1 - y, x);
            (width, height) = (height, width);
        }
        (x, y)
    }

    fn picture(width: usize, height: usize) -> I420 {
        let mut picture = I420::new(width, height);
        for (number, plane) in picture.planes_mut().into_iter().enumerate() {
            plane
                .iter_mut()
                .enumerate()
                .for_each(|(at, sample)| *sample = (at * 31 + at / 251 + number) as u8);
        }
        picture.repeat_edges();
        picture
    }

    #[test]
    fn numbers_in_exif_mean_what_the_standard_says() {
        // Where the first row and the first column of the samples are, as CIPA DC-008 tells the eight values.
        let corners = |turn: Turn| (moved(turn, (0, 0), (3, 2)), moved(turn, (2, 0), (3, 2)));
        let wanted = [
            ((0, 0), (2, 0)),
            ((2, 0), (0, 0)),
            ((2, 1), (0, 1)),
            ((0, 1), (2, 1)),
            ((0, 0), (0, 2)),
            ((1, 0), (1, 2)),
            ((1, 2), (1, 0)),
            ((0, 2), (0, 0)),
        ];
        for (number, wanted) in (1..).zip(wanted) {
            let turn = Turn::from_exif(number).unwrap();
            assert_eq!((corners(turn), turn.to_exif()), (wanted, number), "{number}");
            assert_eq!(Turn::new(turn.mirrored(), turn.degrees()), Some(turn));
        }
        assert_eq!([0, 9, u16::MAX].map(Turn::from_exif), [None; 3]);
        assert_eq!([45, 360].map(|degrees| Turn::new(false, degrees)), [None; 2]);
    }

    #[test]
    fn every_sample_goes_where_it_belongs_whatever_the_size() {
        for size in [(1, 1), (17, 33), (64, 48), (35, 16), (16, 35), (47, 31)] {
            let picture = picture(size.0, size.1);
            for turn in Turn::ALL {
                let mut turned = I420::new(100, 100);
                turn.apply(&picture, &mut turned);
                assert_eq!(turned.source_size(), turn.size(size));
                let half = (size.0.div_ceil(2), size.1.div_ceil(2));
                let planes = [
                    (size, picture.y(), turned.y()),
                    (half, picture.u(), turned.u()),
                    (half, picture.v(), turned.v()),
                ];
                for (index, (size, from, to)) in planes.into_iter().enumerate() {
                    for y in 0..size.1 {
                        for x in 0..size.0 {
                            let (to_x, to_y) = moved(turn, (x, y), size);
                            let (from, to) = (
                                from[y * picture.strides()[index] + x],
                                to[to_y * turned.strides()[index] + to_x],
                            );
                            assert_eq!(from, to, "{turn:?} of {size:?}, plane {index}, ({x}, {y})");
                        }
                    }
                }
                let mut edges = turned.clone();
                edges.repeat_edges();
                assert!(edges == turned, "the edges are those of the turned picture");
            }
        }
    }

    proptest! {
        #[test]
        fn two_turns_are_one(first in 0..8_usize, second in 0..8_usize, width in 1..40_usize, height in 1..40_usize) {
            let (first, second) = (Turn::ALL[first], Turn::ALL[second]);
            let picture = picture(width, height);
            let [mut one, mut two, mut both] = [(); 3].map(|()| I420::default());
            first.apply(&picture, &mut one);
            second.apply(&one, &mut two);
            first.then(second).apply(&picture, &mut both);
            prop_assert!(two == both);
        }
    }
}
