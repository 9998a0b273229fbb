//! Random secrets, and what is stored of them.
//!
//! A secret is 256 random bits behind a prefix that tells what it is for, so that a person, or a scanner for leaked
//! secrets, knows one on sight. Only its SHA-256 is stored: 256 bits cannot be guessed, so a slow hash would add
//! nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq};

/// The purpose of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A token with which one may watch.
    View,
    /// A token with which one may change everything.
    Admin,
    /// A camera's key, with which it may send pictures.
    Camera,
    /// A browser's session. Sessions are secrets of the same form as tokens, but no token has this kind.
    #[serde(skip_serializing)]
    Session,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::View, Self::Admin, Self::Camera, Self::Session];

    /// The first characters of each secret of this kind.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::View => "lc_view_",
            Self::Admin => "lc_admin_",
            Self::Camera => "lc_cam_",
            Self::Session => "lc_session_",
        }
    }
}

/// A text that only its owner may see: a token, a share link, a password. `Debug` does not show the text, and there is
/// no `Display`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text that somebody presented, or that the owner wrote into the configuration.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Makes a new secret of this kind, of 256 random bits.
    ///
    /// # Panics
    /// When the operating system has no random bytes.
    #[must_use]
    pub fn generate(kind: Kind) -> Self {
        Self(format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(random::<32>())))
    }

    /// The text itself. Give it to its owner, and to nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The kind of this secret, when it has exactly the form that [`Secret::generate`] makes; else `None`, as for a
    /// password.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| self.0.strip_prefix(kind.prefix()).is_some_and(|rest| decode::<32>(rest).is_some()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a secret. There is no `==` on purpose: only [`find`] compares digests, in constant time.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a secret's whole text. The prefix is part of it, so a secret of one kind never matches one of
    /// another.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self(Sha256::digest(secret.0.as_bytes()).into())
    }
}

impl ConstantTimeEq for Digest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        URL_SAFE_NO_PAD.encode(digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        decode(&text).map(Self).ok_or("no digest")
    }
}

/// The position of the digest `wanted` among `stored`; `None` when it is not there.
///
/// Every stored digest is compared, each in constant time, also after a match. So the time that this takes tells only
/// how many digests there are, not whether or where one matched.
pub fn find<'a>(stored: impl Iterator<Item = &'a Digest>, wanted: &Digest) -> Option<usize> {
    let none = u64::MAX;
    let mut found = none;
    for (index, digest) in (0..none).zip(stored) {
        found.conditional_assign(&index, digest.ct_eq(wanted));
    }
    usize::try_from(found).ok().filter(|_| found != none)
}

/// `N` random bytes of the operating system.
///
/// # Panics
/// When the operating system has no random bytes. Nothing safe can be done then.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a running operating system has random bytes");
    bytes
}

/// Exactly `N` bytes of base64url without padding, in their one canonical spelling.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The decoder refuses padding and stray bits in the last character.
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_secret_tells_its_kind_and_no_two_are_the_same() {
        for kind in Kind::ALL {
            let [one, other] = [Secret::generate(kind), Secret::generate(kind)];
            assert_eq!(one.kind(), Some(kind));
            assert_ne!(one.expose(), other.expose());
            assert_eq!(one.expose().len(), kind.prefix().len() + 43, "256 bits");
        }
    }

    #[test]
    fn what_is_not_exactly_a_secret_is_none() {
        let good = Secret::generate(Kind::View).expose().to_owned();
        let (body, last) = good.split_at(good.len() - 1);
        // The last of 43 characters carries four bits; the two others must be zero.
        let next = char::from(last.as_bytes()[0] + 1);
        for bad in [
            String::new(),
            "lc_view_".into(),
            body.to_owned(),
            format!("{good}A"),
            format!("{good}="),
            format!("{body}+"),
            format!("{body}{next}"),
            format!(" {good}"),
            good.replacen("lc_view_", "lc_other_", 1),
            good.replacen("lc_view_", "", 1),
        ] {
            assert_eq!(Secret::new(bad.clone()).kind(), None, "{bad:?}");
        }
    }

    #[test]
    fn debug_shows_neither_a_secret_nor_its_digest() {
        let secret = Secret::generate(Kind::Admin);
        let digest = Digest::of(&secret);
        let stored = serde_json::to_string(&digest).unwrap();
        assert_eq!(format!("{secret:?} {digest:?}"), "Secret(…) Digest(…)");
        assert!(!stored.contains(secret.expose()));
    }

    #[test]
    fn a_digest_survives_being_stored_and_nothing_else_is_read_as_one() {
        let secret = Secret::generate(Kind::Camera);
        let text = serde_json::to_string(&Digest::of(&secret)).unwrap();
        let read: Digest = serde_json::from_str(&text).unwrap();
        assert_eq!(find([&read].into_iter(), &Digest::of(&secret)), Some(0));
        for bad in ["\"\"", "\"short\"", "7", "null", &text.replacen('"', "\"A", 1)] {
            assert!(serde_json::from_str::<Digest>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_digest_is_the_sha_256_of_the_whole_text() {
        // FIPS 180-4's example.
        let text = serde_json::to_string(&Digest::of(&Secret::new("abc".into()))).unwrap();
        assert_eq!(text, "\"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0\"");
    }

    #[test]
    fn every_stored_digest_is_compared_wherever_the_right_one_is() {
        let secrets: Vec<Secret> = (0..5).map(|_| Secret::generate(Kind::View)).collect();
        let stored: Vec<Digest> = secrets.iter().map(Digest::of).collect();
        let looked_at = Cell::new(0);
        let search = |secret: &Secret| {
            looked_at.set(0);
            let counted = stored.iter().inspect(|_| looked_at.set(looked_at.get() + 1));
            find(counted, &Digest::of(secret))
        };
        for (index, secret) in secrets.iter().enumerate() {
            assert_eq!(search(secret), Some(index));
            assert_eq!(looked_at.get(), stored.len());
        }
        assert_eq!(search(&Secret::generate(Kind::View)), None);
        assert_eq!(looked_at.get(), stored.len());
        assert_eq!(find([].into_iter(), &stored[0]), None);
    }
}
