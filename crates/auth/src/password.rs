//! Passwords: hashed with argon2id (RFC 9106) and the parameters that OWASP advises, 19 MiB of memory, two passes, one
//! lane.
//!
//! One verification takes tens of milliseconds and 19 MiB. Async code runs it in `spawn_blocking`, and only few at once
//! (a semaphore of two, for example): otherwise a flood of logins becomes a flood of memory. The memory is given back to
//! the system after each ([`blocks`]).
//!
//! An unknown name costs one verification too, against a hash that no password has. So the time of an answer does not
//! tell which names exist. Every stored hash has the same parameters, so all names cost the same.

use crate::secret::{Secret, random};
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq as _;

/// The shortest and the longest password, in bytes.
pub const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=256;

/// A verified password is remembered for so many seconds after its last use.
const REMEMBERED_S: u64 = 300;

/// At most so many verified passwords are remembered.
const MAX_REMEMBERED: usize = 256;

/// The length of a hash, in bytes.
const HASH_BYTES: usize = 32;

/// Memory of at least so many KiB is given back to the system as soon as it is freed: more than 32 MiB, beyond which
/// glibc never keeps what was freed.
const GIVEN_BACK_KIB: usize = 33 * 1024;

/// The hash of a password, as a text in the PHC string format.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoredHash(PasswordHash);

/// The hashing and verifying of passwords. It remembers for a while which passwords were right.
pub struct Passwords {
    argon2: Argon2<'static>,
    /// A random key of this process. It makes what is remembered worthless outside of this process.
    key: [u8; 32],
    /// The hash against which an unknown name is verified.
    nobody: StoredHash,
    /// The last use of each verified password, in seconds since the Unix epoch, by its [`Passwords::mark`].
    remembered: Mutex<HashMap<[u8; 32], u64>>,
    /// The number of hashes that were computed.
    computed: AtomicU64,
}

/// Why a text cannot be somebody's new password, as words for the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// The password is too short or too long.
    #[error("a password has {} to {} bytes", PASSWORD_BYTES.start(), PASSWORD_BYTES.end())]
    Length,
    /// The password has a control character, which cannot be typed everywhere.
    #[error("a password has no control characters")]
    Control,
    /// The text has the form of a token or share link, and would be taken for one.
    #[error("this is a token or a share, and cannot be a password")]
    Token,
    /// The computer has not enough free memory.
    #[error("there is not enough memory to hash a password")]
    Memory,
}

impl Default for Passwords {
    fn default() -> Self {
        // Written out here, since the library's own default has changed before.
        Self::with(
            Params::new(19 * 1024, 2, 1, Some(HASH_BYTES)).expect("OWASP's parameters are within RFC 9106"),
        )
    }
}

impl Passwords {
    pub(crate) fn with(params: Params) -> Self {
        // A hash of random bytes, not of a password: no password has it, and making it costs no time at the start.
        let nobody = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).expect("three small numbers fit"),
            salt: Some(Salt::new(&random::<16>()).expect("16 bytes are a salt")),
            hash: Some(Output::new(&random::<HASH_BYTES>()).expect("32 bytes are a hash")),
        };
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            key: random(),
            nobody: StoredHash(nobody),
            remembered: Mutex::default(),
            computed: AtomicU64::new(0),
        }
    }

    /// Hashes a new password with a random salt.
    ///
    /// # Errors
    /// [`BadPassword`] when this cannot be a password.
    pub fn hash(&self, password: &Secret) -> Result<StoredHash, BadPassword> {
        let text = password.expose();
        if !PASSWORD_BYTES.contains(&text.len()) {
            return Err(BadPassword::Length);
        }
        if text.chars().any(char::is_control) {
            return Err(BadPassword::Control);
        }
        if password.kind().is_some() || text.starts_with(crate::share::PREFIX) {
            return Err(BadPassword::Token);
        }
        self.computed.fetch_add(1, Ordering::Relaxed);
        let (salt, mut hash) = (random::<16>(), [0; HASH_BYTES]);
        // Salt and lengths are right by now, so the only thing that can fail is memory.
        compute(&self.argon2, text.as_bytes(), &salt, &mut hash).ok_or(BadPassword::Memory)?;
        Ok(StoredHash(PasswordHash {
            salt: Some(Salt::new(&salt).expect("16 bytes are a salt")),
            hash: Some(Output::new(&hash).expect("32 bytes are a hash")),
            ..self.nobody.0.clone()
        }))
    }

    /// Whether a password is right. `stored` is the hash of the user with that name; `None` when there is no such user.
    /// Then the answer is no, and takes as long.
    pub fn verify(&self, name: &str, password: &Secret, stored: Option<&StoredHash>, now: u64) -> bool {
        if stored.is_some_and(|stored| self.remembers(name, password, stored, now)) {
            return true;
        }
        let against = stored.unwrap_or(&self.nobody);
        self.computed.fetch_add(1, Ordering::Relaxed);
        let matches = against.is_of(password).unwrap_or(false);
        match stored {
            Some(stored) if matches => {
                self.remember(self.mark(name, password, stored), now);
                true
            }
            _ => false,
        }
    }

    /// Whether this password was verified a short time ago, so that its hash need not be computed again.
    ///
    /// The stored hash is part of what is remembered. So nothing is remembered of a password that was changed, or of a
    /// user who was removed and made again: their hash is another.
    pub fn remembers(&self, name: &str, password: &Secret, stored: &StoredHash, now: u64) -> bool {
        let mark = self.mark(name, password, stored);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        match remembered.get_mut(&mark) {
            Some(used) if now.abs_diff(*used) < REMEMBERED_S => {
                *used = now;
                true
            }
            _ => false,
        }
    }

    /// The number of hashes that were computed since the start.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    fn remember(&self, mark: [u8; 32], now: u64) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|_, used| now.abs_diff(*used) < REMEMBERED_S);
        if remembered.len() >= MAX_REMEMBERED {
            let oldest = remembered.iter().min_by_key(|(_, used)| **used).map(|(mark, _)| *mark);
            oldest.map(|oldest| remembered.remove(&oldest));
        }
        remembered.insert(mark, now);
    }

    /// The mark of a name, a stored hash and a password that belong together. It is an HMAC: nobody gets the password
    /// out of it.
    fn mark(&self, name: &str, password: &Secret, stored: &StoredHash) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        for part in [name, &stored.0.to_string(), password.expose()] {
            // Each part goes in behind its length. Without that, ("ab", "c") and ("a", "bc") would be the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl StoredHash {
    /// Whether this is the hash of `password`. `None` when that cannot be found out, since memory is short.
    fn is_of(&self, password: &Secret) -> Option<bool> {
        let PasswordHash { version, salt, hash, .. } = &self.0;
        let (salt, wanted) = (salt.as_ref()?, hash.as_ref()?);
        // A hash says how it was made, and is compared with one that is made in the same way.
        let params = Params::try_from(&self.0).ok()?;
        let version = version.map_or(Some(Version::default()), |version| version.try_into().ok())?;
        let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
        let mut made = vec![0; wanted.len()];
        compute(&argon2, password.expose().as_bytes(), salt.as_ref(), &mut made)?;
        Some(made.ct_eq(wanted.as_bytes()).into())
    }
}

/// Computes a hash into `out`. `None` when memory is short, or what is computed with makes no sense.
fn compute(argon2: &Argon2<'_>, password: &[u8], salt: &[u8], out: &mut [u8]) -> Option<()> {
    let mut blocks = blocks(argon2.params().block_count())?;
    argon2.hash_password_into_with_memory(password, salt, out, &mut blocks).ok()
}

/// The memory for a hash, `count` blocks of 1 KiB, which the system has back as soon as it is dropped. `None` when there
/// is not so much.
///
/// An example of why that takes care. glibc gets 19 MiB from the system, and gives them back when they are freed. But it
/// learns from this that 19 MiB come and go, and takes the next ones from its own heaps, one for each thread, which it
/// keeps: ten wrong logins kept 165 MB. It never learns that of pieces larger than 32 MiB. So more is asked for than is
/// needed; what is not used is address space, and costs no memory.
fn blocks(count: usize) -> Option<Vec<Block>> {
    // The few blocks of a test need no such care.
    let is_large = count * Block::SIZE >= 1 << 20;
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(if is_large { count.max(GIVEN_BACK_KIB) } else { count }).ok()?;
    blocks.resize(count, Block::new());
    Some(blocks)
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("computed", &self.computed).finish_non_exhaustive()
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHash(…)")
    }
}

impl From<StoredHash> for String {
    fn from(hash: StoredHash) -> Self {
        hash.0.to_string()
    }
}

impl TryFrom<String> for StoredHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hash = PasswordHash::new(&text).map_err(|_| "no password hash")?;
        let usable = Params::try_from(&hash).is_ok() && hash.salt.is_some() && hash.hash.is_some();
        let ours = hash.algorithm == Algorithm::Argon2id.ident();
        if usable && ours { Ok(Self(hash)) } else { Err("no hash of argon2id") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        Passwords::with(Params::new(8, 1, 1, Some(32)).unwrap())
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    #[test]
    fn the_parameters_are_the_ones_of_owasp() {
        let text = String::from(Passwords::default().hash(&secret("correct horse")).unwrap());
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        assert!(String::from(Passwords::default().nobody).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn a_hash_of_another_implementation_verifies() {
        // From the tests of the reference implementation.
        let stored = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let stored = StoredHash::try_from(stored.to_owned()).unwrap();
        assert!(cheap().verify("anna", &secret("password"), Some(&stored), 0));
        assert!(!cheap().verify("anna", &secret("passwort"), Some(&stored), 0));
    }

    #[test]
    fn two_hashes_of_one_password_differ_and_both_verify() {
        let passwords = cheap();
        let [one, other] = [(); 2].map(|()| passwords.hash(&secret("correct horse")).unwrap());
        assert!(one != other);
        for stored in [one, other] {
            assert!(passwords.verify("anna", &secret("correct horse"), Some(&stored), 0));
            assert!(!passwords.verify("anna", &secret("correct horsf"), Some(&stored), 0));
        }
    }

    #[test]
    fn an_unknown_name_costs_one_verification_as_a_known_one_does() {
        let passwords = cheap();
        let stored = passwords.hash(&secret("correct horse")).unwrap();
        let cost = |name: &str, stored| {
            let before = passwords.computed();
            assert!(!passwords.verify(name, &secret("wrong horse"), stored, 0));
            passwords.computed() - before
        };
        for _ in 0..2 {
            assert_eq!(cost("anna", Some(&stored)), 1);
            assert_eq!(cost("nobody", None), 1, "also the second time");
        }
        let params = |hash: &StoredHash| {
            let text = String::from(hash.clone());
            text.split('$').take(4).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(params(&stored), params(&passwords.nobody), "and at the same price");
    }

    #[test]
    fn a_right_password_is_computed_once_in_five_minutes_of_use() {
        let passwords = cheap();
        let stored = passwords.hash(&secret("correct horse")).unwrap();
        let cost = |password: &str, now| {
            let before = passwords.computed();
            let right = passwords.verify("anna", &secret(password), Some(&stored), now);
            assert_eq!(right, password == "correct horse");
            passwords.computed() - before
        };
        assert_eq!(cost("correct horse", 1000), 1);
        assert_eq!(cost("correct horse", 1299), 0);
        assert_eq!(cost("wrong horse", 1299), 1, "what is wrong is computed each time");
        assert_eq!(cost("wrong horse", 1299), 1);
        assert_eq!(cost("correct horse", 1598), 0, "counted from its last use");
        assert_eq!(cost("correct horse", 1898), 1, "forgotten after five minutes");
        assert_eq!(cost("correct horse", 5), 1, "the clock was set back");
    }

    #[test]
    fn a_changed_password_and_another_user_are_not_remembered() {
        let passwords = cheap();
        let stored = passwords.hash(&secret("correct horse")).unwrap();
        let changed = passwords.hash(&secret("another horse")).unwrap();
        assert!(passwords.verify("anna", &secret("correct horse"), Some(&stored), 0));
        assert!(passwords.remembers("anna", &secret("correct horse"), &stored, 0));
        assert!(!passwords.verify("anna", &secret("correct horse"), Some(&changed), 0));
        assert!(!passwords.verify("anna", &secret("correct horse"), None, 0), "the user is gone");
        assert!(!passwords.remembers("bert", &secret("correct horse"), &stored, 0));
        assert!(!passwords.remembers("annac", &secret("orrect horse"), &stored, 0));
    }

    #[test]
    fn only_so_many_are_remembered_and_the_one_unused_for_longest_goes() {
        let passwords = cheap();
        let stored = passwords.hash(&secret("correct horse")).unwrap();
        for index in 0..=MAX_REMEMBERED {
            let name = format!("user-{index}");
            assert!(passwords.verify(&name, &secret("correct horse"), Some(&stored), 100 + index as u64 / 4));
            assert!(passwords.remembers("user-0", &secret("correct horse"), &stored, 101 + index as u64 / 4));
        }
        assert_eq!(passwords.remembered.lock().unwrap().len(), MAX_REMEMBERED);
        assert!(passwords.remembers("user-0", &secret("correct horse"), &stored, 170));
    }

    #[test]
    fn what_cannot_be_a_password_is_refused_with_the_reason() {
        let passwords = cheap();
        let token = Secret::generate(crate::secret::Kind::View);
        for (bad, reason) in [
            ("", BadPassword::Length),
            ("1234567", BadPassword::Length),
            (&"x".repeat(257), BadPassword::Length),
            ("correct\nhorse", BadPassword::Control),
            (token.expose(), BadPassword::Token),
            ("lcs_whatever", BadPassword::Token),
        ] {
            assert_eq!(passwords.hash(&secret(bad)).unwrap_err(), reason, "{bad:?}");
        }
        assert!(passwords.hash(&secret(&"x".repeat(256))).is_ok());
        assert!(passwords.hash(&secret("pässwörter sind länger")).is_ok());
    }

    #[test]
    fn a_stored_hash_is_argon2id_or_the_file_is_damaged() {
        let good = String::from(cheap().hash(&secret("correct horse")).unwrap());
        assert!(StoredHash::try_from(good.clone()).is_ok());
        for bad in [
            String::new(),
            "correct horse".into(),
            good.replacen("argon2id", "argon2d", 1),
            good.replacen("m=8", "m=x", 1),
            good.rsplit_once('$').unwrap().0.to_owned(),
        ] {
            assert!(StoredHash::try_from(bad.clone()).is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", StoredHash::try_from(good).unwrap()), "StoredHash(…)");
        assert!(!format!("{:?}", cheap()).contains("key"));
    }
}
