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

/// The certificate that is kept in the state directory, or a new one in its place. A new one is made when there is
/// none, when the old one ends soon, or when the old one lacks one of the `wanted` names.
///
/// A new one keeps the key and the names of the old one. So a computer whose address changes between two values gets
/// two new certificates, and after that no more.
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
