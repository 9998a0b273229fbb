//! What all connections of a server share.

use super::callers::Callers;
use super::config::HttpConfig;
use super::crowd::{Crowd, Limits};
use super::ended::{Cause, Ended};
use super::failures::Failures;
use super::refused_cameras::RefusedCameras;
use lenscast_base::in_force::InForce;
use lenscast_base::notices::Notices;
use lenscast_tls::Certificates;
use std::net::IpAddr;
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
    crowd: Crowd,
    ended: Ended,
    notices: Notices,
    descriptors: usize,
    /// One clone more for each connection that is being told that there are too many.
    refusals: Arc<()>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// What all connections of a server have from outside.
#[derive(Debug)]
pub struct Parts {
    /// The limits, which a reload may change.
    pub config: InForce<HttpConfig>,
    /// The certificate that is shown, when there is TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// What was logged lately.
    pub notices: Notices,
    /// How many connections the system allows this process, beside its other open files.
    pub descriptors: usize,
    /// Cancelled when the server shuts down.
    pub shutdown: CancellationToken,
}

impl Serving {
    /// A server that has no connection yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { config, certificates, notices, descriptors, shutdown } = parts;
        let (handshakes, refused_cameras, callers, crowd, ended, refusals, tasks) = Default::default();
        Self(Arc::new(Inner {
            config,
            certificates,
            handshakes,
            refused_cameras,
            callers,
            crowd,
            ended,
            notices,
            descriptors,
            refusals,
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

    /// The places of the connections.
    #[must_use]
    pub fn crowd(&self) -> &Crowd {
        &self.0.crowd
    }

    /// How many connections there may be now: as many as the owner allows, and the system.
    #[must_use]
    pub fn places(&self) -> Limits {
        let limits = self.config().connections;
        Limits { connections: limits.connections.min(self.0.descriptors), ..limits }
    }

    /// Connections that were refused or ended because of a limit, by cause.
    #[must_use]
    pub fn ended(&self) -> &Ended {
        &self.0.ended
    }

    /// Counts a connection that is being told that there are too many, until what this gives is dropped.
    pub(super) fn refusing(&self) -> Arc<()> {
        self.0.refusals.clone()
    }

    /// How many connections are being told that there are too many.
    pub(super) fn refusals(&self) -> usize {
        Arc::strong_count(&self.0.refusals) - 1
    }

    /// Counts a connection that is refused or ended because of a limit, and logs it.
    pub(super) fn end(&self, cause: Cause, peer: IpAddr) {
        self.0.ended.count(cause);
        if self.0.notices.of(peer).due(cause.words()).is_some() {
            tracing::warn!(%peer, "{}", cause.words());
        }
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
