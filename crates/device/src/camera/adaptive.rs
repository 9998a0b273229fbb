//! Yielding to a slow network: when sending a frame takes longer than the time to the next one, quality, rate and size
//! step down; when there is room again, they recover, slowly.

use super::units::{FrameRate, FrameSize};
use crate::time::Instant;
use core::time::Duration;

/// What can yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Size in pixels.
    pub size: FrameSize,
    /// JPEG quality, 1 (worst) to 100 (best).
    pub quality: u8,
    /// Frames a second at most.
    pub rate: FrameRate,
}

/// One step: percent of the wished rate, percent of the wished quality, and sizes below the wished one. Quality goes
/// first, since nobody sees the first quarter of it; then smoothness; size last, since a new size is a new picture to
/// every viewer.
const STEPS: [(u32, u32, u8); 7] =
    [(100, 100, 0), (100, 75, 0), (67, 75, 0), (50, 60, 0), (50, 60, 1), (33, 50, 1), (25, 50, 2)];

/// Below this quality a picture is not worth its bytes; a lower wish is kept.
const LEAST_QUALITY: u8 = 20;

/// Below one frame a second it is no longer live; a lower wish is kept.
const LEAST_RATE_MILLI: u32 = 1000;

/// Slow frames, less the quick ones between them, that make a step down.
const SLOW_FRAMES: u8 = 3;

/// Frames after a step that were captured before it, so that they tell nothing about it: one on its way, one waiting.
const OLD_FRAMES: u8 = 2;

/// Calm time before a step up, at first and at most.
const HOLD: Duration = Duration::from_secs(10);
const LONGEST_HOLD: Duration = Duration::from_secs(320);

/// How far below its wish a camera stays.
#[derive(Clone, Debug)]
pub struct Adaptive {
    step: u8,
    slow: u8,
    old: u8,
    /// Since when no frame was slow.
    calm_since: Option<Instant>,
    /// When it last stepped up.
    raised: Option<Instant>,
    hold: Duration,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self { step: 0, slow: 0, old: 0, calm_since: None, raised: None, hold: HOLD }
    }
}

impl Adaptive {
    /// The deepest step.
    pub const DEEPEST: u8 = STEPS.len() as u8 - 1;

    /// Steps below the wish; 0: none.
    #[must_use]
    pub fn step(&self) -> u8 {
        self.step
    }

    /// A frame took so long from its first to its last byte, where there is `interval` between two frames. Whether the
    /// step changed.
    pub fn sent(&mut self, now: Instant, took: Duration, interval: Duration) -> bool {
        if self.old > 0 {
            self.old -= 1;
            return false;
        }
        if took > interval {
            self.calm_since = None;
            self.slow += 1;
            return self.slow >= SLOW_FRAMES && self.down(now, 1);
        }
        self.slow = self.slow.saturating_sub(1);
        // The step above sends about twice the bytes: without room for them, trying it would only make a stutter.
        if took > interval / 2 {
            self.calm_since = None;
            return false;
        }
        let since = *self.calm_since.get_or_insert(now);
        if self.step == 0 || now.since(since) < self.hold {
            return false;
        }
        if self.raised.take().is_some() {
            // The last step up held: trust grows again.
            self.hold = (self.hold / 2).max(HOLD);
        }
        self.raised = Some(now);
        self.change(self.step - 1)
    }

    /// A frame could not be sent within its deadline. Whether the step changed.
    pub fn gave_up(&mut self, now: Instant) -> bool {
        self.down(now, 2)
    }

    fn down(&mut self, now: Instant, steps: u8) -> bool {
        // A step up that did not hold is tried less often.
        if self.raised.take().is_some_and(|raised| now.since(raised) < self.hold) {
            self.hold = (self.hold * 2).min(LONGEST_HOLD);
        }
        self.change(self.step.saturating_add(steps).min(Self::DEEPEST))
    }

    fn change(&mut self, step: u8) -> bool {
        (self.slow, self.calm_since) = (0, None);
        if step == self.step {
            return false;
        }
        (self.step, self.old) = (step, OLD_FRAMES);
        true
    }

    /// What of `wish` is left at the present step.
    #[must_use]
    pub fn reduce(&self, wish: Demand) -> Demand {
        let (rate, quality, sizes) = STEPS[usize::from(self.step)];
        let milli = (wish.rate.as_milli() * rate / 100).max(LEAST_RATE_MILLI.min(wish.rate.as_milli()));
        let reduced = (u32::from(wish.quality) * quality / 100) as u8;
        let smaller = |size: FrameSize, _| size.smaller().unwrap_or(size);
        Demand {
            size: (0..sizes).fold(wish.size, smaller),
            quality: reduced.max(LEAST_QUALITY.min(wish.quality)),
            rate: FrameRate::from_milli(milli).unwrap_or(wish.rate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Demand = Demand { size: FrameSize::VGA, quality: 80, rate: FrameRate::DEFAULT };

    /// A network that takes `bytes_per_ms`, and frames whose bytes follow from what is asked for.
    struct World {
        adaptive: Adaptive,
        now: Instant,
        bytes_per_ms: u64,
        changes: u32,
    }

    impl World {
        fn new(bytes_per_ms: u64) -> Self {
            Self { adaptive: Adaptive::default(), now: Instant::START, bytes_per_ms, changes: 0 }
        }

        fn run(&mut self, seconds: u64) {
            let end = self.now + Duration::from_secs(seconds);
            while self.now < end {
                let demand = self.adaptive.reduce(WISH);
                let pixels = u64::from(demand.size.width) * u64::from(demand.size.height);
                let bytes = pixels * u64::from(demand.quality) / 1000;
                let took = Duration::from_millis(bytes / self.bytes_per_ms);
                self.now += took.max(demand.rate.interval());
                self.changes += u32::from(self.adaptive.sent(self.now, took, demand.rate.interval()));
            }
        }
    }

    #[test]
    fn a_quick_network_gets_what_was_wished() {
        let mut world = World::new(10_000);
        world.run(600);
        assert_eq!((world.adaptive.step(), world.changes), (0, 0));
        assert_eq!(world.adaptive.reduce(WISH), WISH);
    }

    #[test]
    fn a_slow_network_is_yielded_to_within_seconds_and_what_remains_fits() {
        // 24,576 bytes every 67 ms are wished; 150 kB/s are there.
        let mut world = World::new(150);
        world.run(10);
        let demand = world.adaptive.reduce(WISH);
        assert!(demand.rate < WISH.rate && demand.quality < WISH.quality, "{demand:?}");
        let bytes = 307_200 * u64::from(demand.quality) / 1000;
        assert!(Duration::from_millis(bytes / 150) <= demand.rate.interval(), "{demand:?}");
    }

    #[test]
    fn it_recovers_when_the_network_does_but_slowly() {
        let mut world = World::new(100);
        world.run(60);
        let deep = world.adaptive.step();
        assert!(deep >= 4, "step {deep}");
        world.bytes_per_ms = 10_000;
        world.run(9);
        assert_eq!(world.adaptive.step(), deep, "not at once");
        world.run(600);
        assert_eq!(world.adaptive.step(), 0);
    }

    #[test]
    fn it_does_not_swing_for_ever_between_two_steps() {
        // With 80, there is room to spare at a quarter of the pixels, and too little for all of them.
        for bytes_per_ms in [80, 200] {
            let mut world = World::new(bytes_per_ms);
            world.run(600);
            let before = world.changes;
            world.run(3600);
            let changes = world.changes - before;
            assert!(changes < 3600 / 60, "{bytes_per_ms} bytes a ms: {changes} changes in an hour");
        }
    }

    #[test]
    fn frames_that_were_captured_before_a_step_tell_nothing_about_it() {
        let interval = Duration::from_millis(100);
        let mut adaptive = Adaptive::default();
        let mut slow = |times: u32| {
            for _ in 0..times {
                adaptive.sent(Instant::START, interval * 3, interval);
            }
            adaptive.step()
        };
        assert_eq!(slow(3), 1);
        assert_eq!(slow(4), 1, "two of them are old, two do not suffice");
        assert_eq!(slow(1), 2);
    }

    #[test]
    fn one_slow_frame_is_forgiven() {
        let interval = Duration::from_millis(100);
        let mut adaptive = Adaptive::default();
        for frame in 0..1000 {
            let took = if frame % 3 == 0 { interval * 3 } else { interval / 2 };
            assert!(!adaptive.sent(Instant::from_micros(frame * 100_000), took, interval));
        }
    }

    #[test]
    fn every_step_asks_for_less_and_never_for_nothing() {
        let bytes = |demand: Demand| {
            u64::from(demand.size.width)
                * u64::from(demand.size.height)
                * u64::from(demand.quality)
                * u64::from(demand.rate.as_milli())
        };
        let mut adaptive = Adaptive::default();
        let mut previous = bytes(WISH);
        while adaptive.step() < Adaptive::DEEPEST {
            adaptive.change(adaptive.step() + 1);
            let now = bytes(adaptive.reduce(WISH));
            assert!(now < previous, "step {}", adaptive.step());
            previous = now;
        }
        let least = Demand { size: FrameSize::QQVGA, quality: 5, rate: FrameRate::MIN };
        assert_eq!(adaptive.reduce(least), least);
    }

    #[test]
    fn a_frame_that_missed_its_deadline_costs_two_steps() {
        let mut adaptive = Adaptive::default();
        assert!(adaptive.gave_up(Instant::START));
        assert_eq!(adaptive.step(), 2);
        for _ in 0..10 {
            adaptive.gave_up(Instant::START);
        }
        assert_eq!(adaptive.step(), Adaptive::DEEPEST);
    }
}
