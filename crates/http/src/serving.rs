//! What all connections of a server share.

use super::callers::Callers;
use super::config::HttpConfig;
use super::failures::Failures;
use super::refused_cameras::RefusedCameras;

use lenscast_base::in_force::InForce;
use lenscast_base::notices::Notices;
use lenscast_tls::Certificates;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What all connections of a server share: limits, counters, and how they end. Clones share it.
#[derive(Clone, Debug)]
pub struct Serving(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: InForce<HttpConfig>,
    certificates: Option<Arc<Certificates>>,
    handshakes: Failures,
    refused_cameras: RefusedCameras,
    callers: Callers,
    notices: Notices,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Serving {
    /// A server that has no connection yet. `certificates` is what it shows when it has TLS.
    #[must_use]
    pub fn new(
        config: InForce<HttpConfig>,
        certificates: Option<Arc<Certificates>>,
        shutdown: CancellationToken,
    ) -> Self {
        let (handshakes, refused_cameras, callers, notices, tasks) = Default::default();
        Self(Arc::new(Inner {
            config,
            certificates,
            handshakes,
            refused_cameras,
            callers,
            notices,
            shutdown,
            tasks,
        }))
    }

    /// The limits in force, which a reload may change.
    #[must_use]
    pub fn limits(&self) -> &InForce<HttpConfig> {
        &self.0.config
    }

    /// The limits as they are now.
    #[must_use]
    pub fn config(&self) -> Arc<HttpConfig> {
        self.0.config.get()
    }

    /// The certificate, when there is TLS.
    #[must_use]
    pub fn certificates(&self) -> Option<&Arc<Certificates>> {
        self.0.certificates.as_ref()
    }

    /// TLS handshakes that failed, by cause.
    #[must_use]
    pub fn handshakes(&self) -> &Failures {
        &self.0.handshakes
    }

    /// Cameras that were refused before they could send anything.
    #[must_use]
    pub fn refused_cameras(&self) -> &RefusedCameras {
        &self.0.refused_cameras
    }

    /// The addresses from which requests came.
    #[must_use]
    pub fn callers(&self) -> &Callers {
        &self.0.callers
    }

    /// What was logged about the server as a whole lately.
    #[must_use]
    pub fn notices(&self) -> &Notices {
        &self.0.notices
    }

    /// The token that is cancelled when the server shuts down.
    #[must_use]
    pub fn shutdown(&self) -> &CancellationToken {
        &self.0.shutdown
    }

    /// The connections that are open. All of them end before the process does.
    #[must_use]
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }
}
