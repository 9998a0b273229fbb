//! How many cameras are connected, and how many bytes their messages take together.

use super::GateConfig;
use lenscast_base::addresses::Network;
use lenscast_base::in_force::InForce;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a camera waits for one to leave that was told to make room. A good-bye takes 2 s at most.
const MAKING_ROOM: Duration = Duration::from_secs(4);

/// Counts the connections of cameras, from the handshake to their end, and the bytes that they make the server keep.
///
/// When as many are connected as may be, a camera from another address can still get in, so that nobody shuts all others out by
/// connecting often: the address that has the most connections gives one back, if it has at least two more than the
/// newcomer's. That is one that has sent no picture, or else the newest.
#[derive(Debug)]
pub struct Publishing {
    config: InForce<GateConfig>,
    now: Mutex<Now>,
    /// Told when a camera has left.
    left: Notify,
}

#[derive(Debug, Default)]
struct Now {
    /// The cameras that are connected, by the number of their ticket.
    cameras: BTreeMap<u64, Connected>,
    /// How many tickets there ever were.
    tickets: u64,
    /// The bytes of their messages.
    bytes: usize,
    /// Those of them that go beyond a camera's own share.
    beyond: usize,
}

#[derive(Debug)]
struct Connected {
    network: Network,
    /// Whether the camera has sent a good picture.
    has_sent: bool,
    /// Cancelled when the camera is to make room.
    evict: CancellationToken,
}

/// As many cameras are connected as may be. The number is the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} cameras are connected, which is the limit (--max-cameras)")]
pub struct CamerasFull(pub usize);

/// The messages of all cameras together take as many bytes as may be. The number is the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the messages of all cameras take {0} bytes, which is the limit (--max-camera-bytes); send smaller pictures"
)]
pub struct BytesFull(pub usize);

/// The right to be connected as a camera, until it is dropped.
///
/// It is taken before the handshake is answered, and held until the connection has ended: also while it is asked whether
/// another camera that has the name is alive, and while a good-bye is said.
#[derive(Debug)]
pub struct CameraTicket {
    publishing: Arc<Publishing>,
    number: u64,
    evicted: CancellationToken,
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
        Self { config, now: Mutex::default(), left: Notify::new() }
    }

    /// Lets one more camera be connected, from `address`. Takes some seconds when another one has to leave for it.
    ///
    /// # Errors
    /// [`CamerasFull`] when the limit is reached, and no address has many more cameras than this one.
    pub async fn admit(self: &Arc<Self>, address: IpAddr) -> Result<CameraTicket, CamerasFull> {
        let network = Network::of(address);
        let patience = tokio::time::sleep(MAKING_ROOM);
        tokio::pin!(patience);
        let mut asked = false;
        loop {
            // Listened for before it is looked, so that nobody leaves unheard in between.
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            let most = self.config.get().max_cameras;
            {
                let mut now = self.lock();
                if now.cameras.len() < most {
                    return Ok(self.ticket(&mut now, network));
                }
                if !std::mem::replace(&mut asked, true) && !now.make_room(network) {
                    return Err(CamerasFull(most));
                }
            }
            tokio::select! {
                () = left => {}
                () = &mut patience => return Err(CamerasFull(most)),
            }
        }
    }

    fn ticket(self: &Arc<Self>, now: &mut Now, network: Network) -> CameraTicket {
        now.tickets += 1;
        let (number, evict) = (now.tickets, CancellationToken::new());
        now.cameras.insert(number, Connected { network, has_sent: false, evict: evict.clone() });
        CameraTicket { publishing: self.clone(), number, evicted: evict, bytes: 0, beyond: 0 }
    }

    /// How many cameras are connected, and how many bytes their messages take.
    #[must_use]
    pub fn now(&self) -> (usize, usize) {
        let now = self.lock();
        (now.cameras.len(), now.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    /// Tells a camera of the address that has the most to leave, for a newcomer from `network`. False when none has so many.
    fn make_room(&self, network: Network) -> bool {
        let staying = || self.cameras.values().filter(|camera| !camera.evict.is_cancelled());
        let mut counts: HashMap<Network, usize> = HashMap::new();
        staying().for_each(|camera| *counts.entry(camera.network).or_default() += 1);
        let here = counts.get(&network).copied().unwrap_or_default();
        let Some((crowded, _)) =
            counts.into_iter().filter(|(_, count)| *count > here + 1).max_by_key(|(_, count)| *count)
        else {
            return false;
        };
        // From behind, so that of several that have sent nothing the newest is found first.
        let of_them = staying().filter(|camera| camera.network == crowded);
        let leaves = of_them.rev().min_by_key(|camera| camera.has_sent);
        leaves.inspect(|camera| camera.evict.cancel()).is_some()
    }
}

impl CameraTicket {
    /// A token that is cancelled when the camera is to make room for one from another address.
    #[must_use]
    pub fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    /// Notes that the camera has sent a good picture. Of several, those go first that have not.
    pub fn has_sent(&self) {
        if let Some(camera) = self.publishing.lock().cameras.get_mut(&self.number) {
            camera.has_sent = true;
        }
    }

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
        now.cameras.remove(&self.number);
        now.bytes -= self.bytes;
        now.beyond -= self.beyond;
        drop(now);
        self.publishing.left.notify_waiters();
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

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, last])
    }

    async fn admit(publishing: &Arc<Publishing>) -> CameraTicket {
        publishing.admit(address(1)).await.unwrap()
    }

    #[tokio::test]
    async fn however_many_come_at_once_no_more_get_in_than_may() {
        let publishing = publishing(4, 100);
        let come =
            |publishing: Arc<Publishing>| tokio::spawn(async move { publishing.admit(address(1)).await });
        let came: Vec<_> = (0..50).map(|_| come(publishing.clone())).collect();
        let mut tickets = Vec::new();
        for ticket in came {
            tickets.extend(ticket.await.unwrap());
        }
        assert_eq!((tickets.len(), publishing.now().0), (4, 4));
        assert_eq!(publishing.admit(address(1)).await.unwrap_err(), CamerasFull(4));
        drop(tickets);
        assert_eq!(publishing.now(), (0, 0));
        admit(&publishing).await;
    }

    /// Waits until a camera is told to make room.
    async fn evicted(camera: &CameraTicket) {
        let told = tokio::time::timeout(Duration::from_secs(60), camera.evicted().cancelled_owned()).await;
        told.expect("it is told to make room");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_from_another_address_gets_in_and_the_limit_holds_meanwhile() {
        let publishing = publishing(4, 100);
        let mut crowd = Vec::new();
        for _ in 0..4 {
            crowd.push(admit(&publishing).await);
        }
        // All have sent a picture but the second.
        [0, 2, 3].into_iter().for_each(|number: usize| crowd[number].has_sent());
        let newcomer = {
            let publishing = publishing.clone();
            tokio::spawn(async move { publishing.admit(address(2)).await })
        };
        evicted(&crowd[1]).await;
        assert_eq!(publishing.now().0, 4, "until it has left, nobody gets in");
        assert!(
            !crowd.iter().enumerate().any(|(number, camera)| number != 1 && camera.evicted().is_cancelled())
        );
        drop(crowd.remove(1));
        let newcomer = newcomer.await.unwrap().unwrap();
        assert_eq!(publishing.now().0, 4);
        // Three from one address and one from another: a third address gets one, and then it is fair.
        let third = {
            let publishing = publishing.clone();
            tokio::spawn(async move { publishing.admit(address(3)).await })
        };
        evicted(&crowd[2]).await;
        drop(crowd.pop());
        let third = third.await.unwrap().unwrap();
        for from in 1..=3 {
            publishing.admit(address(from)).await.expect_err("two, one and one are all that there is");
        }
        // One that does not leave keeps its place, and who waits for it is told.
        drop(third);
        let _three = admit(&publishing).await;
        assert_eq!(publishing.admit(address(4)).await.unwrap_err(), CamerasFull(4));
        drop(newcomer);
    }

    #[tokio::test]
    async fn who_takes_all_bytes_leaves_each_other_camera_its_share() {
        // 20 for each camera, and 80 for whoever needs more.
        let publishing = publishing(4, 160);
        let mut cameras = Vec::new();
        for _ in 0..4 {
            cameras.push(admit(&publishing).await);
        }
        cameras[0].hold(70).unwrap();
        cameras[1].hold(50).unwrap();
        assert_eq!(
            cameras[2].hold(21),
            Err(BytesFull(160)),
            "50 and 30 beyond their shares are all there is"
        );
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

    #[tokio::test]
    async fn a_reload_to_less_ends_nobody_and_counts_on() {
        let publishing = publishing(2, 100);
        let mut camera = admit(&publishing).await;
        camera.hold(70).unwrap();
        let less = GateConfig { max_cameras: 1, max_camera_bytes: 10, ..(*publishing.config.get()).clone() };
        publishing.config.set(less);
        publishing.admit(address(2)).await.unwrap_err();
        camera.hold(71).unwrap_err();
        camera.hold(5).unwrap();
        drop(camera);
        assert_eq!((publishing.now(), publishing.lock().beyond), ((0, 0), 0));
    }
}
