//! What the device did, counted.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Counters since the device started.
///
/// Every frame that was captured ends as sent or as dropped; at most two are neither yet: the one that waits and the one on
/// its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames that were captured and whole.
    pub captured: u64,
    /// Frames that were handed to the network whole.
    pub sent: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Frames that a newer one replaced, that were lost with the connection, or that came while there was none.
    pub dropped: u64,
    /// Frames that the camera did not deliver whole, by cause.
    pub faults: Vec<(&'static str, u64)>,
    /// How often a server accepted this device.
    pub connections: u64,
    /// How often there was no connection when one was tried, or one was lost.
    pub failures: u64,
    /// Time spent capturing.
    pub capture: Duration,
    /// Time spent making JPEGs.
    pub convert: Duration,
    /// Time from the first to the last byte of the frames [`sent`](Self::sent).
    pub send: Duration,
}

impl Stats {
    /// The cause of a frame that did not fit its buffer.
    pub const TOO_BIG: &'static str = "too_big";

    /// Counts a frame that the camera did not deliver whole.
    pub(crate) fn count_fault(&mut self, cause: &'static str) {
        match self.faults.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, count)) => *count += 1,
            None => self.faults.push((cause, 1)),
        }
    }

    /// Frames that the camera did not deliver whole.
    #[must_use]
    pub fn camera_faults(&self) -> u64 {
        self.faults.iter().map(|(_, count)| count).sum()
    }

    /// Those of them that did not fit their buffer.
    #[must_use]
    pub fn too_big(&self) -> u64 {
        self.faults.iter().find(|(cause, _)| *cause == Self::TOO_BIG).map_or(0, |(_, count)| *count)
    }

    /// One line about what happened since `earlier`, `time` ago.
    #[must_use]
    pub fn line_since(&self, earlier: &Self, time: Duration) -> String {
        let (captured, sent) = (self.captured - earlier.captured, self.sent - earlier.sent);
        let bytes = self.bytes - earlier.bytes;
        let tenths = |time: Duration, count: u64| {
            let tenths = time.as_micros() as u64 / count.max(1) / 100;
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        let fps = sent * 10_000 / (time.as_millis() as u64).max(1);
        format!(
            "frames={sent} fps={}.{} bytes={bytes} avg={} capture={} ms convert={} ms send={} ms dropped={} lost={} failures={}",
            fps / 10,
            fps % 10,
            bytes / sent.max(1),
            tenths(self.capture - earlier.capture, captured),
            tenths(self.convert - earlier.convert, captured),
            tenths(self.send - earlier.send, sent),
            self.dropped - earlier.dropped,
            self.camera_faults() - earlier.camera_faults(),
            self.failures - earlier.failures,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_happened_since_the_last_one() {
        let earlier = Stats { captured: 10, sent: 8, bytes: 1000, dropped: 2, ..Stats::default() };
        let mut now = Stats {
            captured: 30,
            sent: 20,
            bytes: 121_000,
            dropped: 9,
            capture: Duration::from_millis(200),
            convert: Duration::from_micros(2_846_000),
            send: Duration::from_millis(606),
            failures: 1,
            ..Stats::default()
        };
        now.count_fault(Stats::TOO_BIG);
        now.count_fault("no_eoi");
        now.count_fault("no_eoi");
        assert_eq!((now.camera_faults(), now.too_big()), (3, 1));
        assert_eq!(
            now.line_since(&earlier, Duration::from_secs(5)),
            "frames=12 fps=2.4 bytes=120000 avg=10000 capture=10.0 ms convert=142.3 ms send=50.5 ms \
             dropped=7 lost=3 failures=1"
        );
    }

    #[test]
    fn nothing_done_divides_by_nothing() {
        let line = Stats::default().line_since(&Stats::default(), Duration::ZERO);
        assert!(line.starts_with("frames=0 fps=0.0 bytes=0 avg=0"), "{line}");
    }
}
