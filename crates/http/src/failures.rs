//! TLS handshakes that failed, counted by cause.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_rustls::rustls::{AlertDescription, Error};

/// Handshakes that failed, by cause, since the server started.
#[derive(Debug, Default)]
pub struct Failures([AtomicU64; Failure::ALL.len()]);

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The client does not want our certificate. Browsers do so until somebody has said that it is good.
    Certificate,
    /// The handshake took too long.
    Timeout,
    /// The client went away.
    Gone,
    /// The client speaks no TLS that we speak.
    Protocol,
}

impl Failure {
    /// All causes.
    pub const ALL: [Self; 4] = [Self::Certificate, Self::Timeout, Self::Gone, Self::Protocol];

    /// The cause as a label of a metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Timeout => "timeout",
            Self::Gone => "gone",
            Self::Protocol => "protocol",
        }
    }

    /// The cause of a failed handshake, as the TLS library tells it.
    pub(super) fn of(error: &io::Error) -> Self {
        use AlertDescription::{
            BadCertificate, CertificateExpired, CertificateRevoked, CertificateUnknown, UnknownCA,
            UnsupportedCertificate,
        };
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(Error::AlertReceived(
                BadCertificate
                | CertificateExpired
                | CertificateRevoked
                | CertificateUnknown
                | UnknownCA
                | UnsupportedCertificate,
            )) => Self::Certificate,
            Some(_) => Self::Protocol,
            None => Self::Gone,
        }
    }
}

impl Failures {
    /// Each cause, and how often it was.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Failure::ALL.into_iter().map(Failure::as_str).zip(counts)
    }

    /// Counts one more.
    pub(super) fn count(&self, failure: Failure) {
        self.0[failure as usize].fetch_add(1, Ordering::Relaxed);
    }
}
