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

/// The role of a user, from which the user's rights follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The user may watch.
    View,
    /// The user may do everything.
    Admin,
}

/// The part of a user's record that may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserInfo {
    /// The id by which the user is revoked.
    pub id: Id,
    /// The name with which the user logs in.
    pub name: UserName,
    /// The role of the user.
    pub role: Role,
    /// The cameras that a user with the role [`Role::View`] may watch; `None` means every camera.
    #[serde(with = "cameras::some")]
    pub cameras: Cameras,
    /// The moment at which the user was made, in seconds since the Unix epoch.
    pub created: u64,
    /// The last use, to the minute, in seconds since the Unix epoch; `None` means never.
    pub last_used: Option<u64>,
}

/// The part of a token's or a camera key's record that may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenInfo {
    /// The id by which the token is revoked.
    pub id: Id,
    /// The purpose of the token.
    pub kind: Kind,
    /// The owner's words for the token.
    pub label: Label,
    /// The cameras that may be watched with it, or as which a camera with this key may send; `None` means every camera.
    #[serde(with = "cameras::some")]
    pub cameras: Cameras,
    /// The moment at which the token was made, in seconds since the Unix epoch.
    pub created: u64,
    /// The first moment at which the token is not accepted any more, in seconds since the Unix epoch; `None` means
    /// never.
    pub expires: Option<u64>,
    /// The last use, to the minute, in seconds since the Unix epoch; `None` means never.
    pub last_used: Option<u64>,
}

/// The record of a share link. All of it may be shown, since the link itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareInfo {
    /// The id by which the link is revoked.
    pub id: Id,
    /// The one camera that may be watched with the link; `None` means every camera.
    #[serde(with = "cameras::one")]
    pub camera: Option<CameraName>,
    /// The owner's words for the link.
    pub label: Label,
    /// The moment at which the link was made, in seconds since the Unix epoch.
    pub created: u64,
    /// The first moment at which the link is not accepted any more, in seconds since the Unix epoch.
    pub expires: u64,
    /// The last use, to the minute, in seconds since the Unix epoch; `None` means never.
    pub last_used: Option<u64>,
    /// Whether the owner revoked the link. The record of a revoked link stays until the link would have expired.
    pub revoked: bool,
}

/// The part of a session's record that may be shown. A session is a browser that has logged in; it may do what the
/// credential with which it logged in may do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionInfo {
    /// The id by which the session is revoked.
    pub id: Id,
    /// The user, token or share link with which the browser logged in. When that ends, the session ends too.
    pub of: Id,
    /// The moment at which the session began, in seconds since the Unix epoch.
    pub created: u64,
    /// The moment at which the session ends however much it is used, in seconds since the Unix epoch.
    pub expires: u64,
    /// The last use, to the minute, in seconds since the Unix epoch; `None` means never.
    pub last_used: Option<u64>,
}

/// One record: the half that may be shown, and the half that must not be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept<I, P> {
    /// The half that may be shown.
    pub info: I,
    /// The hash or digest with which a proof is checked. Never shown.
    pub proof: P,
}

/// The worth of a user, token or share link at one moment: whose it is, what it allows, and until when.
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
