//! One decoded component of an image.

/// A decoded component: `height` rows of `width` samples, without padding.
pub(super) struct Plane<'a> {
    pub(super) samples: &'a [u8],
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) horizontal: Ratio,
    pub(super) vertical: Ratio,
}

impl Plane<'_> {
    /// Row `y`, or the last one when there are fewer.
    pub(super) fn row(&self, y: usize) -> &[u8] {
        let start = y.min(self.height - 1) * self.width;
        &self.samples[start..start + self.width]
    }
}

/// How many samples of a plane lie side by side where the image has four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ratio {
    /// As many as the image has pixels.
    Full,
    Half,
    Quarter,
}

impl Ratio {
    /// From a component's sampling factor and the largest one (T.81 §A.1.1). `None` for factors of 3.
    pub(super) const fn new(factor: usize, largest: usize) -> Option<Self> {
        if largest == factor {
            Some(Self::Full)
        } else if largest == 2 * factor {
            Some(Self::Half)
        } else if largest == 4 * factor {
            Some(Self::Quarter)
        } else {
            None
        }
    }

    pub(super) const fn repeat(self) -> usize {
        match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
        }
    }
}
