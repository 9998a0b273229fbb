//! A camera's connection, as others see it.

use crate::device::Device;
use lenscast_media::time::Micros;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// How a ping begins that asks whether a camera is alive; its number follows.
const QUESTION: &[u8] = b"alive?";

/// What is known about a camera when it connects.
#[derive(Clone, Debug)]
pub struct Camera {
    /// Where it connects from.
    pub peer: SocketAddr,
    /// Whether its device speaks `lenscast.v1`: tells about itself, and can be asked for another picture.
    pub control: bool,
}

/// One connection of a camera, as others see it.
#[derive(Debug)]
pub struct Session {
    /// What is known about the camera.
    pub camera: Camera,
    /// The device behind it, when that speaks `lenscast.v1`.
    pub device: Option<Device>,
    /// When the camera connected.
    pub since: Micros,
    /// Asks the connection to send [`Session::question`] as a ping.
    pub probe: Notify,
    /// How often that was asked.
    asked: AtomicU64,
    /// Which of these pings was answered last.
    answered: watch::Sender<u64>,
    /// Signs of life, pongs or not.
    heard: watch::Sender<()>,
    /// Asks the connection to give its name up.
    pub evict: CancellationToken,
    /// The connection has given its name up.
    gone: CancellationToken,
}

impl Session {
    /// The connection of `camera`, which came at the moment `since`.
    pub(super) fn new(camera: Camera, since: Micros) -> Self {
        Self {
            device: camera.control.then(Device::default),
            camera,
            since,
            probe: Notify::new(),
            asked: AtomicU64::new(0),
            answered: watch::Sender::new(0),
            heard: watch::Sender::new(()),
            evict: CancellationToken::new(),
            gone: CancellationToken::new(),
        }
    }

    /// Notes that the connection has given its name up.
    pub(super) fn leave(&self) {
        self.gone.cancel();
    }

    /// Notes a sign of life.
    pub fn heard(&self) {
        self.heard.send_replace(());
    }

    /// The content of a ping that nobody answered before.
    #[must_use]
    pub fn question(&self) -> Vec<u8> {
        [QUESTION, &self.asked.load(Ordering::Relaxed).to_be_bytes()].concat()
    }

    /// Notes a pong.
    pub fn answered(&self, pong: &[u8]) {
        if let Some(Ok(number)) = pong.strip_prefix(QUESTION).map(TryInto::try_into) {
            self.answered.send_replace(u64::from_be_bytes(number));
        }
    }

    /// Pings the camera, and tells whether it answers within `patience`.
    ///
    /// What else it says may have been on the way for long, while this server or the network hung: it proves nothing but when
    /// it still comes in the second half of that time, which it does from cameras that answer no pings.
    pub async fn is_alive(&self, patience: Duration) -> bool {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut answered = self.answered.subscribe();
        self.probe.notify_one();
        let others = async {
            tokio::time::sleep(patience / 2).await;
            let mut heard = self.heard.subscribe();
            tokio::time::timeout(patience / 2, heard.changed()).await.is_ok_and(|heard| heard.is_ok())
        };
        tokio::select! {
            answer = answered.wait_for(|&last| last >= number) => answer.is_ok(),
            () = self.gone.cancelled() => false,
            is_heard = others => is_heard,
        }
    }

    /// Makes the connection give its name up, and waits until it has.
    pub async fn take_over(&self) {
        self.evict.cancel();
        self.gone.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const PATIENCE: Duration = Duration::from_secs(2);

    fn session() -> Arc<Session> {
        let camera = Camera { peer: ([127, 0, 0, 1], 1).into(), control: false };
        Arc::new(Session::new(camera, Micros(0)))
    }

    /// Whether a camera is found alive that does this from the moment when it is asked.
    async fn is_alive<F: Future<Output = ()>>(does: impl FnOnce(Arc<Session>) -> F) -> bool {
        let session = session();
        let answer = async {
            session.probe.notified().await;
            does(session.clone()).await;
            std::future::pending::<bool>().await
        };
        tokio::select! {
            is_alive = session.is_alive(PATIENCE) => is_alive,
            _ = answer => unreachable!(),
        }
    }

    async fn after(ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_answers_is_alive_at_once_and_one_that_says_nothing_is_not() {
        let answers = |session: Arc<Session>| async move {
            after(1900).await;
            session.answered(&session.question());
            std::future::pending().await
        };
        assert!(is_alive(answers).await);
        assert!(!is_alive(|_session| std::future::pending()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_on_the_way_before_the_question_proves_nothing() {
        let buffered = |session: Arc<Session>| async move {
            for _ in 0..50 {
                session.heard();
            }
            // Pongs, but to other pings.
            session.answered(&[QUESTION, &0u64.to_be_bytes()].concat());
            session.answered(b"lenscast");
            session.answered(QUESTION);
            std::future::pending().await
        };
        assert!(!is_alive(buffered).await);
        let buffered_and_gone = |session: Arc<Session>| async move {
            session.heard();
            after(5).await;
            session.leave();
        };
        let asked = tokio::time::Instant::now();
        assert!(!is_alive(buffered_and_gone).await);
        assert!(asked.elapsed() < PATIENCE, "nobody waits for who has left");
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_answers_no_pings_is_alive_while_its_frames_come() {
        let sends = |session: Arc<Session>| async move {
            loop {
                session.heard();
                after(250).await;
            }
        };
        assert!(is_alive(sends).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_an_earlier_question_is_none_to_the_next() {
        let session = session();
        let first = session.question();
        assert!(!session.is_alive(PATIENCE).await);
        session.answered(&first);
        assert!(!session.is_alive(PATIENCE).await);
    }
}
