//! Slowing down those who guess passwords and tokens. After five failures of one address, the next attempt must wait 1
//! s after the last failure, the one after that 2 s, then 4 s, and so on up to 60 s.
//!
//! There are 4096 records, and each address belongs to one of them, by a hash with a secret key of this process. No
//! record is ever thrown out to make room. So somebody with many addresses cannot make the server forget failures, and
//! cannot choose with whom to share a record. All addresses together get at most 4096 × 5 quick guesses, and 4096 a
//! minute after that, which is little against a password.
//!
//! The price: while so many addresses are guessing, others may have to wait up to a minute to log in. Sessions are
//! never slowed.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of records, among which all addresses are spread.
const RECORDS: u64 = 4096;

/// So many attempts may fail before the next one must wait.
const FREE: u32 = 5;

/// The longest wait, in seconds.
const MAX_WAIT_S: u64 = 60;

/// After so many seconds without a failure, a record is cleared.
const FORGOTTEN_AFTER_S: u64 = 600;

/// A record counts failures separately for at most so many names.
const MAX_NAMES: usize = 8;

/// The failed attempts of all addresses, and who has to wait because of them.
#[derive(Debug, Default)]
pub struct Throttle {
    key: RandomState,
    records: Mutex<HashMap<u64, Record>>,
}

#[derive(Debug, Default)]
struct Record {
    /// Failed attempts since the record was cleared.
    failures: u32,
    /// The same, by the hash of the user's name.
    by_name: HashMap<u64, u32>,
    /// The last failure, in seconds since the Unix epoch.
    last: u64,
    /// Attempts that have begun and not ended yet.
    under_way: u32,
}

/// The answer that an attempt must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// The wait, in seconds.
    pub seconds: u64,
}

/// An attempt that was let through and is still being checked. Until then it counts as a failure, so that sending many
/// attempts at once does not help a guesser.
#[derive(Debug)]
pub struct Attempt<'a> {
    throttle: &'a Throttle,
    record: u64,
    name: u64,
}

impl Throttle {
    /// Checks whether an attempt of this address would be let through at `now` (seconds since the Unix epoch).
    ///
    /// # Errors
    /// [`Throttled`] when the attempt must wait.
    pub fn check(&self, peer: IpAddr, now: u64) -> Result<(), Throttled> {
        match self.lock().get_mut(&self.record(peer)) {
            Some(record) => record.check(now),
            None => Ok(()),
        }
    }

    /// Begins an attempt to log in under a name. The caller then checks the password, and tells the outcome.
    ///
    /// # Errors
    /// [`Throttled`] when the attempt must wait.
    pub fn begin(&self, peer: IpAddr, name: &str, now: u64) -> Result<Attempt<'_>, Throttled> {
        let key = self.record(peer);
        let mut records = self.lock();
        let record = records.entry(key).or_default();
        record.check(now)?;
        record.under_way += 1;
        Ok(Attempt { throttle: self, record: key, name: self.key.hash_one(name) })
    }

    /// Counts a failed attempt without a name: a token or share link was wrong.
    pub fn failed(&self, peer: IpAddr, now: u64) {
        self.lock().entry(self.record(peer)).or_default().fail(now);
    }

    /// The number of an address's record. The owner of an IPv6 network has all addresses with the same first 64 bits,
    /// so these share a record: `2001:db8::1` and `2001:db8::ffff` are one.
    fn record(&self, peer: IpAddr) -> u64 {
        let network = match peer.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 @ IpAddr::V4(_) => v4,
        };
        self.key.hash_one(network) % RECORDS
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn check(&mut self, now: u64) -> Result<(), Throttled> {
        // When the clock was set back by an hour, the last failure would be in the future, and the wait an hour too
        // long.
        self.last = self.last.min(now);
        if now - self.last >= FORGOTTEN_AFTER_S {
            self.failures = 0;
            self.by_name.clear();
        }
        // For example: 3 failures and 2 attempts under way are 5, so a sixth attempt has to wait for one of the two.
        if self.failures + self.under_way < FREE {
            return Ok(());
        }
        if self.under_way > 0 {
            return Err(Throttled { seconds: 1 });
        }
        // Failures 5, 6, 7 … give waits of 1, 2, 4 … s after the last one, up to a minute.
        let wait = 1u64.checked_shl(self.failures - FREE).map_or(MAX_WAIT_S, |wait| wait.min(MAX_WAIT_S));
        match (self.last + wait).saturating_sub(now) {
            0 => Ok(()),
            seconds => Err(Throttled { seconds }),
        }
    }

    fn fail(&mut self, now: u64) {
        self.failures = self.failures.saturating_add(1);
        self.last = now;
    }
}

impl Attempt<'_> {
    /// Tells that the attempt failed.
    pub fn failed(self, now: u64) {
        let mut records = self.throttle.lock();
        let Some(record) = records.get_mut(&self.record) else {
            return;
        };
        record.fail(now);
        if record.by_name.len() < MAX_NAMES || record.by_name.contains_key(&self.name) {
            *record.by_name.entry(self.name).or_default() += 1;
        }
    }

    /// Tells that the attempt succeeded. Earlier failures under the same name are forgiven: the user had mistyped.
    ///
    /// Failures under other names are not forgiven. Otherwise somebody with a login of their own could guess another
    /// user's password for ever: four guesses, one own login, four guesses, and so on.
    pub fn succeeded(self) {
        let mut records = self.throttle.lock();
        if let Some(record) = records.get_mut(&self.record) {
            record.failures -= record.by_name.remove(&self.name).unwrap_or(0);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut records = self.throttle.lock();
        if let Some(record) = records.get_mut(&self.record) {
            record.under_way -= 1;
            if record.under_way == 0 && record.failures == 0 {
                records.remove(&self.record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const NOW: u64 = 1_800_000_000;

    /// An address that does not share a record with `peer`; one in 4096 does.
    fn another(throttle: &Throttle, peer: IpAddr) -> IpAddr {
        let others = (0..=255).map(|last| IpAddr::from([198, 51, 100, last]));
        others.into_iter().find(|other| throttle.record(*other) != throttle.record(peer)).unwrap()
    }

    #[test]
    fn after_five_failures_each_further_one_doubles_the_wait_up_to_a_minute() {
        let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
        let mut now = NOW;
        let mut waits = Vec::new();
        for _ in 0..14 {
            let wait = throttle.check(peer, now).map_or_else(|throttled| throttled.seconds, |()| 0);
            waits.push(wait);
            if wait > 0 {
                assert_eq!(throttle.check(peer, now + wait - 1), Err(Throttled { seconds: 1 }));
            }
            now += wait;
            throttle.begin(peer, "anna", now).unwrap().failed(now);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(throttle.check(another(&throttle, peer), now), Ok(()), "another address need not wait");
    }

    #[test]
    fn an_attempt_that_had_to_wait_does_not_count() {
        let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
        for _ in 0..5 {
            throttle.failed(peer, NOW);
        }
        for _ in 0..100 {
            assert_eq!(throttle.begin(peer, "anna", NOW).unwrap_err(), Throttled { seconds: 1 });
        }
        assert!(throttle.begin(peer, "anna", NOW + 1).is_ok());
    }

    #[test]
    fn ten_quiet_minutes_are_forgiven() {
        let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
        for _ in 0..70 {
            throttle.failed(peer, NOW);
        }
        assert_eq!(throttle.check(peer, NOW), Err(Throttled { seconds: 60 }));
        throttle.failed(peer, NOW + 599);
        assert_eq!(throttle.check(peer, NOW + 600), Err(Throttled { seconds: 59 }));
        for _ in 0..5 {
            throttle.begin(peer, "anna", NOW + 599 + 600).unwrap().failed(NOW + 599 + 600);
        }
        assert_eq!(throttle.check(peer, NOW + 599 + 600), Err(Throttled { seconds: 1 }));
    }

    #[test]
    fn many_at_once_are_no_way_around() {
        let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
        let begun: Vec<_> = (0..100).filter_map(|_| throttle.begin(peer, "anna", NOW).ok()).collect();
        assert_eq!(begun.len(), 5);
        for attempt in begun {
            attempt.failed(NOW);
        }
        assert!(throttle.begin(peer, "anna", NOW).is_err());
        let alone = throttle.begin(peer, "anna", NOW + 1).unwrap();
        assert_eq!(throttle.begin(peer, "anna", NOW + 1).unwrap_err(), Throttled { seconds: 1 });
        drop(alone);
        assert!(throttle.begin(peer, "anna", NOW + 1).is_ok(), "what came to nothing counts for nothing");
    }

    #[test]
    fn success_forgives_what_was_mistyped_under_the_same_name_only() {
        let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
        for _ in 0..4 {
            throttle.begin(peer, "anna", NOW).unwrap().failed(NOW);
        }
        throttle.begin(peer, "anna", NOW).unwrap().succeeded();
        for _ in 0..4 {
            throttle.begin(peer, "admin", NOW).unwrap().failed(NOW);
            throttle.begin(peer, "anna", NOW).unwrap().succeeded();
        }
        throttle.begin(peer, "admin", NOW).unwrap().failed(NOW);
        assert_eq!(throttle.check(peer, NOW), Err(Throttled { seconds: 1 }));
        throttle.begin(peer, "anna", NOW + 1).unwrap().succeeded();
        throttle.begin(peer, "admin", NOW + 1).unwrap().failed(NOW + 1);
        assert_eq!(throttle.check(peer, NOW + 1), Err(Throttled { seconds: 2 }));
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_a_mapped_ipv4_is_itself() {
        let throttle = Throttle::default();
        for index in 0..5 {
            throttle.failed(ip(&format!("2001:db8:1:2:{index}::{index}")), NOW);
        }
        assert!(throttle.check(ip("2001:db8:1:2:ffff::9"), NOW).is_err());
        let throttle = Throttle::default();
        for _ in 0..5 {
            throttle.failed(ip("::ffff:192.168.1.7"), NOW);
        }
        assert!(throttle.check(ip("192.168.1.7"), NOW).is_err());
        for text in ["::ffff:192.168.1.", "192.168.1.", "2001:db8:1:"] {
            let tail = if text.ends_with(':') { "::1" } else { "" };
            let records: std::collections::HashSet<u64> =
                (0..100).map(|index| throttle.record(ip(&format!("{text}{index}{tail}")))).collect();
            assert!(records.len() > 50, "{text}: {}", records.len());
        }
    }

    #[test]
    fn a_hundred_thousand_addresses_neither_fill_the_memory_nor_push_a_record_out() {
        let (throttle, peer) = (Throttle::default(), ip("203.0.113.5"));
        for _ in 0..11 {
            throttle.failed(peer, NOW);
        }
        for index in 0..100_000u32 {
            throttle.failed(IpAddr::from((0x0a00_0000 + index).to_be_bytes()), NOW);
        }
        assert!(throttle.lock().len() <= 4096);
        assert_eq!(throttle.check(peer, NOW), Err(Throttled { seconds: 60 }));
        let names = Throttle::default();
        for index in 0..100u64 {
            let now = NOW + index * 60;
            names.begin(peer, &format!("name-{index}"), now).unwrap().failed(now);
        }
        assert!(names.lock().values().all(|record| record.by_name.len() <= MAX_NAMES));
    }

    #[test]
    fn nothing_is_kept_about_who_succeeded() {
        let throttle = Throttle::default();
        throttle.begin(ip("192.168.1.7"), "anna", NOW).unwrap().succeeded();
        assert!(throttle.lock().is_empty());
    }

    #[test]
    fn a_clock_that_was_set_back_blocks_nobody_for_longer() {
        let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
        for _ in 0..70 {
            throttle.failed(peer, NOW);
        }
        assert_eq!(throttle.check(peer, NOW - 1_000_000), Err(Throttled { seconds: 60 }));
        assert_eq!(throttle.check(peer, NOW - 1_000_000 + 60), Ok(()));
    }
}
