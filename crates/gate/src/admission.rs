//! How many watch: in total, and from one address.

use super::GateConfig;
use lenscast_base::in_force::InForce;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts those who watch, by any output that lasts.
#[derive(Debug)]
pub struct Admission {
    config: InForce<GateConfig>,
    watching: Mutex<Watching>,
}

#[derive(Debug, Default)]
struct Watching {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why somebody may not watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// As many watch as may in total. The number is the limit.
    #[error("{0} viewers are watching, which is the limit (--max-viewers)")]
    Full(usize),
    /// As many watch from this address as may. The number is the limit.
    #[error("{0} viewers from this address are watching, which is the limit (--max-viewers-per-address)")]
    AddressFull(usize),
}

/// The right to watch, until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Admission {
    /// A count of nobody. It admits as many as `config` allows at the moment.
    #[must_use]
    pub fn new(config: InForce<GateConfig>) -> Self {
        Self { config, watching: Mutex::default() }
    }

    /// Lets one more watch.
    ///
    /// # Errors
    /// [`Refusal`] when a limit is reached.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Ticket, Refusal> {
        let GateConfig { max_viewers, max_viewers_per_address, .. } = *self.config.get();
        let mut watching = self.lock();
        if watching.total >= max_viewers {
            return Err(Refusal::Full(max_viewers));
        }
        let here = watching.by_address.get(&address).copied().unwrap_or_default();
        if here >= max_viewers_per_address {
            return Err(Refusal::AddressFull(max_viewers_per_address));
        }
        watching.by_address.insert(address, here + 1);
        watching.total += 1;
        Ok(Ticket { admission: self.clone(), address })
    }

    /// How many watch.
    #[must_use]
    pub fn total(&self) -> usize {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, Watching> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut watching = self.admission.lock();
        watching.total -= 1;
        if let Some(here) = watching.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                watching.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_auth::policy::Policy;

    #[test]
    fn both_limits_hold_and_who_leaves_makes_room() {
        let allow = |max_viewers, max_viewers_per_address| GateConfig {
            policy: Policy::default(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            base_path: "/".into(),
            max_viewers,
            max_viewers_per_address,
            max_cameras: 1,
            max_camera_bytes: 0,
        };
        let config = InForce::new(allow(3, 2));
        let admission = Arc::new(Admission::new(config.clone()));
        let [a, b] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let first = admission.admit(a).unwrap();
        let _second = admission.admit(a).unwrap();
        assert_eq!(admission.admit(a).unwrap_err(), Refusal::AddressFull(2));
        let third = admission.admit(b).unwrap();
        assert_eq!(admission.admit(b).unwrap_err(), Refusal::Full(3));
        drop(first);
        let _fourth = admission.admit(a).unwrap();
        config.set(allow(1, 2));
        assert_eq!(admission.admit(b).unwrap_err(), Refusal::Full(1), "who is there stays, and nobody comes");
        config.set(allow(4, 3));
        drop(admission.admit(a).unwrap());
        drop(third);
        assert_eq!(admission.total(), 2);
        assert_eq!(admission.lock().by_address.len(), 1, "nothing is kept about who left");
    }
}
