//! How often the file may be written because of strangers.

/// So many writes may follow each other at once.
const BURST: u64 = 10;

/// The writes that strangers may cause: some at once, and one a second after that.
///
/// For example, a share link that is opened 300 times a second begins 300 sessions a second. The first ten are written
/// each for itself, and those who opened it know that their session is kept. The others are written once a second, all
/// together.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    /// The moment up to which was counted, in seconds since the Unix epoch.
    at: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: BURST, at: 0 }
    }
}

impl Budget {
    /// Takes one write at `now`. Says whether there was one.
    pub fn take(&mut self, now: u64) -> bool {
        // A clock that was set back begins anew.
        let gained = now.saturating_sub(self.at);
        self.left = self.left.saturating_add(gained).min(BURST);
        self.at = now;
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_some_writes_at_once_and_one_a_second_after_that() {
        let mut budget = Budget::default();
        let mut count = |now| (0..1000).filter(|_| budget.take(now)).count() as u64;
        assert_eq!(count(1_800_000_000), BURST);
        assert_eq!(count(1_800_000_000), 0);
        assert_eq!(count(1_800_000_001), 1);
        assert_eq!(count(1_800_000_004), 3);
        assert_eq!(count(1_800_001_000), BURST, "never more at once");
        assert_eq!(count(1_700_000_000), 0, "a clock that is set back gives nothing");
        assert_eq!(count(1_700_000_002), 2, "and stops nothing");
    }
}
