//! What is sampled, and what must not happen to it.

use crate::Result;
use crate::bench::measured::percentile;
use crate::bench::usage;
use std::fs;

/// Growth that is no complaint: a share of what there was, and as much on top.
const RSS_FACTOR: f64 = 1.2;
const RSS_MORE_MB: f64 = 8.0;
const LATENCY_FACTOR: f64 = 3.0;
const LATENCY_MORE_MS: f64 = 20.0;
/// The steady viewer sees so much of what its camera sent. The rest is what the server drops when the CPU is short.
const SHOWN_AT_LEAST: f64 = 0.9;

/// What the server holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Holds {
    /// Resident memory, in 10^6 bytes.
    pub(super) rss_mb: f64,
    pub(super) descriptors: usize,
    pub(super) threads: usize,
}

impl Holds {
    /// Looks at a process.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let gone = |_| "the server died";
        let rss_mb = usage::memory(pid).map_err(|_| "the server died")?.now_mb;
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_err(gone)?.count();
        let threads = fs::read_dir(format!("/proc/{pid}/task")).map_err(gone)?.count();
        Ok(Self { rss_mb, descriptors, threads })
    }

    /// Whether there is no more of what can be counted.
    pub(super) fn no_more_than(&self, before: &Self) -> bool {
        self.descriptors <= before.descriptors && self.threads <= before.threads
    }
}

/// One window of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) holds: Holds,
    /// Of the steady pair, in ms; `None` when it saw nothing.
    pub(super) latency_p95: Option<f64>,
}

/// The whole run.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// Before anybody misbehaved.
    pub(super) start: Holds,
    /// While they did; at least one.
    pub(super) windows: Vec<Window>,
    /// After they had left.
    pub(super) end: Holds,
    /// Frames that the steady camera sent and that its viewer saw, and how often that had skipped some.
    pub(super) sent: u64,
    pub(super) shown: u64,
    pub(super) skipped: u64,
    /// Lines of the server's log about panics.
    pub(super) panics: usize,
}

impl History {
    /// What is wrong, a sentence each.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let fifth = self.windows.len().div_ceil(5);
        let (first, last) = (&self.windows[..fifth], &self.windows[self.windows.len() - fifth..]);
        let most = |windows: &[Window]| windows.iter().map(|window| window.holds.rss_mb).fold(0.0, f64::max);
        let (before, after) = (most(first), most(last));
        if after > before * RSS_FACTOR + RSS_MORE_MB {
            complaints.push(format!(
                "memory grew from {before:.1} MB in the first fifth to {after:.1} MB in the last"
            ));
        }
        let Holds { descriptors, threads, .. } = self.end;
        if descriptors > self.start.descriptors {
            let before = self.start.descriptors;
            complaints
                .push(format!("{descriptors} descriptors are open after all is quiet, {before} were before"));
        }
        if threads > self.start.threads {
            let before = self.start.threads;
            complaints.push(format!("{threads} threads run after all is quiet, {before} did before"));
        }
        if self.skipped > 0 {
            complaints
                .push(format!("the steady viewer read all the time and yet skipped {} times", self.skipped));
        }
        if (self.shown as f64) < self.sent as f64 * SHOWN_AT_LEAST {
            complaints.push(format!("the steady viewer saw {} of {} frames", self.shown, self.sent));
        }
        // A single window may fall on something else that the machine did.
        let mut late: Vec<f64> =
            last.iter().map(|window| window.latency_p95.unwrap_or(f64::INFINITY)).collect();
        late.sort_by(f64::total_cmp);
        if let (Some(before), Some(after)) = (self.windows[0].latency_p95, percentile(&late, 50))
            && after > before * LATENCY_FACTOR + LATENCY_MORE_MS
        {
            complaints.push(format!(
                "latency (p95) of the steady pair grew from {before:.1} ms in the first window to {after:.1} ms in the last fifth"
            ));
        }
        if self.panics > 0 {
            complaints.push(format!("the server's log tells of {} panics", self.panics));
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Holds = Holds { rss_mb: 12.0, descriptors: 14, threads: 5 };

    fn window(rss_mb: f64, latency: f64) -> Window {
        Window { holds: Holds { rss_mb, descriptors: 60, threads: 12 }, latency_p95: Some(latency) }
    }

    fn good() -> History {
        History {
            start: START,
            windows: [30.0, 35.0, 33.0, 36.0, 35.0, 34.0].map(|rss| window(rss, 9.0)).into(),
            end: START,
            sent: 1000,
            shown: 998,
            skipped: 0,
            panics: 0,
        }
    }

    #[test]
    fn a_good_run_has_no_complaints() {
        assert_eq!(good().complaints(), Vec::<String>::new());
    }

    #[test]
    fn each_growth_is_a_complaint_of_its_own() {
        type Change = fn(&mut History);
        let cases: [(Change, &str); 7] = [
            (|history| history.windows[5].holds.rss_mb = 51.0, "memory grew"),
            (|history| history.end.descriptors += 1, "descriptors"),
            (|history| history.end.threads += 1, "threads"),
            (|history| history.skipped = 1, "skipped"),
            (|history| history.shown = 899, "saw 899 of 1000"),
            (|history| history.windows[4..].fill(window(34.0, 47.5)), "latency"),
            (|history| history.panics = 1, "panics"),
        ];
        for (case, word) in cases {
            let mut history = good();
            case(&mut history);
            let complaints = history.complaints();
            assert!(complaints.len() == 1 && complaints[0].contains(word), "{word}: {complaints:?}");
        }
    }

    #[test]
    fn a_viewer_that_sees_nothing_at_the_end_is_late() {
        let mut history = good();
        history.windows[4..].iter_mut().for_each(|window| window.latency_p95 = None);
        assert!(history.complaints()[0].contains("latency"));
    }
}
