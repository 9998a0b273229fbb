//! Who may: users, tokens, shares and sessions, kept in `credentials.json` of the state directory.
//!
//! Readers take a snapshot and wait for nobody. A change is made to a copy, which is written, and only then becomes what
//! readers see: what is not on the disk is not true. When something was last used is noted in memory and written by
//! [`Store::flush`], so that no request waits for the disk because somebody looks at a camera.

mod change;
mod error;

pub use crate::credentials::{FILE, SESSION_IDLE_S, SESSION_MAX_S};
pub use error::{FirstLinks, StoreError};

use crate::credentials::{Credentials, is_over};
use crate::declared::{Configured, Declared};
use crate::given::Given;
use crate::ids::Id;
use crate::password::StoredHash;
use crate::records::{Grant, SessionInfo, ShareInfo, TokenInfo, UserInfo};
use crate::secret::{Digest, Kind, Secret, find};
use crate::who::AuthError;
use lenscast_base::state::{StateDir, StateError};
use lenscast_protocol::CameraName;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::watch;

/// How many of each there may be.
pub const MAX_USERS: usize = 100;
/// Tokens and cameras' keys together.
pub const MAX_TOKENS: usize = 1000;
/// Shares, with those that were revoked and have not expired.
pub const MAX_SHARES: usize = 1000;
/// Sessions. When there are more, the oldest one of whoever has the most ends.
pub const MAX_SESSIONS: usize = 1000;

/// How exactly is kept when something was last used, and how often that is written at most, in seconds.
const MINUTE_S: u64 = 60;

/// All credentials.
#[derive(Debug)]
pub struct Store {
    state: Arc<StateDir>,
    /// What is on the disk.
    current: RwLock<Arc<Credentials>>,
    /// Held while a change is made and written. Holds when the file was last written.
    writing: Mutex<u64>,
    /// Whether something was taken back that the file still has.
    unwritten: AtomicBool,
    /// When what was last used, as far as that is not on the disk.
    used: Mutex<HashMap<Id, u64>>,
    changes: watch::Sender<u64>,
}

/// What may be shown about all credentials, without any secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Users, by the order in which they were made; so are the others.
    pub users: Vec<UserInfo>,
    /// Tokens and cameras' keys.
    pub tokens: Vec<TokenInfo>,
    /// Share links.
    pub shares: Vec<ShareInfo>,
    /// Browsers that are logged in.
    pub sessions: Vec<SessionInfo>,
    /// What stands in the configuration. When that was last used is known since the server was started.
    pub configured: Configured,
}

/// What a credential turned out to be.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub grant: Grant,
    pub session: Option<Id>,
}

impl Store {
    /// Reads the credentials; a directory without any has none.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged: then nobody may be let in.
    pub fn open(state: Arc<StateDir>) -> Result<Self, StateError> {
        let credentials = Arc::new(Credentials::read(&state)?);
        Ok(Self {
            state,
            current: RwLock::new(credentials),
            writing: Mutex::default(),
            unwritten: AtomicBool::new(false),
            used: Mutex::default(),
            changes: watch::Sender::default(),
        })
    }

    /// Reads the file again, after somebody else may have changed it.
    ///
    /// # Errors
    /// As for [`Store::open`]; then everything stays as it was.
    pub fn reload(&self) -> Result<(), StateError> {
        let _writing = lock(&self.writing);
        if self.state.place().is_some() {
            let declared = self.snapshot().declared.clone();
            self.publish(Credentials { declared, ..Credentials::read(&self.state)? });
        }
        Ok(())
    }

    /// Takes the credentials of the configuration, in place of those that were taken before; what those let somebody do ends.
    /// `own` is the key of this process's own cameras. To be called before anything is changed: sessions of what is not known
    /// are forgotten then.
    pub(crate) fn declare(&self, given: &Given, own: &Secret, now: u64) {
        let _writing = lock(&self.writing);
        let mut next = (*self.snapshot()).clone();
        next.declared = Declared::new(given, own, &next.share_key, now);
        self.publish(next);
    }

    /// Counts the changes, and wakes who waits for one: then [`Auth::holds`](crate::Auth::holds) is to be asked again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Everything that is any good at `now`, and shares that were revoked.
    #[must_use]
    pub fn list(&self, now: u64) -> Listing {
        let mut all = (*self.snapshot()).clone();
        self.merge_used(&mut all);
        all.prune(now);
        let used = |id: &Id| lock(&self.used).get(id).copied();
        Listing {
            configured: all.declared.list(used),
            users: all.users.into_iter().map(|user| user.info).collect(),
            tokens: all.tokens.into_iter().map(|token| token.info).collect(),
            shares: all.shares,
            sessions: all.sessions.into_iter().map(|session| session.info).collect(),
        }
    }

    /// Whether there is a user or token, here or in the configuration, with which somebody may watch or do everything.
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
        let all = self.snapshot();
        let keys = all.tokens().map(|token| &token.info);
        let keys = keys.filter(|token| token.kind == Kind::Camera && !is_over(token.expires, now));
        keys.filter_map(|token| token.cameras.as_ref()).flatten().cloned().collect()
    }

    /// Whether a camera has a key of its own.
    #[must_use]
    pub fn is_keyed(&self, camera: &CameraName, now: u64) -> bool {
        self.keyed_cameras(now).contains(camera)
    }

    /// The user of a name, with the hash of the password.
    pub(crate) fn user(&self, name: &str) -> Option<(UserInfo, StoredHash)> {
        let all = self.snapshot();
        let user = all.users.iter().find(|user| user.info.name.as_str() == name)?;
        Some((user.info.clone(), user.proof.clone()))
    }

    /// What a password of the configuration is good for.
    pub(crate) fn declared_user(&self, name: &str, password: &Secret, now: u64) -> Option<Found> {
        let user = self.snapshot().declared.user(name, password)?.grant();
        self.found(user, None, now).ok()
    }

    /// Whether [`Store::declared_user`] would find one.
    pub(crate) fn declares(&self, name: &str, password: &Secret) -> bool {
        self.snapshot().declared.user(name, password).is_some()
    }

    /// What a token is good for.
    pub(crate) fn token(&self, secret: &Secret, now: u64) -> Result<Found, AuthError> {
        let all = self.snapshot();
        let found = find(all.tokens().map(|token| &token.proof), &Digest::of(secret));
        let token = found.and_then(|found| all.tokens().nth(found)).ok_or(AuthError::Wrong)?;
        self.found(token.info.grant(), None, now)
    }

    /// What a share is good for.
    pub(crate) fn share(&self, share: &Secret, now: u64) -> Result<Found, AuthError> {
        let all = self.snapshot();
        let claim = all.share_key.verify(share).ok_or(AuthError::Wrong)?;
        let known = all.shares.iter().find(|share| share.id == claim.id);
        let Some(known) = known.filter(|share| share.camera == claim.camera && share.expires == claim.exp)
        else {
            // It was signed here, and is no longer kept.
            return Err(if claim.exp <= now { AuthError::Expired } else { AuthError::Revoked });
        };
        if known.revoked {
            return Err(AuthError::Revoked);
        }
        self.found(known.grant(), None, now)
    }

    /// What a session is good for.
    pub(crate) fn session(&self, secret: &Secret, now: u64) -> Result<Found, AuthError> {
        let all = self.snapshot();
        let found = find(all.sessions.iter().map(|session| &session.proof), &Digest::of(secret));
        let session = &all.sessions[found.ok_or(AuthError::Wrong)?].info;
        self.session_grant(&all, session, now)
    }

    /// What is left of something that was found before.
    pub(crate) fn still(&self, id: &Id, session: Option<&Id>, now: u64) -> Result<Found, AuthError> {
        let all = self.snapshot();
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

    /// Checks the time, and notes the use.
    fn found(&self, grant: Grant, session: Option<Id>, now: u64) -> Result<Found, AuthError> {
        if is_over(grant.expires, now) {
            return Err(AuthError::Expired);
        }
        self.touch(grant.who.id().into_iter().chain(&session), now);
        Ok(Found { grant, session })
    }

    /// Notes that something was used now.
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

    /// Writes when things were last used, at most once a minute, and forgets what is over. To be called now and then.
    ///
    /// # Errors
    /// When it cannot be written; then it is tried again the next time.
    pub fn flush(&self, now: u64) -> Result<(), StateError> {
        if now.abs_diff(*lock(&self.writing)) < MINUTE_S { Ok(()) } else { self.close(now) }
    }

    /// Writes it whenever that was written last: at the end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn close(&self, now: u64) -> Result<(), StateError> {
        let mut writing = lock(&self.writing);
        let mut next = (*self.snapshot()).clone();
        let newer = self.merge_used(&mut next);
        let pruned = next.prune(now);
        if newer || pruned || self.unwritten.load(Ordering::Relaxed) {
            self.write(next)?;
            *writing = now;
        }
        Ok(())
    }

    fn snapshot(&self) -> Arc<Credentials> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// To be called while `writing` is held.
    fn write(&self, next: Credentials) -> Result<(), StateError> {
        self.state.write_json(FILE, &next)?;
        self.unwritten.store(false, Ordering::Relaxed);
        self.publish(next);
        Ok(())
    }

    fn publish(&self, next: Credentials) {
        let declared = next.declared.ids().map(|id| (id, None));
        let written: HashMap<&Id, Option<u64>> = next.last_used().chain(declared).collect();
        // What is not newer than the file need not be kept, nor what is about nothing any more.
        lock(&self.used).retain(|id, used| written.get(id).is_some_and(|written| *written < Some(*used)));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Notes in a copy when everything was last used, and says whether that is news.
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
