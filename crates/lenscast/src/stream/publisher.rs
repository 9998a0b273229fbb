//! The writing side of a stream: one camera connection at a time.

use super::unit::JpegFrame;
use super::{State, Stream};
use crate::device::Device;
use bytes::Bytes;
use lenscast_media::time::Micros;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

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
    /// Asks the connection to send a ping.
    pub probe: Notify,
    /// When the camera was heard last.
    heard: watch::Sender<Micros>,
    /// Asks the connection to give its name up.
    pub evict: CancellationToken,
    /// The connection has given its name up.
    gone: CancellationToken,
}

impl Session {
    /// Notes a sign of life.
    pub fn heard(&self, at: Micros) {
        self.heard.send_replace(at);
    }

    /// Pings the camera. False when neither a pong nor a frame came for `patience` after `now`.
    pub async fn is_alive(&self, now: Micros, patience: Duration) -> bool {
        let mut heard = self.heard.subscribe();
        self.probe.notify_one();
        tokio::select! {
            answer = heard.wait_for(|&at| at > now) => answer.is_ok(),
            () = self.gone.cancelled() => false,
            () = tokio::time::sleep(patience) => false,
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
            heard: watch::Sender::new(self.clock.now()),
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
        let silent_after = stream.live.get().limits.silent_after;
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
