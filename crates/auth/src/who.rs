//! Who asks, and why a credential was not accepted.

use crate::ids::{Id, Label, UserName};
use crate::policy::Place;
use crate::presented::By;
use crate::rights::Rights;
use crate::secret::Kind;
use crate::throttle::Throttled;
use std::fmt;

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
