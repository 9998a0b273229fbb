//! Time: newtypes that show their unit, and the one place where they are converted.
//!
//! Two clocks exist. [`Micros`] is when a frame arrived, counted from the beginning of its stream; nothing here
//! knows what day it is. [`Pts90k`] is when a viewer shows it, in the 90 kHz ticks of MPEG-TS and of our MP4 tracks
//! (ISO/IEC 13818-1 §2.4.3.7). Ticks are **unwrapped** everywhere: only the TS muxer cuts them to 33 bits.
//!
//! Each conversion starts from the whole value and never from a difference, so rounding cannot add up.

use std::fmt;
use std::time::Duration;

/// Ticks of [`Pts90k`] in one second.
pub const TICKS_PER_SECOND: u64 = 90_000;

/// The arrival clock of a stream: microseconds since its epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// The epoch of the stream.
    pub const ZERO: Self = Self(0);

    /// Whole microseconds of `duration`, rounded down; [`u64::MAX`] beyond 584,000 years.
    pub fn from_duration(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }

    /// The time since the epoch.
    pub const fn to_duration(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// The last tick that is not after this moment: µs × 9 / 100, rounded down.
    pub const fn to_pts(self) -> Pts90k {
        // At most 9/100 of a `u64`: the cast loses nothing.
        Pts90k((self.0 as u128 * 9 / 100) as u64)
    }

    /// `self + other` µs, or `None` on overflow.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// `self − earlier` µs, or `None` when `earlier` is the later of the two.
    pub const fn checked_sub(self, earlier: Self) -> Option<Self> {
        match self.0.checked_sub(earlier.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// `self + other` µs, at most [`u64::MAX`].
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `self − earlier` µs, zero when `earlier` is the later of the two.
    pub const fn saturating_sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} µs", self.0)
    }
}

/// A presentation time stamp in ticks of 1/90,000 s, unwrapped: it does not begin again after 26.5 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pts90k(pub u64);

impl Pts90k {
    /// Tick zero.
    pub const ZERO: Self = Self(0);

    /// The number of ticks after which a time stamp on the wire begins again at zero: 2³³, about 26.5 hours.
    pub const WRAP: u64 = 1 << 33;

    /// The 33 bits that a PES header holds (ISO/IEC 13818-1 §2.4.3.7).
    pub const fn wrapped33(self) -> u64 {
        self.0 % Self::WRAP
    }

    /// The first microsecond of this tick: ticks × 100 / 9, rounded up, so that [`Micros::to_pts`] gives the same
    /// tick back; at most [`u64::MAX`].
    pub const fn to_micros(self) -> Micros {
        let micros = (self.0 as u128 * 100).div_ceil(9);
        Micros(if micros > u64::MAX as u128 { u64::MAX } else { micros as u64 })
    }

    /// This moment plus a number of ticks, or `None` on overflow.
    pub const fn checked_add(self, ticks: u64) -> Option<Self> {
        match self.0.checked_add(ticks) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// This moment plus a number of ticks, at most [`u64::MAX`].
    pub const fn saturating_add(self, ticks: u64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// Ticks from `earlier` to this moment, or `None` when `earlier` is the later of the two.
    pub const fn checked_since(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }

    /// Ticks from `earlier` to this moment, zero when `earlier` is the later of the two.
    pub const fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Pts90k {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/90000 s", self.0)
    }
}

/// Turns arrival times into strictly increasing time stamps.
///
/// Frames that arrive within one tick, or after a clock that jumped back, get the previous stamp plus one: an encoder
/// and a player may rely on the order, and such a stamp catches up with the arrival clock as soon as that passes it.
#[derive(Clone, Debug)]
pub struct PtsClock {
    origin: Pts90k,
    previous: Option<Pts90k>,
}

impl PtsClock {
    /// A clock on which [`Micros::ZERO`] is `origin`.
    pub const fn new(origin: Pts90k) -> Self {
        Self { origin, previous: None }
    }

    /// The stamp of a frame that arrived at `arrival`; always later than the one given before.
    pub fn stamp(&mut self, arrival: Micros) -> Pts90k {
        let arrived = self.origin.saturating_add(arrival.to_pts().0);
        let stamp = match self.previous {
            Some(previous) => arrived.max(previous.saturating_add(1)),
            None => arrived,
        };
        self.previous = Some(stamp);
        stamp
    }

    /// The stamp given last, if any was.
    pub const fn previous(&self) -> Option<Pts90k> {
        self.previous
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_microsecond_rounds_down_to_its_tick() {
        assert_eq!(Micros(11).to_pts(), Pts90k(0));
        assert_eq!(Micros(12).to_pts(), Pts90k(1));
        assert_eq!(Micros(1_000_000).to_pts(), Pts90k(TICKS_PER_SECOND));
        assert_eq!(Micros(u64::MAX).to_pts(), Pts90k(1_660_206_966_633_859_645));
    }

    #[test]
    fn a_year_of_a_rate_that_does_not_divide_does_not_drift() {
        // 30 fps: 33,333.3 µs a frame, which neither clock can hold.
        let last = 30 * 60 * 60 * 24 * 365_u64;
        let mut clock = PtsClock::new(Pts90k::ZERO);
        for frame in [0, 1, 2, last - 1, last] {
            assert!(clock.stamp(Micros(frame * 1_000_000 / 30)).0.abs_diff(frame * 3_000) <= 1);
        }
    }

    #[test]
    fn arrivals_of_one_tick_or_of_the_past_still_rise() {
        let mut clock = PtsClock::new(Pts90k(100));
        let stamps = [0, 1, 2, 0, 1_000].map(|arrival| clock.stamp(Micros(arrival)).0);
        assert_eq!(stamps, [100, 101, 102, 103, 190]);
        assert_eq!(clock.previous(), Some(Pts90k(190)));
    }

    #[test]
    fn only_the_wire_sees_the_wrap() {
        let mut clock = PtsClock::new(Pts90k(Pts90k::WRAP - 90_000));
        let before = clock.stamp(Micros(999_999));
        let after = clock.stamp(Micros(1_000_000));
        assert_eq!((before.wrapped33(), after.wrapped33()), (Pts90k::WRAP - 1, 0));
        assert_eq!(after.checked_since(before), Some(1));
    }

    #[test]
    fn arithmetic_at_the_ends_saturates_or_says_none() {
        assert_eq!(Micros(1).checked_sub(Micros(2)), None);
        assert_eq!(Micros(1).saturating_sub(Micros(2)), Micros::ZERO);
        assert_eq!(Micros(u64::MAX).checked_add(Micros(1)), None);
        assert_eq!(Micros(u64::MAX).saturating_add(Micros(1)), Micros(u64::MAX));
        assert_eq!(Pts90k(u64::MAX).checked_add(1), None);
        assert_eq!(Pts90k(u64::MAX).to_micros(), Micros(u64::MAX));
        assert_eq!(Pts90k(1).checked_since(Pts90k(2)), None);
        assert_eq!(Pts90k(1).saturating_since(Pts90k(2)), 0);
        assert_eq!(Micros::from_duration(Duration::MAX), Micros(u64::MAX));
    }

    proptest! {
        #[test]
        fn a_tick_survives_the_way_to_microseconds_and_back(ticks in 0..u64::MAX / 100 * 9) {
            prop_assert_eq!(Pts90k(ticks).to_micros().to_pts(), Pts90k(ticks));
        }

        #[test]
        fn stamps_always_rise(origin in 0..u64::MAX / 2, arrivals in prop::collection::vec(0..u64::MAX / 16, 2..50)) {
            let mut clock = PtsClock::new(Pts90k(origin));
            let stamps: Vec<_> = arrivals.into_iter().map(|arrival| clock.stamp(Micros(arrival))).collect();
            prop_assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
