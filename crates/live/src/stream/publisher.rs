//! The writing side of a stream: one connection of a camera at a time.

use super::session::{Camera, Session};
use super::{State, Stream};
use crate::unit::JpegFrame;
use bytes::Bytes;
use lenscast_media::jpeg::exif;
use lenscast_media::time::Micros;
use lenscast_media::turn::Turn;
use std::sync::Arc;

/// The right to publish JPEGs as a stream's camera. When it is dropped, the camera has left, and nothing is live any more.
#[derive(Debug)]
pub struct Publisher {
    stream: Arc<Stream>,
    session: Arc<Session>,
}

impl Stream {
    /// Makes `camera` the publisher of this stream.
    ///
    /// # Errors
    /// The session that publishes already, when there is one.
    pub fn attach(self: &Arc<Self>, camera: Camera) -> Result<Publisher, Arc<Session>> {
        let mut state = self.lock();
        if let Some(session) = self.session() {
            return Err(session);
        }
        // Which device this is can only be told by one that speaks `lenscast.v1`.
        state.device_id.take_if(|_| !camera.control);
        self.notices.comes_from(camera.peer.ip());
        let session = Arc::new(Session::new(camera, self.clock.now()));
        self.stats.connected(session.since);
        self.session.send_replace(Some(session.clone()));
        self.stats.forget_trouble();
        drop(state);
        self.news.tell();
        Ok(Publisher { stream: self.clone(), session })
    }
}

impl Publisher {
    /// The stream on which this publishes.
    #[must_use]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// The connection of the camera.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Publishes a good JPEG to those who read JPEGs. Gives it back for [`Video::show`](crate::Video::show), which makes video of
    /// it. `width` and `height` are in pixels, as they stand in the JPEG; `arrival` is when the last byte came, on the arrival
    /// clock.
    ///
    /// The picture is turned as its EXIF says, and then as the owner wants ([`Stream::set_turn`]). What the owner wants is
    /// written into its EXIF; without a wish, `bytes` stay as they are.
    pub fn push(&self, bytes: Bytes, width: u16, height: u16, arrival: Micros) -> Arc<JpegFrame> {
        let stream = &self.stream;
        let (sent, wanted) = (exif::orientation(&bytes), stream.turn());
        let turn = sent.then(wanted);
        let bytes = if wanted == Turn::NONE { bytes } else { exif::with_orientation(&bytes, turn).into() };
        let (width, height) = turn.size((width, height));
        let before = stream.newest_jpeg().map(|frame| frame.arrival);
        let silence = before.map(|before| arrival.saturating_sub(before).to_duration());
        // By the rhythm until now, of which this picture is no part yet.
        let silent_after = stream.silent_after();
        let sequence = {
            let State { jpeg_sequence, live_since, .. } = &mut *stream.lock();
            if silence.is_none_or(|silence| silence >= silent_after) {
                *live_since = arrival;
            }
            *jpeg_sequence += 1;
            *jpeg_sequence - 1
        };
        let arrival_unix_us = stream.clock.unix_us(arrival);
        stream.stats.count_frame(arrival, stream.clock.now(), bytes.len());
        let frame = Arc::new(JpegFrame { sequence, bytes, turn, width, height, arrival, arrival_unix_us });
        stream.jpeg.send_replace(Some(frame.clone()));
        if before.is_none() {
            stream.news.tell();
        }
        frame
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stream.end_feed();
        let mut state = self.stream.lock();
        // Nothing stale for those who come later.
        state.gop.clear();
        self.stream.jpeg.send_replace(None);
        self.stream.session.send_replace(None);
        state.left_at = Some(self.stream.clock.now());
        drop(state);
        self.stream.news.tell();
        self.session.leave();
    }
}
