//! The names of cameras: `[a-z0-9_-]{1,63}`.

use alloc::string::String;
use core::fmt;

/// Longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 63;

/// The name of a camera, as it stands in paths: 1–63 of `a-z`, `0-9`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraName(String);

impl CameraName {
    /// The camera of a path that names none.
    pub const DEFAULT: &'static str = "default";

    /// Checks and keeps `name`.
    ///
    /// # Errors
    /// [`InvalidName`] when it is empty, too long, or has another character.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(allowed) {
            return Err(InvalidName);
        }
        Ok(Self(name.into()))
    }

    /// The name as it stands in a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for CameraName {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl fmt::Display for CameraName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that is no camera's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a camera's name is 1 to 63 of the characters a-z, 0-9, - and _")]
pub struct InvalidName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_letters_digits_dash_and_underscore() {
        for good in ["default", "a", "front-door_2", &"x".repeat(63)] {
            assert_eq!(CameraName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "A", "a b", "a/b", "a.b", "ä", "..", &"x".repeat(64)] {
            assert_eq!(CameraName::new(bad), Err(InvalidName), "{bad:?}");
        }
    }
}
