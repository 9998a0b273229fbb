//! Yielding to a slow network: when frames take longer to send than there is time, quality, rate and size step down; when
//! there is room again, they step up.
//!
//! [`Adaptive`] has the rules, with examples. `tests/wifi_day.rs` runs them through a day of WiFi.

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

impl Demand {
    /// What of this wish is left so many steps down; at most [`Adaptive::DEEPEST`] count.
    #[must_use]
    pub fn reduced(self, steps: u8) -> Self {
        let (rate, quality, sizes) = STEPS[usize::from(steps.min(Adaptive::DEEPEST))];
        let milli = (self.rate.as_milli() * rate / 100).max(LEAST_RATE_MILLI.min(self.rate.as_milli()));
        let reduced = (u32::from(self.quality) * quality / 100) as u8;
        let smaller = |size: FrameSize, _| size.smaller().unwrap_or(size);
        Self {
            size: (0..sizes).fold(self.size, smaller),
            quality: reduced.max(LEAST_QUALITY.min(self.quality)),
            rate: FrameRate::from_milli(milli).unwrap_or(self.rate),
        }
    }
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

/// So far behind may sending fall before it steps down: see [`Adaptive::sent`].
const DEBT: Duration = Duration::from_secs(1);

/// Frames after a step that were captured before it, so that they tell nothing about it: one on its way, one waiting.
const OLD_FRAMES: u8 = 2;

/// How long the use of the network is watched before it is judged, and how many frames that takes at least.
const WATCH: (Duration, u32) = (Duration::from_secs(5), 3);

/// A step up is taken when it would use at most this much of the time between two frames.
const ROOM: f32 = 0.75;

/// A step down is deep enough when it uses at most this much of it.
const FITS: f32 = 0.9;

/// Time between a step and the next one up; doubled for each time that this step did not hold of late, but not more often
/// than the latter: 5, 10, 20, 40, 80, 160 s.
const HOLD: (Duration, u8) = (Duration::from_secs(5), 5);

/// A step up that is taken back within this time did not hold.
const TRIAL: Duration = Duration::from_secs(30);

/// How far below its wish a camera stays.
///
/// **Down, by debt.** Sending a frame takes time, and each interval pays for one frame. What is not paid for adds up; what is
/// over pays the debt back, but is not saved. With 67 ms between two frames (15 a second):
///
/// - frames of 40 ms leave no debt; one of 400 ms, sent twice because a packet was lost, leaves 333 ms, which the next 13
///   frames pay back at 27 ms each. Such frames are a few percent in any WiFi, and change nothing;
/// - frames of 164 ms, since the network became three times slower, leave 97 ms each: after 11 of them, 1.8 s, there is a
///   debt of [`DEBT`], and it steps down. They used 2.4 times what there is, so one step (three quarters of the bytes) would
///   not do, and it takes two at once; never more, since nobody knows how long a hole in the network is.
///
/// **Up, by use.** Every 5 s it is judged how much of the time the frames took, on average. At step 3 (7.5 a second, 133 ms)
/// frames of 15 ms use 11 %; step 2 needs 1.7 times the bytes a second, 19 %, which is less than [`ROOM`], so it is taken. A
/// slow frame among them, 400 ms, makes it 19 % and 32 %: still taken. Frames of 80 ms use 60 %, and step 2 would use all of
/// it: it is not even tried.
///
/// **Trust.** What the use does not show, trying does: a step that was taken back within [`TRIAL`] waits twice as long before
/// it is tried again, and half as long once it held.
#[derive(Clone, Debug, Default)]
pub struct Adaptive {
    step: u8,
    old: u8,
    /// What sending is behind, and what was sent since it was not.
    debt: Duration,
    behind: Use,
    /// What was sent since it was judged last.
    watched: Use,
    watch_from: Option<Instant>,
    /// When the step changed last.
    changed: Instant,
    /// When it last stepped up, while that is on trial.
    raised: Option<Instant>,
    /// For each step, how often it did not hold of late.
    failed: [u8; STEPS.len()],
}

/// How much of its time sending used.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    took: Duration,
    /// The time that there was: an interval for each frame.
    had: Duration,
    frames: u32,
}

impl Use {
    fn add(&mut self, took: Duration, interval: Duration) {
        self.took += took;
        self.had += interval;
        self.frames += 1;
    }

    /// 0.5: half of the time. More than 1: frames come faster than they can be sent.
    fn share(&self) -> f32 {
        self.took.as_secs_f32() / self.had.as_secs_f32().max(f32::EPSILON)
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

    /// A frame took so long from its first to its last byte, where there is `interval` between two frames, and `wish` is what
    /// they would be at best. Whether the step changed.
    pub fn sent(&mut self, now: Instant, took: Duration, interval: Duration, wish: Demand) -> bool {
        if self.old > 0 {
            self.old -= 1;
            return false;
        }
        self.debt = (self.debt + took).saturating_sub(interval);
        self.behind.add(took, interval);
        if self.debt.is_zero() {
            self.behind = Use::default();
        }
        // A frame in two seconds may be late by more than a second without anything being wrong.
        if self.debt > DEBT.max(interval * 2) {
            return self.down(now, self.enough(interval, wish));
        }
        if self.raised.is_some_and(|raised| now.since(raised) >= TRIAL) {
            self.raised = None;
            // It held, and so would all below it.
            self.failed[usize::from(self.step)..]
                .iter_mut()
                .for_each(|failed| *failed = failed.saturating_sub(1));
        }
        self.watched.add(took, interval);
        let from = *self.watch_from.get_or_insert(now);
        if now.since(from) < WATCH.0 || self.watched.frames < WATCH.1 {
            return false;
        }
        let used = core::mem::take(&mut self.watched).share();
        self.watch_from = Some(now);
        let Some(above) = self.step.checked_sub(1) else { return false };
        let hold = HOLD.0 * (1 << self.failed[usize::from(above)].min(HOLD.1));
        if now.since(self.changed) < hold || used * self.compared(above, interval, wish) > ROOM {
            return false;
        }
        self.raised = Some(now);
        self.change(now, above)
    }

    /// A frame could not be sent within its deadline. Whether the step changed.
    pub fn gave_up(&mut self, now: Instant) -> bool {
        self.down(now, 2)
    }

    /// How many steps down it takes until frames are sent as fast as they come: one or two.
    fn enough(&self, interval: Duration, wish: Demand) -> u8 {
        let below = self.step.saturating_add(1).min(Self::DEEPEST);
        // One frame is no measurement: a hole of a second looks like a network a tenth as fast.
        let fits = self.behind.share() * self.compared(below, interval, wish) <= FITS;
        if fits || self.behind.frames < 2 { 1 } else { 2 }
    }

    /// How many times the bytes a second another step asks for, compared with the present one.
    fn compared(&self, step: u8, interval: Duration, wish: Demand) -> f32 {
        let here = self.reduce(wish).rate.interval();
        // A camera that is slower than its plan is so at every step.
        let slowest = if interval > here * 6 / 5 { interval } else { Duration::ZERO };
        let bytes = |step| {
            let Demand { size, quality, rate } = wish.reduced(step);
            let pixels = f32::from(size.width) * f32::from(size.height);
            pixels * f32::from(quality) / rate.interval().max(slowest).as_secs_f32()
        };
        bytes(step) / bytes(self.step)
    }

    fn down(&mut self, now: Instant, steps: u8) -> bool {
        if self.raised.take().is_some_and(|raised| now.since(raised) < TRIAL) {
            let failed = &mut self.failed[usize::from(self.step)];
            *failed = failed.saturating_add(1).min(HOLD.1);
        }
        self.change(now, self.step.saturating_add(steps).min(Self::DEEPEST))
    }

    fn change(&mut self, now: Instant, step: u8) -> bool {
        (self.debt, self.behind) = (Duration::ZERO, Use::default());
        (self.watched, self.watch_from) = (Use::default(), None);
        if step == self.step {
            return false;
        }
        (self.step, self.old, self.changed) = (step, OLD_FRAMES, now);
        true
    }

    /// What of `wish` is left at the present step.
    #[must_use]
    pub fn reduce(&self, wish: Demand) -> Demand {
        wish.reduced(self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

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
                self.changes += u32::from(self.adaptive.sent(self.now, took, demand.rate.interval(), WISH));
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
    fn it_recovers_when_the_network_does_and_not_at_once() {
        let mut world = World::new(100);
        world.run(60);
        let deep = world.adaptive.step();
        assert!(deep >= 3, "step {deep}");
        world.bytes_per_ms = 10_000;
        world.run(4);
        assert_eq!(world.adaptive.step(), deep, "not at once");
        world.run(200);
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
        let interval = WISH.rate.interval();
        let mut adaptive = Adaptive::default();
        let mut slow = |times: u32| {
            for _ in 0..times {
                adaptive.sent(Instant::START, interval + Duration::from_millis(400), interval, WISH);
            }
            adaptive.step()
        };
        assert_eq!((slow(2), slow(1)), (0, 2), "a debt of 1.2 s");
        assert_eq!(slow(4), 2, "two of them are old, two do not suffice");
        assert_eq!(slow(1), 4);
    }

    #[test]
    fn a_few_percent_of_slow_frames_change_nothing_and_hinder_no_recovery() {
        let interval = WISH.rate.interval();
        let mut adaptive = Adaptive::default();
        adaptive.gave_up(Instant::START);
        let mut now = Instant::START;
        for frame in 0..15 * 3600 {
            let took = if frame % 20 == 0 { interval * 6 } else { interval / 5 };
            now += interval;
            adaptive.sent(now, took, adaptive.reduce(WISH).rate.interval(), WISH);
            let back = now.since(Instant::START) > Duration::from_secs(20);
            assert!(!back || adaptive.step() == 0, "step {} after {} ms", adaptive.step(), now.as_millis());
        }
    }

    #[test]
    fn one_hole_of_a_second_costs_one_step_however_little_passed_in_it() {
        let interval = WISH.rate.interval();
        let mut adaptive = Adaptive::default();
        assert!(adaptive.sent(Instant::START, Duration::from_secs(3), interval, WISH));
        assert_eq!(adaptive.step(), 1);
    }

    #[test]
    fn a_step_that_never_holds_is_tried_more_rarely_and_one_that_held_is_trusted_again() {
        let mut adaptive = Adaptive { step: 1, ..Adaptive::default() };
        let (mut now, mut since, mut waits) = (Instant::START, Instant::START, Vec::new());
        // The use shows nothing, as with a socket that takes in small frames whole; only the step above is too much.
        while waits.len() < 7 {
            let interval = adaptive.reduce(WISH).rate.interval();
            let took = if adaptive.step() == 0 { interval * 4 } else { Duration::ZERO };
            now += interval.max(took);
            if !adaptive.sent(now, took, interval, WISH) {
                continue;
            }
            match adaptive.step() {
                0 => waits.push(now.since(since).as_secs().div_ceil(5) * 5),
                _ => (adaptive.step, since) = (1, now),
            }
        }
        assert!(waits.is_sorted() && waits[0] <= 10 && waits[6] >= 160 && waits[6] <= 170, "{waits:?}");
        for second in 0..400 {
            now += Duration::from_secs(1);
            adaptive.sent(now, Duration::ZERO, WISH.rate.interval(), WISH);
            assert!(second < 200 || adaptive.step() == 0);
        }
        assert!(adaptive.failed[0] < HOLD.1, "{:?}", adaptive.failed);
    }

    #[test]
    fn a_camera_that_is_slower_than_its_plan_is_judged_by_what_it_does() {
        // It makes 4 frames a second at every step, and each uses 70 % of that: one third less rate changes nothing.
        let slow = Duration::from_millis(250);
        let mut adaptive = Adaptive { step: 2, ..Adaptive::default() };
        for second in 0..60 {
            adaptive.sent(Instant::from_micros(second * 1_000_000), slow * 7 / 10, slow, WISH);
        }
        assert_eq!(adaptive.step(), 1);
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
            adaptive.change(Instant::START, adaptive.step() + 1);
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
