//! Why frames of a camera are not encoded: this computer is too slow, or they come in bursts. Pure.

use lenscast_live::burst::TOO_BUSY;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why frames of a camera are not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Several come at once, as weak WiFi hands them over. The computer is quick enough for all of them.
    Bursts,
    /// The encoder needs more time for a frame than there is until the next.
    SlowComputer,
}

/// The share of the time in which the encoder would work if it encoded every frame, where `fps` come a second and each takes
/// `work_ms`; `None` when nothing is known about that.
///
/// At 30 frames a second of 40 ms each, it would have to work 120 % of the time. At 15 frames a second of 12 ms each, 18 % are
/// enough: when frames are dropped then, several came at once.
#[must_use]
pub fn load(fps: f64, work_ms: f64) -> Option<f64> {
    Some(fps * work_ms / 1000.0).filter(|load| *load > 0.0)
}

/// Why frames are dropped where the encoder has this [`load`].
#[must_use]
pub fn why(load: f64) -> Why {
    if load < TOO_BUSY { Why::Bursts } else { Why::SlowComputer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_that_has_time_drops_nothing_but_bursts() {
        let of = |fps, ms| load(fps, ms).map(why);
        for (fps, ms) in [(30.0, 40.0), (5.0, 180.0), (10.0, 81.0)] {
            assert_eq!(of(fps, ms), Some(Why::SlowComputer), "{fps} × {ms} ms");
        }
        for (fps, ms) in [(15.0, 12.0), (30.0, 10.0), (0.1, 300.0), (10.0, 79.0)] {
            assert_eq!(of(fps, ms), Some(Why::Bursts), "{fps} × {ms} ms");
        }
        assert_eq!([of(0.0, 40.0), of(30.0, 0.0)], [None, None]);
    }
}
