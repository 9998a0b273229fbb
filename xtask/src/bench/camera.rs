//! Sending frames at a steady rate.

use super::frames::Frames;
use super::server::Socket;
use crate::Result;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tungstenite::Message;

/// Hands the frames over at their rate, from number `first` on, for as long as `go_on` says so of the number of those
/// that were handed over. Gives back when the last byte of each was.
///
/// # Errors
/// What `hand_over` says.
pub(crate) fn pace(
    frames: &Frames,
    first: usize,
    mut hand_over: impl FnMut(&[u8]) -> Result<()>,
    mut go_on: impl FnMut(usize) -> bool,
) -> Result<Vec<Instant>> {
    let mut sent = Vec::new();
    let start = Instant::now();
    while go_on(sent.len()) {
        let due = start + Duration::from_secs(1) * u32::try_from(sent.len())? / frames.fps;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        hand_over(frames.jpeg(first + sent.len()))?;
        sent.push(Instant::now());
    }
    Ok(sent)
}

/// A camera that is connected to `/ws/camera`.
pub(crate) struct Camera {
    socket: Socket,
}

impl Camera {
    /// Connects.
    pub(crate) fn connect(server: SocketAddr) -> Result<Self> {
        Ok(Self { socket: super::server::connect(server, "/ws/camera")? })
    }

    /// Sends one JPEG as one message.
    pub(crate) fn send(&mut self, jpeg: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary(jpeg.to_vec()))?)
    }

    /// Goes on sending in a thread of its own, from frame number `first` on.
    pub(crate) fn send_in_background(mut self, frames: Arc<Frames>, first: usize) -> Background {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let go_on = |_| !stopped.load(Ordering::Relaxed);
            pace(&frames, first, |jpeg| self.send(jpeg), go_on).map(drop).map_err(|error| error.to_string())
        });
        Background { stop, thread }
    }
}

/// A camera that sends by itself until it is ended.
pub(crate) struct Background {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<std::result::Result<(), String>>,
}

impl Background {
    /// Ends it.
    ///
    /// # Errors
    /// It could not send.
    pub(crate) fn end(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(self.thread.join().map_err(|_| "the camera's thread panicked")??)
    }
}
