//! What the device did, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters of one device, since it was started. They may be read at any time from anywhere.
///
/// Every captured frame ends as sent or as dropped; at most two are neither yet: the one in the mailbox and the one on
/// its way.
#[derive(Debug, Default)]
pub struct Stats {
    pub(crate) captured: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) connected: AtomicBool,
}

impl Stats {
    /// All counters at 0.
    pub fn new() -> Arc<Stats> {
        Arc::default()
    }

    /// Frames captured from the source.
    pub fn captured(&self) -> u64 {
        self.captured.load(Relaxed)
    }

    /// Frames handed to the operating system whole.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Frames that a newer one replaced before they could be sent, or that were lost with the connection.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
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

    /// Logs every 5 s, for ever.
    pub(crate) async fn report(&self) {
        const EVERY: Duration = Duration::from_secs(5);
        let mut ticks = tokio::time::interval(EVERY);
        let (mut sent, mut bytes) = (self.sent(), self.bytes());
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let (now_sent, now_bytes) = (self.sent(), self.bytes());
            tracing::debug!(
                frames = now_sent,
                fps = (now_sent - sent) as f64 / EVERY.as_secs_f64(),
                bytes_per_second = (now_bytes - bytes) / EVERY.as_secs(),
                dropped = self.dropped(),
                connected = self.connected(),
                "sending"
            );
            (sent, bytes) = (now_sent, now_bytes);
        }
    }
}
