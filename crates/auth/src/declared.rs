//! Credentials that stand in the configuration: they are checked, listed and ended like those that are kept, but not kept.
//!
//! What they are revoked by is made from the secret itself, so that sessions of a password last over a restart, and end when
//! the password is changed.

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

/// With what name the password in `admin_password` is for.
pub const ADMIN: &str = "admin";

/// With what name the one in `view_password` is for.
pub const VIEWER: &str = "viewer";

/// What may be shown about the credentials of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Configured {
    /// Of the passwords.
    pub users: Vec<UserInfo>,
    /// Of the cameras' keys.
    pub tokens: Vec<TokenInfo>,
}

/// The credentials of the configuration, and the key of this process's own cameras.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// The one with more rights last: it is found when two have the same password.
    users: Vec<Kept<UserInfo, Digest>>,
    tokens: Vec<Kept<TokenInfo, Digest>>,
    /// Publishes as any camera, and is not listed.
    own: Option<Kept<TokenInfo, Digest>>,
}

impl Declared {
    /// Of the configuration. `own` is for the virtual cameras of this process.
    pub fn new(given: &Given, own: &Secret, key: &ShareKey, now: u64) -> Self {
        let token = |cameras: Cameras, secret: &Secret| {
            let id = key.id(&format!("key {}", secret.expose()));
            let (label, kind) = (Label::default(), Kind::Camera);
            let info = TokenInfo { id, kind, label, cameras, created: now, expires: None, last_used: None };
            Kept { info, proof: Digest::of(secret) }
        };
        // Several cameras may have the same.
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

    /// Whose password it is; with an empty name, anybody's here.
    pub fn user(&self, name: &str, password: &Secret) -> Option<&UserInfo> {
        let named: Vec<_> =
            self.users.iter().filter(|user| name.is_empty() || user.info.name.as_str() == name).collect();
        let found = find(named.iter().map(|user| &user.proof), &Digest::of(password))?;
        Some(&named[found].info)
    }

    /// The cameras' keys, with that of this process.
    pub fn tokens(&self) -> impl Iterator<Item = &Kept<TokenInfo, Digest>> {
        self.tokens.iter().chain(&self.own)
    }

    /// What the credential of an id is good for.
    pub fn grant(&self, id: &Id) -> Option<Grant> {
        let user = self.users.iter().find(|user| user.info.id == *id).map(|user| user.info.grant());
        user.or_else(|| self.tokens().find(|token| token.info.id == *id).map(|token| token.info.grant()))
    }

    /// Whether there is a password with which somebody may watch or do everything.
    pub fn lets_anybody_in(&self) -> bool {
        self.users.iter().any(|user| user.info.grant().rights != Rights::NONE)
    }

    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.users.iter().map(|user| &user.info.id).chain(self.tokens().map(|token| &token.info.id))
    }

    /// What may be shown; `used` tells when an id was last used.
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
