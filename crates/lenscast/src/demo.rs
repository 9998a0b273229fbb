//! Virtual cameras inside the server, so that somebody without a camera sees something move.
//!
//! Each is a whole [device](lenscast_virtual_device) that dials this server as any other; the server knows of it only
//! that it is one.

use crate::server::App;
use crate::stream::Session;
use lenscast_protocol::{CAMERA_PATH, CameraName};
use lenscast_virtual_device::{Error, FrameSize, Key, Options, Source, Stats};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many there may be.
pub const MAX_DEMOS: usize = 4;

/// How long the server may take to notice that one has left.
const LEAVING: Duration = Duration::from_secs(5);

/// The virtual cameras that run.
#[derive(Debug, Default)]
pub struct Demos {
    running: Mutex<BTreeMap<CameraName, Demo>>,
    /// Their tasks; closed when the server shuts down.
    pub tasks: TaskTracker,
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

/// The picture of one that somebody asked for with a button: VGA at 15 fps.
#[must_use]
pub fn picture() -> Options {
    Options {
        fps: Some(15.0),
        size: Some(FrameSize { width: 640, height: 480 }),
        ..Options::from_the_shop(Source::Pattern)
    }
}

/// Starts a virtual camera, which streams to this server under `name` until it is [stopped](stop) or the server ends.
/// The task gives why it could not go on.
///
/// # Errors
/// When there may be none, or none more.
pub fn start(
    app: &Arc<App>,
    name: CameraName,
    picture: Options,
) -> Result<JoinHandle<Result<(), Error>>, Refusal> {
    let mut running = app.demos.lock();
    if running.contains_key(&name) {
        return Err(Refusal::Running);
    }
    if app.streams.find(&name).is_some_and(|stream| stream.session().is_some()) {
        return Err(Refusal::Taken);
    }
    if running.len() >= MAX_DEMOS {
        return Err(Refusal::Full);
    }
    let max_cameras = app.config().limits.max_cameras;
    if app.streams.cameras() >= max_cameras {
        return Err(Refusal::NoRoom(max_cameras));
    }
    let demo = Demo { stop: app.shutdown.child_token(), ended: CancellationToken::new() };
    running.insert(name.clone(), demo.clone());
    drop(running);
    let path = if name == CameraName::default() { String::new() } else { format!("/{name}") };
    let server = format!("ws://{}{CAMERA_PATH}{path}", app.own_address());
    let key = Some(Key(app.demo_key.expose().to_owned()));
    let device = lenscast_virtual_device::run(
        Options { server: Some(server), key, ..picture },
        Stats::new(),
        demo.stop.cancelled_owned(),
    );
    let end = End { app: app.clone(), name, _ended: demo.ended.drop_guard() };
    Ok(app.demos.tasks.spawn(async move {
        let result = device.await;
        if let Err(error) = &result {
            tracing::warn!(camera = %end.name, %error, "a virtual camera ended");
        }
        drop(end);
        result
    }))
}

/// Ends a virtual camera, and waits until it has left. False when there is none of that name.
pub async fn stop(app: &App, name: &CameraName) -> bool {
    let Some(demo) = app.demos.lock().get(name).cloned() else {
        return false;
    };
    demo.stop.cancel();
    demo.ended.cancelled().await;
    if let Some(stream) = app.streams.find(name) {
        let mut session = stream.watch_session();
        let left = session.wait_for(Option::is_none);
        // It has said good-bye, so this is a matter of a moment; unless another camera took its place just now.
        let _ = tokio::time::timeout(LEAVING, left).await;
    }
    true
}

impl Demos {
    /// Whether the camera `name`, if it is connected by this `session`, is one of them. `own`: where they find this
    /// server, and so where they come from.
    #[must_use]
    pub fn is_one(&self, name: &CameraName, session: Option<&Session>, own: SocketAddr) -> bool {
        self.lock().contains_key(name)
            && session.is_none_or(|session| session.camera.peer.ip() == own.ip().to_canonical())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraName, Demo>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that a virtual camera ended, however that came.
struct End {
    app: Arc<App>,
    name: CameraName,
    _ended: tokio_util::sync::DropGuard,
}

impl Drop for End {
    fn drop(&mut self) {
        self.app.demos.lock().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::news::News;
    use crate::stream::{Camera, Rules};
    use crate::streams::Streams;
    use lenscast_base::in_force::InForce;

    #[test]
    fn a_camera_from_elsewhere_that_got_the_name_first_is_no_demo_camera() {
        let name = CameraName::new("demo").unwrap();
        let demos = Demos::default();
        let demo = Demo { stop: CancellationToken::new(), ended: CancellationToken::new() };
        demos.lock().insert(name.clone(), demo);
        let streams = Streams::new(InForce::new(Rules::default()), Clock::start(), News::default());
        let stream = streams.get(&name);
        let own = "127.0.0.1:8080".parse().unwrap();
        assert!(demos.is_one(&name, None, own), "it is about to connect");
        for (peer, wanted) in [("127.0.0.1:5", true), ("192.168.1.7:5", false)] {
            let camera = Camera { peer: peer.parse().unwrap(), control: true };
            let publisher = stream.attach(camera).unwrap();
            assert_eq!(demos.is_one(&name, Some(publisher.session()), own), wanted, "{peer}");
        }
        let other = CameraName::default();
        assert!(!demos.is_one(&other, None, own));
    }
}
