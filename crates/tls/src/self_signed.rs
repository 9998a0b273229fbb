//! A certificate that this computer makes for itself.
//!
//! No authority vouches for such a certificate, so a browser warns once. A careful owner compares its fingerprint with
//! the one that the server printed. From then on, nobody between browser and server can listen.

use crate::certificate::{CertificateError, Certified, Info, Pem};
use lenscast_base::state::StateDir;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SerialNumber};
use std::collections::BTreeSet;
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};

/// The name of its file in the state directory. Certificate and key are in one file, so that both are replaced at once.
pub const FILE: &str = "certificate.pem";

/// The name of the file with the certificate that was replaced last. It is used again when the one that took its place
/// turns out to be of a time that is still to come: that was made while the clock was wrong.
pub const BEFORE: &str = "certificate-before.pem";

/// For how many days a certificate is good. Apple's systems refuse one that is good for more than 825 days, even when
/// its owner trusts it.
const DAYS: i64 = 820;

/// How long before its end a certificate is replaced, in seconds: 30 days.
const RENEWED_BEFORE: u64 = 30 * 86_400;

/// At most this many names are in one certificate. Names that the computer does not have any more are left out first.
const MAX_NAMES: usize = 50;

/// Why a certificate could not be made or read back.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// The state directory cannot be read or written.
    #[error(transparent)]
    State(#[from] lenscast_base::state::StateError),
    /// The certificate or its key could not be computed.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The certificate that was just made cannot be read. That is a mistake of this program.
    #[error("a certificate was made that cannot be used: {0}")]
    Unusable(#[from] CertificateError),
    /// The operating system has no random numbers.
    #[error("this computer has no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// The certificate that is kept in the state directory, or another one in its place: the one before it, when that is
/// good and the kept one is not, else a new one. A new one is made when there is none, when the kept one ends soon, or
/// when it lacks one of the `wanted` names.
///
/// A new one keeps the key and the names of the old one. So a computer whose address changes between two values gets
/// two new certificates, and after that no more.
///
/// `now` may be wrong, in seconds since the Unix epoch, and certificates outlive that. When `now` is before the
/// beginning of the kept one, the clock is behind (a computer without a battery starts in 1970), and the kept one
/// stays. When the clock is ahead, a new certificate is made, of 2036; the good one is set aside for as long, and is in
/// force again as soon as the clock is right.
///
/// # Errors
/// [`SelfSignedError`].
pub(crate) fn kept_or_made(
    state: &StateDir,
    wanted: &BTreeSet<String>,
    now: u64,
) -> Result<Certified, SelfSignedError> {
    let (old, before) = (Kept::read(state, FILE)?, Kept::read(state, BEFORE)?);
    let is_good = |kept: &&Kept| is_good(&kept.certified.info, wanted, now);
    match (&old, before.as_ref().filter(is_good)) {
        (Some(old), _) if is_good(&old) => return Ok(old.certified.clone()),
        (old, Some(before)) => {
            let fingerprint = before.certified.info.fingerprint();
            tracing::info!(fingerprint, "the certificate that was in force before is so again");
            if let Some(old) = old {
                state.write(BEFORE, &old.pem)?;
            }
            state.write(FILE, &before.pem)?;
            return Ok(before.certified.clone());
        }
        (Some(old), None) if now < old.certified.info.not_before => return Ok(old.certified.clone()),
        (Some(old), None) => {
            let missing = missing(&old.certified.info, wanted);
            let lasts = now + RENEWED_BEFORE < old.certified.info.not_after;
            let why = if lasts { format!("it does not name {missing}") } else { "its time is over".into() };
            tracing::info!("the certificate is made anew, and browsers warn once more: {why}");
        }
        (None, None) => {}
    }
    let key = match old.as_ref().and_then(|old| std::str::from_utf8(&old.pem).ok()) {
        Some(pem) => KeyPair::from_pem(pem)?,
        None => KeyPair::generate()?,
    };
    let names = old.iter().flat_map(|old| &old.certified.info.names).filter(|name| !wanted.contains(*name));
    let names: Vec<String> = wanted.iter().chain(names).take(MAX_NAMES).cloned().collect();
    let made = make(names, &key, now)?.into_bytes();
    if let Some(old) = old {
        state.write(BEFORE, &old.pem)?;
    }
    state.write(FILE, &made)?;
    Ok(Pem { certificate: made.clone(), key: made }.certified(FILE, FILE)?)
}

/// A certificate as it stands in a file of the state directory.
struct Kept {
    pem: Vec<u8>,
    certified: Certified,
}

impl Kept {
    /// Reads a file. `None` when there is none, or none that can be used.
    fn read(state: &StateDir, file: &'static str) -> Result<Option<Self>, SelfSignedError> {
        let Some(pem) = state.read(file)? else {
            return Ok(None);
        };
        let certified = Pem { certificate: pem.clone(), key: pem.clone() }.certified(file, file);
        let certified =
            certified.inspect_err(|error| tracing::warn!("the certificate is made anew: {error}")).ok();
        Ok(certified.map(|certified| Self { pem, certified }))
    }
}

/// Whether a certificate that was made here stays in force at `now`, where nothing can be kept.
pub(crate) fn stays(info: &Info, wanted: &BTreeSet<String>, now: u64) -> bool {
    now < info.not_before || is_good(info, wanted, now)
}

/// Whether a certificate is good now and for a while, for all `wanted` names.
fn is_good(info: &Info, wanted: &BTreeSet<String>, now: u64) -> bool {
    info.not_before <= now && now + RENEWED_BEFORE < info.not_after && missing(info, wanted).is_empty()
}

/// The `wanted` names that a certificate lacks, as a sentence has them.
fn missing(info: &Info, wanted: &BTreeSet<String>) -> String {
    let missing: Vec<&str> = wanted.iter().filter(|name| !info.covers(name)).map(String::as_str).collect();
    missing.join(", ")
}

/// The content of the certificate that is kept in the state directory; `None` when there is none that can be used.
/// Nothing is made or written.
#[must_use]
pub fn kept(state: &StateDir) -> Option<Info> {
    let pem = state.read(FILE).ok()??;
    let pem = Pem { certificate: pem.clone(), key: pem };
    Some(pem.certified(FILE, FILE).ok()?.info)
}

/// All names under which a browser may find this computer: `localhost`, its host name (also with `.local`), its
/// addresses, and the `host_names` that its owner set.
///
/// Of IPv6, only unique local addresses are taken. Others change every day, and each change would need a new
/// certificate.
#[must_use]
pub fn names(host_names: &[String], machine: &[IpAddr]) -> BTreeSet<String> {
    let stable = |address: &&IpAddr| match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    };
    let mut names: BTreeSet<String> = machine.iter().filter(stable).map(IpAddr::to_string).collect();
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    names.extend(host_names.iter().cloned());
    let host = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if !host.is_empty() && host.len() <= 63 && host.bytes().all(plain) && !host.starts_with(['-', '.']) {
        if !host.contains('.') {
            names.insert(format!("{host}.local"));
        }
        names.insert(host);
    }
    names
}

/// Makes a certificate for these names, and writes key and certificate as one PEM text.
fn make(names: Vec<String>, key: &KeyPair, now: u64) -> Result<String, SelfSignedError> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "lenscast");
    let now = OffsetDateTime::from_unix_timestamp(now.try_into().unwrap_or(0))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // A client whose clock is behind must not find it too young.
    params.not_before = now - Duration::days(2);
    params.not_after = now + Duration::days(DAYS - 2);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Firefox refuses a second certificate of one issuer with the same number, and rcgen's follows from the key.
    let mut serial = [0; 16];
    getrandom::fill(&mut serial)?;
    serial[0] &= 0x7f;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let certificate = params.self_signed(key)?;
    Ok(format!("{}{}", key.serialize_pem(), certificate.pem()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const YEAR: u64 = 365 * DAY;
    const NOW: u64 = 1_795_824_000;

    struct Bench(StateDir, #[expect(dead_code, reason = "it is removed with this")] tempfile::TempDir);

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self(StateDir::open(folder.path()).unwrap(), folder)
        }

        /// The certificate at a moment.
        fn at(&self, now: u64, names: &[&str]) -> Info {
            let wanted = names.iter().map(|name| (*name).to_owned()).collect();
            kept_or_made(&self.0, &wanted, now).unwrap().info
        }
    }

    #[test]
    fn a_clock_before_the_certificate_replaces_nothing() {
        let bench = Bench::new();
        let made = bench.at(NOW, &["cam.example"]);
        for behind in [0, 1, DAY, 20 * YEAR, NOW - YEAR, made.not_before - 1] {
            assert_eq!(bench.at(behind, &["cam.example"]), made, "{behind}");
            assert_eq!(bench.at(behind, &["cam.example", "10.0.0.9"]), made, "{behind}: another address");
        }
        assert_eq!(bench.at(NOW + DAY, &["cam.example"]), made);
        let more = bench.at(NOW + DAY, &["cam.example", "10.0.0.9"]);
        assert!(more.covers("10.0.0.9"), "when the clock is right, a missing name is added");
    }

    #[test]
    fn a_clock_that_is_ahead_for_a_while_costs_no_certificate() {
        for ahead in [NOW + 3 * YEAR, NOW + 10 * YEAR, NOW + 100 * YEAR] {
            let bench = Bench::new();
            let made = bench.at(NOW, &["cam.example"]);
            let of_then = bench.at(ahead, &["cam.example"]);
            assert!(of_then != made && of_then.not_before <= ahead && ahead < of_then.not_after);
            assert_eq!(bench.at(ahead + 60, &["cam.example"]), of_then, "and once only");
            // The same one as before, so that no browser warns once more; and it stays.
            assert_eq!(bench.at(NOW + 60, &["cam.example"]), made);
            assert_eq!(bench.at(NOW + DAY, &["cam.example"]), made);
            assert_eq!(kept(&bench.0), Some(made), "it stands in its own file again");
        }
    }

    #[test]
    fn a_certificate_that_ends_soon_is_replaced_and_the_old_one_does_not_come_back() {
        let bench = Bench::new();
        let made = bench.at(NOW, &["cam.example"]);
        let soon = made.not_after - RENEWED_BEFORE;
        assert_eq!(bench.at(soon - 1, &["cam.example"]), made);
        let next = bench.at(soon, &["cam.example"]);
        assert!(next.not_after > made.not_after);
        for later in [soon + 1, made.not_after - 1, made.not_after + 1] {
            assert_eq!(bench.at(later, &["cam.example"]), next);
        }
    }

    #[test]
    fn a_computer_that_first_starts_in_1970_gets_a_good_one_when_its_clock_is_set() {
        let bench = Bench::new();
        let first = bench.at(30, &["cam.example"]);
        assert!(first.not_before <= 30 && first.not_after > 30);
        let second = bench.at(NOW, &["cam.example"]);
        assert!(second.not_before <= NOW && NOW < second.not_after);
    }
}
