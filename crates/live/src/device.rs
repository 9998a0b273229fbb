//! The device behind a camera's connection, when it speaks `lenscast.v1`: what it told, and what it is to be asked.
//!
//! Belongs here: the newest of what one connection told, and the one request that waits to be sent. What it means does not
//! belong here; the messages themselves are `lenscast_protocol::control`.

use lenscast_media::time::Micros;
use lenscast_protocol::control::{Hello, PictureRequest, Telemetry};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The device behind one connection of a camera.
#[derive(Debug, Default)]
pub struct Device {
    told: Mutex<Option<Told>>,
    /// The request that is to be sent next.
    request: Mutex<Option<PictureRequest>>,
    requested: Notify,
}

/// What a device told on this connection, the newest of each kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Who the device is.
    pub hello: Hello,
    /// How the device was, and when that arrived.
    pub telemetry: Option<(Telemetry, Micros)>,
}

impl Device {
    /// What the device told; `None` while that is nothing.
    #[must_use]
    pub fn told(&self) -> Option<Told> {
        lock(&self.told).clone()
    }

    /// Keeps what the device says about who it is. True when the connection had told nothing before.
    pub fn keep_hello(&self, hello: Hello) -> bool {
        let mut told = lock(&self.told);
        let is_first = told.is_none();
        told.get_or_insert_default().hello = hello;
        is_first
    }

    /// Keeps what the device says about how it is. Gives back who it said it was; an empty `Hello` when it has not said so.
    pub fn keep_telemetry(&self, telemetry: Telemetry, arrival: Micros) -> Hello {
        let mut told = lock(&self.told);
        let told = told.get_or_insert_default();
        told.telemetry = Some((telemetry, arrival));
        told.hello.clone()
    }

    /// Asks the device for another picture. One request waits at most: what was not sent yet is joined with what is newer.
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

/// Waits for the next request to `device`; for ever when there is no device that could be asked. Cancel-safe.
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
}
