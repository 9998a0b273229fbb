//! A certificate and its key, read from PEM (RFC 7468), and what the certificate says about itself.

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A certificate that ends in less than this many seconds (21 days) is worth a warning. Tools that renew certificates
/// do so a month before the end, so a shorter time means that they failed.
pub const ENDS_SOON_S: u64 = 21 * 86_400;

/// A certificate with its key, ready to be shown to browsers.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The chain of certificates and the private key, as rustls wants them.
    pub key: Arc<CertifiedKey>,
    /// The content of the first certificate of the chain.
    pub info: Info,
}

/// The content of a certificate, as far as people ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The names and addresses that it is for (RFC 5280 §4.2.1.6).
    pub names: Vec<String>,
    /// The first moment at which the certificate is good, in seconds since the Unix epoch.
    pub not_before: u64,
    /// The last moment at which the certificate is good, in seconds since the Unix epoch.
    pub not_after: u64,
    /// The SHA-256 of the certificate in DER. Browsers show the same number.
    pub fingerprint: [u8; 32],
    /// Whether the certificate names itself as its authority, so that no one else vouches for it.
    pub self_signed: bool,
}

/// Why a certificate or its key cannot be used. The text names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Read {
        /// The file that cannot be read.
        path: PathBuf,
        /// The system's own error.
        source: io::Error,
        /// Whether that file is the key's.
        key: bool,
    },
    /// The certificate's file has no certificate in it. Its name is inside.
    #[error("there is no certificate in {0}: it has to be PEM, with a line -----BEGIN CERTIFICATE-----")]
    NoCertificate(String),
    /// The certificate's file has something in it that cannot be read. Inside are the file's name and why.
    #[error("the certificate in {0} cannot be read: {1}")]
    Certificate(String, String),
    /// The key's file has no key in it. Its name is inside.
    #[error("there is no private key in {0}: it has to be PEM, with a line -----BEGIN PRIVATE KEY-----")]
    NoKey(String),
    /// The key's file has a key that needs a password. Its name is inside.
    #[error(
        "the private key in {0} is encrypted: write it without a password (openssl pkey -in OLD -out NEW)"
    )]
    EncryptedKey(String),
    /// The key is of a kind that the TLS library does not know. Inside are the file's name and why.
    #[error("the private key in {0} cannot be used: {1}")]
    Key(String, String),
    /// The key belongs to another certificate.
    #[error("the private key in {key} is not the one that the certificate in {certificate} is for")]
    Mismatch {
        /// The name of the certificate's file.
        certificate: String,
        /// The name of the key's file.
        key: String,
    },
}

impl CertificateError {
    /// Whether the owner has to mend the key's file, not the certificate's.
    #[must_use]
    pub fn is_about_key(&self) -> bool {
        let of_key = matches!(self, Self::Read { key: true, .. });
        of_key
            || matches!(self, Self::NoKey(_) | Self::EncryptedKey(_) | Self::Key(..) | Self::Mismatch { .. })
    }
}

/// The bytes of a certificate's file and of its key's file, not looked at yet.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pem {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

impl Pem {
    /// Reads both files.
    pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let read = |path: &Path, key| {
            fs::read(path).map_err(|source| CertificateError::Read { path: path.to_owned(), source, key })
        };
        Ok(Self { certificate: read(certificate, false)?, key: read(key, true)? })
    }

    /// Reads the chain and the key out of the bytes, and checks that they belong together. The names of the two files
    /// are only for the text of an error.
    pub(crate) fn certified(&self, certificate: &str, key: &str) -> Result<Certified, CertificateError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| CertificateError::Certificate(certificate.to_owned(), error.to_string()))?;
        let Some(leaf) = chain.first() else {
            return Err(CertificateError::NoCertificate(certificate.to_owned()));
        };
        let info = Info::of(leaf)
            .map_err(|sentence| CertificateError::Certificate(certificate.to_owned(), sentence))?;
        let has = |text: &[u8]| self.key.windows(text.len()).any(|window| window == text);
        let secret = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
                CertificateError::EncryptedKey(key.to_owned())
            } else {
                CertificateError::NoKey(key.to_owned())
            }
        })?;
        let certified =
            CertifiedKey::from_der(chain, secret, &default_provider()).map_err(|error| match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    CertificateError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() }
                }
                error => CertificateError::Key(key.to_owned(), error.to_string()),
            })?;
        Ok(Certified { key: Arc::new(certified), info })
    }
}

/// Reads a certificate with its chain, and its key, from two files.
///
/// # Errors
/// [`CertificateError`], which names the file. A certificate whose time has not come or is over is no error here:
/// [`Info::trouble`] tells.
pub fn load(certificate: &Path, key: &Path) -> Result<Certified, CertificateError> {
    let name = |path: &Path| path.display().to_string();
    Pem::read(certificate, key)?.certified(&name(certificate), &name(key))
}

impl Info {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
        let names = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
        let names = names.iter().flat_map(|extension| &extension.value.general_names);
        let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
        Ok(Self {
            names: names.filter_map(name).collect(),
            not_before: seconds(parsed.validity().not_before.timestamp()),
            not_after: seconds(parsed.validity().not_after.timestamp()),
            fingerprint: Sha256::digest(certificate).into(),
            self_signed: parsed.subject() == parsed.issuer(),
        })
    }

    /// The fingerprint as browsers show it: `AB:CD:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = String::with_capacity(3 * self.fingerprint.len());
        for (index, byte) in self.fingerprint.iter().enumerate() {
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = write!(text, "{}{byte:02X}", if index == 0 { "" } else { ":" });
        }
        text
    }

    /// Whether the certificate is good for `host`, a name or an address without brackets. The star in `*.home.example`
    /// stands for exactly one label: `cam.home.example` is covered, `a.cam.home.example` is not.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.names.iter().any(|name| {
            let name = name.to_ascii_lowercase();
            // RFC 6125 §6.4.3: a star is one whole label, the leftmost.
            let star = name.strip_prefix("*.").zip(host.split_once('.'));
            name == host || star.is_some_and(|(domain, (_, parent))| domain == parent)
        })
    }

    /// What is wrong with the certificate's time at `now` (seconds since the Unix epoch), as a sentence for people.
    /// `None` when nothing is.
    #[must_use]
    pub fn trouble(&self, now: u64) -> Option<String> {
        const DAY: u64 = 86_400;
        if now < self.not_before {
            return Some("the certificate is not good yet; is this computer's clock right?".to_owned());
        }
        match self.not_after.checked_sub(now) {
            None => {
                Some("the certificate is over: browsers refuse it. Put a new one in its place".to_owned())
            }
            Some(left) if left < ENDS_SOON_S => Some(format!("the certificate ends in {} days", left / DAY)),
            Some(_) => None,
        }
    }
}

fn name(general: &GeneralName<'_>) -> Option<String> {
    match general {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| Ipv4Addr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| Ipv6Addr::from(bytes).to_string()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(names: &[&str]) -> Info {
        Info {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            not_before: 1_000_000,
            not_after: 9_000_000,
            fingerprint: [0; 32],
            self_signed: false,
        }
    }

    #[test]
    fn a_star_is_one_label_and_nothing_else_is_like_a_name() {
        let info = info(&["Cam.example", "*.home.example", "192.168.1.5"]);
        for name in ["cam.example", "CAM.EXAMPLE", "a.home.example", "192.168.1.5"] {
            assert!(info.covers(name), "{name}");
        }
        for name in [
            "home.example",
            "a.b.home.example",
            "b.cam.example",
            "example",
            "192.168.1.6",
            "a.other.example",
            "",
        ] {
            assert!(!info.covers(name), "{name}");
        }
    }

    #[test]
    fn its_time_is_looked_at_before_it_comes_while_it_lasts_and_when_it_is_over() {
        let said = |now| info(&[]).trouble(now).unwrap_or_default();
        assert!(said(999_999).contains("clock"));
        assert_eq!((said(1_000_000), said(9_000_000 - ENDS_SOON_S)), (String::new(), String::new()));
        assert_eq!(said(9_000_000 - 3 * 86_400), "the certificate ends in 3 days");
        assert!(said(9_000_001).contains("is over"));
    }
}
