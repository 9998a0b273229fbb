//! Access control as a whole: from what a request presents, and from where it comes, to who asks and what that allows.

use crate::given::Given;
use crate::ids::Id;
use crate::password::{self, Passwords, StoredHash};
use crate::policy::{Circumstances, Place, Policy};
use crate::presented::{By, Credential, Presented};
use crate::records::UserInfo;
use crate::rights::Rights;
use crate::secret::{Kind, Secret};
use crate::store::{Found, Store, StoreError};
use crate::throttle::{Attempt, Compared, Outcome, Throttle};
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

/// The credential that was given for a request, looked up as far as that takes no time.
#[derive(Debug)]
pub enum Look {
    /// It is known, or known to be wrong.
    Known(Known),
    /// It is a password that has to be hashed, which [`Auth::hash`] does.
    Hash(Hashing),
}

/// What became of the credential that was given for a request; there may have been none.
#[derive(Debug)]
pub struct Known(Option<(By, Box<Result<Found, AuthError>>)>);

/// A password that is yet to be hashed. It counts as a wrong one until then; when it is dropped, it was none.
#[derive(Debug)]
pub struct Hashing {
    attempt: Attempt,
    by: By,
    name: String,
    password: Secret,
    /// The credential that the password is held against, if it is wrong.
    aim: Option<Id>,
}

impl Known {
    /// A credential that was not looked at, for this reason.
    #[must_use]
    pub fn refused(by: By, why: AuthError) -> Self {
        Self::of(by, Err(why))
    }

    fn of(by: By, found: Result<Found, AuthError>) -> Self {
        Self(Some((by, Box::new(found))))
    }

    fn found(self) -> Result<Found, AuthError> {
        self.0.map_or(Err(AuthError::Missing), |(_, found)| *found)
    }
}

impl Hashing {
    /// The way on which the password came.
    #[must_use]
    pub const fn by(&self) -> By {
        self.by
    }
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

    /// Looks up the credential that was given for a request of `peer`, without hashing a password.
    ///
    /// This is the one way to every comparison of a secret that a person may have chosen: a password, by a form or by
    /// `Basic`, kept or in the configuration, and a camera's key, wherever it stands. An address that has to wait is
    /// compared with nothing.
    #[must_use]
    pub fn look(&self, presented: &Presented, peer: IpAddr, now: u64) -> Look {
        let Some((by, credential)) = &presented.explicit else {
            return Look::Known(Known(None));
        };
        let compared = self.throttle.compare(peer, now, || {
            let found = match credential {
                Credential::Token(secret) | Credential::Text(secret) => self.store.token(secret, now),
                Credential::Share(share) => self.store.share(share, now),
                // What is none of these passwords may still be right: its hash tells.
                Credential::Password { name, password } => Ok(self.quick_password(name, password, now)?),
                Credential::Unreadable => Err(AuthError::Wrong),
            };
            let outcome = outcome(&found, None);
            Some((found, outcome))
        });
        match (compared, credential) {
            (Ok(Compared::Settled(found)), _) => Look::Known(Known::of(*by, found)),
            (Ok(Compared::Open(attempt)), Credential::Password { name, password }) => {
                let (name, password) = (name.clone(), password.clone());
                let aim = self.store.aim(&name);
                Look::Hash(Hashing { attempt, by: *by, name, password, aim })
            }
            (Ok(Compared::Open(_)), _) => Look::Known(Known::refused(*by, AuthError::Wrong)),
            (Err(throttled), _) => Look::Known(Known::refused(*by, throttled.into())),
        }
    }

    /// Hashes a password, and tells whether it is right. This takes tens of milliseconds and 19 MiB, so it belongs on a
    /// blocking thread. An unknown name takes as long as a known one.
    #[must_use]
    pub fn hash(&self, hashing: Hashing, now: u64) -> Known {
        let Hashing { attempt, by, name, password, aim } = hashing;
        let user = self.store.user(&name);
        let hash = user.as_ref().map(|(_, hash)| hash);
        // A text longer than any password is wrong without hashing it, which would take as long as its sender likes.
        let right = password.expose().len() <= *password::PASSWORD_BYTES.end()
            && self.passwords.verify(&name, &password, hash, now);
        let found = user.filter(|_| right).ok_or(AuthError::Wrong).map(|user| self.by_password(user, now));
        attempt.settle(outcome(&found, aim), now);
        Known::of(by, found)
    }

    /// The password of the configuration, or one that was right a short time ago: what can be compared in no time.
    fn quick_password(&self, name: &str, password: &Secret, now: u64) -> Option<Found> {
        if let Some(found) = self.store.declared_user(name, password, now) {
            return Some(found);
        }
        let user = self.store.user(name)?;
        let is_remembered = self.passwords.remembers(name, password, &user.1, now);
        is_remembered.then(|| self.by_password(user, now))
    }

    /// What is found by the right password of a user.
    fn by_password(&self, (user, hash): (UserInfo, StoredHash), now: u64) -> Found {
        self.store.touch([&user.id].into_iter(), now);
        Found { grant: user.grant(), session: None, password: Some(hash) }
    }

    /// Finds out who asks, by the credential that was looked up. When that is not accepted, or there is none, the session
    /// in the cookie may still be.
    ///
    /// A wrong session is not counted as a guess, and is never slowed down: nobody can guess 256 bits, and a browser
    /// sends an old cookie with every request.
    ///
    /// # Errors
    /// [`AuthError`], which says why no credential was accepted.
    pub fn caller(&self, known: Known, presented: &Presented, now: u64) -> Result<Caller, AuthError> {
        let refused = match known.0.map(|(by, found)| (by, *found)) {
            Some((by, Ok(found))) => return Ok(caller(by, found, None)),
            Some((_, Err(error))) => Some(error),
            None => None,
        };
        let session = presented.session.as_ref().ok_or(AuthError::Missing);
        match session.and_then(|session| self.store.session(session, now)) {
            Ok(found) => Ok(caller(By::Cookie, found, refused)),
            Err(error) => Err(refused.unwrap_or(error)),
        }
    }

    /// Finds out who asks, and what that one may do: by the credential when there is an accepted one, else by the
    /// place. The rights of the place are always included.
    #[must_use]
    pub fn admitted(
        &self,
        known: Known,
        presented: &Presented,
        from: &Circumstances<'_>,
        policy: &Policy,
        now: u64,
    ) -> Caller {
        let (place, by_place) = self.place(from, policy);
        match self.caller(known, presented, now) {
            Ok(caller) => Caller { rights: caller.rights.union(&by_place), by_place, ..caller },
            Err(error) => Caller {
                who: Who::Anyone(place),
                by: By::Place,
                rights: by_place.clone(),
                by_place,
                expires: None,
                session: None,
                refused: Some(error).filter(|error| *error != AuthError::Missing),
                password: None,
            },
        }
    }

    /// [`Auth::look`], [`Auth::hash`] and [`Auth::admitted`] in one, which may take long.
    pub fn admit(
        &self,
        presented: &Presented,
        from: &Circumstances<'_>,
        policy: &Policy,
        now: u64,
    ) -> Caller {
        let known = self.known(presented, from.peer_ip, now);
        self.admitted(known, presented, from, policy, now)
    }

    /// [`Auth::look`], [`Auth::hash`] and [`Auth::caller`] in one, which may take long.
    ///
    /// # Errors
    /// [`AuthError`], which says why no credential was accepted.
    pub fn authenticate(&self, presented: &Presented, peer: IpAddr, now: u64) -> Result<Caller, AuthError> {
        self.caller(self.known(presented, peer, now), presented, now)
    }

    fn known(&self, presented: &Presented, peer: IpAddr, now: u64) -> Known {
        match self.look(presented, peer, now) {
            Look::Known(known) => known,
            Look::Hash(hashing) => self.hash(hashing, now),
        }
    }

    /// The place that a request comes from, and the rights that this place gives.
    #[must_use]
    pub fn place(&self, from: &Circumstances<'_>, policy: &Policy) -> (Place, Rights) {
        policy.place(from, &self.store.closed_cameras())
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
        let presented = Presented::password(name, password);
        self.session_by(self.known(&presented, peer, now), now)
    }

    /// Begins a session for the user whose password was looked up. This writes to the disk.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn session_by(&self, known: Known, now: u64) -> Result<NewSession, LoginError> {
        let found = known.found()?;
        let id = found.grant.who.id().ok_or(AuthError::Wrong)?;
        let (secret, expires) = self.store.add_session(id, found.password.as_ref(), now)?;
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

    /// Whether the session in a request's cookie is as good as the credential with which `caller` came: it is one of that
    /// credential, or may do all that it allows. Then the caller needs no other session, and would lose something by it.
    #[must_use]
    pub fn has_as_good_a_session(&self, caller: &Caller, presented: &Presented, now: u64) -> bool {
        let session = presented.session.as_ref().and_then(|session| self.store.session(session, now).ok());
        session.is_some_and(|found| found.grant.rights.includes(&self.holds(caller, &Rights::NONE, now)))
    }

    /// Ends the session with which a request came, if there was one. This writes to the disk.
    ///
    /// # Errors
    /// [`StoreError`] when the end of the session cannot be written.
    pub fn logout(&self, presented: &Presented, now: u64) -> Result<(), StoreError> {
        let session = presented.session.as_ref().and_then(|session| self.store.session(session, now).ok());
        match session.and_then(|found| found.session) {
            Some(id) => self.store.end_session(&id, now),
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
        match self.still(caller, now) {
            Some(Ok(found)) => found.grant.rights.union(by_place),
            Some(Err(_)) | None => by_place.clone(),
        }
    }

    /// Whether a caller's credential is still good at `now`; true for one who came without. It counts as use.
    ///
    /// What was opened with a credential ends with it, even when the place would allow as much without: whoever takes a
    /// stolen key back wants the thief to be out.
    #[must_use]
    pub fn is_good(&self, caller: &Caller, now: u64) -> bool {
        self.still(caller, now).is_none_or(|found| found.is_ok())
    }

    fn still(&self, caller: &Caller, now: u64) -> Option<Result<Found, AuthError>> {
        let Caller { session, password, .. } = caller;
        Some(self.store.still(caller.who.id()?, session.as_ref(), password.as_ref(), now))
    }
}

/// What a comparison came to, as far as guessing is concerned. A credential that expired or was revoked was good once, so
/// nobody guessed it.
fn outcome(found: &Result<Found, AuthError>, aim: Option<Id>) -> Outcome {
    match found {
        Ok(found) => found.grant.who.id().cloned().map_or(Outcome::Neither, Outcome::Right),
        Err(AuthError::Wrong) => Outcome::Wrong(aim),
        Err(_) => Outcome::Neither,
    }
}

/// The caller that a good credential tells of, before what the place gives is added.
fn caller(by: By, found: Found, refused: Option<AuthError>) -> Caller {
    let Found { grant, session, password } = found;
    let (who, rights, expires) = (grant.who, grant.rights, grant.expires);
    Caller { who, by, rights, by_place: Rights::NONE, expires, session, refused, password }
}
