//! The devices behind cameras, when they speak `lenscast.v1`: what is remembered of what they told.
//!
//! What that means is for [`diagnosis`](super::diagnosis); the messages themselves are `lenscast_protocol::control`.

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
    /// Deals with a text message of a camera. A text that is no message of a device is counted and left out; from a camera
    /// that speaks no `lenscast.v1` every text is.
    pub fn take_text(&self, publisher: &Publisher, text: &str, arrival: Micros) {
        let (devices, stream) = (self.devices(), publisher.stream());
        let Some(device) = &publisher.session().device else {
            return;
        };
        match device_message(text) {
            Ok(DeviceMessage::Hello(hello)) => {
                if let Some(held_back) = stream.notices.due("hello") {
                    let Hello { device_id, firmware, board, .. } = &hello;
                    tracing::info!(camera = %stream.name(), device_id, firmware, board, held_back, "the device tells about itself");
                }
                if device.keep_hello(hello.clone()) {
                    devices.change(&Key::new(&hello, stream.name()), arrival, History::connected);
                }
                self.streams().identify(stream, &hello.device_id);
                self.news().tell();
            }
            Ok(DeviceMessage::Telemetry(telemetry)) => {
                let hello = device.keep_telemetry(telemetry.clone(), arrival);
                let key = Key::new(&hello, stream.name());
                devices.change(&key, arrival, |history| history.telemetry(telemetry, arrival));
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

/// What is remembered about devices, whether or not they are connected.
#[derive(Debug, Default)]
pub struct Devices {
    known: Mutex<HashMap<Key, Known>>,
}

#[derive(Debug)]
struct Known {
    history: History,
    heard: Micros,
}

/// A device by what never changes about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Id(String),
    /// By the camera's name, when the device tells no id.
    Name(CameraName),
}

impl Key {
    fn new(hello: &Hello, camera: &CameraName) -> Self {
        match hello.device_id.as_str() {
            "" => Self::Name(camera.clone()),
            id => Self::Id(id.to_owned()),
        }
    }
}

impl Devices {
    /// What is wrong with the device behind `camera`, as far as it can be told at `now`.
    #[must_use]
    pub fn diagnose(&self, told: &Told, camera: &CameraName, now: Micros) -> Vec<Finding> {
        let known = lock(&self.known);
        match known.get(&Key::new(&told.hello, camera)) {
            Some(known) => diagnose(&told.hello, &known.history, now),
            None => diagnose(&told.hello, &History::default(), now),
        }
    }

    fn change(&self, key: &Key, at: Micros, change: impl FnOnce(&mut History)) {
        let mut all = lock(&self.known);
        if !all.contains_key(key) && all.len() >= MAX_DEVICES {
            let oldest = all.iter().min_by_key(|(_, known)| known.heard).map(|(key, _)| key.clone());
            oldest.and_then(|key| all.remove(&key));
        }
        let known =
            all.entry(key.clone()).or_insert_with(|| Known { history: History::default(), heard: at });
        known.heard = at;
        change(&mut known.history);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_not_heard_for_the_longest_is_forgotten_first() {
        let devices = Devices::default();
        let key = |number: usize| Key::Id(number.to_string());
        for number in 0..MAX_DEVICES {
            devices.change(&key(number), Micros(number as u64), |_| {});
        }
        devices.change(&key(0), Micros(1000), |_| {});
        devices.change(&key(MAX_DEVICES), Micros(1001), |_| {});
        let known = lock(&devices.known);
        assert_eq!(known.len(), MAX_DEVICES);
        assert!(known.contains_key(&key(0)) && known.contains_key(&key(MAX_DEVICES)));
        assert!(!known.contains_key(&key(1)));
    }
}
