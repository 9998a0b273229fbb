//! Why nothing good comes of what a camera sends: the newest reason, while it lasts.
//!
//! A single bad frame is a number in a counter. When nothing but bad ones comes for some seconds, people want to read why, on
//! the page, in `/status` and from `lenscast doctor`.

use lenscast_media::causes::Cause;
use lenscast_media::time::Micros;
use std::time::Duration;

/// For so long nothing good must have come until a reason is told.
const LASTING: Duration = Duration::from_secs(2);

/// So many bad frames in a row at least.
const FEW: u64 = 3;

/// A reason is told for so long after the last frame that it was true of.
const STALE: Duration = Duration::from_secs(60);

/// Why nothing good comes of a camera's frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The cause of the newest of these frames.
    pub cause: Cause,
    /// What is wrong with it, in a sentence without capital and full stop.
    pub text: String,
    /// When the first of these frames came.
    pub since: Micros,
    /// When the newest one came.
    pub newest: Micros,
    /// How many these are in a row.
    pub count: u64,
}

/// What became of the newest frames: in a row, since the last one that was good.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    refused: Option<Trouble>,
    not_shown: Option<Trouble>,
    /// When the newest good frame came.
    good: Option<Micros>,
}

impl Troubles {
    /// A message was refused.
    pub(super) fn refused(&mut self, cause: Cause, text: String, at: Micros) {
        Trouble::go_on(&mut self.refused, cause, text, at);
    }

    /// A frame could not be shown as video, or only as far as it was whole.
    pub(super) fn not_shown(&mut self, cause: Cause, text: String, at: Micros) {
        Trouble::go_on(&mut self.not_shown, cause, text, at);
    }

    /// A good frame came.
    pub(super) fn good(&mut self, at: Micros) {
        self.good = Some(at);
        self.refused = None;
    }

    /// A frame was shown as video, whole.
    pub(super) fn shown(&mut self) {
        self.not_shown = None;
    }

    /// What is to be told at `now`. That nothing good comes at all comes first.
    pub(super) fn told(&self, now: Micros) -> Option<&Trouble> {
        let age = |at: Micros| now.saturating_sub(at).to_duration();
        // A camera that has never sent a good frame may be told at once what is wrong with its first one.
        let refused = self.refused.as_ref().filter(|_| self.good.is_none_or(|good| age(good) >= LASTING));
        let lasts = |trouble: &&Trouble| {
            trouble.count >= FEW && trouble.newest.saturating_sub(trouble.since).to_duration() >= LASTING
        };
        refused.or(self.not_shown.as_ref().filter(lasts)).filter(|trouble| age(trouble.newest) < STALE)
    }
}

impl Trouble {
    fn go_on(of: &mut Option<Self>, cause: Cause, text: String, at: Micros) {
        let (since, count) = of.as_ref().map_or((at, 0), |before| (before.since, before.count));
        *of = Some(Self { cause, text, since, newest: at, count: count + 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros(ms * 1000)
    }

    fn told(troubles: &Troubles, at: u64) -> Option<(Cause, u64)> {
        troubles.told(ms(at)).map(|trouble| (trouble.cause, trouble.count))
    }

    #[test]
    fn a_camera_that_never_sent_anything_good_is_told_at_once_why() {
        let mut troubles = Troubles::default();
        assert_eq!(told(&troubles, 0), None);
        troubles.refused(Cause::Text, "text".into(), ms(10));
        assert_eq!(told(&troubles, 10), Some((Cause::Text, 1)));
        troubles.refused(Cause::Png, "a PNG".into(), ms(20));
        assert_eq!(told(&troubles, 20), Some((Cause::Png, 2)), "the newest");
        assert_eq!(told(&troubles, 59_000), Some((Cause::Png, 2)));
        assert_eq!(told(&troubles, 70_000), None, "long ago");
    }

    #[test]
    fn one_bad_message_between_good_ones_is_no_trouble() {
        let mut troubles = Troubles::default();
        for n in 0..100 {
            troubles.good(ms(n * 100));
            troubles.refused(Cause::Truncated, String::new(), ms(n * 100 + 50));
            assert_eq!(told(&troubles, n * 100 + 60), None);
        }
        assert_eq!(told(&troubles, 12_000), Some((Cause::Truncated, 1)), "and then nothing good any more");
    }

    #[test]
    fn pictures_that_are_not_shown_as_video_are_trouble_when_it_lasts() {
        let mut troubles = Troubles::default();
        for n in 0..=30 {
            troubles.good(ms(n * 100));
            troubles.not_shown(Cause::Damaged, String::new(), ms(n * 100));
            let wanted = (n >= 20).then_some((Cause::Damaged, n + 1));
            assert_eq!(told(&troubles, n * 100), wanted);
        }
        troubles.shown();
        assert_eq!(told(&troubles, 3100), None);
        // Two pictures in ten seconds are few, however long that is.
        troubles.not_shown(Cause::Damaged, String::new(), ms(4000));
        troubles.not_shown(Cause::Damaged, String::new(), ms(14_000));
        assert_eq!(told(&troubles, 14_000), None);
        troubles.not_shown(Cause::Damaged, String::new(), ms(24_000));
        assert_eq!(told(&troubles, 24_000), Some((Cause::Damaged, 3)));
    }
}
