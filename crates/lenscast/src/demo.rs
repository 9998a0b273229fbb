//! Virtual cameras inside the server, so that somebody without a camera sees something move.
//!
//! Each is a whole [device](lenscast_virtual_device) that dials this server as any other; the server knows of it only
//! that it is one.

use lenscast_auth::secret::Secret;
use lenscast_cameras::Cameras;
use lenscast_gate::Gate;
use lenscast_http::serving::Serving;
use lenscast_protocol::{CAMERA_PATH, CameraName};
use lenscast_virtual_device::{Error, FrameSize, Key, Options, Source, Stats};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many virtual cameras there may be.
pub const MAX_DEMOS: usize = 4;

/// How long the server may take to notice that one has left.
const LEAVING: Duration = Duration::from_secs(5);

/// The virtual cameras that run. Clones share them.
#[derive(Clone, Debug)]
pub struct Demos(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cameras: Cameras,
    gate: Gate,
    serving: Serving,
    /// Where a virtual camera finds this server.
    own: SocketAddr,
    /// The key with which the virtual cameras are let in.
    key: Secret,
    running: Mutex<BTreeMap<CameraName, Demo>>,
    /// Their tasks; closed when the server shuts down.
    tasks: TaskTracker,
}

#[derive(Clone, Debug)]
struct Demo {
    stop: CancellationToken,
    ended: CancellationToken,
}

/// Why none was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is one of that name.
    #[error("that virtual camera is running already")]
    Running,
    /// A camera that is none of ours has the name.
    #[error("a camera of that name is connected")]
    Taken,
    /// There are as many as there may be.
    #[error("{MAX_DEMOS} virtual cameras are running, which is the limit")]
    Full,
    /// There are as many cameras of any kind as there may be.
    #[error("{0} cameras are connected, which is the limit (--max-cameras)")]
    NoRoom(usize),
}

/// The picture of a virtual camera that somebody asked for with a button: VGA at 15 fps.
#[must_use]
pub fn picture() -> Options {
    Options {
        fps: Some(15.0),
        size: Some(FrameSize { width: 640, height: 480 }),
        ..Options::from_the_shop(Source::Pattern)
    }
}

impl Demos {
    /// No virtual cameras yet. They will find this server at `own`, and be let in with `key`.
    #[must_use]
    pub fn new(cameras: Cameras, gate: Gate, serving: Serving, own: SocketAddr, key: Secret) -> Self {
        let (running, tasks) = Default::default();
        Self(Arc::new(Inner { cameras, gate, serving, own, key, running, tasks }))
    }

    /// Starts a virtual camera, which streams to this server under `name` until it is [stopped](Demos::stop) or the server
    /// ends. The task gives why it could not go on.
    ///
    /// # Errors
    /// When there may be none, or none more.
    pub fn start(
        &self,
        name: CameraName,
        picture: Options,
    ) -> Result<JoinHandle<Result<(), Error>>, Refusal> {
        let Inner { cameras, gate, serving, own, key, tasks, .. } = &*self.0;
        let mut running = self.lock();
        if running.contains_key(&name) {
            return Err(Refusal::Running);
        }
        if cameras.streams().find(&name).is_some_and(|stream| stream.session().is_some()) {
            return Err(Refusal::Taken);
        }
        if running.len() >= MAX_DEMOS {
            return Err(Refusal::Full);
        }
        let max_cameras = gate.config().max_cameras;
        if gate.publishing().0 >= max_cameras {
            return Err(Refusal::NoRoom(max_cameras));
        }
        let demo = Demo { stop: serving.shutdown().child_token(), ended: CancellationToken::new() };
        running.insert(name.clone(), demo.clone());
        drop(running);
        cameras.virtuals().add(name.clone());
        let path = if name == CameraName::default() { String::new() } else { format!("/{name}") };
        let server = format!("ws://{own}{CAMERA_PATH}{path}");
        let key = Some(Key(key.expose().to_owned()));
        let device = lenscast_virtual_device::run(
            Options { server: Some(server), key, ..picture },
            Stats::new(),
            demo.stop.cancelled_owned(),
        );
        let end = End { demos: self.clone(), name, _ended: demo.ended.drop_guard() };
        Ok(tasks.spawn(async move {
            let result = device.await;
            if let Err(error) = &result {
                tracing::warn!(camera = %end.name, %error, "a virtual camera ended");
            }
            drop(end);
            result
        }))
    }

    /// Ends a virtual camera, and waits until it has left. False when there is none of that name.
    pub async fn stop(&self, name: &CameraName) -> bool {
        let Some(demo) = self.lock().get(name).cloned() else {
            return false;
        };
        demo.stop.cancel();
        demo.ended.cancelled().await;
        if let Some(stream) = self.0.cameras.streams().find(name) {
            let mut session = stream.watch_session();
            let left = session.wait_for(Option::is_none);
            // It has said good-bye, so this is a matter of a moment; unless another camera took its place just now.
            #[expect(
                clippy::let_underscore_must_use,
                reason = "it has said good-bye, unless another camera took its place just now"
            )]
            let _ = tokio::time::timeout(LEAVING, left).await;
        }
        true
    }

    /// How many virtual cameras have not ended yet.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.tasks.len()
    }

    /// Waits until all of them have ended, which they do when the server shuts down.
    pub async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraName, Demo>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that a virtual camera ended, however that came.
struct End {
    demos: Demos,
    name: CameraName,
    _ended: tokio_util::sync::DropGuard,
}

impl Drop for End {
    fn drop(&mut self) {
        self.demos.lock().remove(&self.name);
        self.demos.0.cameras.virtuals().remove(&self.name);
    }
}
