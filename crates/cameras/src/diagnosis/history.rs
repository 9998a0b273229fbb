//! What a device told, as far as a diagnosis needs it.

use lenscast_media::time::Micros;
use lenscast_protocol::control::Telemetry;
use std::collections::VecDeque;
use std::time::Duration;

/// Over this time it is counted how often a device restarted.
const RESTARTS_WITHIN: Duration = Duration::from_secs(600);
/// Restarts that are remembered.
pub(super) const MAX_RESTARTS: usize = 64;

/// Over this time faults of the camera are counted.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// More often than this, a device's telemetry is thinned out.
const SPACING: Duration = Duration::from_secs(1);

/// What is remembered of a device, across its connections. Bounded.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// When it was found to have restarted.
    pub(super) restarts: VecDeque<Micros>,
    /// What it told since it started: the oldest is the newest that is older than the window.
    pub(super) samples: VecDeque<Sample>,
    /// The device connected anew, and has told nothing since.
    connected: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) telemetry: Telemetry,
    at: Micros,
}

impl History {
    /// The device connected.
    pub fn connected(&mut self) {
        self.connected = true;
    }

    /// The device told how it is; that arrived `at`.
    pub fn telemetry(&mut self, telemetry: Telemetry, at: Micros) {
        let connected = std::mem::take(&mut self.connected);
        if let Some(last) = self.samples.back()
            && has_restarted(&last.telemetry, &telemetry, connected)
        {
            if self.restarts.len() == MAX_RESTARTS {
                self.restarts.pop_front();
            }
            self.restarts.push_back(at);
            self.samples.clear();
        }
        // What happened while it was away for long did not happen within the window.
        if self.samples.back().is_some_and(|last| since(last.at, at) >= WINDOW) {
            self.samples.clear();
        }
        let before_last = self.samples.len().checked_sub(2).map(|index| self.samples[index].at);
        if before_last.is_some_and(|then| since(then, at) < SPACING) {
            self.samples.pop_back();
        }
        self.samples.push_back(Sample { telemetry, at });
        while self.samples.get(1).is_some_and(|second| since(second.at, at) >= WINDOW) {
            self.samples.pop_front();
        }
    }

    /// What it told last.
    pub(super) fn newest(&self) -> Option<&Telemetry> {
        self.samples.back().map(|sample| &sample.telemetry)
    }

    /// How much a counter rose within the window.
    pub(super) fn rise(&self, counter: impl Fn(&Telemetry) -> u64) -> u64 {
        let (Some(first), Some(last)) = (self.samples.front(), self.newest()) else {
            return 0;
        };
        // Counters begin at zero with the device.
        let young = Duration::from_millis(last.uptime_ms) <= WINDOW;
        let before = if young { 0 } else { counter(&first.telemetry) };
        counter(last).saturating_sub(before)
    }

    /// Restarts within the last ten minutes before `now`.
    pub(super) fn restarts(&self, now: Micros) -> usize {
        self.restarts.iter().filter(|&&at| since(at, now) < RESTARTS_WITHIN).count()
    }
}

/// Whether a device restarted between two telemetries; `connected`: it connected anew between them.
fn has_restarted(before: &Telemetry, after: &Telemetry, connected: bool) -> bool {
    // One that restarted long before it was heard again may run longer than it did before, but counts its connections
    // anew. Zero: it does not count them.
    after.uptime_ms < before.uptime_ms
        || connected && after.connections > 0 && after.connections <= before.connections
}

fn since(then: Micros, now: Micros) -> Duration {
    now.saturating_sub(then).to_duration()
}
