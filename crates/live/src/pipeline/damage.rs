//! Whether damaged pictures are shown as video.
//!
//! One damaged picture of a healthy camera is left out: the picture before it stays for one more interval. When *every* picture
//! of some seconds is damaged, leaving them out means no video at all, for ever; then each is shown as far as it is whole.
//! Measured in docs/decisions/0002-damaged-pictures.md.

use lenscast_media::time::Micros;
use std::time::Duration;

/// For so long nothing but damaged pictures must have come …
const LASTING: Duration = Duration::from_secs(2);

/// … and so many at least, so that a slow camera's two in ten seconds are not enough.
const FEW: u32 = 3;

/// What the newest pictures were like.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// When the first of the damaged ones in a row arrived.
    since: Option<Micros>,
    count: u32,
    newest: Option<Micros>,
}

impl Damage {
    /// Whether damaged pictures are shown.
    pub(super) fn is_shown(&self) -> bool {
        let lasted = |(since, newest): (Micros, Micros)| newest.saturating_sub(since).to_duration();
        self.count >= FEW && self.since.zip(self.newest).is_some_and(|times| lasted(times) >= LASTING)
    }

    /// Notes a picture that is whole.
    pub(super) fn whole(&mut self) {
        *self = Self::default();
    }

    /// Notes that the picture that arrived at `arrival` is damaged. It may be the same as before.
    pub(super) fn damaged(&mut self, arrival: Micros) {
        if self.newest != Some(arrival) {
            self.newest = Some(arrival);
            self.since.get_or_insert(arrival);
            self.count = self.count.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times_ms: impl IntoIterator<Item = u64>) -> bool {
        let mut damage = Damage::default();
        for ms in times_ms {
            damage.damaged(Micros(ms * 1000));
        }
        damage.is_shown()
    }

    #[test]
    fn only_when_every_picture_of_some_seconds_is_damaged_they_are_shown() {
        assert!(!after([]) && !after([0]) && !after((0..20).map(|n| n * 100)));
        assert!(after((0..=20).map(|n| n * 100)));
        assert!(!after([0, 10_000]), "two of a slow camera");
        assert!(after([0, 10_000, 20_000]));
        assert!(!after([0, 5000, 5000, 5000]), "the same one, looked at again");
        let mut damage = Damage::default();
        for n in 0..100 {
            damage.damaged(Micros(n * 100_000));
            if n % 15 == 14 {
                damage.whole();
            }
            assert!(!damage.is_shown(), "one of 15 is whole");
        }
    }
}
