//! All users, tokens, share links and sessions, kept in `credentials.json` of the state directory.
//!
//! Readers take a snapshot and wait for nobody. A change is made to a copy; the copy is written to the disk, and only
//! then readers see it. So whatever a reader sees is on the disk.
//!
//! The moment of the last use is different: it is noted in memory, and written by [`Store::flush`] now and then. So no
//! request waits for the disk because somebody watches a camera. And when many sessions begin or end, which strangers
//! with one link can cause, they are written together ([`Budget`]).

mod budget;
mod change;
mod error;

pub use crate::credentials::{FILE, KEPT_WHEN_OVER_S, SESSION_IDLE_S, SESSION_MAX_S};
pub use error::{FirstLinks, StoreError};

use crate::credentials::{Credentials, is_over};
use crate::declared::{Configured, Declared};
use crate::given::Given;
use crate::ids::Id;
use crate::password::StoredHash;
use crate::records::{Grant, Role, SessionInfo, ShareInfo, TokenInfo, UserInfo};
use crate::secret::{Digest, Kind, Secret, find};
use crate::who::AuthError;
use budget::Budget;
use lenscast_base::state::{StateDir, StateError};
use lenscast_protocol::CameraName;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::{Notify, watch};

/// The most users that there may be.
pub const MAX_USERS: usize = 100;
/// The most tokens and camera keys that there may be together.
pub const MAX_TOKENS: usize = 1000;
/// The most share links that there may be. A revoked link counts until it would have expired.
pub const MAX_SHARES: usize = 1000;
/// The most sessions that one user, token or share link may have. When there are more, the oldest ends.
pub const MAX_SESSIONS_EACH: usize = 20;
/// The most sessions that there may be. When there are more, the oldest session of the credential with the most
/// sessions ends.
pub const MAX_SESSIONS: usize = 1000;

/// The last use is kept to the minute, and written at most once in so many seconds.
const MINUTE_S: u64 = 60;

/// The store of all credentials, which many threads read and change.
#[derive(Debug)]
pub struct Store {
    state: Arc<StateDir>,
    /// The credentials as they are on the disk, with those of the configuration.
    current: RwLock<Arc<Credentials>>,
    /// The lock of whoever makes a change.
    writing: Mutex<Writing>,
    /// Whether something is in force that is not in the file: it could not be written, or is written a moment later.
    unwritten: AtomicBool,
    /// Wakes who writes a moment later.
    late: Notify,
    /// The last uses that are not on the disk yet, by id.
    used: Mutex<HashMap<Id, u64>>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
}

/// When the file was written, and when it may be again.
#[derive(Debug, Default)]
struct Writing {
    /// The moment at which the file was last written, in seconds since the Unix epoch.
    at: u64,
    /// The writes that strangers may still cause at once.
    budget: Budget,
}

/// The list of all credentials, without any secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The users, in the order in which they were made. The other lists have the same order.
    pub users: Vec<UserInfo>,
    /// The tokens and camera keys.
    pub tokens: Vec<TokenInfo>,
    /// The share links, revoked ones included.
    pub shares: Vec<ShareInfo>,
    /// The browsers that are logged in.
    pub sessions: Vec<SessionInfo>,
    /// The cameras that had a key, have none now, and stay closed until the owner opens them.
    #[serde(with = "crate::cameras::set")]
    pub closed: BTreeSet<CameraName>,
    /// The credentials of the configuration. Their last use is known only since the server was started.
    pub configured: Configured,
}

/// The result of looking up a credential: its worth, and the session if it is one.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub grant: Grant,
    pub session: Option<Id>,
    /// The hash of the password that was right, when it is one that is kept: what was opened with it ends when the
    /// user has another.
    pub password: Option<StoredHash>,
}

impl Store {
    /// Reads the credentials of a state directory. Without a file there are none.
    ///
    /// # Errors
    /// [`StateError`] when the file cannot be read or is damaged. Then nobody may be let in.
    pub fn open(state: Arc<StateDir>) -> Result<Self, StateError> {
        let credentials = Arc::new(Credentials::read(&state)?);
        Ok(Self {
            state,
            current: RwLock::new(credentials),
            writing: Mutex::default(),
            unwritten: AtomicBool::new(false),
            late: Notify::new(),
            used: Mutex::default(),
            changes: watch::Sender::default(),
        })
    }

    /// Reads the file again, after somebody else may have changed it.
    ///
    /// # Errors
    /// [`StateError`], as for [`Store::open`]. Then everything stays as it was.
    pub fn reload(&self) -> Result<(), StateError> {
        let _writing = lock(&self.writing);
        if self.state.place().is_some() {
            let declared = self.snapshot().declared.clone();
            let mut read = Credentials { declared, ..Credentials::read(&self.state)? };
            let declared: Vec<CameraName> = read.declared.keyed().cloned().collect();
            read.closed.extend(declared);
            self.publish(read);
        }
        Ok(())
    }

    /// Takes the credentials of the configuration, in place of those that were taken before. `own` is the key of this
    /// process's own cameras.
    ///
    /// Call this before the first change: a change forgets sessions whose credential is unknown.
    pub(crate) fn declare(&self, given: &Given, own: &Secret, now: u64) {
        let mut writing = lock(&self.writing);
        let mut next = (*self.snapshot()).clone();
        next.declared = Declared::new(given, own, &next.share_key, now);
        let declared: Vec<CameraName> = next.declared.keyed().cloned().collect();
        let known = next.closed.len();
        next.closed.extend(declared);
        if next.closed.len() == known {
            self.publish(next);
        } else if self.write(next.clone()).is_ok() {
            writing.at = now;
        } else {
            // What is closed is so at once, as what is taken back; it is written as soon as that can be.
            self.publish(next);
            self.unwritten.store(true, Ordering::Relaxed);
        }
    }

    /// A receiver that wakes after each change of the credentials. Then [`Auth::holds`](crate::Auth::holds) is to be
    /// asked again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The list of all credentials whose time is not over at `now`, and of revoked share links.
    #[must_use]
    pub fn list(&self, now: u64) -> Listing {
        let mut all = (*self.snapshot()).clone();
        self.merge_used(&mut all);
        all.hide_over(now);
        let used = |id: &Id| lock(&self.used).get(id).copied();
        Listing {
            configured: all.declared.list(used),
            closed: &all.closed - &all.keyed(now),
            users: all.users.into_iter().map(|user| user.info).collect(),
            tokens: all.tokens.into_iter().map(|token| token.info).collect(),
            shares: all.shares,
            sessions: all.sessions.into_iter().map(|session| session.info).collect(),
        }
    }

    /// Whether there is any user or token, here or in the configuration, with which a person may watch or do
    /// everything.
    #[must_use]
    pub fn lets_anybody_in(&self, now: u64) -> bool {
        let all = self.snapshot();
        let good = |token: &TokenInfo| token.kind != Kind::Camera && !is_over(token.expires, now);
        all.declared.lets_anybody_in()
            || !all.users.is_empty()
            || all.tokens.iter().any(|token| good(&token.info))
    }

    /// The cameras that have a key of their own.
    #[must_use]
    pub fn keyed_cameras(&self, now: u64) -> BTreeSet<CameraName> {
        self.snapshot().keyed(now)
    }

    /// The cameras that have or had a key of their own, as which nobody may send pictures without one.
    #[must_use]
    pub fn closed_cameras(&self) -> BTreeSet<CameraName> {
        self.snapshot().closed.clone()
    }

    /// Whether a camera has or had a key of its own, so that nobody may send pictures as it without one.
    #[must_use]
    pub fn is_closed(&self, camera: &CameraName) -> bool {
        self.snapshot().closed.contains(camera)
    }

    /// The user with this name, and the hash of the user's password.
    pub(crate) fn user(&self, name: &str) -> Option<(UserInfo, StoredHash)> {
        let all = self.snapshot();
        let user = all.users.iter().find(|user| user.info.name.as_str() == name)?;
        Some((user.info.clone(), user.proof.clone()))
    }

    /// Looks up a password of the configuration.
    pub(crate) fn declared_user(&self, name: &str, password: &Secret, now: u64) -> Option<Found> {
        let user = self.snapshot().declared.user(name, password)?.grant();
        self.found(user, None, now).ok()
    }

    /// The credential at which a password is aimed that is tried under this name: of all that it is compared with, the
    /// one with the most rights. So a guess at an admin's password is never taken for somebody else's mistake.
    pub(crate) fn aim(&self, name: &str) -> Option<Id> {
        let all = self.snapshot();
        let kept = all.users.iter().map(|user| &user.info).find(|user| user.name.as_str() == name);
        let declared = all.declared.aim(name);
        let admin = |user: &&UserInfo| user.role == Role::Admin;
        let admins = declared.filter(admin).or(kept.filter(admin));
        admins.or(declared).or(kept).map(|user| user.id.clone())
    }

    /// Looks up a token or a camera's key.
    pub(crate) fn token(&self, secret: &Secret, now: u64) -> Result<Found, AuthError> {
        let all = self.snapshot();
        let found = find(all.tokens().map(|token| &token.proof), &Digest::of(secret));
        let token = found.and_then(|found| all.tokens().nth(found)).ok_or(AuthError::Wrong)?;
        self.found(token.info.grant(), None, now)
    }

    /// Looks up a share link.
    pub(crate) fn share(&self, share: &Secret, now: u64) -> Result<Found, AuthError> {
        let all = self.snapshot();
        let claim = all.share_key.verify(share).ok_or(AuthError::Wrong)?;
        let known = all.shares.iter().find(|share| share.id == claim.id);
        let Some(known) = known.filter(|share| share.camera == claim.camera && share.expires == claim.exp)
        else {
            // The signature is ours, but the record is gone: a link that expired is forgotten, and one with another key
            // is not ours.
            return Err(if claim.exp <= now { AuthError::Expired } else { AuthError::Revoked });
        };
        if known.revoked {
            return Err(AuthError::Revoked);
        }
        self.found(known.grant(), None, now)
    }

    /// Looks up a session by its secret.
    pub(crate) fn session(&self, secret: &Secret, now: u64) -> Result<Found, AuthError> {
        let all = self.snapshot();
        let found = find(all.sessions.iter().map(|session| &session.proof), &Digest::of(secret));
        let session = &all.sessions[found.ok_or(AuthError::Wrong)?].info;
        self.session_grant(&all, session, now)
    }

    /// Looks up again, by its id, a credential or session that was found before: it may have ended since. `password` is
    /// the hash of the password that was right; the user may have another since.
    pub(crate) fn still(
        &self,
        id: &Id,
        session: Option<&Id>,
        password: Option<&StoredHash>,
        now: u64,
    ) -> Result<Found, AuthError> {
        let all = self.snapshot();
        let has_changed = |password: &StoredHash| {
            let user = all.users.iter().find(|user| user.info.id == *id);
            user.is_none_or(|user| user.proof != *password)
        };
        if password.is_some_and(has_changed) {
            return Err(AuthError::Revoked);
        }
        match session {
            None => self.found(all.grant(id).ok_or(AuthError::Revoked)?, None, now),
            Some(session) => {
                let known = all.sessions.iter().find(|known| known.info.id == *session);
                self.session_grant(&all, &known.ok_or(AuthError::Revoked)?.info, now)
            }
        }
    }

    fn session_grant(&self, all: &Credentials, session: &SessionInfo, now: u64) -> Result<Found, AuthError> {
        let used = session.last_used.max(lock(&self.used).get(&session.id).copied());
        if !session.lasts(used, now) {
            return Err(AuthError::Expired);
        }
        let mut grant = all.grant(&session.of).ok_or(AuthError::Revoked)?;
        grant.expires = Some(grant.expires.map_or(session.expires, |expires| expires.min(session.expires)));
        self.found(grant, Some(session.id.clone()), now)
    }

    /// Checks that the time is not over, and notes the use.
    fn found(&self, grant: Grant, session: Option<Id>, now: u64) -> Result<Found, AuthError> {
        if is_over(grant.expires, now) {
            return Err(AuthError::Expired);
        }
        self.touch(grant.who.id().into_iter().chain(&session), now);
        Ok(Found { grant, session, password: None })
    }

    /// Notes that these were used at `now`.
    pub(crate) fn touch<'a>(&self, ids: impl Iterator<Item = &'a Id>, now: u64) {
        let minute = now - now % MINUTE_S;
        let mut used = lock(&self.used);
        for id in ids {
            match used.get_mut(id) {
                Some(known) => *known = minute,
                None => drop(used.insert(id.clone(), minute)),
            }
        }
    }

    /// Returns when something is in force that is not on the disk yet. Call [`Store::flush`] a moment later: what else
    /// comes meanwhile is written with it. Cancel-safe.
    pub async fn late(&self) {
        self.late.notified().await;
    }

    /// Writes what is not on the disk yet, the last uses at most once a minute, and forgets what has been over for
    /// [`KEPT_WHEN_OVER_S`]. Call this now and then.
    ///
    /// # Errors
    /// [`StateError`] when the file cannot be written. The next call tries again.
    pub fn flush(&self, now: u64) -> Result<(), StateError> {
        let is_due = now.abs_diff(lock(&self.writing).at) >= MINUTE_S;
        if is_due || self.unwritten.load(Ordering::Relaxed) { self.close(now) } else { Ok(()) }
    }

    /// Writes the last uses to the disk, however short ago they were written. Call this when the server ends.
    ///
    /// # Errors
    /// [`StateError`] when the file cannot be written.
    pub fn close(&self, now: u64) -> Result<(), StateError> {
        let mut writing = lock(&self.writing);
        let mut next = (*self.snapshot()).clone();
        let newer = self.merge_used(&mut next);
        let pruned = next.prune(now);
        if newer || pruned || self.unwritten.load(Ordering::Relaxed) {
            self.write(next)?;
            writing.at = now;
        }
        Ok(())
    }

    fn snapshot(&self) -> Arc<Credentials> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes the file, then shows it to readers. The caller holds `writing`.
    fn write(&self, next: Credentials) -> Result<(), StateError> {
        self.state.write_json(FILE, &next)?;
        self.unwritten.store(false, Ordering::Relaxed);
        self.publish(next);
        Ok(())
    }

    fn publish(&self, next: Credentials) {
        let declared = next.declared.ids().map(|id| (id, None));
        let written: HashMap<&Id, Option<u64>> = next.last_used().chain(declared).collect();
        // Of the noted uses, two sorts are dropped: those that now stand in the file, and those of ids that are gone.
        lock(&self.used).retain(|id, used| written.get(id).is_some_and(|written| *written < Some(*used)));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Puts the noted uses into a copy of the credentials. Says whether one of them was newer.
    fn merge_used(&self, copy: &mut Credentials) -> bool {
        let used = lock(&self.used);
        let mut newer = false;
        for (id, last_used) in copy.last_used_mut() {
            let seen = used.get(id).copied();
            newer |= seen > *last_used;
            *last_used = seen.max(*last_used);
        }
        newer
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
