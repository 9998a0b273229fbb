//! Access control as a whole: from what a request presents, and from where it comes, to who asks and what that allows.

use crate::given::Given;
use crate::password::{self, Passwords};
use crate::policy::{Circumstances, Place, Policy};
use crate::presented::{By, Credential, Presented};
use crate::rights::Rights;
use crate::secret::{Kind, Secret};
use crate::store::{Found, Store, StoreError};
use crate::throttle::Throttle;
use crate::who::{AuthError, Caller, Who};
use lenscast_base::state::{StateDir, StateError};
use std::net::IpAddr;
use std::sync::Arc;

/// Access control as a whole: the kept credentials, the passwords, and the slowing down of guesses.
#[derive(Debug)]
pub struct Auth {
    store: Store,
    passwords: Passwords,
    throttle: Throttle,
}

/// Why somebody was not logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The credential was not accepted.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The session cannot be written to the disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A session that has just begun.
#[derive(Debug)]
pub struct NewSession {
    /// The secret that becomes the cookie's value.
    pub secret: Secret,
    /// The longest time that the session lasts, in seconds (`Max-Age` of the cookie).
    pub max_age: u64,
}

impl Auth {
    /// Reads the credentials of a state directory.
    ///
    /// # Errors
    /// [`StateError`] when they cannot be read, as for [`Store::open`].
    pub fn open(state: Arc<StateDir>) -> Result<Self, StateError> {
        Ok(Self::of(Store::open(state)?, Passwords::default(), Throttle::default()))
    }

    /// Puts the parts together.
    pub(crate) fn of(store: Store, passwords: Passwords, throttle: Throttle) -> Self {
        Self { store, passwords, throttle }
    }

    /// Takes the credentials of the configuration, in place of those that were taken before. `own` is the key of this
    /// process's own cameras, which publish under any name.
    pub fn declare(&self, given: &Given, own: &Secret, now: u64) {
        self.store.declare(given, own, now);
    }

    /// The store of credentials, where they are listed, made and revoked.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The hashing of passwords, for a new one.
    #[must_use]
    pub const fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Finds out who asks, and what that one may do: by the credential when there is an accepted one, else by the
    /// place. The rights of the place are always included.
    pub fn admit(
        &self,
        presented: &Presented,
        from: &Circumstances<'_>,
        policy: &Policy,
        now: u64,
    ) -> Caller {
        let (place, by_place) = self.place(from, policy, now);
        match self.authenticate(presented, from.peer_ip, now) {
            Ok(caller) => Caller { rights: caller.rights.union(&by_place), by_place, ..caller },
            Err(error) => Caller {
                who: Who::Anyone(place),
                by: By::Place,
                rights: by_place.clone(),
                by_place,
                expires: None,
                session: None,
                refused: Some(error).filter(|error| *error != AuthError::Missing),
            },
        }
    }

    /// The place that a request comes from, and the rights that this place gives at `now`.
    #[must_use]
    pub fn place(&self, from: &Circumstances<'_>, policy: &Policy, now: u64) -> (Place, Rights) {
        policy.place(from, &self.store.keyed_cameras(now))
    }

    /// Finds out who asks by the credential alone. The credential that was given for this very request is checked
    /// first. When it is not accepted, the session in the cookie may still be.
    ///
    /// A wrong session is not counted as a guess, and is never slowed down: nobody can guess 256 bits, and a browser
    /// sends an old cookie with every request. A wrong token or password is counted.
    ///
    /// # Errors
    /// [`AuthError`], which says why no credential was accepted.
    pub fn authenticate(&self, presented: &Presented, peer: IpAddr, now: u64) -> Result<Caller, AuthError> {
        let explicit = presented.explicit.as_ref().map(|(by, credential)| {
            let found = match credential {
                Credential::Password { name, password } => self.password(name, password, peer, now),
                token => self.token(token, peer, now),
            };
            found.map(|found| (*by, found))
        });
        let refused = match explicit {
            Some(Ok((by, found))) => return Ok(caller(by, found, None)),
            Some(Err(error)) => Some(error),
            None => None,
        };
        let session = presented.session.as_ref().ok_or(AuthError::Missing);
        match session.and_then(|session| self.store.session(session, now)) {
            Ok(found) => Ok(caller(By::Cookie, found, refused)),
            Err(error) => Err(refused.unwrap_or(error)),
        }
    }

    /// Whether [`Auth::authenticate`] would have to hash a password, which takes tens of milliseconds and 19 MiB. Then
    /// it belongs on a blocking thread.
    #[must_use]
    pub fn takes_long(&self, presented: &Presented, peer: IpAddr, now: u64) -> bool {
        let Some((_, Credential::Password { name, password })) = &presented.explicit else {
            return false;
        };
        // An address that has to wait is refused at once, before any password is hashed, right or wrong.
        if self.throttle.check(peer, now).is_err() {
            return false;
        }
        if self.store.declares(name, password) {
            return false;
        }
        let known = self.store.user(name);
        !known.is_some_and(|(_, hash)| self.passwords.remembers(name, password, &hash, now))
    }

    /// Logs in with a name and a password, and begins a session. With an empty name, a password of the configuration is
    /// meant. This takes long, and writes to the disk.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn login(
        &self,
        name: &str,
        password: &Secret,
        peer: IpAddr,
        now: u64,
    ) -> Result<NewSession, LoginError> {
        let user = self.store.user(name);
        let found = self.password(name, password, peer, now)?;
        let id = found.grant.who.id().ok_or(AuthError::Wrong)?;
        // The password may have been one of the configuration, whose user has the same name as a kept one: another id.
        let hash = user.as_ref().filter(|(info, _)| info.id == *id).map(|(_, hash)| hash);
        let (secret, expires) = self.store.add_session(id, hash, now)?;
        Ok(NewSession { secret, max_age: expires.saturating_sub(now) })
    }

    /// Begins a session for somebody who came with a token or share link. The session ends when that ends. This writes
    /// to the disk.
    ///
    /// `None` for everybody else: a camera has no cookies, a session has its own already, and a password is for
    /// [`Auth::login`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn session_from(&self, caller: &Caller, now: u64) -> Result<Option<NewSession>, StoreError> {
        let id = match &caller.who {
            _ if caller.session.is_some() => return Ok(None),
            Who::Token { id, kind: Kind::View | Kind::Admin, .. } | Who::Share { id } => id,
            Who::Token { .. } | Who::User { .. } | Who::Anyone(_) => return Ok(None),
        };
        let (secret, expires) = self.store.add_session(id, None, now)?;
        Ok(Some(NewSession { secret, max_age: expires.saturating_sub(now) }))
    }

    /// Ends the session with which a request came, if there was one. This writes to the disk.
    ///
    /// # Errors
    /// [`StoreError`] when the end of the session cannot be written.
    pub fn logout(&self, presented: &Presented, now: u64) -> Result<(), StoreError> {
        let session = presented.session.as_ref().and_then(|session| self.store.session(session, now).ok());
        match session.and_then(|found| found.session) {
            Some(id) => self.store.revoke(&id, now),
            None => Ok(()),
        }
    }

    /// The rights that a caller with a lasting connection still has at `now`. The credential may have ended since, and
    /// the place may give less than before: `by_place` is what it gives now (see [`Auth::place`]).
    ///
    /// Ask this when [`Store::changes`] wakes, when the policy was changed, and at [`Caller::expires`]. It counts as
    /// use.
    #[must_use]
    pub fn holds(&self, caller: &Caller, by_place: &Rights, now: u64) -> Rights {
        let Some(id) = caller.who.id() else {
            return by_place.clone();
        };
        match self.store.still(id, caller.session.as_ref(), now) {
            Ok(found) => found.grant.rights.union(by_place),
            Err(_) => by_place.clone(),
        }
    }

    fn token(&self, credential: &Credential, peer: IpAddr, now: u64) -> Result<Found, AuthError> {
        self.throttle.check(peer, now)?;
        let found = match credential {
            Credential::Token(secret) | Credential::Text(secret) => self.store.token(secret, now),
            Credential::Share(share) => self.store.share(share, now),
            Credential::Password { .. } | Credential::Unreadable => Err(AuthError::Wrong),
        };
        // A credential that expired or was revoked was good once, so nobody guessed it: only wrong ones count.
        if found.as_ref().is_err_and(|error| *error == AuthError::Wrong) {
            self.throttle.failed(peer, now);
        }
        found
    }

    fn password(&self, name: &str, password: &Secret, peer: IpAddr, now: u64) -> Result<Found, AuthError> {
        self.throttle.check(peer, now)?;
        if let Some(found) = self.store.declared_user(name, password, now) {
            if let Ok(attempt) = self.throttle.begin(peer, name, now) {
                attempt.succeeded();
            }
            return Ok(found);
        }
        let user = self.store.user(name);
        let hash = user.as_ref().map(|(_, hash)| hash);
        if !hash.is_some_and(|hash| self.passwords.remembers(name, password, hash, now)) {
            let attempt = self.throttle.begin(peer, name, now)?;
            // A text longer than any password is wrong without hashing it, which would take as long as its sender
            // likes.
            let right = password.expose().len() <= *password::PASSWORD_BYTES.end()
                && self.passwords.verify(name, password, hash, now);
            if !right {
                attempt.failed(now);
                return Err(AuthError::Wrong);
            }
            attempt.succeeded();
        }
        let (user, _) = user.ok_or(AuthError::Wrong)?;
        self.store.touch([&user.id].into_iter(), now);
        Ok(Found { grant: user.grant(), session: None })
    }
}

/// The caller that a good credential tells of, before what the place gives is added.
fn caller(by: By, found: Found, refused: Option<AuthError>) -> Caller {
    let Found { grant, session } = found;
    let (who, rights, expires) = (grant.who, grant.rights, grant.expires);
    Caller { who, by, rights, by_place: Rights::NONE, expires, session, refused }
}
