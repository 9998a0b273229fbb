//! What users, tokens, share links and sessions are called: short texts, checked once when they are made.

use crate::secret::random;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest name of a user, in bytes.
pub const MAX_NAME_BYTES: usize = 32;

/// The longest label, in characters.
pub const MAX_LABEL_CHARS: usize = 64;

/// The id of a user, token, share link or session: ten hexadecimal digits, shown in lists, and given to revoke it. An
/// id is no secret, and is never used a second time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(String);

impl Id {
    /// A new id of ten random digits.
    pub(crate) fn random() -> Self {
        Self::of(random())
    }

    /// The id with these five bytes as its ten digits.
    pub(crate) fn of(bytes: [u8; 5]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`Invalid::Id`] when the text is not ten digits of `0-9a-f`.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let good = text.len() == 10 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text.into())) } else { Err(Invalid::Id) }
    }

    /// The ten digits of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a user, who logs in with it and a password: 1–32 of the characters `a-z`, `0-9`, `.`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserName(String);

impl UserName {
    /// Reads a user's name.
    ///
    /// # Errors
    /// [`Invalid::Name`] when the name is empty, too long, or has another character.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(allowed) {
            return Err(Invalid::Name);
        }
        Ok(Self(name.into()))
    }

    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The owner's own words for a token or share link: one line of up to 64 characters. A label may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Label(String);

impl Label {
    /// Reads a label. Spaces at both ends are left out.
    ///
    /// # Errors
    /// [`Invalid::Label`] when the label is too long or has a control character.
    pub fn new(label: &str) -> Result<Self, Invalid> {
        let label = label.trim();
        if label.chars().count() > MAX_LABEL_CHARS || label.chars().any(char::is_control) {
            return Err(Invalid::Label);
        }
        Ok(Self(label.into()))
    }

    /// The text of the label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`Id`], [`UserName`] or [`Label`], as a sentence for the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The text is no [`Id`].
    #[error("an id is ten of the characters 0-9 and a-f")]
    Id,
    /// The text is no [`UserName`].
    #[error("a user's name is 1 to {MAX_NAME_BYTES} of the characters a-z, 0-9, '.', - and _")]
    Name,
    /// The text is no [`Label`].
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
