//! A camera that goes on by itself and remembers when it sent.

use crate::Result;
use crate::bench::camera;
use crate::bench::frames::Frames;
use crate::bench::server;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};
use tungstenite::Message;

/// A camera in a thread of its own.
#[derive(Debug)]
pub(crate) struct Sender {
    stop: Arc<AtomicBool>,
    sent: Arc<Mutex<Vec<u64>>>,
    thread: JoinHandle<std::result::Result<(), String>>,
}

impl Sender {
    /// Connects to `path` and sends the frames at their rate, from number `first` on.
    ///
    /// # Errors
    /// No connection.
    pub(crate) fn start(address: SocketAddr, path: &str, frames: Arc<Frames>, first: usize) -> Result<Self> {
        let mut socket = server::connect(address, path)?;
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (stopped, note) = (stop.clone(), sent.clone());
        let thread = thread::spawn(move || {
            let send = |jpeg: &[u8]| {
                note.lock().unwrap_or_else(PoisonError::into_inner).push(unix_us());
                Ok(socket.send(Message::binary(jpeg.to_vec()))?)
            };
            let go_on = |_| !stopped.load(Ordering::Relaxed);
            camera::pace(&frames, first, send, go_on).map(drop).map_err(|error| error.to_string())
        });
        Ok(Self { stop, sent, thread })
    }

    /// When the sending of each frame began, in µs since the Unix epoch.
    pub(crate) fn sent(&self) -> Vec<u64> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many frames were sent.
    pub(crate) fn count(&self) -> usize {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Ends it.
    ///
    /// # Errors
    /// It could not send.
    pub(crate) fn end(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(self.thread.join().map_err(|_| "the camera's thread panicked")??)
    }
}

/// Now, in µs since the Unix epoch.
pub(crate) fn unix_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}
