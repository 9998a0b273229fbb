//! Which of several access points of one network: when to look for a better one, and when to move.
//!
//! A driver stays where it is until nothing is heard any more, however weak that gets, and however strong the one in the
//! next room is. Moving costs a second or two without a picture, and looking around costs some frames, so:
//!
//! - it looks only while the signal is weak, below [`WEAK`];
//! - it moves only to what is [`BETTER`] by 10 dB, in two looks one after the other. After a move the old access point has to
//!   become 20 dB better than it was, compared with the new one, before it is moved back to: that is what stops flapping;
//! - looks that found nothing become rarer, until the signal gets weaker still.
//!
//! Example: an access point at −74 dBm, and one that begins to be heard at −58. After 60 s a look finds it 16 dB better, 15 s
//! later another look agrees, and the device moves. Had it been at −66, it would stay, and look again after 2, 4, 8, 16, 16,
//! … minutes.

use super::{AccessPoint, Bssid};
use crate::time::Instant;
use alloc::vec::Vec;
use core::time::Duration;

/// A signal below this, in dBm, is worth looking for a better one. At −67 a board still has most of its speed.
const WEAK: i32 = -67;

/// So many dB better another one has to be.
const BETTER: i32 = 10;

/// So many dB weaker than at the last look, and it is looked again soon.
const WEAKER: i32 = 6;

/// Time in a network, or with a weak signal, before the first look; later ones wait twice as long each time, up to the latter.
const PAUSE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(16 * 60));

/// Time until a second look has to agree.
const AGREE: Duration = Duration::from_secs(15);

/// An access point that did not let us in is left alone so long: it may be another house's, with the same name.
const SHUN: Duration = Duration::from_secs(3600);

/// Most access points that are remembered as such.
const MAX_SHUNNED: usize = 4;

/// The signal is averaged over about so many readings.
const READINGS: i32 = 8;

/// An access point to move to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) to: (Bssid, u8),
    /// The one we are in, as far as the look heard it.
    pub(super) back: Option<(Bssid, u8)>,
    /// Its signal and ours, in dBm.
    pub(super) rssi: (i8, i8),
}

#[derive(Debug, Default)]
pub(super) struct Roaming {
    here: Option<Bssid>,
    /// The averaged signal, in 1/16 dBm.
    signal: Option<i32>,
    /// The average at the last look.
    at_last_look: i32,
    look_at: Instant,
    /// Looks in a row that found nothing.
    vain: u32,
    /// What the last look found better.
    better: Option<Bssid>,
    shunned: Vec<(Bssid, Instant)>,
}

impl Roaming {
    /// This access point let us in.
    pub(super) fn joined(&mut self, now: Instant, here: Bssid) {
        let shunned = core::mem::take(&mut self.shunned);
        *self = Self { here: Some(here), look_at: now + PAUSE.0, shunned, ..Self::default() };
    }

    /// We are in no network.
    pub(super) fn left(&mut self) {
        (self.here, self.signal) = (None, None);
    }

    /// This one did not let us in.
    pub(super) fn shun(&mut self, now: Instant, bssid: Bssid) {
        self.shunned.retain(|&(known, until)| known != bssid && until > now);
        if self.shunned.len() == MAX_SHUNNED {
            self.shunned.remove(0);
        }
        self.shunned.push((bssid, now + SHUN));
    }

    /// The signal of where we are, measured now.
    pub(super) fn signal(&mut self, now: Instant, rssi: i8) {
        let reading = i32::from(rssi) * 16;
        let signal = self.signal.map_or(reading, |signal| signal + (reading - signal) / READINGS);
        self.signal = Some(signal);
        if self.vain > 0 && signal <= self.at_last_look - WEAKER * 16 {
            self.vain = 0;
            self.look_at = self.look_at.min(now + PAUSE.0);
        }
    }

    /// When to look around, if the signal stays as it is.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.here?;
        self.signal.filter(|&signal| signal < WEAK * 16).map(|_| self.look_at)
    }

    /// What a look around found, of the access points that could let us in.
    pub(super) fn looked<'a>(
        &mut self,
        now: Instant,
        found: impl Iterator<Item = &'a AccessPoint>,
    ) -> Option<Move> {
        let (here, average) = (self.here?, self.signal? / 16);
        let (mut own, mut best) = (None, None::<&AccessPoint>);
        for access_point in found {
            if access_point.bssid == here {
                own = Some(access_point);
            } else if !self
                .shunned
                .iter()
                .any(|&(shunned, until)| shunned == access_point.bssid && until > now)
                && best.is_none_or(|best| best.rssi < access_point.rssi)
            {
                best = Some(access_point);
            }
        }
        // The better of two measurements: one bad moment is no reason to leave.
        let ours = own.map_or(average, |own| average.max(own.rssi.into()));
        let best = best.filter(|best| i32::from(best.rssi) >= ours + BETTER);
        self.at_last_look = average * 16;
        let agreed = best.filter(|best| self.better == Some(best.bssid));
        self.better = best.map(|best| best.bssid);
        if let Some(to) = agreed {
            let back = own.map(|own| (own.bssid, own.channel));
            return Some(Move { to: (to.bssid, to.channel), back, rssi: (to.rssi, ours as i8) });
        }
        self.look_at = now + if best.is_some() { AGREE } else { self.pause() };
        None
    }

    fn pause(&mut self) -> Duration {
        self.vain = self.vain.saturating_add(1);
        PAUSE.0.saturating_mul(1u32.checked_shl(self.vain).unwrap_or(u32::MAX)).min(PAUSE.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wifi::Auth;

    const HERE: Bssid = Bssid([0; 6]);
    const THERE: Bssid = Bssid([1; 6]);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn heard(bssid: Bssid, rssi: i8) -> AccessPoint {
        AccessPoint { ssid: "home".into(), bssid, channel: 6, rssi, auth: Auth::Wpa2 }
    }

    fn in_with(signal: i8) -> Roaming {
        let mut roaming = Roaming::default();
        roaming.joined(at(0), HERE);
        roaming.signal(at(1), signal);
        roaming
    }

    #[test]
    fn a_good_signal_is_never_a_reason_to_look() {
        assert_eq!(in_with(-67).next_look(), None);
        assert_eq!(in_with(-68).next_look(), Some(at(60)));
    }

    #[test]
    fn two_looks_have_to_agree_on_ten_decibels() {
        let mut roaming = in_with(-74);
        let better = [heard(HERE, -75), heard(THERE, -64)];
        assert_eq!(roaming.looked(at(60), better.iter()), None, "once is no reason");
        assert_eq!(roaming.next_look(), Some(at(75)));
        let expected = Move { to: (THERE, 6), back: Some((HERE, 6)), rssi: (-64, -74) };
        assert_eq!(roaming.looked(at(75), better.iter()), Some(expected));

        let mut roaming = in_with(-74);
        for _ in 0..10 {
            assert_eq!(roaming.looked(at(60), [heard(HERE, -80), heard(THERE, -65)].iter()), None, "9 dB");
        }
        let mut roaming = in_with(-74);
        for rssi in [-60, -66, -60, -66] {
            assert_eq!(roaming.looked(at(60), [heard(THERE, rssi)].iter()), None, "they never agree");
        }
    }

    #[test]
    fn looks_in_vain_become_rarer_until_the_signal_is_weaker_still() {
        let mut roaming = in_with(-70);
        let mut now = 60;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            assert_eq!(roaming.looked(at(now), [heard(HERE, -70)].iter()), None);
            let next = roaming.next_look().expect("it is weak").as_millis() / 1000;
            pauses.push(next - now);
            now = next;
        }
        assert_eq!(pauses, [120, 240, 480, 960, 960, 960]);
        for _ in 0..100 {
            roaming.signal(at(now), -77);
        }
        assert_eq!(roaming.next_look(), Some(at(now)), "it was due already");
        assert_eq!(roaming.looked(at(now), [heard(HERE, -77)].iter()), None);
        assert_eq!(roaming.next_look(), Some(at(now + 120)));
    }

    #[test]
    fn one_that_did_not_let_us_in_is_left_alone_for_an_hour() {
        let mut roaming = in_with(-80);
        let there = [heard(THERE, -50)];
        roaming.shun(at(0), THERE);
        roaming.joined(at(0), HERE);
        roaming.signal(at(0), -80);
        for look in 0..3 {
            assert_eq!(roaming.looked(at(3599), there.iter()), None, "look {look}");
        }
        assert_eq!(roaming.looked(at(3601), there.iter()), None);
        assert!(roaming.looked(at(3602), there.iter()).is_some());
        for number in 0..100 {
            roaming.shun(at(0), Bssid([number; 6]));
        }
        assert_eq!(roaming.shunned.len(), MAX_SHUNNED);
    }
}
