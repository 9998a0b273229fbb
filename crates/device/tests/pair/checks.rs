//! What must be true in every world.

use crate::camera::Camera;
use crate::endpoint::Endpoint;
use crate::weather::{MS, SECOND};
use lenscast_device::stream::DialId;
use lenscast_device::time::Instant;
use std::collections::VecDeque;

/// The longest silence that an open connection may have, by the device's clock: see `Timing`.
const SILENCE: u64 = 9_500 * MS;
/// Most dials in a minute that nothing but the back-off causes: two for each of 15 attempts on average, each with and
/// without the offer, and half as many again, because the waits are random.
const DIALS: usize = 46;
/// Most dials that one call from outside causes: a new target makes the back-off begin anew.
const DIALS_PER_CALL: usize = 10;

#[derive(Default)]
pub struct Checks {
    last_id: DialId,
    /// When there were dials, and when something called for one.
    dials: VecDeque<u64>,
    calls: VecDeque<u64>,
    /// When the device heard something, by its own clock.
    heard: Instant,
    /// The newest frame that the server has.
    newest: u64,
}

impl Checks {
    /// Something happens that makes the device dial at once.
    pub fn call(&mut self, now: u64) {
        self.calls.push_back(now);
    }

    pub fn dialled(&mut self, now: u64, id: DialId) {
        assert!(id > self.last_id, "an id that was used before");
        self.last_id = id;
        self.dials.push_back(now);
        for times in [&mut self.dials, &mut self.calls] {
            while times.front().is_some_and(|at| at + 60 * SECOND < now) {
                times.pop_front();
            }
        }
        let allowed = DIALS + DIALS_PER_CALL * self.calls.len();
        assert!(self.dials.len() <= allowed, "{} dials in a minute", self.dials.len());
    }

    pub fn heard(&mut self, device_now: Instant) {
        self.heard = device_now;
    }

    /// A message reached the server.
    pub fn arrived(&mut self, message: &[u8], camera: &Camera) {
        let number = camera.recognise(message).expect("the server got a whole frame");
        assert!(number > self.newest, "frame {number} came after frame {}", self.newest);
        self.newest = number;
    }

    /// The device has nothing to do at this moment.
    pub fn at_rest(&self, device_now: Instant, endpoint: &impl Endpoint, camera: &Camera) {
        let (sent, dropped) = endpoint.counts();
        let held = camera.alive() as u64;
        assert_eq!(camera.made, sent + dropped + held, "{sent} sent, {dropped} dropped, {held} held");
        let most = if endpoint.is_up() { 2 } else { 1 };
        assert!(held <= most, "{held} frames are held");
        if endpoint.is_up() {
            let silence = device_now.since(self.heard);
            assert!(silence.as_micros() as u64 <= SILENCE, "up, after {silence:?} of silence");
        }
    }

    /// The world was kind for a minute.
    pub fn after_a_kind_minute(&self, endpoint: &impl Endpoint, camera: &Camera, interval: u64) {
        assert!(endpoint.is_up(), "not up after a kind minute");
        // But those that are on their way.
        let recent = 5 * SECOND / interval;
        assert!(
            self.newest + recent >= camera.made,
            "the server has frame {} of {} after a kind minute",
            self.newest,
            camera.made
        );
    }
}
