//! The certificate in force, and how another takes its place while the server runs.

use crate::certificate::{CertificateError, Certified, Info, Pem};
use crate::self_signed::{self, SelfSignedError};
use crate::source::{Certificate, Config};
use lenscast_base::addresses::machine_addresses;
use lenscast_base::in_force::InForce;
use lenscast_base::state::StateDir;
use lenscast_base::time::now;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether there is another certificate. Files are compared as a whole: dates do not tell when a link
/// points elsewhere, as certbot's do.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is said that a certificate ends.
const REMINDER: Duration = Duration::from_secs(86_400);

/// There is no certificate to begin with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Of the files.
    #[error(transparent)]
    Files(#[from] CertificateError),
    /// Of our own.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    /// rustls does not want it.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] Error),
}

/// The certificate in force.
#[derive(Debug)]
pub struct Certificates {
    config: InForce<Config>,
    state: Arc<StateDir>,
    now: RwLock<Certified>,
    /// What files were read last, and what was wrong with them. Held while another is taken.
    read: Mutex<Option<Read>>,
}

/// Files that were read.
struct Read {
    /// `None` when they could not be.
    pem: Option<Pem>,
    trouble: Option<String>,
}

/// Without the key.
impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Read").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads or makes the certificate to begin with. `None` when the configuration asks for no TLS.
    ///
    /// # Errors
    /// [`TlsError`], when there is to be TLS and no certificate can be had.
    pub fn open(config: InForce<Config>, state: Arc<StateDir>) -> Result<Option<Arc<Self>>, TlsError> {
        let (certified, read) = match &config.get().certificate {
            None => return Ok(None),
            Some(Certificate::SelfSigned) => (own(&config, &state)?, None),
            Some(Certificate::Files { cert, key }) => {
                let pem = Pem::read(cert, key)?;
                let certified = pem.certified(&name(cert), &name(key))?;
                (certified, Some(Read { pem: Some(pem), trouble: None }))
            }
        };
        if let Some(trouble) = certified.info.trouble(now()) {
            tracing::warn!("{trouble}");
        }
        Ok(Some(Arc::new(Self { config, state, now: RwLock::new(certified), read: Mutex::new(read) })))
    }

    /// What rustls needs to serve with them.
    ///
    /// # Errors
    /// When rustls has no cipher suite; it is a mistake of this program.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// What the one in force says.
    #[must_use]
    pub fn info(&self) -> Info {
        self.now.read().unwrap_or_else(PoisonError::into_inner).info.clone()
    }

    /// Why the one that the configuration names is not in force, if it is not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.as_ref().and_then(|read| read.trouble.clone())
    }

    /// Takes another one if there is one. The one in force stays while the other is no good: its files may be written just
    /// now. The caller's thread waits for the disk.
    pub fn refresh(&self) {
        match &self.config.get().certificate {
            Some(Certificate::Files { cert, key }) => self.refresh_files(cert, key),
            Some(Certificate::SelfSigned) => match own(&self.config, &self.state) {
                Ok(certified) => self.take(certified),
                Err(error) => tracing::error!("the certificate stays as it is: {error}"),
            },
            None => {}
        }
    }

    /// [Refreshes](Self::refresh) until the server shuts down.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut checks = tokio::time::interval(CHECK_INTERVAL);
        let mut reminders = tokio::time::interval(REMINDER);
        reminders.reset();
        let mut changes = self.config.watch();
        loop {
            let is_own = !matches!(self.config.get().certificate, Some(Certificate::Files { .. }));
            tokio::select! {
                () = shutdown.cancelled() => return,
                // Nobody else writes our own.
                _ = checks.tick(), if !is_own => {}
                Ok(()) = changes.changed() => {}
                _ = reminders.tick() => {
                    if let Some(trouble) = self.info().trouble(now()) {
                        tracing::warn!("{trouble}");
                    }
                }
            }
            let certificates = self.clone();
            // What goes wrong is logged.
            let _ = tokio::task::spawn_blocking(move || certificates.refresh()).await;
        }
    }

    fn refresh_files(&self, cert: &Path, key: &Path) {
        let mut last = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let pem = Pem::read(cert, key);
        if pem.as_ref().ok().is_some_and(|pem| last.as_ref().and_then(|last| last.pem.as_ref()) == Some(pem))
        {
            return;
        }
        let certified = pem
            .as_ref()
            .map_err(ToString::to_string)
            .and_then(|pem| pem.certified(&name(cert), &name(key)).map_err(|error| error.to_string()));
        let trouble = certified.as_ref().err().cloned();
        if let Some(trouble) = &trouble
            && last.as_ref().and_then(|last| last.trouble.as_ref()) != Some(trouble)
        {
            tracing::error!("the certificate stays as it was: {trouble}");
        }
        *last = Some(Read { pem: pem.ok(), trouble });
        drop(last);
        if let Ok(certified) = certified {
            self.take(certified);
        }
    }

    fn take(&self, certified: Certified) {
        let mut now_shown = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if now_shown.info.fingerprint == certified.info.fingerprint {
            return;
        }
        tracing::info!(
            fingerprint = certified.info.fingerprint(),
            names = certified.info.names.join(" "),
            "another certificate is in force"
        );
        if let Some(trouble) = certified.info.trouble(now()) {
            tracing::warn!("{trouble}");
        }
        *now_shown = certified;
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

/// Our own, for all names that this computer has now.
fn own(config: &InForce<Config>, state: &StateDir) -> Result<Certified, SelfSignedError> {
    let names = self_signed::names(&config.get().host_names, &machine_addresses());
    self_signed::kept_or_made(state, &names, now())
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
