//! The writing side of a stream: one camera connection at a time.

use super::{State, Stream};
use crate::device::Device;
use crate::unit::JpegFrame;
use bytes::Bytes;
use lenscast_media::time::Micros;
use std::net::SocketAddr;
use std::sync::Arc;
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

/// The right to publish on a stream. It ends when this is dropped, and with it what was live.
#[derive(Debug)]
pub struct Publisher {
    stream: Arc<Stream>,
    session: Arc<Session>,
}

impl Stream {
    /// Makes `camera` the stream's publisher.
    ///
    /// # Errors
    /// The session that publishes already.
    pub fn attach(self: &Arc<Self>, camera: Camera) -> Result<Publisher, Arc<Session>> {
        let mut state = self.lock();
        if let Some(session) = self.session() {
            return Err(session);
        }
        // Which device this is can only be told by one that speaks `lenscast.v1`.
        state.device_id.take_if(|_| !camera.control);
        let session = Arc::new(Session {
            device: camera.control.then(Device::default),
            camera,
            since: self.clock.now(),
            probe: Notify::new(),
            asked: AtomicU64::new(0),
            answered: watch::Sender::new(0),
            heard: watch::Sender::new(()),
            evict: CancellationToken::new(),
            gone: CancellationToken::new(),
        });
        self.session.send_replace(Some(session.clone()));
        drop(state);
        self.news.tell();
        Ok(Publisher { stream: self.clone(), session })
    }
}

impl Publisher {
    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// This connection.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Publishes a good JPEG: to those who read JPEGs at once, and to the pipeline.
    pub fn push(&self, bytes: Bytes, width: u16, height: u16, arrival: Micros) {
        let stream = &self.stream;
        let before = stream.newest_jpeg().map(|frame| frame.arrival);
        let silence = before.map(|before| arrival.saturating_sub(before).to_duration());
        let silent_after = stream.rules.get().silent_after;
        let (sequence, mailbox) = {
            let State { jpeg_sequence, mailbox, live_since, .. } = &mut *stream.lock();
            if silence.is_none_or(|silence| silence >= silent_after) {
                *live_since = arrival;
            }
            *jpeg_sequence += 1;
            (*jpeg_sequence - 1, mailbox.clone())
        };
        let arrival_unix_us = stream.clock.unix_us(arrival);
        stream.stats.count_frame(arrival, stream.clock.now(), bytes.len());
        let frame = Arc::new(JpegFrame { sequence, bytes, width, height, arrival, arrival_unix_us });
        if mailbox.is_some_and(|mailbox| mailbox.push(frame.clone())) {
            stream.stats.dropped.fetch_add(1, Ordering::Relaxed);
        }
        stream.jpeg.send_replace(Some(frame));
        if before.is_none() {
            stream.news.tell();
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stream.close_mailbox();
        let mut state = self.stream.lock();
        // Nothing stale for those who come later.
        state.gop.clear();
        self.stream.jpeg.send_replace(None);
        self.stream.session.send_replace(None);
        state.left_at = Some(self.stream.clock.now());
        drop(state);
        self.stream.news.tell();
        self.session.gone.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::news::News;
    use crate::stream::Rules;
    use lenscast_base::in_force::InForce;
    use lenscast_protocol::CameraName;

    const PATIENCE: Duration = Duration::from_secs(2);

    fn publisher() -> Publisher {
        let (name, rules) = (CameraName::default(), InForce::new(Rules::default()));
        let stream = Arc::new(Stream::new(name, Clock::start(), rules, News::default()));
        stream.attach(Camera { peer: ([127, 0, 0, 1], 1).into(), control: false }).unwrap()
    }

    /// Whether a camera is found alive that does this from the moment when it is asked.
    async fn is_alive<F: Future<Output = ()>>(does: impl FnOnce(Publisher) -> F) -> bool {
        let publisher = publisher();
        let session = publisher.session().clone();
        let answer = async {
            session.probe.notified().await;
            does(publisher).await;
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
        let answers = |publisher: Publisher| async move {
            after(1900).await;
            publisher.session().answered(&publisher.session().question());
            std::future::pending().await
        };
        assert!(is_alive(answers).await);
        assert!(!is_alive(|_publisher| std::future::pending()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_on_the_way_before_the_question_proves_nothing() {
        let buffered = |publisher: Publisher| async move {
            let session = publisher.session();
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
        let buffered_and_gone = |publisher: Publisher| async move {
            publisher.session().heard();
            after(5).await;
            drop(publisher);
        };
        let asked = tokio::time::Instant::now();
        assert!(!is_alive(buffered_and_gone).await);
        assert!(asked.elapsed() < PATIENCE, "nobody waits for who has left");
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_answers_no_pings_is_alive_while_its_frames_come() {
        let sends = |publisher: Publisher| async move {
            loop {
                publisher.session().heard();
                after(250).await;
            }
        };
        assert!(is_alive(sends).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_an_earlier_question_is_none_to_the_next() {
        let publisher = publisher();
        let session = publisher.session();
        let first = session.question();
        assert!(!session.is_alive(PATIENCE).await);
        session.answered(&first);
        assert!(!session.is_alive(PATIENCE).await);
    }
}
