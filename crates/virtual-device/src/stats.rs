//! What the device did, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counters of one device, since it was started; they go on through restarts. They may be read at any time from anywhere.
///
/// Every captured frame ends as sent or as dropped; at most three are neither yet: one on its way to the device, one that
/// the device keeps, and one that is being sent.
#[derive(Debug, Default)]
pub struct Stats {
    /// Counted by the thread that captures.
    pub(crate) captured: AtomicU64,
    /// Replaced by a newer one on the way to the device.
    pub(crate) replaced: AtomicU64,
    sent: AtomicU64,
    dropped: AtomicU64,
    bytes: AtomicU64,
    connections: AtomicU64,
    connected: AtomicBool,
}

impl Stats {
    /// All counters at 0.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Frames captured from the source.
    pub fn captured(&self) -> u64 {
        self.captured.load(Relaxed)
    }

    /// Frames handed to the network whole.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Frames that a newer one replaced before they could be sent, or that were lost with the connection.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed) + self.replaced.load(Relaxed)
    }

    /// Bytes of JPEG in the frames [`sent`](Stats::sent).
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// How often a server accepted this device.
    pub fn connections(&self) -> u64 {
        self.connections.load(Relaxed)
    }

    /// Whether there is a connection now.
    pub fn connected(&self) -> bool {
        self.connected.load(Relaxed)
    }

    /// Takes what the device itself counted, on top of what it counted `before` it last restarted.
    pub(crate) fn copy(
        &self,
        before: &lenscast_device::stats::Stats,
        now: &lenscast_device::stats::Stats,
        connected: bool,
    ) {
        self.sent.store(before.sent + now.sent, Relaxed);
        self.dropped.store(before.dropped + now.dropped, Relaxed);
        self.bytes.store(before.bytes + now.bytes, Relaxed);
        self.connections.store(before.connections + now.connections, Relaxed);
        self.connected.store(connected, Relaxed);
    }
}
