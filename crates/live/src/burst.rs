//! How many frames may wait for the encoder: one, but for bursts that it can take.
//!
//! WiFi holds frames back and hands over five at once. Were only the newest of them encoded, four would be missing in every
//! recording, though the encoder has nothing else to do. Were all kept always, a computer that is too slow would fall behind.

use std::time::Duration;

/// The share of the time in which an encoder works, from which on its computer is too slow. Below it, there is room for
/// pictures that take a little longer than others.
pub const TOO_BUSY: f64 = 0.8;

/// How long the newest frame may wait for those before it, and how far apart the frames of a burst may arrive.
pub const LONGEST: Duration = Duration::from_millis(100);

/// The most frames that may wait.
pub const MOST: usize = 8;

/// After so many frames it is known how long one takes, and how many come a second.
pub const LEARNING: u64 = 5;

/// How many frames may wait, where a frame takes `work` (decoding and encoding) and `fps` come a second on average.
#[must_use]
pub fn room(work: Duration, fps: f64) -> usize {
    let load = fps * work.as_secs_f64();
    // At 15 frames a second of 12 ms each the encoder works for 18 % of the time, and eight frames take 96 ms. At 25 of 40 ms it
    // would have to work all the time: then the newest wins.
    if load == 0.0 || load >= TOO_BUSY {
        return 1;
    }
    ((LONGEST.as_secs_f64() / work.as_secs_f64()) as usize).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_encoder_can_take_may_wait_and_nothing_else() {
        let room = |ms: u64, fps| room(Duration::from_millis(ms), fps);
        assert_eq!(room(12, 15.0), 8);
        assert_eq!(room(20, 15.0), 5, "100 ms");
        assert_eq!(room(60, 5.0), 1, "two would take longer");
        assert_eq!(room(200, 1.0), 1);
        for (ms, fps) in [(40, 25.0), (27, 30.0), (1000, 1.0)] {
            assert_eq!(room(ms, fps), 1, "it would fall behind");
        }
        assert_eq!([room(0, 25.0), room(10, 0.0)], [1, 1], "nothing is known yet");
    }
}
