//! What users, tokens, share links and sessions are called: short texts, checked once when they are made.

use crate::secret::random;
use serde::{Deserialize, Serialize};
use std::fmt;

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
    pub(crate) fn random() -> Self {
        Self::of(random())
    }

    pub(crate) fn of(bytes: [u8; 5]) -> Self {
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
