//! The certificate in force, and how another takes its place while the server runs.

use crate::certificate::{CertificateError, Certified, Info, Pem};
use crate::self_signed::{self, SelfSignedError};
use crate::source::{Certificate, TlsConfig};
use lenscast_base::addresses::machine_addresses;
use lenscast_base::in_force::InForce;
use lenscast_base::state::StateDir;
use lenscast_base::time::now;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the certificate's files are looked at. Their whole content is compared: their dates would not change when
/// a symbolic link is pointed at other files, as certbot does.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is looked at whether the certificate that is made here ends soon.
const RENEWAL: Duration = Duration::from_secs(3600);

/// How often the log says that a certificate ends soon.
const REMINDER: Duration = Duration::from_secs(86_400);

/// Why TLS cannot begin. The text says what and why.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The owner's files cannot be used.
    #[error(transparent)]
    Files(#[from] CertificateError),
    /// A certificate cannot be made here.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    /// The TLS library refused its settings. That is a mistake of this program.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] Error),
}

/// The certificate in force, which another one may replace at any time. Each TLS handshake takes the one of that
/// moment.
#[derive(Debug)]
pub struct Certificates {
    config: InForce<TlsConfig>,
    state: Arc<StateDir>,
    /// The certificate that is shown now.
    now: RwLock<Certified>,
    /// The files as they were read last, and what was wrong with them. `None` for a certificate that is made here. The
    /// lock is held while files are read, so that two readers cannot take turns with old and new files.
    read: Mutex<Option<Read>>,
}

/// The certificate's two files as they were read last.
struct Read {
    /// Their content; `None` when they could not be read.
    pem: Option<Pem>,
    /// Why they cannot be used, if so.
    trouble: Option<String>,
}

/// Shows the trouble, and never the key.
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
    pub fn open(config: InForce<TlsConfig>, state: Arc<StateDir>) -> Result<Option<Arc<Self>>, TlsError> {
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

    /// The settings with which rustls serves. Each handshake shows the certificate that is in force at that moment.
    ///
    /// # Errors
    /// [`TlsError::Rustls`] when rustls has no cipher suite. That is a mistake of this program.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The content of the certificate in force: its names, its time and its fingerprint.
    #[must_use]
    pub fn info(&self) -> Info {
        self.now.read().unwrap_or_else(PoisonError::into_inner).info.clone()
    }

    /// Why the files that the configuration names are not in force, if they are not. An older certificate is shown
    /// then.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.as_ref().and_then(|read| read.trouble.clone())
    }

    /// Looks whether there is another certificate, and puts it in force. When the other cannot be used, the one in
    /// force stays: somebody may just be writing the files. Call this, too, when the clock was set:
    /// another certificate may be the good one then. The caller's thread waits for the disk.
    pub fn refresh(&self) {
        match &self.config.get().certificate {
            Some(Certificate::Files { cert, key }) => self.refresh_files(cert, key),
            Some(Certificate::SelfSigned) => self.refresh_own(),
            None => {}
        }
    }

    /// [Refreshes](Self::refresh) every few seconds, or every hour when the certificate is made here, and whenever the configuration changes, until `shutdown` is
    /// cancelled.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut checks = tokio::time::interval(CHECK_INTERVAL);
        let mut reminders = tokio::time::interval(REMINDER);
        reminders.reset();
        let mut renewals = tokio::time::interval(RENEWAL);
        renewals.reset();
        let mut changes = self.config.watch();
        loop {
            let is_own = !matches!(self.config.get().certificate, Some(Certificate::Files { .. }));
            tokio::select! {
                () = shutdown.cancelled() => return,
                // Nobody else writes a certificate that is made here, so its file is not read so often.
                _ = checks.tick(), if !is_own => {}
                _ = renewals.tick(), if is_own => {}
                Ok(()) = changes.changed() => {}
                _ = reminders.tick() => {
                    if let Some(trouble) = self.info().trouble(now()) {
                        tracing::warn!("{trouble}");
                    }
                }
            }
            let certificates = self.clone();
            // Nothing is lost when this fails: the next look comes in seconds. What goes wrong is logged.
            #[expect(clippy::let_underscore_must_use, reason = "what went wrong in it is logged there")]
            let _ = tokio::task::spawn_blocking(move || certificates.refresh()).await;
        }
    }

    fn refresh_own(&self) {
        // Where nothing is kept, another one would be made each time.
        if self.state.place().is_none() && self_signed::stays(&self.info(), &own_names(&self.config), now()) {
            return;
        }
        match own(&self.config, &self.state) {
            Ok(certified) => self.take(certified),
            Err(error) => tracing::error!("the certificate stays as it is: {error}"),
        }
    }

    fn refresh_files(&self, cert: &Path, key: &Path) {
        let mut last = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Most looks end here: the files are what they were, byte for byte. Bad files are logged once, not every five
        // seconds.
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

/// The certificate that is made here, for all names that this computer has now.
fn own(config: &InForce<TlsConfig>, state: &StateDir) -> Result<Certified, SelfSignedError> {
    self_signed::kept_or_made(state, &own_names(config), now())
}

/// All names that this computer has now.
fn own_names(config: &InForce<TlsConfig>) -> BTreeSet<String> {
    self_signed::names(&config.get().host_names, &machine_addresses())
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
