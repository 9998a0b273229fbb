//! Share links: a text that says which camera may be watched until when, and proves that this server wrote it.
//!
//! The text is `lcs_`, then the claim as JSON in base64url, then `.`, then the HMAC-SHA256 (RFC 2104) of everything
//! before the point. The signature is over the text itself, not over the values in it. So there is only one spelling of
//! a claim, and nothing of the claim is read before the signature was checked.

use crate::cameras;
use crate::ids::Id;
use crate::secret::{Secret, decode, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;

/// The first characters of each share link's text.
pub const PREFIX: &str = "lcs_";

/// The longest text that is checked as a share link, in bytes. The longest one that is made has about 220 bytes.
pub const MAX_BYTES: usize = 512;

/// The claim inside a share link: what may be watched, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The id of the link's record, by which the link is revoked.
    pub id: Id,
    /// The one camera that may be watched; `None` means every camera.
    #[serde(with = "cameras::one")]
    pub camera: Option<CameraName>,
    /// The first moment at which the link is not accepted any more, in seconds since the Unix epoch.
    pub exp: u64,
}

/// The key with which share links are signed: 256 random bits.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShareKey([u8; 32]);

impl ShareKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(random())
    }

    /// Writes the text of a share link, with its signature.
    ///
    /// # Panics
    /// Never: a claim is plain data.
    #[must_use]
    pub fn sign(&self, claim: &Claim) -> Secret {
        let claim = serde_json::to_vec(claim).expect("a claim is plain data");
        let signed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(claim));
        let signature = self.mac(&signed).finalize().into_bytes();
        Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Reads the text of a share link. `None` unless it was signed with this key. The caller still has to check whether
    /// the link has expired or was revoked.
    #[must_use]
    pub fn verify(&self, share: &Secret) -> Option<Claim> {
        let share = share.expose();
        if share.len() > MAX_BYTES {
            return None;
        }
        let (signed, signature) = share.split_once('.')?;
        let encoded = signed.strip_prefix(PREFIX)?;
        // Compares in constant time.
        self.mac(signed).verify_slice(&decode::<32>(signature)?).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
    }

    /// An id that is always the same for `text`. Without this key, nobody can compute it, or learn anything about
    /// `text` from it.
    pub(crate) fn id(&self, text: &str) -> Id {
        let bytes = self.mac(&format!("id {text}")).finalize().into_bytes();
        Id::of([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]])
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        mac
    }
}

impl fmt::Debug for ShareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareKey(…)")
    }
}

impl From<ShareKey> for String {
    fn from(key: ShareKey) -> Self {
        URL_SAFE_NO_PAD.encode(key.0)
    }
}

impl TryFrom<String> for ShareKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        decode(&text).map(Self).ok_or("no key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> ShareKey {
        ShareKey([7; 32])
    }

    fn claim(camera: Option<&str>, exp: u64) -> Claim {
        let camera = camera.map(|name| CameraName::new(name).unwrap());
        Claim { id: Id::new("0123456789").unwrap(), camera, exp }
    }

    #[test]
    fn a_share_is_written_so() {
        let share = key().sign(&claim(Some("front"), 1_800_000_000));
        let (signed, signature) = share.expose().split_once('.').unwrap();
        let json = URL_SAFE_NO_PAD.decode(signed.strip_prefix("lcs_").unwrap()).unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"id":"0123456789","camera":"front","exp":1800000000}"#
        );
        // As another implementation of HMAC-SHA256 (RFC 2104) computes it.
        assert_eq!(signature, "fVRdQ-q83S-VBCCwVO936qSyHIRqoJY82JMF4vxtsR8");
    }

    #[test]
    fn the_longest_share_is_below_the_limit() {
        let longest = key().sign(&claim(Some(&"x".repeat(63)), u64::MAX));
        assert!(longest.expose().len() < MAX_BYTES / 2, "{}", longest.expose().len());
        assert!(key().verify(&longest).is_some());
    }

    #[test]
    fn another_key_signs_another_share() {
        let share = key().sign(&claim(None, 1));
        assert_eq!(key().verify(&share), Some(claim(None, 1)));
        assert_eq!(ShareKey::generate().verify(&share), None);
        assert_eq!(format!("{:?}", key()), "ShareKey(…)");
    }

    #[test]
    fn what_was_signed_but_is_no_claim_is_refused() {
        for text in [r#"{"id":"0123456789","camera":null}"#, "[]", r#"{"id":"x","camera":null,"exp":1}"#, ""]
        {
            let signed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(text));
            let signature = URL_SAFE_NO_PAD.encode(key().mac(&signed).finalize().into_bytes());
            assert_eq!(key().verify(&Secret::new(format!("{signed}.{signature}"))), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_share_comes_back_as_it_was(camera in proptest::option::of("[a-z0-9_-]{1,63}"), exp: u64) {
            let claim = claim(camera.as_deref(), exp);
            prop_assert_eq!(key().verify(&key().sign(&claim)), Some(claim));
        }

        #[test]
        fn a_share_with_one_byte_changed_is_refused(exp: u64, at: prop::sample::Index, other in 0x20u8..0x7f) {
            let share = key().sign(&claim(Some("front"), exp)).expose().to_owned();
            let mut bytes = share.clone().into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != other);
            bytes[at] = other;
            prop_assert_eq!(key().verify(&Secret::new(String::from_utf8(bytes).unwrap())), None);
        }

        #[test]
        fn a_share_cut_or_lengthened_is_refused(exp: u64, at: prop::sample::Index, more in "[A-Za-z0-9_.=-]{1,8}") {
            let share = key().sign(&claim(None, exp)).expose().to_owned();
            let cut = share[..at.index(share.len())].to_owned();
            prop_assert_eq!(key().verify(&Secret::new(cut)), None);
            prop_assert_eq!(key().verify(&Secret::new(format!("{share}{more}"))), None);
            prop_assert_eq!(key().verify(&Secret::new(format!("{more}{share}"))), None);
        }

        #[test]
        fn the_halves_of_two_shares_make_no_third(exp in 1u64..1000, other in 1u64..1000) {
            prop_assume!(exp != other);
            let [one, two] = [exp, other].map(|exp| key().sign(&claim(None, exp)).expose().to_owned());
            let mixed = format!("{}.{}", one.split_once('.').unwrap().0, two.split_once('.').unwrap().1);
            prop_assert_eq!(key().verify(&Secret::new(mixed)), None);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,600}", tail in "[A-Za-z0-9_.-]{0,300}") {
            prop_assert_eq!(key().verify(&Secret::new(text)), None);
            prop_assert_eq!(key().verify(&Secret::new(format!("lcs_{tail}"))), None);
        }
    }
}
