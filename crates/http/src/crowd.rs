//! Who may be connected: a place for each connection, and what happens when there are too many.
//!
//! A connection is a **newcomer** until its request is answered with something that lasts: pictures, events, a camera's
//! WebSocket. Then it is **settled**. Nobody can tell a camera from an attacker before it has spoken, so newcomers are
//! never refused while there are others: the oldest of the address that has most of them makes room.
//!
//! ```text
//!  accepted ──► newcomer ───────────────► settled: a viewer, this computer, a camera
//!               TLS, head, body,          refused when its kind has no place left
//!               answers, idle
//!               │
//!               └► pushed out by a newer one, when newcomers or places are all taken
//! ```
//!
//! An example: 4,000 connections of 10.0.0.7 say nothing. It has `max_connections_per_address` of them at most; each new
//! one closes its oldest. A camera of 10.0.0.8 comes: there is a place, or 10.0.0.7 loses one more. The camera settles.
//!
//! Of all places, some are kept: viewers never take the last [`reserved`](Limits::reserved) ones, this computer not the
//! last half of these, and cameras not the last quarter. That one is for newcomers alone, such as health checks. With
//! 4,000 places and 128 reserved, 3,872 may watch, this computer may watch besides until 3,936 are settled, and cameras
//! come until 3,968 are.

use lenscast_base::addresses::Network;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a newcomer that was told to go may take until its place is free. It takes microseconds, unless the computer hangs.
const LEAVING: Duration = Duration::from_secs(1);

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of any kind.
    pub connections: usize,
    /// Connections of one [`Network`], unless they are exempt.
    pub per_address: usize,
    /// Places of `connections` that viewers do not get.
    pub reserved: usize,
    /// Newcomers.
    pub newcomers: usize,
}

/// What a connection is for, once that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It watches, or hears events.
    Viewer,
    /// The same, for a program or page of this computer.
    Own,
    /// It publishes a camera's pictures.
    Camera,
}

/// Why a connection has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// All places that it could have are taken by settled connections.
    Full,
    /// Its address has as many settled connections as it may.
    AddressFull,
}

/// The connections of a server. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Crowd(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    /// Wakes those who wait for a place.
    left: Notify,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    crowd: Crowd,
    id: u64,
    network: Network,
    pushed_out: CancellationToken,
    standing: OnceLock<Standing>,
}

impl Crowd {
    /// A place for a new connection of `network`. `exempt`: its address may have any number of them.
    ///
    /// # Errors
    /// [`NoPlace`]: all who are there are settled.
    pub async fn enter(&self, network: Network, exempt: bool, limits: &Limits) -> Result<Place, NoPlace> {
        let entered = async {
            loop {
                let left = self.0.left.notified();
                tokio::pin!(left);
                // Before the look: who leaves between look and wait is noticed.
                left.as_mut().enable();
                let entry = self.lock().enter(network, exempt, limits);
                match entry {
                    Entry::Here(id, pushed_out) => {
                        let standing = OnceLock::new();
                        return Ok(Place { crowd: self.clone(), id, network, pushed_out, standing });
                    }
                    Entry::Wait => left.await,
                    Entry::Refused(why) => return Err(why),
                }
            }
        };
        tokio::time::timeout(LEAVING, entered).await.unwrap_or(Err(NoPlace::Full))
    }

    /// Pushes out one newcomer, if there is any: the system has no descriptor left.
    pub fn make_room(&self) -> bool {
        let mut state = self.lock();
        state.crowded().is_some_and(|network| state.push_out(network))
    }

    /// How many connections there are, and how many of them are newcomers.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.all, state.newcomers)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Settles: from now on no other connection pushes this one out. What is settled stays what it is.
    ///
    /// # Errors
    /// [`NoPlace::Full`] when connections of this kind have no place left.
    pub fn settle(&self, standing: Standing, limits: &Limits) -> Result<(), NoPlace> {
        let mut state = self.crowd.lock();
        if self.standing.get().is_some() {
            return Ok(());
        }
        state.settle(self.id, self.network, standing, limits)?;
        // Nobody else sets it: the state is locked.
        self.standing.get_or_init(|| standing);
        Ok(())
    }

    /// Returns when the place is needed for another connection. Cancel-safe.
    pub async fn pushed_out(&self) {
        self.pushed_out.cancelled().await;
    }

    /// Whether the place is needed for another connection.
    #[must_use]
    pub fn is_pushed_out(&self) -> bool {
        self.pushed_out.is_cancelled()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.lock().leave(self.id, self.network, self.standing.get().copied());
        self.crowd.0.left.notify_waiters();
    }
}

/// The plain data: who is there.
#[derive(Debug, Default)]
struct State {
    /// Connections that there were so far; each has its number.
    next: u64,
    all: usize,
    newcomers: usize,
    /// Newcomers that were pushed out and are not gone yet. They are counted above, too.
    leaving: usize,
    /// In the order of [`Standing`].
    settled: [usize; 3],
    here: HashMap<Network, Here>,
}

/// The connections of one network.
#[derive(Debug, Default)]
struct Here {
    all: usize,
    leaving: usize,
    /// The newcomers that nobody has pushed out, the oldest first.
    newcomers: BTreeMap<u64, CancellationToken>,
}

/// What becomes of a connection that was accepted.
#[derive(Debug)]
enum Entry {
    /// It has a place: its number, and what tells that others need it.
    Here(u64, CancellationToken),
    /// Somebody is about to leave.
    Wait,
    Refused(NoPlace),
}

impl State {
    fn enter(&mut self, network: Network, exempt: bool, limits: &Limits) -> Entry {
        let here = self.here.get(&network);
        let (all, leaving) = here.map_or((0, 0), |here| (here.all, here.leaving));
        if !exempt && all >= limits.per_address {
            return match leaving > 0 || self.push_out(network) {
                true => Entry::Wait,
                false => Entry::Refused(NoPlace::AddressFull),
            };
        }
        if self.newcomers >= limits.newcomers || self.all >= limits.connections {
            let leaves = self.leaving > 0 || self.crowded().is_some_and(|network| self.push_out(network));
            return if leaves { Entry::Wait } else { Entry::Refused(NoPlace::Full) };
        }
        self.next += 1;
        self.all += 1;
        self.newcomers += 1;
        let (id, token) = (self.next, CancellationToken::new());
        let here = self.here.entry(network).or_default();
        here.all += 1;
        here.newcomers.insert(id, token.clone());
        Entry::Here(id, token)
    }

    /// The network with most newcomers; of several, the one whose oldest is the oldest.
    fn crowded(&self) -> Option<Network> {
        let oldest = |here: &Here| here.newcomers.first_key_value().map(|(id, _)| *id);
        let most = self.here.iter().filter_map(|(network, here)| {
            Some((here.newcomers.len(), std::cmp::Reverse(oldest(here)?), *network))
        });
        most.max().map(|(.., network)| network)
    }

    /// Tells the oldest newcomer of a network to go.
    fn push_out(&mut self, network: Network) -> bool {
        let Some(here) = self.here.get_mut(&network) else { return false };
        let Some((_, token)) = here.newcomers.pop_first() else { return false };
        here.leaving += 1;
        self.leaving += 1;
        token.cancel();
        true
    }

    fn settle(
        &mut self,
        id: u64,
        network: Network,
        standing: Standing,
        limits: &Limits,
    ) -> Result<(), NoPlace> {
        let reserved = limits.reserved.min(limits.connections / 4);
        let [viewers, own, cameras] = self.settled;
        let is_full = match standing {
            Standing::Viewer => viewers + own >= limits.connections - reserved,
            Standing::Own => viewers + own >= limits.connections - reserved / 2,
            Standing::Camera => viewers + own + cameras >= limits.connections - reserved / 4,
        };
        // One that has just been pushed out is as good as gone.
        let here = self.here.get_mut(&network).filter(|here| here.newcomers.contains_key(&id));
        let Some(here) = here.filter(|_| !is_full) else { return Err(NoPlace::Full) };
        here.newcomers.remove(&id);
        self.newcomers -= 1;
        self.settled[standing as usize] += 1;
        Ok(())
    }

    fn leave(&mut self, id: u64, network: Network, standing: Option<Standing>) {
        self.all -= 1;
        let Some(here) = self.here.get_mut(&network) else { return };
        here.all -= 1;
        match standing {
            Some(standing) => self.settled[standing as usize] -= 1,
            None => {
                self.newcomers -= 1;
                if here.newcomers.remove(&id).is_none() {
                    here.leaving -= 1;
                    self.leaving -= 1;
                }
            }
        }
        if here.all == 0 {
            self.here.remove(&network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const LIMITS: Limits = Limits { connections: 20, per_address: 8, reserved: 4, newcomers: 10 };

    fn network(number: u8) -> Network {
        IpAddr::from([10, 0, 0, number]).into()
    }

    /// A place for a connection that waits at most for those who were pushed out, which go at once.
    async fn enter(crowd: &Crowd, places: &mut Vec<Place>, number: u8) -> Result<(), NoPlace> {
        enter_as(crowd, places, number, false).await
    }

    async fn enter_as(
        crowd: &Crowd,
        places: &mut Vec<Place>,
        number: u8,
        exempt: bool,
    ) -> Result<(), NoPlace> {
        let entering = crowd.enter(network(number), exempt, &LIMITS);
        tokio::pin!(entering);
        let place = loop {
            tokio::select! {
                biased;
                place = entering.as_mut() => break place?,
                () = std::future::ready(()) => places.retain(|place| !place.is_pushed_out()),
            }
        };
        places.push(place);
        Ok(())
    }

    fn of(places: &[Place], number: u8) -> usize {
        places.iter().filter(|place| place.network == network(number)).count()
    }

    #[tokio::test]
    async fn one_address_pushes_out_its_own_oldest_and_nobody_else() {
        let (crowd, mut places) = (Crowd::default(), Vec::new());
        enter(&crowd, &mut places, 2).await.unwrap();
        for _ in 0..4000 {
            enter(&crowd, &mut places, 1).await.unwrap();
        }
        assert_eq!((of(&places, 1), of(&places, 2)), (LIMITS.per_address, 1));
        let ids: Vec<u64> = places[1..].iter().map(|place| place.id).collect();
        assert_eq!(ids, (4001 - 7..=4001).collect::<Vec<_>>(), "the newest stay");
        assert_eq!(crowd.counts(), (9, 9));
        drop(places);
        assert_eq!(crowd.counts(), (0, 0));
        assert!(crowd.lock().here.is_empty(), "nothing is kept about who left");
    }

    #[tokio::test]
    async fn of_many_addresses_the_one_with_most_newcomers_makes_room() {
        let (crowd, mut places) = (Crowd::default(), Vec::new());
        for number in [1, 1, 1, 1, 1, 1, 2, 2, 3, 4] {
            enter(&crowd, &mut places, number).await.unwrap();
        }
        for number in [5, 6, 7] {
            enter(&crowd, &mut places, number).await.unwrap();
        }
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(|number| of(&places, number)), [3, 2, 1, 1, 1, 1, 1]);
        // Among those with equally many, the oldest goes.
        for number in 8..100 {
            enter(&crowd, &mut places, number).await.unwrap();
        }
        assert_eq!(crowd.counts(), (10, 10));
        assert_eq!((of(&places, 1), of(&places, 99), of(&places, 90), of(&places, 89)), (0, 1, 1, 0));
    }

    #[tokio::test]
    async fn viewers_leave_places_for_this_computer_and_cameras_and_all_for_newcomers() {
        let (crowd, mut places) = (Crowd::default(), Vec::new());
        let mut settle = async |number, standing| {
            let mut place = Vec::new();
            enter(&crowd, &mut place, number).await?;
            place[0].settle(standing, &LIMITS)?;
            places.append(&mut place);
            Ok(())
        };
        for number in 0..16 {
            settle(number, Standing::Viewer).await.unwrap();
        }
        assert_eq!(settle(16, Standing::Viewer).await, Err(NoPlace::Full));
        for number in 16..18 {
            settle(number, Standing::Own).await.unwrap();
        }
        assert_eq!(settle(18, Standing::Own).await, Err(NoPlace::Full));
        settle(18, Standing::Camera).await.unwrap();
        assert_eq!(settle(19, Standing::Camera).await, Err(NoPlace::Full));
        assert_eq!(crowd.counts(), (19, 0));
        let mut health_checks = Vec::new();
        for number in 20..30 {
            enter(&crowd, &mut health_checks, number).await.expect("one place is for newcomers");
        }
        assert_eq!(health_checks.len(), 1);
        places.pop();
        assert_eq!(crowd.lock().settled, [16, 2, 0]);
    }

    #[tokio::test]
    async fn who_is_settled_is_never_pushed_out_and_an_address_has_no_more_of_them() {
        let (crowd, mut places) = (Crowd::default(), Vec::new());
        for _ in 0..LIMITS.per_address {
            enter(&crowd, &mut places, 1).await.unwrap();
        }
        for place in &places {
            place.settle(Standing::Viewer, &LIMITS).unwrap();
            place.settle(Standing::Camera, &LIMITS).unwrap();
        }
        assert_eq!(crowd.lock().settled, [LIMITS.per_address, 0, 0], "what is settled stays what it is");
        assert_eq!(enter(&crowd, &mut places, 1).await, Err(NoPlace::AddressFull));
        enter_as(&crowd, &mut places, 1, true).await.expect("a trusted proxy is exempt");
        for number in 0..200 {
            enter(&crowd, &mut places, 2 + number).await.unwrap();
        }
        assert_eq!(of(&places, 1), LIMITS.per_address, "its newcomer made room");
        assert!(places.iter().take(LIMITS.per_address).all(|place| !place.is_pushed_out()));
    }

    #[tokio::test]
    async fn one_that_was_pushed_out_does_not_settle() {
        let (crowd, mut places) = (Crowd::default(), Vec::new());
        enter(&crowd, &mut places, 1).await.unwrap();
        assert!(crowd.make_room());
        assert!(!crowd.make_room(), "there is no other");
        assert!(places[0].is_pushed_out());
        assert_eq!(places[0].settle(Standing::Camera, &LIMITS), Err(NoPlace::Full));
        assert_eq!(crowd.counts(), (1, 1), "its descriptor is still in use");
        drop(places);
        assert_eq!(crowd.counts(), (0, 0));
        assert_eq!(crowd.lock().leaving, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_one_that_never_goes_is_refused() {
        let (crowd, mut places) = (Crowd::default(), Vec::new());
        for number in 0..10 {
            enter(&crowd, &mut places, number).await.unwrap();
        }
        let waited = crowd.enter(network(99), false, &LIMITS).await;
        assert_eq!(waited.map(|_| ()), Err(NoPlace::Full));
    }
}
