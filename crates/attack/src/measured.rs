//! What an attack cost, as numbers.

use std::time::Duration;

/// What an attack cost.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Resident memory before the attack, in 10^6 bytes.
    pub rss_before_mb: f64,
    /// The most resident memory, in 10^6 bytes.
    pub rss_mb: f64,
    /// The most threads.
    pub threads: u64,
    /// Frames that the viewer got, of those that the camera should have sent.
    pub rate: f64,
    /// The viewer's longest time without a frame.
    pub worst_gap: Duration,
    /// The slowest health check.
    pub healthz: Duration,
    /// How long a camera that came in the middle took until it was seen; `None` when it never was.
    pub newcomer: Option<Duration>,
    /// Bytes of log.
    pub log: u64,
    /// Bytes by which the files grew that are kept.
    pub state: u64,
    /// Bytes that were written to files, the log apart.
    pub written: u64,
    /// How long it took until memory, threads and descriptors were back; `None` when they never were.
    pub back: Option<Duration>,
    /// What was left at the end, in words.
    pub left: String,
    /// Whether the server died.
    pub died: bool,
    /// What is wrong besides: what the attack itself found out.
    pub complaint: Option<String>,
}
