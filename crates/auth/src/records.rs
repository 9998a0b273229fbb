//! What is kept about each user, token, share link and session.
//!
//! A record has two halves. The secret half (a hash, a digest) stands beside the half that may be shown, so that a list
//! cannot show it by mistake.

use crate::cameras::{self, Cameras};
use crate::ids::{Id, Label, UserName};
use crate::rights::{Rights, Scope};
use crate::secret::Kind;
use crate::who::Who;
use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Watch.
    View,
    /// Everything.
    Admin,
}

/// Somebody with a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserInfo {
    /// What it is revoked by.
    pub id: Id,
    /// What its owner logs in with.
    pub name: UserName,
    /// What the user may do.
    pub role: Role,
    /// Which cameras a viewer may watch; null is all.
    #[serde(with = "cameras::some")]
    pub cameras: Cameras,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    pub last_used: Option<u64>,
}

/// A token, or a camera's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenInfo {
    /// What it is revoked by.
    pub id: Id,
    /// What it is for.
    pub kind: Kind,
    /// What its owner calls it.
    pub label: Label,
    /// For which cameras; null is all.
    #[serde(with = "cameras::some")]
    pub cameras: Cameras,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// From when on, in seconds since the Unix epoch, it is no good; null is never.
    pub expires: Option<u64>,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    pub last_used: Option<u64>,
}

/// A share link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareInfo {
    /// What it is revoked by.
    pub id: Id,
    /// The one camera that may be watched with it; null is all.
    #[serde(with = "cameras::one")]
    pub camera: Option<CameraName>,
    /// What its owner calls it.
    pub label: Label,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// From when on, in seconds since the Unix epoch, it is no good.
    pub expires: u64,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    pub last_used: Option<u64>,
    /// It is kept, and refused, until it expires.
    pub revoked: bool,
}

/// A browser that has logged in. What it may do is what the credential it logged in with may do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionInfo {
    /// What it is revoked by.
    pub id: Id,
    /// The user, token or share that it was made with; it ends with it.
    pub of: Id,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// From when on, in seconds since the Unix epoch, it is no good, however much it is used.
    pub expires: u64,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    pub last_used: Option<u64>,
}

/// The two halves of a record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept<I, P> {
    /// What may be shown.
    pub info: I,
    /// What may not.
    pub proof: P,
}

/// What a user, token or share is good for at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub who: Who,
    pub rights: Rights,
    pub expires: Option<u64>,
}

impl UserInfo {
    pub(crate) fn grant(&self) -> Grant {
        let rights = match self.role {
            Role::Admin => Rights::ALL,
            Role::View => Rights::viewing(Scope::of(self.cameras.as_ref())),
        };
        let who = Who::User { id: self.id.clone(), name: self.name.clone() };
        Grant { who, rights, expires: None }
    }
}

impl TokenInfo {
    pub(crate) fn grant(&self) -> Grant {
        let scope = Scope::of(self.cameras.as_ref());
        let rights = match self.kind {
            Kind::Admin => Rights::ALL,
            Kind::View => Rights::viewing(scope),
            Kind::Camera => Rights::publishing(scope),
            Kind::Session => Rights::NONE,
        };
        let who = Who::Token { id: self.id.clone(), kind: self.kind, label: self.label.clone() };
        Grant { who, rights, expires: self.expires }
    }
}

impl ShareInfo {
    pub(crate) fn grant(&self) -> Grant {
        let scope = self.camera.clone().map_or(Scope::all(), |camera| Scope::Only([camera].into()));
        let who = Who::Share { id: self.id.clone() };
        Grant { who, rights: Rights::viewing(scope), expires: Some(self.expires) }
    }
}
