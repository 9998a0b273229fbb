//! How many watch, and how many listen to events: in total, and from one address.

use super::GateConfig;
use lenscast_base::addresses::Network;
use lenscast_base::in_force::InForce;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts those who watch, by any output that lasts, and those who listen to events. All addresses of an IPv6 network
/// count as one ([`Network`]).
#[derive(Debug)]
pub struct Admission {
    config: InForce<GateConfig>,
    /// In the order of [`Sort`].
    counts: [Mutex<Count>; 2],
}

/// What somebody is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// One who watches pictures.
    Viewer,
    /// One who listens to events.
    Listener,
}

#[derive(Debug, Default)]
struct Count {
    total: usize,
    by_network: HashMap<Network, usize>,
}

/// Why somebody may not watch or listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// As many watch as may in total. The number is the limit.
    #[error("{0} viewers are watching, which is the limit (--max-viewers)")]
    Full(usize),
    /// As many watch from this address as may. The number is the limit.
    #[error("{0} viewers from this address are watching, which is the limit (--max-viewers-per-address)")]
    AddressFull(usize),
    /// As many listen as may in total. The number is the limit.
    #[error("{0} pages are listening, which is the limit (--max-viewers)")]
    ListenersFull(usize),
    /// As many listen from this address as may. The number is the limit.
    #[error("{0} pages from this address are listening, which is the limit (--max-viewers-per-address)")]
    AddressListens(usize),
}

/// The right to watch or listen, until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    admission: Arc<Admission>,
    sort: Sort,
    network: Network,
}

impl Admission {
    /// A count of nobody. It admits as many as `config` allows at the moment.
    #[must_use]
    pub fn new(config: InForce<GateConfig>) -> Self {
        Self { config, counts: Default::default() }
    }

    /// Lets one more watch or listen, from `address`.
    ///
    /// # Errors
    /// [`Refusal`] when a limit is reached.
    pub fn admit(self: &Arc<Self>, sort: Sort, address: IpAddr) -> Result<Ticket, Refusal> {
        let GateConfig { max_viewers, max_viewers_per_address, .. } = *self.config.get();
        let network = Network::of(address);
        let mut count = self.lock(sort);
        if count.total >= max_viewers {
            return Err(match sort {
                Sort::Viewer => Refusal::Full(max_viewers),
                Sort::Listener => Refusal::ListenersFull(max_viewers),
            });
        }
        let here = count.by_network.get(&network).copied().unwrap_or_default();
        if here >= max_viewers_per_address {
            return Err(match sort {
                Sort::Viewer => Refusal::AddressFull(max_viewers_per_address),
                Sort::Listener => Refusal::AddressListens(max_viewers_per_address),
            });
        }
        count.by_network.insert(network, here + 1);
        count.total += 1;
        Ok(Ticket { admission: self.clone(), sort, network })
    }

    /// How many watch, or listen.
    #[must_use]
    pub fn total(&self, sort: Sort) -> usize {
        self.lock(sort).total
    }

    fn lock(&self, sort: Sort) -> MutexGuard<'_, Count> {
        self.counts[sort as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut count = self.admission.lock(self.sort);
        count.total -= 1;
        if let Some(here) = count.by_network.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                count.by_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_auth::policy::Policy;

    fn allow(max_viewers: usize, max_viewers_per_address: usize) -> GateConfig {
        GateConfig {
            policy: Policy::default(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            base_path: "/".into(),
            max_viewers,
            max_viewers_per_address,
            max_cameras: 1,
            max_camera_bytes: 0,
        }
    }

    #[test]
    fn another_address_of_the_same_ipv6_network_is_no_other_viewer() {
        let admission = Arc::new(Admission::new(InForce::new(allow(10, 2))));
        for sort in [Sort::Viewer, Sort::Listener] {
            let admit = |address: &str| admission.admit(sort, address.parse().unwrap());
            let _both = ["2001:db8::1", "2001:db8::2"].map(|address| admit(address).unwrap());
            assert!(admit("2001:db8::3").is_err(), "{sort:?}");
            assert!(admit("2001:db8:0:1::3").is_ok(), "{sort:?}");
        }
    }

    #[test]
    fn both_limits_hold_and_who_leaves_makes_room() {
        let config = InForce::new(allow(3, 2));
        let admission = Arc::new(Admission::new(config.clone()));
        let admit = |address| admission.admit(Sort::Viewer, address);
        let [a, b] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let first = admit(a).unwrap();
        let _second = admit(a).unwrap();
        assert_eq!(admit(a).unwrap_err(), Refusal::AddressFull(2));
        let third = admit(b).unwrap();
        assert_eq!(admit(b).unwrap_err(), Refusal::Full(3));
        drop(first);
        let _fourth = admit(a).unwrap();
        config.set(allow(1, 2));
        assert_eq!(admit(b).unwrap_err(), Refusal::Full(1), "who is there stays, and nobody comes");
        config.set(allow(4, 3));
        drop(admit(a).unwrap());
        drop(third);
        assert_eq!(admission.total(Sort::Viewer), 2);
        assert_eq!(admission.lock(Sort::Viewer).by_network.len(), 1, "nothing is kept about who left");
    }
}
