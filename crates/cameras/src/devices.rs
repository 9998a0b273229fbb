//! The devices behind cameras, when they speak `lenscast.v1`: what is remembered of what they told, and which of them is
//! believed to be who it says.
//!
//! Anybody can say any id. What a camera tells is remembered for that camera alone, so nobody's lies are another one's
//! diagnosis; and an id, by which a title follows its device, counts only for one who may be the camera that has it.
//!
//! What all that means is for [`diagnosis`](super::diagnosis); the messages themselves are `lenscast_protocol::control`.

use super::Cameras;
use super::diagnosis::{Finding, History, diagnose};
use lenscast_live::Publisher;
use lenscast_live::device::Told;
use lenscast_media::causes::Cause;
use lenscast_media::time::Micros;
use lenscast_protocol::CameraName;
use lenscast_protocol::control::{DeviceMessage, Hello, MAX_CONTROL_BYTES, device_message};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Devices whose history is kept; the one that was not heard for the longest is forgotten first.
const MAX_DEVICES: usize = 256;

impl Cameras {
    /// Deals with a text message of a camera that speaks `lenscast.v1`. A text that is no message of a device is counted and left
    /// out.
    pub fn take_text(&self, publisher: &Publisher, text: &str, arrival: Micros) {
        let (devices, stream) = (self.devices(), publisher.stream());
        let Some(device) = &publisher.session().device else {
            return;
        };
        match device_message(text) {
            Ok(DeviceMessage::Hello(hello)) => {
                if let Some(held_back) = stream.notices.due("the device tells about itself") {
                    let Hello { device_id, firmware, board, .. } = &hello;
                    tracing::info!(camera = %stream.name(), device_id, firmware, board, held_back, "the device tells about itself");
                }
                if device.keep_hello(hello.clone()) {
                    devices.change(stream.name(), &hello, arrival, History::connected);
                }
                self.news().tell();
            }
            Ok(DeviceMessage::Telemetry(telemetry)) => {
                let hello = device.keep_telemetry(telemetry.clone(), arrival);
                devices
                    .change(stream.name(), &hello, arrival, |history| history.telemetry(telemetry, arrival));
            }
            Ok(DeviceMessage::Unknown) => {}
            Err(error) => {
                let too_big = text.len() > MAX_CONTROL_BYTES;
                let cause = if too_big { Cause::ControlTooBig } else { Cause::ControlMalformed };
                stream.stats.count_quarantined(cause);
                let cause = cause.name();
                if let Some(held_back) = stream.notices.due(cause) {
                    tracing::warn!(camera = %stream.name(), cause, held_back, "a message of the device is refused: {error}");
                }
            }
        }
    }
}

impl Cameras {
    /// Finds out whether the device of a camera is the one that it says. Call this after [`Cameras::take_text`].
    ///
    /// The id of a device belongs to the camera where it was believed last. It counts for another one only when `may_be` is
    /// true for that camera's name: when whoever is connected here might as well have come as that one, by its key if it has
    /// one. So nobody gets the title of a camera with a key by saying its id. What a device told as another camera follows it
    /// with its title, but not from a camera that anybody may be to one for which `is_closed` is true: these may be lies.
    pub fn identify(
        &self,
        publisher: &Publisher,
        may_be: impl Fn(&CameraName) -> bool,
        is_closed: impl Fn(&CameraName) -> bool,
    ) {
        let stream = publisher.stream();
        let Some(told) = publisher.session().device.as_ref().and_then(|device| device.told()) else {
            return;
        };
        let (id, before) = (told.hello.device_id.as_str(), stream.device_id());
        if before.as_deref().unwrap_or_default() == id {
            return;
        }
        let kept_for = self.titles().camera_of(id).filter(|camera| camera != stream.name());
        let believed = match kept_for.filter(|camera| !may_be(camera)) {
            Some(camera) => {
                stream.set_device_id(None);
                Err(camera)
            }
            None => self.streams().identify(stream, id, may_be),
        };
        match believed {
            Ok(()) => {
                self.titles().moved(id, stream.name());
                let is_own = is_closed(stream.name());
                self.devices().believe(stream.name(), |other| !is_own || is_closed(other));
            }
            Err(other) => {
                if let Some(held_back) = stream.notices.due("device id") {
                    tracing::warn!(
                        camera = %stream.name(), %other, held_back,
                        "this camera says that it is the device of the other, and is not believed"
                    );
                }
            }
        }
        if before != stream.device_id() {
            self.turn_as_wanted(stream);
            self.news().tell();
        }
    }
}

/// What is remembered about devices, whether or not they are connected, by the cameras that they are.
#[derive(Debug, Default)]
pub struct Devices {
    known: Mutex<HashMap<CameraName, Known>>,
}

#[derive(Debug)]
struct Known {
    /// The id of the device; empty while it has told none.
    id: String,
    history: History,
    heard: Micros,
    /// Whether the device is the one that it says.
    is_believed: bool,
}

impl Devices {
    /// What is wrong with the device behind `camera`, as far as it can be told at `now`.
    #[must_use]
    pub fn diagnose(&self, told: &Told, camera: &CameraName, now: Micros) -> Vec<Finding> {
        let known = lock(&self.known);
        match known.get(camera).filter(|known| known.is(&told.hello)) {
            Some(known) => diagnose(&told.hello, &known.history, now),
            None => diagnose(&told.hello, &History::default(), now),
        }
    }

    fn change(&self, camera: &CameraName, hello: &Hello, at: Micros, change: impl FnOnce(&mut History)) {
        let mut all = lock(&self.known);
        if !all.contains_key(camera) && all.len() >= MAX_DEVICES {
            let oldest = all.iter().min_by_key(|(_, known)| known.heard).map(|(camera, _)| camera.clone());
            oldest.and_then(|camera| all.remove(&camera));
        }
        let id = || hello.device_id.clone();
        let new = || Known { id: id(), history: History::default(), heard: at, is_believed: false };
        let known = all.entry(camera.clone()).or_insert_with(new);
        if !known.is(hello) {
            // Another device took this one's place.
            *known = new();
        }
        if known.id.is_empty() {
            known.id.clone_from(&hello.device_id);
        }
        known.heard = at;
        change(&mut known.history);
    }
}

impl Devices {
    /// Notes that the device behind `camera` is the one that it says, and has just connected. What it told as another camera
    /// follows it from there, if `may_follow` says so of that one's name.
    fn believe(&self, camera: &CameraName, may_follow: impl Fn(&CameraName) -> bool) {
        let mut all = lock(&self.known);
        let Some(known) = all.get_mut(camera) else {
            return;
        };
        known.is_believed = true;
        if known.id.is_empty() {
            return;
        }
        let id = known.id.clone();
        let is_same = |other: &CameraName, known: &Known| {
            other != camera && known.is_believed && known.id == id && may_follow(other)
        };
        let Some(from) =
            all.iter().find(|(other, known)| is_same(other, known)).map(|(other, _)| other.clone())
        else {
            return;
        };
        if let Some(mut before) = all.remove(&from) {
            before.history.connected();
            all.insert(camera.clone(), before);
        }
    }
}

impl Known {
    /// Whether this is about the device that says so of itself. One that has said nothing yet may be any.
    fn is(&self, hello: &Hello) -> bool {
        self.id.is_empty() || hello.device_id.is_empty() || self.id == hello.device_id
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_protocol::control::Telemetry;

    fn hello(id: &str) -> Hello {
        Hello { device_id: id.to_owned(), ..Hello::default() }
    }

    #[test]
    fn who_was_not_heard_for_the_longest_is_forgotten_first() {
        let devices = Devices::default();
        let key = |number: usize| CameraName::new(&format!("camera-{number}")).unwrap();
        let hello = Hello::default();
        for number in 0..MAX_DEVICES {
            devices.change(&key(number), &hello, Micros(number as u64), |_| {});
        }
        devices.change(&key(0), &hello, Micros(1000), |_| {});
        devices.change(&key(MAX_DEVICES), &hello, Micros(1001), |_| {});
        let known = lock(&devices.known);
        assert_eq!(known.len(), MAX_DEVICES);
        assert!(known.contains_key(&key(0)) && known.contains_key(&key(MAX_DEVICES)));
        assert!(!known.contains_key(&key(1)));
    }

    #[test]
    fn what_a_device_told_is_of_its_camera_alone_and_ends_with_the_device() {
        let devices = Devices::default();
        let camera = |text: &str| CameraName::new(text).unwrap();
        let restarts = |name: &str, id: &str| {
            let told = Told { hello: hello(id), telemetry: None };
            let findings = devices.diagnose(&told, &camera(name), Micros(10));
            findings.iter().any(|finding| finding.code == "restart_loop")
        };
        // The liar says that it is the device `a`, and that it restarts again and again.
        for uptime_ms in [50, 40, 30, 20, 10] {
            let telemetry = Telemetry { uptime_ms, ..Telemetry::default() };
            devices.change(&camera("liar"), &hello("a"), Micros(1), |history| {
                history.connected();
                history.telemetry(telemetry, Micros(1));
            });
        }
        devices.change(&camera("door"), &hello("a"), Micros(2), History::connected);
        assert!(restarts("liar", "a"));
        assert!(!restarts("door", "a"), "another camera's lies are not this one's");
        assert!(!restarts("liar", "b"), "another device at the same name begins anew");
        devices.change(&camera("liar"), &hello("b"), Micros(3), History::connected);
        assert!(!restarts("liar", "b") && !restarts("liar", "a"));
    }

    #[test]
    fn what_a_device_told_follows_it_to_another_camera_if_it_is_believed_and_may() {
        let restarting = |devices: &Devices, name: &CameraName| {
            for uptime_ms in [50, 40, 30, 20, 10] {
                let telemetry = Telemetry { uptime_ms, ..Telemetry::default() };
                devices
                    .change(name, &hello("a"), Micros(1), |history| history.telemetry(telemetry, Micros(1)));
            }
        };
        let [door, back] = ["door", "back"].map(|name| CameraName::new(name).unwrap());
        for (is_believed, may_follow) in [(true, true), (true, false), (false, true)] {
            let devices = Devices::default();
            restarting(&devices, &door);
            if is_believed {
                devices.believe(&door, |_| true);
            }
            devices.change(&back, &hello("a"), Micros(2), History::connected);
            devices.believe(&back, |other| may_follow && *other == door);
            let told = Told { hello: hello("a"), telemetry: None };
            let follows = !devices.diagnose(&told, &back, Micros(10)).is_empty();
            assert_eq!(follows, is_believed && may_follow);
            assert_eq!(
                devices.diagnose(&told, &door, Micros(10)).is_empty(),
                follows,
                "it is at one of them"
            );
        }
    }
}
