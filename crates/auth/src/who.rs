//! Who asks, and why a credential was not accepted.

use crate::ids::{Id, Label, UserName};
use crate::password::StoredHash;
use crate::policy::Place;
use crate::presented::By;
use crate::rights::Rights;
use crate::secret::Kind;
use crate::throttle::Throttled;
use std::fmt;

/// The one who sent a request, and what that one may do.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person or device that asks.
    pub who: Who,
    /// The way on which the credential came that tells who asks.
    pub by: By,
    /// Everything that is allowed, by the credential and by the place together.
    pub rights: Rights,
    /// The rights that the place alone gives, without any credential.
    pub by_place: Rights,
    /// The moment at which the credential ends, in seconds since the Unix epoch; `None` means never.
    pub expires: Option<u64>,
    /// The id of the session, when the credential is one.
    pub session: Option<Id>,
    /// Why a credential was refused that came with the same request, while another one (or the place) tells who asks.
    pub refused: Option<AuthError>,
    /// The hash of the password that was right, when the credential is a user's: it may be changed.
    pub(crate) password: Option<StoredHash>,
}

/// The name of somebody who asks, for logs and lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody without a credential, at some place.
    Anyone(Place),
    /// A user who logged in with a password.
    User {
        /// The id by which the user is revoked.
        id: Id,
        /// The user's name.
        name: UserName,
    },
    /// Somebody with a token, or a camera with its key.
    Token {
        /// The id by which the token is revoked.
        id: Id,
        /// The purpose of the token.
        kind: Kind,
        /// The owner's words for the token.
        label: Label,
    },
    /// Somebody with a share link.
    Share {
        /// The id by which the link is revoked.
        id: Id,
    },
}

/// Why a credential was not accepted. Strangers must not learn whether a credential was ever good, so
/// [`AuthError::answer`] says the same for `Wrong`, `Expired` and `Revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The request has no credential.
    #[error("no credential")]
    Missing,
    /// The credential is unknown.
    #[error("wrong credential")]
    Wrong,
    /// The credential's time is over.
    #[error("expired credential")]
    Expired,
    /// The owner revoked the credential, or the one with which this session began.
    #[error("revoked credential")]
    Revoked,
    /// The credential was not checked, since too many before it were wrong.
    #[error("too many wrong credentials; the next is looked at in {seconds} s")]
    Throttled {
        /// The next one is checked after so many seconds (`Retry-After`).
        seconds: u64,
    },
    /// The password was not checked, since too many others were being checked.
    #[error("too many passwords are being checked")]
    Busy,
}

impl Who {
    /// The id by which the credential is revoked; `None` when there is no credential.
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
    /// Whether a credential was looked at before it was refused. When none was, the answer has nothing to hide.
    #[must_use]
    pub const fn was_compared(self) -> bool {
        match self {
            Self::Wrong | Self::Expired | Self::Revoked => true,
            Self::Missing | Self::Throttled { .. } | Self::Busy => false,
        }
    }

    /// The sentence for the one who asked. It does not tell a wrong guess from a credential that was good once.
    #[must_use]
    pub const fn answer(self) -> &'static str {
        match self {
            Self::Missing => "This needs a login, a link or a token.",
            Self::Wrong | Self::Expired | Self::Revoked => {
                "This login, link or token is not, or no longer, good."
            }
            Self::Throttled { .. } => "Too many logins failed. Wait a little, and try again.",
            Self::Busy => "Too many log in at this moment. Try again in a second.",
        }
    }
}

impl From<Throttled> for AuthError {
    fn from(throttled: Throttled) -> Self {
        Self::Throttled { seconds: throttled.seconds }
    }
}
