//! What becomes of a change to the credentials: why it was not made, and what a first start shows.

use crate::ids::{Invalid, UserName};
use crate::secret::Secret;
use lenscast_base::state::StateError;
use lenscast_protocol::CameraName;

/// The two tokens of a first start. They are shown this once; only their digests are kept.
#[derive(Debug)]
pub struct FirstLinks {
    /// A token with which one may watch every camera.
    pub view: Secret,
    /// A token with which one may do everything.
    pub admin: Secret,
}

/// Why a change to the credentials was not made. Everything is as it was before, except after [`StoreError::Unkept`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The change cannot be written to the disk.
    #[error(transparent)]
    State(#[from] StateError),
    /// The credential is revoked now, but that cannot be written to the disk. When the server is started again, it
    /// reads the old file, and the credential is accepted again.
    #[error("it is taken back, but only until this server is started again: {0}")]
    Unkept(StateError),
    /// The name or label has not the right form.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There are already as many as there may be.
    #[error("there are {limit} {what}, which is the limit. Revoke some first")]
    Full {
        /// The sort of credential, as a plural: `users`, `tokens` …
        what: &'static str,
        /// The number of them that there may be.
        limit: usize,
    },
    /// There is already a user with this name.
    #[error("there is a user {0} already")]
    Taken(UserName),
    /// There is nothing with this name or id.
    #[error("there is no {0}")]
    Unknown(String),
    /// The camera's name cannot be opened, since the camera has a key.
    #[error("the camera {0} has a key. Take that back first, or out of the configuration")]
    Keyed(CameraName),
    /// The moment at which it should end is in the past.
    #[error("this would have expired already")]
    Expired,
    /// The credential would be of no use, as a key for no camera. Inside is the reason.
    #[error("{0}")]
    Pointless(&'static str),
}
