//! How many cameras are connected, and how many bytes their messages take together.

use super::GateConfig;
use lenscast_base::in_force::InForce;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections of cameras, from the handshake to their end, and the bytes that they make the server keep.
#[derive(Debug)]
pub struct Publishing {
    config: InForce<GateConfig>,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// How many cameras are connected.
    cameras: usize,
    /// The bytes of their messages.
    bytes: usize,
    /// Those of them that go beyond a camera's own share.
    beyond: usize,
}

/// As many cameras are connected as may be. The number is the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} cameras are connected, which is the limit (--max-cameras)")]
pub struct CamerasFull(pub usize);

/// The messages of all cameras together take as many bytes as may be. The number is the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the messages of all cameras take {0} bytes, which is the limit (--max-camera-bytes); send smaller pictures")]
pub struct BytesFull(pub usize);

/// The right to be connected as a camera, until it is dropped.
///
/// It is taken before the handshake is answered, and held until the connection has ended: also while it is asked whether
/// another camera that has the name is alive, and while a good-bye is said.
#[derive(Debug)]
pub struct CameraTicket {
    publishing: Arc<Publishing>,
    bytes: usize,
    /// Those of them that were counted as beyond the camera's share, which a reload may have changed since.
    beyond: usize,
}

/// The bytes that every camera has for itself, whatever the others do: half of all bytes are shared out to as many cameras as
/// may be connected. The other half is for whoever needs more.
///
/// Example with 64 MiB and 32 cameras: each has 1 MiB that nobody can take, which is many frames of VGA; and one that sends
/// 4 MiB at once takes 3 of the 32 MiB for all.
const fn share(config: &GateConfig) -> usize {
    let cameras = if config.max_cameras == 0 { 1 } else { config.max_cameras };
    config.max_camera_bytes / 2 / cameras
}

impl Publishing {
    /// A count of nobody. It admits as many as `config` allows at the moment.
    #[must_use]
    pub fn new(config: InForce<GateConfig>) -> Self {
        Self { config, now: Mutex::default() }
    }

    /// Lets one more camera be connected.
    ///
    /// # Errors
    /// [`CamerasFull`] when the limit is reached.
    pub fn admit(self: &Arc<Self>) -> Result<CameraTicket, CamerasFull> {
        let most = self.config.get().max_cameras;
        let mut now = self.lock();
        if now.cameras >= most {
            return Err(CamerasFull(most));
        }
        now.cameras += 1;
        Ok(CameraTicket { publishing: self.clone(), bytes: 0, beyond: 0 })
    }

    /// How many cameras are connected, and how many bytes their messages take.
    #[must_use]
    pub fn now(&self) -> (usize, usize) {
        let now = self.lock();
        (now.cameras, now.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CameraTicket {
    /// Notes that the camera's messages take so many bytes now: what came of the one that is not whole, and its newest picture.
    ///
    /// # Errors
    /// [`BytesFull`] when all cameras together would take too many. Then nothing has changed, and the connection has to end. What
    /// is within the camera's own share is never refused.
    pub fn hold(&mut self, bytes: usize) -> Result<(), BytesFull> {
        let config = self.publishing.config.get();
        let beyond = bytes.saturating_sub(share(&config));
        let mut now = self.publishing.lock();
        let all_beyond = now.beyond - self.beyond + beyond;
        let room = config.max_camera_bytes - config.max_camera_bytes / 2;
        if beyond > self.beyond && all_beyond > room {
            return Err(BytesFull(config.max_camera_bytes));
        }
        now.beyond = all_beyond;
        now.bytes = now.bytes - self.bytes + bytes;
        (self.bytes, self.beyond) = (bytes, beyond);
        Ok(())
    }
}

impl Drop for CameraTicket {
    fn drop(&mut self) {
        let mut now = self.publishing.lock();
        now.cameras -= 1;
        now.bytes -= self.bytes;
        now.beyond -= self.beyond;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_auth::policy::Policy;

    fn publishing(max_cameras: usize, max_camera_bytes: usize) -> Arc<Publishing> {
        let config = GateConfig {
            policy: Policy::default(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            base_path: "/".into(),
            max_viewers: 0,
            max_viewers_per_address: 0,
            max_cameras,
            max_camera_bytes,
        };
        Arc::new(Publishing::new(InForce::new(config)))
    }

    #[test]
    fn however_many_come_at_once_no_more_get_in_than_may() {
        let publishing = publishing(4, 100);
        let come = |publishing: Arc<Publishing>| std::thread::spawn(move || publishing.admit());
        let came: Vec<_> = (0..50).map(|_| come(publishing.clone())).collect();
        let tickets: Vec<_> = came.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect();
        assert_eq!((tickets.len(), publishing.now().0), (4, 4));
        assert_eq!(publishing.admit().unwrap_err(), CamerasFull(4));
        drop(tickets);
        assert_eq!(publishing.now(), (0, 0));
        publishing.admit().unwrap();
    }

    #[test]
    fn who_takes_all_bytes_leaves_each_other_camera_its_share() {
        // 20 for each camera, and 80 for whoever needs more.
        let publishing = publishing(4, 160);
        let mut cameras: Vec<_> = (0..4).map(|_| publishing.admit().unwrap()).collect();
        cameras[0].hold(70).unwrap();
        cameras[1].hold(50).unwrap();
        assert_eq!(cameras[2].hold(21), Err(BytesFull(160)), "50 and 30 beyond their shares are all there is");
        cameras[2].hold(20).unwrap();
        cameras[3].hold(20).unwrap();
        assert_eq!(publishing.now(), (4, 160), "never more, whoever comes");
        cameras[0].hold(60).expect("less is always possible");
        cameras[2].hold(30).unwrap();
        cameras[3].hold(21).unwrap_err();
        assert_eq!(publishing.now().1, 160);
        drop(cameras.remove(0));
        cameras[2].hold(60).unwrap();
        drop(cameras);
        assert_eq!(publishing.now(), (0, 0));
        assert_eq!(publishing.lock().beyond, 0);
    }

    #[test]
    fn a_reload_to_less_ends_nobody_and_counts_on() {
        let publishing = publishing(2, 100);
        let mut camera = publishing.admit().unwrap();
        camera.hold(70).unwrap();
        let less = GateConfig { max_cameras: 1, max_camera_bytes: 10, ..(*publishing.config.get()).clone() };
        publishing.config.set(less);
        publishing.admit().unwrap_err();
        camera.hold(71).unwrap_err();
        camera.hold(5).unwrap();
        drop(camera);
        assert_eq!((publishing.now(), publishing.lock().beyond), ((0, 0), 0));
    }
}
