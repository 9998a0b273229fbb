//! Making, changing and revoking credentials.

use super::error::{FirstLinks, StoreError};
use super::{MAX_SESSIONS, MAX_SESSIONS_EACH, MAX_SHARES, MAX_TOKENS, MAX_USERS, Store, lock};
use crate::cameras::Cameras;
use crate::credentials::{Credentials, SESSION_MAX_S, is_over, keyed_by};
use crate::ids::{Id, Label, UserName};
use crate::password::StoredHash;
use crate::records::{Kept, Role, SessionInfo, ShareInfo, TokenInfo, UserInfo};
use crate::secret::{Digest, Kind, Secret};
use crate::share::Claim;
use lenscast_protocol::CameraName;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

impl Store {
    /// Makes a user, whose password has this hash (see [`Passwords::hash`](crate::password::Passwords::hash)).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_user(
        &self,
        name: &str,
        role: Role,
        cameras: Cameras,
        hash: StoredHash,
        now: u64,
    ) -> Result<Id, StoreError> {
        let name = UserName::new(name)?;
        self.change(now, |all| {
            if all.users.iter().any(|user| user.info.name == name) {
                return Err(StoreError::Taken(name));
            }
            room("users", all.users.len(), MAX_USERS)?;
            let id = all.new_id();
            let info = UserInfo { id: id.clone(), name, role, cameras, created: now, last_used: None };
            all.users.push(Kept { info, proof: hash });
            Ok(id)
        })
    }

    /// Gives a user another password, and ends the user's sessions, and what was opened with the old password.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_password(&self, name: &str, hash: StoredHash, now: u64) -> Result<(), StoreError> {
        self.change(now, |all| {
            let user = all.users.iter_mut().find(|user| user.info.name.as_str() == name);
            let user = user.ok_or_else(|| StoreError::Unknown(format!("user {name}")))?;
            user.proof = hash;
            let id = user.info.id.clone();
            all.sessions.retain(|session| session.info.of != id);
            Ok(())
        })
    }

    /// Removes a user, and ends the user's sessions.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove_user(&self, name: &str, now: u64) -> Result<(), StoreError> {
        self.take_back(now, |all| {
            let user = all.users.iter().find(|user| user.info.name.as_str() == name);
            let id = user.ok_or_else(|| StoreError::Unknown(format!("user {name}")))?.info.id.clone();
            all.revoke(&id)
        })
    }

    /// Makes a token, or a camera's key. The cameras of a key need a key from now on, also when this one is taken back or
    /// expires, until [`Store::open_camera`]. A key for all cameras (`None`) is accepted from every camera, and makes none
    /// of them need it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_token(
        &self,
        kind: Kind,
        label: &str,
        cameras: Cameras,
        expires: Option<u64>,
        now: u64,
    ) -> Result<(Id, Secret), StoreError> {
        let label = Label::new(label)?;
        if kind == Kind::Session {
            return Err(StoreError::Pointless("a session is made by logging in"));
        }
        if cameras.as_ref().is_some_and(|cameras| cameras.is_empty()) {
            return Err(StoreError::Pointless("a token for no camera is good for nothing"));
        }
        if is_over(expires, now) {
            return Err(StoreError::Expired);
        }
        self.change(now, |all| all.add_token(kind, label, cameras, expires, now))
    }

    /// Makes a share link, with which one camera, or every camera (`None`), may be watched until `expires`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_share(
        &self,
        camera: Option<CameraName>,
        label: &str,
        expires: u64,
        now: u64,
    ) -> Result<(Id, Secret), StoreError> {
        let label = Label::new(label)?;
        if expires <= now {
            return Err(StoreError::Expired);
        }
        self.change(now, |all| {
            all.make_room(MAX_SHARES, |all| all.shares.iter().map(|share| &share.id).collect());
            room("shares", all.shares.len(), MAX_SHARES)?;
            let id = all.new_id();
            let share = all.share_key.sign(&Claim { id: id.clone(), camera: camera.clone(), exp: expires });
            let last_used = None;
            let created = now;
            all.shares.push(ShareInfo {
                id: id.clone(),
                camera,
                label,
                created,
                expires,
                last_used,
                revoked: false,
            });
            Ok((id, share))
        })
    }

    /// Opens the name of a camera that had a key: whoever may send pictures without one may do so as this camera again.
    ///
    /// # Errors
    /// [`StoreError::Keyed`] when it has a key still, and [`StoreError::Unknown`] when it is not closed.
    pub fn open_camera(&self, camera: &CameraName, now: u64) -> Result<(), StoreError> {
        self.change(now, |all| {
            if all.keyed(now).contains(camera) {
                return Err(StoreError::Keyed(camera.clone()));
            }
            let opened = all.closed.remove(camera);
            opened.then_some(()).ok_or_else(|| StoreError::Unknown(format!("closed camera {camera}")))
        })
    }

    /// Begins a session of a user, token or share link, and gives its secret and the moment at which it ends. Of each of
    /// these there are twenty at most; the oldest goes.
    ///
    /// When many begin at once, they are written together, a moment later.
    ///
    /// With `hash`, the session begins only when that is still the hash of the user's password: the password may have
    /// been changed while the old one was being verified.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn add_session(
        &self,
        of: &Id,
        hash: Option<&StoredHash>,
        now: u64,
    ) -> Result<(Secret, u64), StoreError> {
        let begin = |all: &mut Credentials| {
            let gone = || StoreError::Unknown("such login any more".into());
            let grant = all.grant(of).ok_or_else(gone)?;
            let user = all.users.iter().find(|user| user.info.id == *of);
            if user.map(|user| &user.proof) != hash {
                return Err(gone());
            }
            let is_own = |session: &Kept<SessionInfo, Digest>| session.info.of == *of;
            if all.sessions.iter().filter(|session| is_own(session)).count() >= MAX_SESSIONS_EACH {
                // The list is in the order of their beginning, so the first is the oldest.
                let oldest = all.sessions.iter().position(is_own);
                oldest.map(|oldest| all.sessions.remove(oldest));
            }
            all.make_room(MAX_SESSIONS, |all| all.sessions.iter().map(|session| &session.info.id).collect());
            if all.sessions.len() >= MAX_SESSIONS {
                all.end_oldest_session();
            }
            let latest = now.saturating_add(SESSION_MAX_S);
            let expires = grant.expires.map_or(latest, |expires| expires.min(latest));
            let secret = Secret::generate(Kind::Session);
            let (id, of) = (all.new_id(), of.clone());
            let info = SessionInfo { id, of, created: now, expires, last_used: None };
            all.sessions.push(Kept { info, proof: Digest::of(&secret) });
            Ok((secret, expires))
        };
        let mut writing = lock(&self.writing);
        let (next, session) = self.changed(now, begin)?;
        if writing.budget.take(now) {
            self.write(next)?;
            writing.at = now;
        } else {
            self.write_late(next);
        }
        Ok(session)
    }

    /// Ends a session, whose own browser asks for it. When many end at once, that is written for all together, a moment
    /// later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn end_session(&self, id: &Id, now: u64) -> Result<(), StoreError> {
        let mut writing = lock(&self.writing);
        if writing.budget.take(now) {
            drop(writing);
            return self.revoke(id, now);
        }
        let (next, ()) = self.changed(now, |all| all.revoke(id))?;
        self.write_late(next);
        Ok(())
    }

    /// Revokes a user, token, share link or session by its id. Sessions that began with it end too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn revoke(&self, id: &Id, now: u64) -> Result<(), StoreError> {
        self.take_back(now, |all| all.revoke(id))
    }

    /// Makes a token for watching and one for everything, when nobody could log in otherwise: when there is no user and
    /// no such token, also not in the configuration. Else `None`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn first_start(&self, now: u64) -> Result<Option<FirstLinks>, StoreError> {
        if self.lets_anybody_in(now) {
            return Ok(None);
        }
        let label = Label::new("first start")?;
        self.change(now, |all| {
            let (_, view) = all.add_token(Kind::View, label.clone(), None, None, now)?;
            let (_, admin) = all.add_token(Kind::Admin, label, None, None, now)?;
            Ok(Some(FirstLinks { view, admin }))
        })
    }

    /// Makes a change to a copy, writes the copy, and then shows it to readers.
    fn change<T>(
        &self,
        now: u64,
        change: impl FnOnce(&mut Credentials) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writing = lock(&self.writing);
        let (next, answer) = self.changed(now, change)?;
        self.write(next)?;
        writing.at = now;
        Ok(answer)
    }

    /// Makes a change that takes rights away. Readers see it even when it cannot be written: nobody may stay in because
    /// a disk is full.
    fn take_back(
        &self,
        now: u64,
        change: impl FnOnce(&mut Credentials) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut writing = lock(&self.writing);
        let (next, ()) = self.changed(now, change)?;
        if let Err(error) = self.write(next.clone()) {
            self.publish(next);
            self.unwritten.store(true, Ordering::Relaxed);
            return Err(StoreError::Unkept(error));
        }
        writing.at = now;
        Ok(())
    }

    /// Shows a change to readers, which is written a moment later, with others. The caller holds `writing`.
    fn write_late(&self, next: Credentials) {
        self.publish(next);
        self.unwritten.store(true, Ordering::Relaxed);
        self.late.notify_one();
    }

    /// A copy of the credentials with a change made to it, and the answer of that change.
    fn changed<T>(
        &self,
        now: u64,
        change: impl FnOnce(&mut Credentials) -> Result<T, StoreError>,
    ) -> Result<(Credentials, T), StoreError> {
        let mut next = (*self.snapshot()).clone();
        self.merge_used(&mut next);
        next.prune(now);
        let answer = change(&mut next)?;
        Ok((next, answer))
    }
}

impl Credentials {
    fn new_id(&self) -> Id {
        loop {
            let id = Id::random();
            if self.last_used().all(|(known, _)| *known != id) {
                return id;
            }
        }
    }

    fn add_token(
        &mut self,
        kind: Kind,
        label: Label,
        cameras: Cameras,
        expires: Option<u64>,
        now: u64,
    ) -> Result<(Id, Secret), StoreError> {
        self.make_room(MAX_TOKENS, |all| all.tokens.iter().map(|token| &token.info.id).collect());
        room("tokens", self.tokens.len(), MAX_TOKENS)?;
        let (id, secret) = (self.new_id(), Secret::generate(kind));
        let info = TokenInfo { id: id.clone(), kind, label, cameras, created: now, expires, last_used: None };
        self.closed.extend(keyed_by(&info).cloned());
        self.tokens.push(Kept { info, proof: Digest::of(&secret) });
        Ok((id, secret))
    }

    fn revoke(&mut self, id: &Id) -> Result<(), StoreError> {
        let count = self.users.len() + self.tokens.len() + self.sessions.len();
        self.users.retain(|user| user.info.id != *id);
        self.tokens.retain(|token| token.info.id != *id);
        self.sessions.retain(|session| session.info.id != *id && session.info.of != *id);
        let removed = self.users.len() + self.tokens.len() + self.sessions.len() < count;
        let share = self.shares.iter_mut().find(|share| share.id == *id);
        let revoked = share.is_some_and(|share| !std::mem::replace(&mut share.revoked, true));
        if removed || revoked {
            Ok(())
        } else {
            Err(StoreError::Unknown(format!("user, token, share or session {id}")))
        }
    }

    /// Ends one session to make room: the oldest of the credential that has the most. So somebody who logs in again and
    /// again only ends sessions of their own.
    fn end_oldest_session(&mut self) {
        let mut counts: HashMap<&Id, usize> = HashMap::new();
        for session in &self.sessions {
            *counts.entry(&session.info.of).or_default() += 1;
        }
        let most = counts.values().copied().max();
        // The list is in the order of their beginning, so the first match is the oldest.
        let oldest = self.sessions.iter().position(|session| counts.get(&session.info.of).copied() == most);
        if let Some(oldest) = oldest {
            self.sessions.remove(oldest);
        }
    }
}

fn room(what: &'static str, count: usize, limit: usize) -> Result<(), StoreError> {
    if count < limit { Ok(()) } else { Err(StoreError::Full { what, limit }) }
}
