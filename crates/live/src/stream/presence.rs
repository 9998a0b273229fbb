//! Whether a camera is there, since when, and which device is behind it.

use super::session::Session;
use super::{Stream, rhythm};
use crate::device::Told;
use lenscast_media::time::Micros;
use std::sync::atomic::Ordering;
use std::time::Duration;
/// Nobody who wants the name of a camera that answers no pings waits longer for its next picture.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What a person wants to know first about a camera: is there a picture, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameraState {
    /// No camera is connected.
    Waiting,
    /// A camera is connected, but has sent no good frame yet.
    NoFrame,
    /// Frames come in.
    Live,
    /// A camera is connected, but its newest good frame is older than [`silent_after`](Stream::silent_after).
    Silent,
}

/// How long a camera is remembered of which no message was good. Its owner looks why there is no picture, and finds the cause on
/// the page also when the camera has given up meanwhile; a stranger's names are gone soon.
pub const REFUSED_KEPT: Duration = Duration::from_secs(600);

/// How much there is to remember about a camera. The smallest is forgotten first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// Nothing: no camera was here, or it sent nothing, or what was refused of it was long ago.
    Nothing,
    /// Only why its messages were refused.
    Refused {
        /// When it left.
        left_at: Micros,
    },
    /// Its pictures: it sent a good one.
    Sent {
        /// When it left.
        left_at: Micros,
    },
    /// It is connected.
    Connected,
}

impl CameraState {
    /// The word for this state in what programs read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::NoFrame => "no_frame",
            Self::Live => "live",
            Self::Silent => "silent",
        }
    }
}

impl Stream {
    /// What the device of the camera that is connected told, when it speaks `lenscast.v1`.
    #[must_use]
    pub fn device(&self) -> Option<Told> {
        self.session()?.device.as_ref()?.told()
    }

    /// The id of the device that is behind the camera, or was last: what never changes about it. `None` when it told none.
    #[must_use]
    pub fn device_id(&self) -> Option<String> {
        self.lock().device_id.clone()
    }

    /// Notes the id of the device that is behind the camera.
    pub fn set_device_id(&self, id: Option<String>) {
        self.lock().device_id = id;
    }

    /// What a person wants to know first about the camera.
    #[must_use]
    pub fn camera_state(&self) -> CameraState {
        self.state_since().0
    }

    /// The state of the camera, and since when it is in that state.
    ///
    /// That is since the camera left (waiting), came (no frame), began to send frames (live), or sent its newest one (silent).
    /// `None` when no camera was ever here.
    #[must_use]
    pub fn state_since(&self) -> (CameraState, Option<Micros>) {
        let state = self.lock();
        let Some(session) = self.session() else {
            return (CameraState::Waiting, state.left_at);
        };
        match &*self.jpeg.borrow() {
            None => (CameraState::NoFrame, Some(session.since)),
            Some(frame) if self.age(frame.arrival) < self.silent_after() => {
                (CameraState::Live, Some(state.live_since))
            }
            Some(frame) => (CameraState::Silent, Some(frame.arrival)),
        }
    }

    /// How much there is to remember about the camera at the moment `now`.
    #[must_use]
    pub fn worth(&self, now: Micros) -> Worth {
        let state = self.lock();
        if self.session().is_some() {
            return Worth::Connected;
        }
        let left_at = state.left_at.unwrap_or_default();
        drop(state);
        if self.stats.frames_in.load(Ordering::Relaxed) > 0 {
            Worth::Sent { left_at }
        } else if self.stats.was_refused() && now.saturating_sub(left_at).to_duration() < REFUSED_KEPT {
            Worth::Refused { left_at }
        } else {
            Worth::Nothing
        }
    }

    /// Waits until the camera has been gone for `time` without a break. One that was never here counts as gone. Cancel-safe.
    pub async fn gone(&self, time: Duration) {
        let mut session = self.session.subscribe();
        loop {
            // Both end only by what they wait for: this stream owns the sender.
            if session.wait_for(Option::is_none).await.is_err() {
                return;
            }
            let back = async { session.wait_for(Option::is_some).await.is_ok() };
            if tokio::time::timeout(time, back).await.is_err() {
                return;
            }
        }
    }

    /// How long the camera's next picture may take by its own rhythm: half as long again as usual, and at most
    /// [`LONGEST_WAIT`]; zero while its rhythm is unknown.
    #[must_use]
    pub fn next_due(&self) -> Duration {
        let interval = self.stats.interval().unwrap_or_default();
        (interval + interval / 2).min(LONGEST_WAIT)
    }

    /// How long the camera that is connected may say nothing at all until it is taken for gone, where the owner set `setting`.
    ///
    /// A camera answers pings, and says something more often than that. Some cameras never answer one: they may be quiet for
    /// three of their usual intervals more. Before the second picture nobody knows these, and the camera gets three times
    /// the setting.
    #[must_use]
    pub fn may_be_quiet(&self, session: &Session, setting: Duration) -> Duration {
        if session.answers_pings() {
            return setting;
        }
        let unknown = self.stats.interval().is_none() && self.newest_jpeg().is_some();
        if unknown { setting * rhythm::INTERVALS } else { setting + self.patience(Duration::ZERO) }
    }

    /// Forgets everything about the camera. Viewers who wait for it go on waiting.
    pub fn forget(&self) {
        self.stats.reset();
        self.skipped.store(0, Ordering::Relaxed);
        self.stalled.store(0, Ordering::Relaxed);
        let mut state = self.lock();
        (state.left_at, state.device_id) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::news::News;
    use crate::stream::publisher::Publisher;
    use crate::stream::rules::Rules;
    use crate::stream::session::Camera;
    use lenscast_base::in_force::InForce;
    use lenscast_media::causes::Cause;
    use lenscast_protocol::CameraName;
    use lenscast_protocol::control::Telemetry;
    use std::sync::Arc;

    fn stream(silent_after: Duration) -> Arc<Stream> {
        let rules = InForce::new(Rules { silent_after, ..Rules::default() });
        Arc::new(Stream::new(CameraName::default(), Clock::start(), rules, News::default()))
    }

    fn camera(control: bool) -> Camera {
        Camera { peer: ([127, 0, 0, 1], 1).into(), control }
    }

    fn push(publisher: &Publisher, arrival: Micros) {
        publisher.push(bytes::Bytes::new(), 16, 16, arrival);
    }

    #[test]
    fn a_camera_is_in_its_state_since_that_began() {
        let stream = stream(Duration::from_secs(3));
        assert_eq!(stream.state_since(), (CameraState::Waiting, None), "never here");
        let publisher = stream.attach(camera(false)).unwrap();
        assert_eq!(stream.state_since(), (CameraState::NoFrame, Some(publisher.session().since)));
        let first = stream.clock().now();
        for ms in 0..100 {
            push(&publisher, first.saturating_add(Micros(ms * 1000)));
        }
        assert_eq!(stream.state_since(), (CameraState::Live, Some(first)), "not since the newest frame");
        let again = first.saturating_add(Micros(10_000_000));
        push(&publisher, again);
        assert_eq!(stream.state_since(), (CameraState::Live, Some(again)), "after a silence");
        let third = again.saturating_add(Micros(10_000_000));
        push(&publisher, third);
        assert_eq!(stream.state_since(), (CameraState::Live, Some(again)), "that is its rhythm now");
        let before = stream.clock().now();
        drop(publisher);
        let (state, since) = stream.state_since();
        assert_eq!(state, CameraState::Waiting);
        assert!(since >= Some(before) && since <= Some(stream.clock().now()), "{since:?}");
        stream.forget();
        assert_eq!(stream.state_since(), (CameraState::Waiting, None));
    }

    #[test]
    fn a_camera_is_worth_its_pictures_or_for_a_while_why_they_were_refused() {
        let stream = stream(Duration::from_secs(3));
        let worth = || stream.worth(stream.clock().now());
        assert_eq!(worth(), Worth::Nothing);
        let publisher = stream.attach(camera(false)).unwrap();
        assert_eq!(worth(), Worth::Connected);
        drop(publisher);
        assert_eq!(worth(), Worth::Nothing, "it sent nothing");
        stream.stats.count_quarantined(Cause::NotAJpeg);
        let left_at = stream.lock().left_at.unwrap();
        assert_eq!(worth(), Worth::Refused { left_at });
        let later = left_at.saturating_add(Micros::from_duration(REFUSED_KEPT));
        assert_eq!(stream.worth(later), Worth::Nothing, "its owner has had the time to look");
        push(&stream.attach(camera(false)).unwrap(), Micros(5));
        assert!(matches!(stream.worth(later), Worth::Sent { .. }) && worth() > Worth::Refused { left_at });
        stream.forget();
        assert_eq!(worth(), Worth::Nothing);
    }

    #[test]
    fn a_camera_may_be_quiet_for_the_setting_its_own_rhythm_or_what_its_device_told() {
        let stream = stream(Duration::from_secs(3));
        let publisher = stream.attach(camera(true)).unwrap();
        let seconds = |stream: &Stream| stream.silent_after().as_secs();
        push(&publisher, Micros(0));
        assert_eq!(seconds(&stream), 3);
        let device = publisher.session().device.as_ref().unwrap();
        for (fps, wanted) in [(0.1, 30), (25.0, 3), (0.0, 3)] {
            let mut told = Telemetry::default();
            told.picture.fps = fps;
            device.keep_telemetry(told, Micros(0));
            assert_eq!(seconds(&stream), wanted, "{fps}");
        }
        push(&publisher, Micros(20_000_000));
        assert_eq!(seconds(&stream), 60);
        assert_eq!(stream.patience(Duration::from_secs(100)).as_secs(), 100);
    }

    #[test]
    fn a_camera_that_answers_no_pings_may_be_quiet_for_as_long_as_its_rhythm_says() {
        let stream = stream(Duration::from_secs(3));
        let publisher = stream.attach(camera(false)).unwrap();
        let setting = Duration::from_secs(25);
        let quiet =
            || (stream.may_be_quiet(publisher.session(), setting).as_secs(), stream.next_due().as_secs());
        assert_eq!(quiet(), (25, 0), "it has sent nothing");
        push(&publisher, Micros(0));
        assert_eq!(quiet(), (75, 0), "its second picture may take longer than the setting");
        push(&publisher, Micros(30_000_000));
        assert_eq!(quiet(), (25 + 90, 45));
        for second in 31..100 {
            push(&publisher, Micros(second * 1_000_000));
        }
        assert_eq!(quiet(), (25 + 3, 1));
        push(&publisher, Micros(1_000_000_000));
        assert_eq!(quiet().1, 60, "nobody waits for ever");
        publisher.session().answered(b"lenscast");
        assert_eq!(quiet().0, 25, "it answers pings");
    }

    #[test]
    fn a_camera_is_silent_since_its_newest_frame() {
        let stream = stream(Duration::ZERO);
        let publisher = stream.attach(camera(false)).unwrap();
        for us in [3, 5, 8] {
            push(&publisher, Micros(us));
        }
        // Longer than three of these intervals.
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(stream.state_since(), (CameraState::Silent, Some(Micros(8))));
    }

    #[test]
    fn a_device_is_remembered_until_a_camera_comes_that_tells_no_id() {
        let stream = stream(Duration::from_secs(3));
        let publisher = stream.attach(camera(true)).unwrap();
        stream.set_device_id(Some("a".into()));
        drop(publisher);
        assert_eq!(stream.device_id().as_deref(), Some("a"));
        drop(stream.attach(camera(true)).unwrap());
        assert_eq!(stream.device_id().as_deref(), Some("a"), "it has not said yet who it is");
        drop(stream.attach(camera(false)).unwrap());
        assert_eq!(stream.device_id(), None);
    }
}
