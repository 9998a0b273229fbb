//! What becomes of a change to the credentials: why it was not made, and what a first start shows.

use crate::ids::{Invalid, UserName};
use crate::secret::Secret;
use lenscast_base::state::StateError;

/// The two tokens of a first start, to be printed once: they are not kept.
#[derive(Debug)]
pub struct FirstLinks {
    /// Lets watch.
    pub view: Secret,
    /// Lets do everything.
    pub admin: Secret,
}

/// Why a change was not made. Then everything is as it was, but for [`StoreError::Unkept`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// It is taken back, but cannot be kept: what the file says is good again when the server is started again.
    #[error("it is taken back, but only until this server is started again: {0}")]
    Unkept(StateError),
    /// A name or label that cannot be one.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There are as many as there may be.
    #[error("there are {limit} {what}, which is the limit. Revoke some first")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many that is.
        limit: usize,
    },
    /// There is a user of this name.
    #[error("there is a user {0} already")]
    Taken(UserName),
    /// There is nothing of this name or id.
    #[error("there is no {0}")]
    Unknown(String),
    /// It would be over before it begins.
    #[error("this would have expired already")]
    Expired,
    /// A key that is for no camera, or a session that was asked for as a token.
    #[error("{0}")]
    Pointless(&'static str),
}
