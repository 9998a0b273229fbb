//! Who may do what: credentials, and what a request is allowed by them and by where it comes from.
//!
//! Nothing here knows the HTTP server or reads a clock: requests come as headers, address and query, `now` as seconds since
//! the Unix epoch. What takes long is a password ([`Auth::takes_long`]) and a change that is written to the disk; from async
//! code, these are for `spawn_blocking`.
//!
//! [`rights`] says what may be allowed; [`secret`], [`password`] and [`share`] are the three forms of proof, [`presented`] and
//! [`cookie`] how they come and go; [`store`] keeps what they are checked against, as [`records`]; [`throttle`] slows down who
//! guesses; [`policy`] says what is allowed without any proof, and [`origin`] which pages may ask.

pub mod rights;

pub mod password;
pub mod secret;
pub mod share;

pub mod cookie;
pub mod presented;

pub mod declared;
pub mod records;
pub mod store;

pub mod throttle;

pub mod origin;
pub mod policy;

#[cfg(test)]
mod tests;

use crate::config::Access;
use lenscast_base::state::{StateDir, StateError};
use password::Passwords;
use policy::{Circumstances, Place, Policy};
use presented::{By, Credential, Presented};
use records::{Id, Label, UserName};
use rights::Rights;
use secret::{Kind, Secret};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use store::{Found, Store, StoreError};
use throttle::{Throttle, Throttled};

/// Access control as a whole.
#[derive(Debug)]
pub struct Auth {
    store: Store,
    passwords: Passwords,
    throttle: Throttle,
}

/// Who asks, and what that allows.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub who: Who,
    /// How the credential came that tells.
    pub by: By,
    /// All that is allowed, by credential and place together.
    pub rights: Rights,
    /// The part of it that the place allows.
    pub by_place: Rights,
    /// When the credential ends, if it does.
    pub expires: Option<u64>,
    /// The session that the credential is.
    pub session: Option<Id>,
    /// What was wrong with a credential that came along and is not the one that tells who asks.
    pub refused: Option<AuthError>,
}

/// Who somebody is, for logs and lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular, from some place.
    Anyone(Place),
    /// Who logged in with a password.
    User {
        /// By what the user is revoked.
        id: Id,
        /// The user's name.
        name: UserName,
    },
    /// Who has a token, or a camera its key.
    Token {
        /// By what it is revoked.
        id: Id,
        /// What it is for.
        kind: Kind,
        /// What its owner calls it.
        label: Label,
    },
    /// Who has a share link.
    Share {
        /// By what it is revoked.
        id: Id,
    },
}

/// Why a credential was not accepted. To the outside, the three in the middle are one: [`AuthError::answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is none.
    #[error("no credential")]
    Missing,
    /// It is none of those that are known.
    #[error("wrong credential")]
    Wrong,
    /// It was good once.
    #[error("expired credential")]
    Expired,
    /// It was revoked, or what it was made with.
    #[error("revoked credential")]
    Revoked,
    /// It was not looked at: too many were wrong.
    #[error("too many wrong credentials; the next is looked at in {seconds} s")]
    Throttled {
        /// After so many seconds another one will be (`Retry-After`).
        seconds: u64,
    },
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
        Ok(Self {
            store: Store::open(state)?,
            passwords: Passwords::default(),
            throttle: Throttle::default(),
        })
    }

    /// Takes the credentials of the configuration, in place of those that were taken before. `own` is the key of this process's
    /// own cameras, which publish under any name.
    pub fn declare(&self, access: &Access, own: &Secret, now: u64) {
        self.store.declare(access, own, now);
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
            Some(Ok((by, found))) => return Ok(Caller::new(by, found, None)),
            Some(Err(error)) => Some(error),
            None => None,
        };
        let session = presented.session.as_ref().ok_or(AuthError::Missing);
        match session.and_then(|session| self.store.session(session, now)) {
            Ok(found) => Ok(Caller::new(By::Cookie, found, refused)),
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

impl Caller {
    fn new(by: By, found: Found, refused: Option<AuthError>) -> Self {
        let Found { grant, session } = found;
        let (who, rights, expires) = (grant.who, grant.rights, grant.expires);
        Self { who, by, rights, by_place: Rights::NONE, expires, session, refused }
    }
}

impl Who {
    /// By what the credential is revoked, if there is one.
    #[must_use]
    pub const fn id(&self) -> Option<&Id> {
        match self {
            Self::Anyone(_) => None,
            Self::User { id, .. } | Self::Token { id, .. } | Self::Share { id } => Some(id),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone(_) => f.write_str("anyone"),
            Self::User { name, .. } => write!(f, "user {name}"),
            Self::Token { id, label, .. } if label.as_str().is_empty() => write!(f, "token {id}"),
            Self::Token { id, label, .. } => write!(f, "token {id} ({label})"),
            Self::Share { id } => write!(f, "share {id}"),
        }
    }
}

impl AuthError {
    /// What is said to the outside: it does not tell a guess from what was good once.
    #[must_use]
    pub const fn answer(self) -> &'static str {
        match self {
            Self::Missing => "This needs a login, a link or a token.",
            Self::Wrong | Self::Expired | Self::Revoked => {
                "This login, link or token is not, or no longer, good."
            }
            Self::Throttled { .. } => "Too many logins failed. Wait a little, and try again.",
        }
    }
}

impl From<Throttled> for AuthError {
    fn from(throttled: Throttled) -> Self {
        Self::Throttled { seconds: throttled.seconds }
    }
}
