//! A camera's connection, as others see it.

use crate::device::Device;
use lenscast_media::time::Micros;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// The beginning of a ping that asks whether a camera is alive. The number of the question follows, in eight bytes.
const QUESTION: &[u8] = b"alive?";

/// What is known about a camera at the moment when it connects.
#[derive(Clone, Debug)]
pub struct Camera {
    /// The address and port from which the camera connects.
    pub peer: SocketAddr,
    /// Whether the camera's device speaks `lenscast.v1`: it tells about itself, and can be asked for another picture.
    pub control: bool,
}

/// One connection of a camera, as others see it.
#[derive(Debug)]
pub struct Session {
    /// What is known about the camera.
    pub camera: Camera,
    /// The device behind the camera, when it speaks `lenscast.v1`.
    pub device: Option<Device>,
    /// When the camera connected, on the arrival clock.
    pub since: Micros,
    /// Wakes the connection's task, which is to send [`Session::question`] as a ping.
    pub probe: Notify,
    /// How many questions were asked.
    asked: AtomicU64,
    /// The number of the question that was answered last; 0 while none was.
    answered: watch::Sender<u64>,
    /// Whether any ping was ever answered. Some cameras answer none.
    answers_pings: AtomicBool,
    /// Wakes those who wait for a sign of life, whether a frame, a pong or anything else.
    heard: watch::Sender<()>,
    /// Tells the connection's task to give the name up.
    pub evict: CancellationToken,
    /// Cancelled when the connection has given its name up.
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
            answers_pings: AtomicBool::new(false),
            heard: watch::Sender::new(()),
            evict: CancellationToken::new(),
            gone: CancellationToken::new(),
        }
    }

    /// Notes that the connection has given its name up.
    pub(super) fn leave(&self) {
        self.gone.cancel();
    }

    /// Notes that the camera sent something, whatever that is.
    pub fn heard(&self) {
        self.heard.send_replace(());
    }

    /// The content of a ping that asks the newest question: `alive?` and its number.
    #[must_use]
    pub fn question(&self) -> Vec<u8> {
        [QUESTION, &self.asked.load(Ordering::Relaxed).to_be_bytes()].concat()
    }

    /// Whether the camera has answered a ping on this connection.
    #[must_use]
    pub fn answers_pings(&self) -> bool {
        self.answers_pings.load(Ordering::Relaxed)
    }

    /// Notes a pong with this content. One that answers no question of ours only shows that the camera answers pings.
    pub fn answered(&self, pong: &[u8]) {
        self.answers_pings.store(true, Ordering::Relaxed);
        if let Some(Ok(number)) = pong.strip_prefix(QUESTION).map(TryInto::try_into) {
            self.answered.send_replace(u64::from_be_bytes(number));
        }
    }

    /// Whether the camera is alive: it answers a ping within `patience`, or goes on sending.
    ///
    /// Frames alone prove little. They may have been on the way for long, while this server or the network hung. So frames count
    /// only in the second half of `patience`; by then, what was on the way has been read. That is enough for cameras that
    /// never answer a ping. Of such a camera a frame is waited for as long as `due`, if that is longer: a slow one may send one
    /// in 10 s.
    pub async fn is_alive(&self, patience: Duration, due: Duration) -> bool {
        // Each question has a number, so that a late answer to the one before counts for nothing. Example with 2 s of patience:
        //
        //     0.0 s  the ping "alive?" 7 is sent
        //     0.1 s  five frames are read, and a pong with 6: they were on the way before. Not counted.
        //     1.0 s  from here on, frames count
        //     1.3 s  a pong with 7: alive. Or a frame: alive too.
        //     2.0 s  nothing: not alive
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut answered = self.answered.subscribe();
        self.probe.notify_one();
        let frames = async {
            tokio::time::sleep(patience / 2).await;
            let mut heard = self.heard.subscribe();
            let due = if self.answers_pings() { Duration::ZERO } else { due };
            tokio::time::timeout(due.max(patience / 2), heard.changed())
                .await
                .is_ok_and(|heard| heard.is_ok())
        };
        tokio::select! {
            answer = answered.wait_for(|&last| last >= number) => answer.is_ok(),
            () = self.gone.cancelled() => false,
            is_heard = frames => is_heard,
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
        is_alive_when_due(Duration::ZERO, session(), does).await
    }

    /// The same of this session, whose next frame is due within a time.
    async fn is_alive_when_due<F: Future<Output = ()>>(
        due: Duration,
        session: Arc<Session>,
        does: impl FnOnce(Arc<Session>) -> F,
    ) -> bool {
        let answer = async {
            session.probe.notified().await;
            does(session.clone()).await;
            std::future::pending::<bool>().await
        };
        tokio::select! {
            is_alive = session.is_alive(PATIENCE, due) => is_alive,
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
    async fn a_slow_camera_that_answers_no_pings_is_alive_while_it_keeps_its_rhythm() {
        let due = Duration::from_secs(15);
        let slow = |session: Arc<Session>| async move {
            after(9_500).await;
            session.heard();
            std::future::pending().await
        };
        assert!(is_alive_when_due(due, session(), slow).await);
        assert!(!is_alive(slow).await, "nobody knows its rhythm");
        let asked = tokio::time::Instant::now();
        assert!(!is_alive_when_due(due, session(), |_session| std::future::pending()).await);
        assert!(asked.elapsed() <= due + PATIENCE, "one that is gone is not waited for longer");
        // One that has answered pings before does so now, if it is there.
        let answering = session();
        answering.answered(b"lenscast");
        assert!(!is_alive_when_due(due, answering, slow).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_an_earlier_question_is_none_to_the_next() {
        let session = session();
        let first = session.question();
        assert!(!session.is_alive(PATIENCE, Duration::ZERO).await);
        session.answered(&first);
        assert!(!session.is_alive(PATIENCE, Duration::ZERO).await);
    }
}
