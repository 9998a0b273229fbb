//! Reading the settings again while a server runs, and putting in force what can be.

use crate::config::{Config, Proxy};
use crate::loaded::{Loaded, Sources};
use crate::mistake::{Mistake, Mistakes};
use lenscast_base::in_force::InForce;
use lenscast_tls::Certificate;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use utoipa::ToSchema;

/// Keys that are only read when the server starts. Every other key is in force after a reload; a limit that belongs to
/// a whole connection is in force from the next connection on.
pub const NEED_RESTART: [&str; 8] =
    ["listen", "state_dir", "tls", "tls_cert", "tls_key", "tls_listen", "plain", "base_path"];

/// Keys of [`NEED_RESTART`] that can change in a running server after all, when the certificate comes from files both
/// before and after the change.
const OF_FILES: [&str; 2] = ["tls_cert", "tls_key"];

/// What became of the settings that have changed, by the names of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reload {
    /// In force now.
    pub applied: Vec<&'static str>,
    /// In force when the server is started again.
    pub needs_restart: Vec<&'static str>,
}

impl Reload {
    /// Compares the settings in force with those that were read, and sorts the changed keys: those that can be in force
    /// now, and those that need a restart. Nothing is changed.
    #[must_use]
    pub fn plan(in_force: &Loaded, read: &Loaded) -> Self {
        let pairs = in_force.values.iter().zip(&read.values);
        let changed = pairs.filter(|(old, new)| !old.is_same(new)).map(|(old, _)| old.key.name.as_str());
        let of_files = [in_force, read].into_iter().all(|loaded| {
            let tls = loaded.settings.tls.resolve().ok().flatten();
            tls.is_some_and(|tls| matches!(tls.certificate, Certificate::Files { .. }))
        });
        let (needs_restart, applied) =
            changed.partition(|name| NEED_RESTART.contains(name) && !(of_files && OF_FILES.contains(name)));
        Self { applied, needs_restart }
    }
}

impl fmt::Display for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.applied.as_slice() {
            [] => f.write_str("nothing to apply")?,
            applied => write!(f, "applied: {}", applied.join(", "))?,
        }
        match self.needs_restart.as_slice() {
            [] => Ok(()),
            waiting => write!(f, "; only when the server is started again: {}", waiting.join(", ")),
        }
    }
}

/// The means to read the settings of a running server again, from the same sources as at its start.
pub struct Reloader {
    sources: Sources,
    in_force: Mutex<Loaded>,
    set_log: Box<dyn Fn(&str) + Send + Sync>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").field("sources", &self.sources).finish_non_exhaustive()
    }
}

impl Reloader {
    /// Makes one for a server that was started with `loaded`, which was read from `sources`. `set_log` is called with
    /// the log's new filter when that changes.
    #[must_use]
    pub fn new(mut sources: Sources, loaded: Loaded, set_log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        // From now on the file that was found must exist. Otherwise a lost file would open to strangers what it closes.
        sources.file = sources.file.or_else(|| loaded.file.clone());
        Self { sources, in_force: Mutex::new(loaded), set_log: Box::new(set_log) }
    }

    /// The path of the configuration file; `None` when there is none.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        self.sources.file.clone()
    }

    /// Warnings about the settings in force: things that work, and are not as they should be.
    #[must_use]
    pub fn warnings(&self) -> Vec<Mistake> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner).warnings.clone()
    }

    /// Says what a reload would do now, and does nothing. The caller's thread waits for the disk.
    ///
    /// # Errors
    /// All mistakes in the settings as they stand now in file and environment.
    pub fn pending(&self) -> Result<Reload, Mistakes> {
        let read = self.sources.load()?;
        Ok(Reload::plan(&self.in_force.lock().unwrap_or_else(PoisonError::into_inner), &read))
    }

    /// Reads all settings again, and puts in force those that can be. The caller's thread waits for the disk, and for
    /// ffmpeg when another encoder was chosen and has to show that it works.
    ///
    /// # Errors
    /// All mistakes in the settings. Then nothing has changed.
    pub fn reload(&self, live: &InForce<Config>) -> Result<Reload, Mistakes> {
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = self.sources.load()?;
        let plan = Reload::plan(&in_force, &read);
        let old = live.get();
        let other_encoder = plan.applied.iter().any(|key| matches!(*key, "encoder" | "bitrate"));
        let new = if other_encoder { read.config()? } else { read.config_with(old.encoder.clone())? };
        live.set(Config {
            listen: old.listen,
            state_dir: old.state_dir.clone(),
            tls: old.tls.clone().map(|tls| tls.with_files_of(new.tls.as_ref())),
            proxy: Proxy { base_path: old.proxy.base_path.clone(), ..new.proxy },
            pts_origin: old.pts_origin,
            ..new
        });
        if plan.applied.contains(&"log") {
            (self.set_log)(&read.settings.log);
        }
        for warning in &read.warnings {
            tracing::warn!("{warning}");
        }
        // A key that waits for a restart keeps its old value in what counts as in force. So the next reload finds the
        // same difference, and says again that it waits.
        for (old, new) in in_force.values.iter().zip(&mut read.values) {
            if plan.needs_restart.contains(&old.key.name.as_str()) {
                *new = old.clone();
            }
        }
        *in_force = read;
        Ok(plan)
    }
}
