//! The device's clock, which has its own idea of the time.

use lenscast_device::time::Instant;

#[derive(Default)]
pub struct Clock {
    /// µs that it is ahead of the world.
    ahead: i64,
    frozen: Option<Instant>,
}

impl Clock {
    pub fn at(&self, now: u64) -> Instant {
        self.frozen.unwrap_or(Instant::from_micros(now.saturating_add_signed(self.ahead)))
    }

    /// When it will show `instant`, if nobody touches it.
    pub fn shows(&self, instant: Instant) -> Option<u64> {
        let now = instant.as_micros().saturating_add_signed(-self.ahead);
        self.frozen.is_none().then_some(now)
    }

    pub fn leap(&mut self, micros: i64) {
        self.ahead += micros;
    }

    pub fn freeze(&mut self, now: u64) {
        self.frozen = Some(self.at(now));
    }

    /// It goes on from where it stood.
    pub fn thaw(&mut self, now: u64) {
        if let Some(frozen) = self.frozen.take() {
            self.ahead = frozen.as_micros() as i64 - now as i64;
        }
    }
}
