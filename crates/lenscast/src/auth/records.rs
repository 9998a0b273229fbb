//! What is kept about those who may, as it stands in `credentials.json` and in lists. The secret half of a record (a hash, a
//! digest) stands beside the half that may be shown, so that a list cannot show it by mistake.

use super::declared::Declared;
use super::password::StoredHash;
use super::rights::{Rights, Scope};
use super::secret::{Digest, Kind, random};
use super::share::ShareKey;
use crate::api::openapi::words;
use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use utoipa::ToSchema;

/// Longest name of a user, in bytes.
pub const MAX_NAME_BYTES: usize = 32;

/// Longest label, in characters.
pub const MAX_LABEL_CHARS: usize = 64;

/// What a user, token, share or session is called in lists and when it is revoked. It is no secret, and never used again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(String);

impl Id {
    /// Ten random hexadecimal digits.
    pub(super) fn random() -> Self {
        Self::of(random())
    }

    pub(super) fn of(bytes: [u8; 5]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`Invalid::Id`] when it is not ten digits of `0-9a-f`.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let good = text.len() == 10 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text.into())) } else { Err(Invalid::Id) }
    }

    /// The ten digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whoever logs in with a password: 1–32 of `a-z`, `0-9`, `.`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserName(String);

impl UserName {
    /// Checks and keeps a name.
    ///
    /// # Errors
    /// [`Invalid::Name`] when it is empty, too long, or has another character.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(allowed) {
            return Err(Invalid::Name);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an owner calls a token or a share: up to 64 characters of a single line. It may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Label(String);

impl Label {
    /// Checks and keeps a label.
    ///
    /// # Errors
    /// [`Invalid::Label`] when it is too long or has a control character.
    pub fn new(label: &str) -> Result<Self, Invalid> {
        let label = label.trim();
        if label.chars().count() > MAX_LABEL_CHARS || label.chars().any(char::is_control) {
            return Err(Invalid::Label);
        }
        Ok(Self(label.into()))
    }

    /// The label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot be what it was given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// No [`Id`].
    #[error("an id is ten of the characters 0-9 and a-f")]
    Id,
    /// No [`UserName`].
    #[error("a user's name is 1 to {MAX_NAME_BYTES} of the characters a-z, 0-9, '.', - and _")]
    Name,
    /// No [`Label`].
    #[error("a label is one line of up to {MAX_LABEL_CHARS} characters")]
    Label,
}

macro_rules! text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::new(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
text!(Id, UserName, Label);

/// The cameras that something is for; `None` is all, those to come included.
pub type Cameras = Option<BTreeSet<CameraName>>;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Watch.
    View,
    /// Everything.
    Admin,
}

/// Somebody with a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserInfo {
    /// What it is revoked by.
    pub id: Id,
    /// What its owner logs in with.
    pub name: UserName,
    /// What the user may do.
    pub role: Role,
    /// Which cameras a viewer may watch; null is all.
    #[serde(with = "cameras")]
    #[schema(value_type = Option<Vec<words::CameraName>>, required)]
    pub cameras: Cameras,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    #[schema(required)]
    pub last_used: Option<u64>,
}

/// A token, or a camera's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInfo {
    /// What it is revoked by.
    pub id: Id,
    /// What it is for.
    pub kind: Kind,
    /// What its owner calls it.
    pub label: Label,
    /// For which cameras; null is all.
    #[serde(with = "cameras")]
    #[schema(value_type = Option<Vec<words::CameraName>>, required)]
    pub cameras: Cameras,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// From when on, in seconds since the Unix epoch, it is no good; null is never.
    #[schema(required)]
    pub expires: Option<u64>,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    #[schema(required)]
    pub last_used: Option<u64>,
}

/// A share link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareInfo {
    /// What it is revoked by.
    pub id: Id,
    /// The one camera that may be watched with it; null is all.
    #[serde(with = "camera")]
    #[schema(value_type = Option<words::CameraName>, required)]
    pub camera: Option<CameraName>,
    /// What its owner calls it.
    pub label: Label,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// From when on, in seconds since the Unix epoch, it is no good.
    pub expires: u64,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    #[schema(required)]
    pub last_used: Option<u64>,
    /// It is kept, and refused, until it expires.
    pub revoked: bool,
}

/// A browser that has logged in. What it may do is what the credential it logged in with may do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    #[schema(required)]
    pub last_used: Option<u64>,
}

/// The two halves of a record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept<I, P> {
    /// What may be shown.
    pub info: I,
    /// What may not.
    pub proof: P,
}

/// The file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    pub version: Version,
    pub share_key: ShareKey,
    pub users: Vec<Kept<UserInfo, StoredHash>>,
    pub tokens: Vec<Kept<TokenInfo, Digest>>,
    pub shares: Vec<ShareInfo>,
    pub sessions: Vec<Kept<SessionInfo, Digest>>,
    /// What the configuration adds; it stands there, and not in this file.
    #[serde(skip)]
    pub declared: Declared,
}

/// The one version of the file that is known.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(super) struct Version;

impl TryFrom<u32> for Version {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if number == 1 { Ok(Self) } else { Err("a version of this file that is not known") }
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        1
    }
}

/// What a user, token or share is good for at a moment.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub who: super::Who,
    pub rights: Rights,
    pub expires: Option<u64>,
}

impl UserInfo {
    pub(super) fn grant(&self) -> Grant {
        let rights = match self.role {
            Role::Admin => Rights::ALL,
            Role::View => Rights::viewing(Scope::of(self.cameras.as_ref())),
        };
        let who = super::Who::User { id: self.id.clone(), name: self.name.clone() };
        Grant { who, rights, expires: None }
    }
}

impl TokenInfo {
    pub(super) fn grant(&self) -> Grant {
        let scope = Scope::of(self.cameras.as_ref());
        let rights = match self.kind {
            Kind::Admin => Rights::ALL,
            Kind::View => Rights::viewing(scope),
            Kind::Camera => Rights::publishing(scope),
            Kind::Session => Rights::NONE,
        };
        let who = super::Who::Token { id: self.id.clone(), kind: self.kind, label: self.label.clone() };
        Grant { who, rights, expires: self.expires }
    }
}

impl ShareInfo {
    pub(super) fn grant(&self) -> Grant {
        let scope = self.camera.clone().map_or(Scope::all(), |camera| Scope::Only([camera].into()));
        let who = super::Who::Share { id: self.id.clone() };
        Grant { who, rights: Rights::viewing(scope), expires: Some(self.expires) }
    }
}

/// `null`, or a camera's name.
pub(super) mod camera {
    use lenscast_protocol::CameraName;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(camera: &Option<CameraName>, to: S) -> Result<S::Ok, S::Error> {
        camera.as_ref().map(CameraName::as_str).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CameraName>, D::Error> {
        let name = Option::<String>::deserialize(from)?;
        name.map(|name| CameraName::new(&name)).transpose().map_err(D::Error::custom)
    }
}

/// `null`, or a list of cameras' names.
mod cameras {
    use super::Cameras;
    use lenscast_protocol::CameraName;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(cameras: &Cameras, to: S) -> Result<S::Ok, S::Error> {
        let names: Option<Vec<&str>> =
            cameras.as_ref().map(|cameras| cameras.iter().map(CameraName::as_str).collect());
        names.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Cameras, D::Error> {
        let names = Option::<Vec<String>>::deserialize(from)?;
        let read = |names: Vec<String>| names.iter().map(|name| CameraName::new(name)).collect();
        names.map(read).transpose().map_err(D::Error::custom)
    }
}
