//! Slowing down those who guess secrets that a person has chosen. After five failures of one address, the next attempt
//! must wait 1 s after the last failure, the one after that 2 s, then 4 s, and so on up to 60 s.
//!
//! **Counted first, compared then.** [`Throttle::compare`] is the only way to a comparison, and no two comparisons for
//! one address run without knowing of each other: one that takes no time is made, and counted, while nobody else's is;
//! one that takes long (a password is hashed) gets an [`Attempt`], which counts as a failure until it is settled. So
//! 3,000 guesses that come at once are five guesses, and 2,995 refusals.
//!
//! **Forgiven is what was mistyped.** A success takes back the failures that were aimed at the credential that
//! succeeded, and no others. Otherwise somebody with a login of their own could guess another one for ever: four
//! guesses, one own login, four guesses, and so on.
//!
//! There are 4096 records, and each address belongs to one of them, by a hash with a secret key of this process. No
//! record is ever thrown out to make room. So somebody with many addresses cannot make the server forget failures, and
//! cannot choose with whom to share a record. All addresses together get at most 4096 × 5 quick guesses, and 4096 a
//! minute after that, which is little against a password.
//!
//! The price: while so many addresses are guessing, others may have to wait up to a minute to log in. Sessions are
//! never slowed.

use crate::ids::Id;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of records, among which all addresses are spread.
const RECORDS: u64 = 4096;

/// So many attempts may fail before the next one must wait.
pub const FREE: u32 = 5;

/// The longest wait, in seconds.
const MAX_WAIT_S: u64 = 60;

/// After so many seconds without a failure, a record is cleared.
const FORGOTTEN_AFTER_S: u64 = 600;

/// A record counts failures separately for at most so many credentials.
const MAX_AIMS: usize = 8;

/// The failed attempts of all addresses, and who has to wait because of them. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Throttle(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    key: RandomState,
    records: Mutex<HashMap<u64, Record>>,
}

#[derive(Debug, Default)]
struct Record {
    /// Failed attempts since the record was cleared.
    failures: u32,
    /// Those of them that were aimed at a credential, by its id.
    by_aim: HashMap<Id, u32>,
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

/// The outcome of a comparison, as far as guessing is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The secret is the one of this credential.
    Right(Id),
    /// The secret is wrong. It was aimed at this credential; `None`: at none that there is, or nobody can tell at which.
    Wrong(Option<Id>),
    /// The secret was good once, so nobody guessed it.
    Neither,
}

/// How far a comparison has come.
#[derive(Debug)]
pub enum Compared<T> {
    /// The outcome is known, and counted.
    Settled(T),
    /// It takes longer, and counts as a failure until it is settled.
    Open(Attempt),
}

/// An attempt that was let through and is still being checked. Until then it counts as a failure, so that sending many
/// attempts at once does not help a guesser. One that is dropped came to nothing, and counts for nothing.
#[derive(Debug)]
pub struct Attempt {
    throttle: Throttle,
    record: u64,
}

impl Throttle {
    /// Compares a secret that `peer` presents at `now` (seconds since the Unix epoch), unless the address has to wait.
    ///
    /// `compare` gives the outcome, or `None` when it would take long; it must not take long itself, since nobody else's
    /// secret is compared meanwhile. For `None` there is an [`Attempt`], which is settled after the long comparison.
    ///
    /// # Errors
    /// [`Throttled`] when the attempt must wait. Then nothing was compared.
    pub fn compare<T>(
        &self,
        peer: IpAddr,
        now: u64,
        compare: impl FnOnce() -> Option<(T, Outcome)>,
    ) -> Result<Compared<T>, Throttled> {
        let key = self.record(peer);
        let mut records = self.lock();
        let record = records.entry(key).or_default();
        record.check(now)?;
        let compared = match compare() {
            Some((value, outcome)) => {
                record.settle(outcome, now);
                Compared::Settled(value)
            }
            None => {
                record.under_way += 1;
                Compared::Open(Attempt { throttle: self.clone(), record: key })
            }
        };
        if record.is_empty() {
            records.remove(&key);
        }
        Ok(compared)
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
        self.0.key.hash_one(network) % RECORDS
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Record>> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn check(&mut self, now: u64) -> Result<(), Throttled> {
        // When the clock was set back by an hour, the last failure would be in the future, and the wait an hour too
        // long.
        self.last = self.last.min(now);
        if now - self.last >= FORGOTTEN_AFTER_S {
            self.failures = 0;
            self.by_aim.clear();
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

    fn settle(&mut self, outcome: Outcome, now: u64) {
        match outcome {
            Outcome::Right(id) => self.failures -= self.by_aim.remove(&id).unwrap_or(0),
            Outcome::Wrong(aim) => {
                // At the largest number nothing is booked any more, so that no more is forgiven than was counted.
                if self.failures < u32::MAX {
                    self.failures += 1;
                    self.book(aim);
                }
                self.last = now;
            }
            Outcome::Neither => {}
        }
    }

    /// Notes at which credential a failure was aimed, so that it can be forgiven.
    fn book(&mut self, aim: Option<Id>) {
        if let Some(id) = aim
            && (self.by_aim.len() < MAX_AIMS || self.by_aim.contains_key(&id))
        {
            *self.by_aim.entry(id).or_default() += 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.under_way == 0 && self.failures == 0
    }
}

impl Attempt {
    /// Tells what the comparison came to at `now` (seconds since the Unix epoch).
    pub fn settle(self, outcome: Outcome, now: u64) {
        if let Some(record) = self.throttle.lock().get_mut(&self.record) {
            record.settle(outcome, now);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut records = self.throttle.lock();
        if let Some(record) = records.get_mut(&self.record) {
            record.under_way -= 1;
            if record.is_empty() {
                records.remove(&self.record);
            }
        }
    }
}

#[cfg(test)]
mod tests;
