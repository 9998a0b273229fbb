//! A certificate that this server makes for itself. Nobody vouches for it, so a browser warns once, and whoever cares compares
//! its fingerprint; from then on nobody in between can listen.

use crate::certificate::{CertificateError, Certified, Info, Pem};
use lenscast_base::state::StateDir;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SerialNumber};
use std::collections::BTreeSet;
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};

/// Its file in the state directory, with its key: both are replaced at once.
pub const FILE: &str = "certificate.pem";

/// For how long it is good. Apple's systems take none that is good for more than 825 days, not even from those who trust it.
const DAYS: i64 = 820;

/// How long before its end a new one is made, in seconds.
const RENEWED_BEFORE: u64 = 30 * 86_400;

/// Names that one certificate has at most. Those that a computer does not have any more go first.
const MAX_NAMES: usize = 50;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// The state directory is at fault.
    #[error(transparent)]
    State(#[from] lenscast_base::state::StateError),
    /// It cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// What was made cannot be read. It is a mistake of this program.
    #[error("a certificate was made that cannot be used: {0}")]
    Unusable(#[from] CertificateError),
    /// There is no randomness.
    #[error("this computer has no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// The certificate that is kept, or a new one in its place: when there is none, when it ends soon, or when it lacks one of the
/// `wanted` names. Names that it had stay, so that a computer with changing addresses comes to rest; so does its key.
///
/// # Errors
/// [`SelfSignedError`].
pub(crate) fn kept_or_made(
    state: &StateDir,
    wanted: &BTreeSet<String>,
    now: u64,
) -> Result<Certified, SelfSignedError> {
    let kept = state.read(FILE)?;
    let old = kept.as_ref().and_then(|pem| {
        let pem = Pem { certificate: pem.clone(), key: pem.clone() };
        let read = pem.certified(FILE, FILE);
        read.inspect_err(|error| tracing::warn!("the certificate is made anew: {error}")).ok()
    });
    if let Some(old) = &old {
        let missing: Vec<&str> =
            wanted.iter().filter(|name| !old.info.covers(name)).map(String::as_str).collect();
        let good = old.info.not_before <= now && now + RENEWED_BEFORE < old.info.not_after;
        if good && missing.is_empty() {
            return Ok(old.clone());
        }
        let why =
            if good { format!("it does not name {}", missing.join(", ")) } else { "its time is over".into() };
        tracing::info!("the certificate is made anew, and browsers warn once more: {why}");
    }
    let key = match kept.as_deref().filter(|_| old.is_some()).and_then(|pem| std::str::from_utf8(pem).ok()) {
        Some(pem) => KeyPair::from_pem(pem)?,
        None => KeyPair::generate()?,
    };
    let names = old.iter().flat_map(|old| &old.info.names).filter(|name| !wanted.contains(*name));
    let names: Vec<String> = wanted.iter().chain(names).take(MAX_NAMES).cloned().collect();
    let made = make(names, &key, now)?.into_bytes();
    state.write(FILE, &made)?;
    Ok(Pem { certificate: made.clone(), key: made }.certified(FILE, FILE)?)
}

/// What the certificate that is kept says; `None` when there is none that can be used. Nothing is made.
#[must_use]
pub fn kept(state: &StateDir) -> Option<Info> {
    let pem = state.read(FILE).ok()??;
    let pem = Pem { certificate: pem.clone(), key: pem };
    Some(pem.certified(FILE, FILE).ok()?.info)
}

/// What this computer is called: for a person at it, by its host name, at its addresses, and as its owner says.
///
/// Of IPv6 only unique local addresses are taken: others change every day, and each change would be a new certificate.
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

/// Key and certificate in PEM.
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
