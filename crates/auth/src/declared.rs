//! Credentials of the configuration. They are checked and listed like those that are kept in a file, but stand in no
//! file of ours.
//!
//! The id of such a credential is computed from its secret. So a session that began with a password of the
//! configuration lasts over a restart, and ends when the owner changes the password.

use crate::cameras::Cameras;
use crate::given::{CameraKey, Given};
use crate::ids::{Id, Label, UserName};
use crate::records::{Grant, Kept, Role, TokenInfo, UserInfo};
use crate::rights::Rights;
use crate::secret::{Digest, Kind, Secret, find};
use crate::share::ShareKey;
use lenscast_protocol::CameraName;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The user's name that belongs to the password `admin_password`.
pub const ADMIN: &str = "admin";

/// The user's name that belongs to the password `view_password`.
pub const VIEWER: &str = "viewer";

/// The list of the credentials of the configuration, without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Configured {
    /// One user for each password.
    pub users: Vec<UserInfo>,
    /// One token for each camera key.
    pub tokens: Vec<TokenInfo>,
}

/// The credentials of the configuration, and the key of this process's own cameras.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// The user with more rights stands last. When both have the same password, [`find`] gives the last match, so that
    /// the owner who uses one password for both may do everything.
    users: Vec<Kept<UserInfo, Digest>>,
    tokens: Vec<Kept<TokenInfo, Digest>>,
    /// The key of this process's own cameras. With it, pictures may be sent as any camera; it is not listed.
    own: Option<Kept<TokenInfo, Digest>>,
}

impl Declared {
    /// Takes the credentials of the configuration. `own` is the key of the virtual cameras inside this process.
    pub fn new(given: &Given, own: &Secret, key: &ShareKey, now: u64) -> Self {
        let token = |cameras: Cameras, secret: &Secret| {
            let id = key.id(&format!("key {}", secret.expose()));
            let (label, kind) = (Label::default(), Kind::Camera);
            let info = TokenInfo { id, kind, label, cameras, created: now, expires: None, last_used: None };
            Kept { info, proof: Digest::of(secret) }
        };
        // Several cameras may have the same key: `door=abc` and `yard=abc` are one token for two cameras.
        let mut keys: BTreeMap<&str, (&Secret, BTreeSet<CameraName>)> = BTreeMap::new();
        for CameraKey { camera, key } in &given.camera_keys {
            keys.entry(key.expose()).or_insert((key, BTreeSet::new())).1.insert(camera.clone());
        }
        let user = |name: &str, role: Role, password: &Option<Secret>| {
            let password = password.as_ref()?;
            let id = key.id(&format!("user {name} {}", password.expose()));
            let name = UserName::new(name).ok()?;
            let info = UserInfo { id, name, role, cameras: None, created: now, last_used: None };
            Some(Kept { info, proof: Digest::of(password) })
        };
        let viewer = user(VIEWER, Role::View, &given.view_password);
        let admin = user(ADMIN, Role::Admin, &given.admin_password);
        Self {
            users: viewer.into_iter().chain(admin).collect(),
            tokens: keys.into_values().map(|(key, cameras)| token(Some(cameras), key)).collect(),
            own: Some(token(None, own)),
        }
    }

    /// The users of this name. With an empty one, any user of the configuration is meant.
    fn named(&self, name: &str) -> impl DoubleEndedIterator<Item = &Kept<UserInfo, Digest>> {
        self.users.iter().filter(move |user| name.is_empty() || user.info.name.as_str() == name)
    }

    /// Of the users whose password is tried under this name, the one with the most rights.
    pub fn aim(&self, name: &str) -> Option<&UserInfo> {
        self.named(name).next_back().map(|user| &user.info)
    }

    /// The user whose password this is. With an empty name, any user of the configuration is meant.
    pub fn user(&self, name: &str, password: &Secret) -> Option<&UserInfo> {
        let named: Vec<_> = self.named(name).collect();
        let found = find(named.iter().map(|user| &user.proof), &Digest::of(password))?;
        Some(&named[found].info)
    }

    /// The cameras' keys, with the key of this process's own cameras.
    pub fn tokens(&self) -> impl Iterator<Item = &Kept<TokenInfo, Digest>> {
        self.tokens.iter().chain(&self.own)
    }

    /// The cameras that have a key in the configuration.
    pub fn keyed(&self) -> impl Iterator<Item = &CameraName> {
        self.tokens.iter().filter_map(|token| token.info.cameras.as_ref()).flatten()
    }

    /// The worth of the credential with this id.
    pub fn grant(&self, id: &Id) -> Option<Grant> {
        let user = self.users.iter().find(|user| user.info.id == *id).map(|user| user.info.grant());
        user.or_else(|| self.tokens().find(|token| token.info.id == *id).map(|token| token.info.grant()))
    }

    /// Whether there is a password with which somebody may watch or do everything.
    pub fn lets_anybody_in(&self) -> bool {
        self.users.iter().any(|user| user.info.grant().rights != Rights::NONE)
    }

    /// The ids of all credentials of the configuration.
    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.users.iter().map(|user| &user.info.id).chain(self.tokens().map(|token| &token.info.id))
    }

    /// The list of these credentials, without secrets. `used` tells when an id was last used.
    pub fn list(&self, used: impl Fn(&Id) -> Option<u64>) -> Configured {
        let user =
            |user: &Kept<UserInfo, _>| UserInfo { last_used: used(&user.info.id), ..user.info.clone() };
        let token =
            |token: &Kept<TokenInfo, _>| TokenInfo { last_used: used(&token.info.id), ..token.info.clone() };
        Configured {
            users: self.users.iter().map(user).collect(),
            tokens: self.tokens.iter().map(token).collect(),
        }
    }
}
