//! What one hostile client may cost, and what is over.

use crate::measured::Measured;
use std::time::Duration;

/// What one hostile client may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Resident memory of the server throughout, in 10^6 bytes.
    pub rss_mb: f64,
    /// Threads of the server throughout.
    pub threads: u64,
    /// Frames that the viewer gets, of those that the camera sends.
    pub rate: f64,
    /// The viewer's longest time without a frame.
    pub gap: Duration,
    /// A health check from another address.
    pub healthz: Duration,
    /// Until a camera that comes in the middle is seen.
    pub newcomer: Duration,
    /// Bytes of log for an attack.
    pub log: u64,
    /// Bytes by which the files grow that are kept.
    pub state: u64,
    /// Bytes that are written to files, the log apart.
    pub written: u64,
    /// Resident memory when the attack is over, above what it was before, in 10^6 bytes.
    pub rss_after_mb: f64,
    /// Threads and descriptors that may be left when the attack is over.
    pub left: u64,
    /// Until everything is back after the end of an attack.
    pub back: Duration,
}

impl Bounds {
    /// The bounds that hold with default limits.
    pub const DEFAULT: Self = Self {
        rss_mb: 120.0,
        threads: 64,
        rate: 0.9,
        gap: Duration::from_secs(1),
        healthz: Duration::from_millis(500),
        newcomer: Duration::from_secs(5),
        log: 1_000_000,
        state: 100_000,
        written: 4_000_000,
        rss_after_mb: 10.0,
        left: 6,
        back: Duration::from_secs(10),
    };

    /// What was over, each as a sentence; what no machine makes slower comes first.
    #[must_use]
    pub fn complaints(&self, measured: &Measured) -> Vec<String> {
        let mut over = self.lasting(measured);
        let mut say = |is_over: bool, text: String| over.extend(is_over.then_some(text));
        let Measured { rate, worst_gap, healthz, newcomer, back, .. } = *measured;
        say(rate < self.rate, format!("the viewer got {:.0} % of its frames", rate * 100.0));
        say(worst_gap > self.gap, format!("the viewer saw nothing for {:.1} s", worst_gap.as_secs_f64()));
        say(healthz > self.healthz, format!("a health check took {} ms", healthz.as_millis()));
        if let Some(took) = newcomer.filter(|took| *took > self.newcomer) {
            say(true, format!("a new camera took {:.1} s", took.as_secs_f64()));
        }
        say(back.is_some_and(|took| took > self.back), "it took long until everything was back".into());
        over
    }

    /// What was over of what does not depend on how fast a machine is.
    #[must_use]
    pub fn lasting(&self, measured: &Measured) -> Vec<String> {
        let mut over = measured.complaint.iter().cloned().collect::<Vec<_>>();
        let mut say = |is_over: bool, text: String| over.extend(is_over.then_some(text));
        say(measured.died, "the server died".into());
        say(measured.rss_mb > self.rss_mb, format!("{:.0} MB of memory", measured.rss_mb));
        say(measured.threads > self.threads, format!("{} threads", measured.threads));
        say(measured.log > self.log, format!("{:.1} MB of log", measured.log as f64 / 1e6));
        say(measured.state > self.state, format!("{:.1} MB of files more", measured.state as f64 / 1e6));
        say(
            measured.written > self.written,
            format!("{:.1} MB written to files", measured.written as f64 / 1e6),
        );
        say(measured.newcomer.is_none(), "a new camera did not get in".into());
        if measured.back.is_none() && !measured.died {
            say(true, format!("not everything is back: {}", measured.left));
        }
        over
    }
}
