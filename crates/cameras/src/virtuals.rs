//! Which cameras are virtual ones of this server.

use lenscast_live::Session;
use lenscast_protocol::CameraName;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The names of this server's own virtual cameras.
///
/// A virtual camera dials the server as any other, and the server knows of it only that it is one. Two things tell: its name
/// stands here, and it comes from the server's own address.
#[derive(Debug)]
pub struct Virtuals {
    own: IpAddr,
    names: Mutex<BTreeSet<CameraName>>,
}

impl Virtuals {
    /// No virtual cameras yet. They will come from the address `own`.
    #[must_use]
    pub fn new(own: IpAddr) -> Self {
        Self { own: own.to_canonical(), names: Mutex::default() }
    }

    /// Notes that a virtual camera of this name is about to come.
    pub fn add(&self, name: CameraName) {
        self.lock().insert(name);
    }

    /// Notes that the virtual camera of this name has ended.
    pub fn remove(&self, name: &CameraName) {
        self.lock().remove(name);
    }

    /// Whether the camera `name`, if it is connected by this `session`, is a virtual one.
    #[must_use]
    pub fn is_one(&self, name: &CameraName, session: Option<&Session>) -> bool {
        self.lock().contains(name) && session.is_none_or(|session| session.camera.peer.ip() == self.own)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<CameraName>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_base::in_force::InForce;
    use lenscast_live::Clock;
    use lenscast_live::News;
    use lenscast_live::Streams;
    use lenscast_live::{Camera, Rules};

    #[test]
    fn a_camera_from_elsewhere_that_got_the_name_first_is_no_virtual_one() {
        let name = CameraName::new("demo").unwrap();
        let virtuals = Virtuals::new([127, 0, 0, 1].into());
        virtuals.add(name.clone());
        let streams = Streams::new(InForce::new(Rules::default()), Clock::start(), News::default());
        let stream = streams.get(&name);
        assert!(virtuals.is_one(&name, None), "it is about to connect");
        for (peer, wanted) in [("127.0.0.1:5", true), ("192.168.1.7:5", false)] {
            let camera = Camera { peer: peer.parse().unwrap(), control: true };
            let publisher = stream.attach(camera).unwrap();
            assert_eq!(virtuals.is_one(&name, Some(publisher.session())), wanted, "{peer}");
        }
        assert!(!virtuals.is_one(&CameraName::default(), None));
        virtuals.remove(&name);
        assert!(!virtuals.is_one(&name, None));
    }
}
