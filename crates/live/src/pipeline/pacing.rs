//! When the next key frame is due.
//!
//! A viewer that joins late, or lost a packet, can only begin at a key frame. So there is one at least every two seconds, at any
//! frame rate: it is counted in time, not in frames.

use lenscast_media::time::{Pts90k, TICKS_PER_SECOND};

/// The longest time between two key frames, in 90 kHz ticks. Who begins in the middle, or lost frames, waits no longer.
const KEY_INTERVAL: u64 = 2 * TICKS_PER_SECOND;

/// Decides by their times which frames become key frames.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    /// When the newest key frame is shown.
    key: Option<Pts90k>,
    /// When the newest frame is shown.
    previous: Option<Pts90k>,
    /// The smoothed time between two frames, in ticks.
    interval: u64,
}

impl Pacing {
    /// Whether the frame at `pts` must be a key frame, since the frame after it would come too late for that.
    pub(super) fn wants_key(&self, pts: Pts90k) -> bool {
        let (Some(key), Some(previous)) = (self.key, self.previous) else {
            return true;
        };
        // When the frame after this one comes is a guess: as long after this one as frames are apart on average, or as this one is
        // after the one before, if that is longer. Example at 4 frames a second, key frame at 0 ms: the frame at 1750 ms needs
        // not be one, since the next comes at 2000 ms. The frame at 2000 ms must be: 2000 + 250 is more than 2000.
        let next = self.interval.max(pts.saturating_since(previous));
        pts.saturating_since(key) + next > KEY_INTERVAL
    }

    /// Notes that the frame at `pts` is shown, and whether it is a key frame.
    pub(super) fn shown(&mut self, pts: Pts90k, key: bool) {
        if let Some(previous) = self.previous {
            let gap = pts.saturating_since(previous).min(KEY_INTERVAL);
            // One eighth of the new gap, seven of the mean before: 40 ms, then a gap of 120 ms, gives 50 ms.
            self.interval = if self.interval == 0 { gap } else { (self.interval * 7 + gap) / 8 };
        }
        if key {
            self.key = Some(pts);
        }
        self.previous = Some(pts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds frames at the given times (ms) and gives back the times of those that became key frames.
    fn keys(times_ms: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut pacing = Pacing::default();
        let mut keys = Vec::new();
        for ms in times_ms {
            let pts = Pts90k(ms * 90);
            let key = pacing.wants_key(pts);
            pacing.shown(pts, key);
            if key {
                keys.push(ms);
            }
        }
        keys
    }

    #[test]
    fn key_frames_are_at_most_two_seconds_apart_at_any_rate() {
        for every in [16, 33, 100, 250, 700] {
            let keys = keys((0..30_000 / every).map(|n| n * every));
            assert!(keys.windows(2).all(|pair| pair[1] - pair[0] <= 2000), "{every} ms: {keys:?}");
            assert!(keys.len() as u64 <= 30_000 / (2000 - 2 * every.min(900)) + 2, "{every} ms: {keys:?}");
        }
    }

    #[test]
    fn every_frame_of_a_camera_slower_than_that_is_a_key_frame() {
        assert_eq!(keys([0, 3000, 6000]), [0, 3000, 6000]);
    }
}
