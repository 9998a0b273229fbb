//! The process itself: its configuration, which may be read again, and its state directory.

use lenscast_auth::secret::Secret;
use lenscast_base::in_force::InForce;
use lenscast_base::state::StateDir;
use lenscast_base::time::now;
use lenscast_gate::Gate;
use lenscast_settings::config::Config;
use lenscast_settings::mistake::Mistakes;
use lenscast_settings::reload::{Reload, Reloader};
use std::sync::{Arc, OnceLock};

/// The process of a server. Clones share it.
#[derive(Clone, Debug)]
pub struct Program(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: InForce<Config>,
    reloader: OnceLock<Reloader>,
    state: Arc<StateDir>,
    gate: Gate,
    /// The key of this process's own virtual cameras.
    own_key: Secret,
}

impl Program {
    /// A process with this configuration. Its credentials, and `own_key` of its virtual cameras, are declared to `gate`.
    #[must_use]
    pub fn new(config: InForce<Config>, state: Arc<StateDir>, gate: Gate, own_key: Secret) -> Self {
        let reloader = OnceLock::new();
        let program = Self(Arc::new(Inner { config, reloader, state, gate, own_key }));
        program.declare();
        program
    }

    /// What the owner set, as it is now. Ask again for what is to change with a reload.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.0.config.get()
    }

    /// What the owner set, and how another configuration is put in force.
    #[must_use]
    pub fn in_force(&self) -> &InForce<Config> {
        &self.0.config
    }

    /// What is kept across restarts.
    #[must_use]
    pub fn state(&self) -> &StateDir {
        &self.0.state
    }

    /// How the settings are read again, if they can be.
    #[must_use]
    pub fn reloader(&self) -> Option<&Reloader> {
        self.0.reloader.get()
    }

    /// Lets the settings be read again while the server runs. Only the first call counts.
    pub fn set_reloader(&self, reloader: Reloader) {
        // A server is started from one set of sources, so there is no second reloader to lose.
        #[expect(clippy::let_underscore_must_use, reason = "it is set once, at the start")]
        let _ = self.0.reloader.set(reloader);
    }

    /// Reads the settings again and puts in force what can be, without ending any connection. `None` when this server was
    /// not started from settings. The caller's thread waits, as in [`Reloader::reload`].
    ///
    /// # Errors
    /// All that is wrong. Then nothing has changed.
    pub fn reload(&self) -> Option<Result<Reload, Mistakes>> {
        let outcome = self.reloader()?.reload(&self.0.config);
        self.declare();
        match &outcome {
            Ok(reload) => {
                tracing::info!("configuration reloaded; {reload}");
                if !self.config().access.open && !self.0.gate.auth().store().lets_anybody_in(now()) {
                    tracing::warn!(
                        "nobody can log in from elsewhere; lenscast access new view NAME makes a link"
                    );
                }
            }
            Err(problems) => tracing::error!("the configuration stays as it was: {problems}"),
        }
        Some(outcome)
    }

    /// Takes the credentials of the configuration.
    fn declare(&self) {
        let auth = self.0.gate.auth();
        let before = auth.store().list(now()).closed;
        auth.declare(&self.config().access.given(), &self.0.own_key, now());
        for camera in auth.store().list(now()).closed.difference(&before) {
            tracing::warn!(
                "the camera {camera} has no key any more and stays closed; lenscast access open {camera} opens it"
            );
        }
    }
}
