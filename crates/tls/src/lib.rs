//! The certificate that a server shows to browsers, and how another takes its place while the server runs.
//!
//! | file | holds |
//! |---|---|
//! | [`source`] | what the owner decided: two files, or a certificate that is made here |
//! | [`certificate`] | a certificate and its key, read from PEM, and what the certificate says |
//! | [`self_signed`] | a certificate that this computer makes for itself and keeps |
//! | [`renewal`] | the certificate in force; a new one is taken without a restart |
//!
//! This crate knows nothing about servers: it opens no socket, makes no handshake, and does not decide what is still
//! served without TLS. It reads the files that the owner named, and writes one file into the state directory.

#![forbid(unsafe_code)]

pub mod certificate;
pub mod renewal;
pub mod self_signed;
pub mod source;

pub use certificate::{CertificateError, Certified, Info};
pub use renewal::{Certificates, TlsError};
pub use self_signed::SelfSignedError;
pub use source::{Certificate, TlsConfig};
