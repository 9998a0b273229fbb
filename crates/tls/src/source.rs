//! Where the certificate comes from, as the owner decided.

use std::path::PathBuf;

/// What the owner decided about the certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where the certificate comes from; `None`: there is no TLS.
    pub certificate: Option<Certificate>,
    /// Names under which browsers find this computer, such as `cam.example`. A certificate that is made here is good
    /// for them too.
    pub host_names: Vec<String>,
}

/// Where a certificate and its key come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// A certificate that is made here, and kept in the state directory.
    SelfSigned,
    /// Two files in PEM.
    Files {
        /// The certificate's file. Certificates of authorities in between may follow in the same file.
        cert: PathBuf,
        /// The file of the certificate's key.
        key: PathBuf,
    },
}
