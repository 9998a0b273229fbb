//! Sizes, rates and exposures: the numbers that a picture is asked for in.

use core::fmt;
use core::time::Duration;

/// Size of a frame in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameSize {
    /// Pixels in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl FrameSize {
    /// 160 × 120.
    pub const QQVGA: Self = Self { width: 160, height: 120 };
    /// 320 × 240.
    pub const QVGA: Self = Self { width: 320, height: 240 };
    /// 640 × 480.
    pub const VGA: Self = Self { width: 640, height: 480 };
    /// 800 × 600.
    pub const SVGA: Self = Self { width: 800, height: 600 };
    /// 1024 × 768.
    pub const XGA: Self = Self { width: 1024, height: 768 };
    /// 1600 × 1200.
    pub const UXGA: Self = Self { width: 1600, height: 1200 };

    /// The sizes that have a name, from the smallest.
    pub const NAMED: [(&'static str, Self); 6] = [
        ("qqvga", Self::QQVGA),
        ("qvga", Self::QVGA),
        ("vga", Self::VGA),
        ("svga", Self::SVGA),
        ("xga", Self::XGA),
        ("uxga", Self::UXGA),
    ];

    /// The size with this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, size)| size)
    }

    /// Its name, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.into_iter().find(|&(_, size)| size == self).map(|(name, _)| name)
    }

    /// Whether this size is no larger than `other` in either direction.
    #[must_use]
    pub const fn fits(self, other: Self) -> bool {
        self.width <= other.width && self.height <= other.height
    }

    /// The largest named size that is smaller in both directions.
    #[must_use]
    pub fn smaller(self) -> Option<Self> {
        let smaller = |size: &Self| size.width < self.width && size.height < self.height;
        Self::NAMED.into_iter().map(|(_, size)| size).rfind(smaller)
    }
}

/// `vga` where there is a name for it, else `640x480`.
impl fmt::Display for FrameSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}x{}", self.width, self.height),
        }
    }
}

/// Frames a second, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRate(u32);

impl FrameRate {
    /// 0.1 frames a second: one in ten seconds.
    pub const MIN: Self = Self(100);
    /// 120 frames a second.
    pub const MAX: Self = Self(120_000);
    /// 15 frames a second.
    pub const DEFAULT: Self = Self(15_000);

    /// `milli` thousandths of a frame a second, if that is within [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
    #[must_use]
    pub fn from_milli(milli: u32) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&milli).then_some(Self(milli))
    }

    /// Thousandths of a frame a second.
    #[must_use]
    pub const fn as_milli(self) -> u32 {
        self.0
    }

    /// Time between two frames.
    #[must_use]
    pub const fn interval(self) -> Duration {
        Duration::from_nanos(1_000_000_000_000 / self.0 as u64)
    }
}

/// `15`, `0.5`, `29.97`.
impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1000.0)
    }
}

/// How long the sensor gathers light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// As long as it finds right.
    #[default]
    Auto,
    /// So many lines, up to [`Exposure::MAX_LINES`].
    Lines(u16),
}

impl Exposure {
    /// Longest exposure that can be asked for, in lines; a sensor takes as many of them as its frame has.
    pub const MAX_LINES: u16 = 1200;
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Lines(lines) => write!(f, "{lines}"),
        }
    }
}
