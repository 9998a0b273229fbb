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

/// Access control as a whole.
#[derive(Debug)]
pub struct Auth {
    store: Store,
    passwords: Passwords,
    throttle: Throttle,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The credential is no good.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The session cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A session that was just begun.
#[derive(Debug)]
pub struct NewSession {
    /// The cookie's value.
    pub secret: Secret,
    /// For how many seconds it lasts at most (`Max-Age`).
    pub max_age: u64,
}

impl Auth {
    /// Reads the credentials of a state directory.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn open(state: Arc<StateDir>) -> Result<Self, StateError> {
        Ok(Self::of(Store::open(state)?, Passwords::default(), Throttle::default()))
    }

    /// Puts the parts together.
    pub(crate) fn of(store: Store, passwords: Passwords, throttle: Throttle) -> Self {
        Self { store, passwords, throttle }
    }

    /// Takes the credentials of the configuration, in place of those that were taken before. `own` is the key of this process's
    /// own cameras, which publish under any name.
    pub fn declare(&self, given: &Given, own: &Secret, now: u64) {
        self.store.declare(given, own, now);
    }

    /// The credentials, to be listed, made and revoked.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// To hash a new password with.
    #[must_use]
    pub const fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Who asks: by the credential if there is a good one, else by the place.
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

    /// Where a request comes from, and what that place gives now.
    #[must_use]
    pub fn place(&self, from: &Circumstances<'_>, policy: &Policy, now: u64) -> (Place, Rights) {
        policy.place(from, &self.store.keyed_cameras(now))
    }

    /// Who asks, by credential alone. What was given for this very request goes before the session; when it is no good, the
    /// session may still be.
    ///
    /// Sessions are never slowed down, and a wrong one does not count as an attempt: nobody can guess 256 bits, and a browser
    /// sends an old cookie with everything. Others count, since an answer to them tells something.
    ///
    /// # Errors
    /// [`AuthError`].
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

    /// Whether [`Auth::authenticate`] would have to hash a password: tens of milliseconds and 19 MiB.
    #[must_use]
    pub fn takes_long(&self, presented: &Presented, peer: IpAddr, now: u64) -> bool {
        let Some((_, Credential::Password { name, password })) = &presented.explicit else {
            return false;
        };
        // Who has to wait gets the same answer in the same time, whether the guess is right or not.
        if self.throttle.check(peer, now).is_err() {
            return false;
        }
        if self.store.declares(name, password) {
            return false;
        }
        let known = self.store.user(name);
        !known.is_some_and(|(_, hash)| self.passwords.remembers(name, password, &hash, now))
    }

    /// Begins a session with name and password; without a name, with a password of the configuration. Takes long, and writes to
    /// the disk.
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
        // It may have been one of the configuration, of the same name.
        let hash = user.as_ref().filter(|(info, _)| info.id == *id).map(|(_, hash)| hash);
        let (secret, expires) = self.store.add_session(id, hash, now)?;
        Ok(NewSession { secret, max_age: expires.saturating_sub(now) })
    }

    /// Begins a session for who came with a token or a share that lets watch or do something; it ends with it. Writes to the
    /// disk. `None` for who came otherwise: a camera has no cookies, a session has one, and a password is for
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

    /// Ends the session that a request came with, if it did. Writes to the disk.
    ///
    /// # Errors
    /// [`StoreError`], when it cannot be ended.
    pub fn logout(&self, presented: &Presented, now: u64) -> Result<(), StoreError> {
        let session = presented.session.as_ref().and_then(|session| self.store.session(session, now).ok());
        match session.and_then(|found| found.session) {
            Some(id) => self.store.revoke(&id, now),
            None => Ok(()),
        }
    }

    /// What a caller whose connection lasts may still do: the credential may have ended or changed, and so may what the place
    /// gives (see [`Auth::place`]). To be asked when [`Store::changes`] says so or the policy was changed, and at
    /// [`Caller::expires`]. It counts as use.
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
        // What was good once was not guessed.
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
            // Longer than any password is: no need to hash a book.
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
