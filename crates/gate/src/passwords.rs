//! Hashing passwords: how many at once, and how many wait for that.

use super::Gate;
use lenscast_auth::presented::Presented;
use lenscast_auth::{AuthError, Known, Look};
use lenscast_base::time::now;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many passwords are hashed at once. Each takes 19 MiB.
const AT_ONCE: usize = 2;

/// How many logins may be under way at once, from all addresses: some hash, and the others wait for their turn. One more
/// is refused, and told to come again. One address has five of them at most, since each counts as a failure until it is settled.
pub const MAX_LOGINS: usize = 32;

/// The turns to hash a password.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    hashing: Arc<Semaphore>,
    logins: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { hashing: Arc::new(Semaphore::new(AT_ONCE)), logins: Arc::new(Semaphore::new(MAX_LOGINS)) }
    }
}

impl Gate {
    /// Looks up the credential that was given for a request of `address`. Takes some tens of milliseconds when a password
    /// has to be hashed, and longer when others wait for that, too.
    pub async fn look(&self, presented: &Presented, address: IpAddr) -> Known {
        let hashing = match self.auth().look(presented, address, now()) {
            Look::Known(known) => return known,
            Look::Hash(hashing) => hashing,
        };
        let by = hashing.by();
        let Ok(login) = self.0.turns.logins.clone().try_acquire_owned() else {
            return Known::refused(by, AuthError::Busy);
        };
        let gate = self.clone();
        let work = move || {
            let known = gate.auth().hash(hashing, now());
            drop(login);
            known
        };
        self.passwords(work).await
    }

    /// Does work that hashes a password, on a thread of its own. At most two such works run at once; the others wait,
    /// however many they are: bound the number of those who may ask for it, as [`Gate::look`] does.
    ///
    /// A caller that goes away does not make room: work that has begun runs to its end, and holds its turn until then. So
    /// however many logins hang up at once, no more than two hash.
    pub async fn passwords<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        // The turn lives as long as the work, not as long as the request that waits for it.
        let turn = self.0.turns.hashing.clone().acquire_owned().await;
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is being shut down, and the program ends.
                Err(_) => std::future::pending().await,
            },
        }
    }
}
