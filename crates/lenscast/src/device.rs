//! The devices behind cameras, when they speak `lenscast.v1`: what they tell about themselves, and what they are asked.
//!
//! Belongs here: who told what, and the request that waits to be sent. What it means is for [`diagnosis`](crate::diagnosis);
//! the messages themselves are `lenscast_protocol::control`.

use crate::diagnosis::{Finding, History, diagnose};
use crate::server::App;
use crate::stream::Publisher;
use lenscast_media::time::Micros;
use lenscast_protocol::CameraName;
use lenscast_protocol::control::{
    DeviceMessage, Hello, MAX_CONTROL_BYTES, PictureRequest, Telemetry, device_message,
};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Devices whose history is kept; the one that was not heard for the longest is forgotten first.
const MAX_DEVICES: usize = 256;

/// One connection of a device.
#[derive(Debug, Default)]
pub struct Device {
    told: Mutex<Option<Told>>,
    /// What it is to be asked next.
    request: Mutex<Option<PictureRequest>>,
    requested: Notify,
}

/// What a device told on this connection, the newest of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Who it is.
    pub hello: Hello,
    /// How it was, and when that arrived.
    pub telemetry: Option<(Telemetry, Micros)>,
}

impl Device {
    /// What it told; `None` when nothing yet.
    #[must_use]
    pub fn told(&self) -> Option<Told> {
        lock(&self.told).clone()
    }

    /// Asks it for another picture. One request waits at most: what was not sent yet is joined with what is newer.
    pub fn ask(&self, newer: PictureRequest) {
        let mut waiting = lock(&self.request);
        let older = waiting.take().unwrap_or_default();
        *waiting = Some(PictureRequest {
            size: newer.size.or(older.size),
            quality: newer.quality.or(older.quality),
            fps: newer.fps.or(older.fps),
        });
        drop(waiting);
        self.requested.notify_one();
    }
}

/// Waits for the next request to `device`; for ever when there is none that could be asked. Cancel-safe.
pub async fn request(device: Option<&Device>) -> PictureRequest {
    let Some(device) = device else {
        return std::future::pending().await;
    };
    loop {
        if let Some(request) = lock(&device.request).take() {
            return request;
        }
        device.requested.notified().await;
    }
}

/// Deals with a text message of a camera. What is no message of a device is counted, and left out; from a camera that
/// speaks no `lenscast.v1` everything is.
pub fn take_text(app: &App, publisher: &Publisher, text: &str, arrival: Micros) {
    let (devices, stream) = (&app.devices, publisher.stream());
    let Some(device) = &publisher.session().device else {
        return;
    };
    match device_message(text) {
        Ok(DeviceMessage::Hello(hello)) => {
            if let Some(held_back) = stream.notices.due("hello") {
                let Hello { device_id, firmware, board, .. } = &hello;
                tracing::info!(camera = %stream.name(), device_id, firmware, board, held_back, "the device tells about itself");
            }
            let mut told = lock(&device.told);
            let first = told.is_none();
            let told = told.get_or_insert_default();
            told.hello = hello;
            if first {
                devices.change(&Key::new(&told.hello, stream.name()), arrival, History::connected);
            }
            app.streams.identify(stream, &told.hello.device_id);
            app.events.news().tell();
        }
        Ok(DeviceMessage::Telemetry(telemetry)) => {
            let mut told = lock(&device.told);
            let told = told.get_or_insert_default();
            told.telemetry = Some((telemetry.clone(), arrival));
            let key = Key::new(&told.hello, stream.name());
            devices.change(&key, arrival, |history| history.telemetry(telemetry, arrival));
        }
        Ok(DeviceMessage::Unknown) => {}
        Err(error) => {
            let cause = if text.len() > MAX_CONTROL_BYTES { "control_too_big" } else { "control_malformed" };
            stream.stats.count_quarantined(cause);
            if let Some(held_back) = stream.notices.due(cause) {
                tracing::warn!(camera = %stream.name(), cause, held_back, "a message of the device is refused: {error}");
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
    /// It tells no id.
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

    #[tokio::test]
    async fn requests_that_wait_are_joined_and_the_newest_wins() {
        let device = Device::default();
        let quality = |quality| PictureRequest { quality: Some(quality), ..PictureRequest::default() };
        device.ask(PictureRequest { size: Some("vga".into()), ..PictureRequest::default() });
        for number in 0..100 {
            device.ask(quality(number));
        }
        device.ask(PictureRequest { fps: Some(4.0), ..PictureRequest::default() });
        let joined = PictureRequest { size: Some("vga".into()), quality: Some(99), fps: Some(4.0) };
        assert_eq!(request(Some(&device)).await, joined);
        // What was taken does not come again, and what is new is not waited for longer than it must.
        let next = async { tokio::join!(request(Some(&device)), async { device.ask(quality(1)) }).0 };
        let next = tokio::time::timeout(std::time::Duration::from_secs(30), next).await;
        assert_eq!(next.expect("a request wakes who waits for it"), quality(1));
    }

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
