//! Watching: a viewer that notes when each byte came.

use super::server::{Socket, connect};
use crate::Result;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tungstenite::Message;

/// Bytes, and when the last of them had been read.
pub(crate) type Chunk = (Instant, Vec<u8>);

/// What a thread reads and another looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    chunks: Arc<Mutex<Vec<Chunk>>>,
}

impl Recording {
    /// Adds bytes that were read just now.
    pub(crate) fn push(&self, bytes: Vec<u8>) {
        let now = Instant::now();
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).push((now, bytes));
    }

    /// When the first bytes came, if any did.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).first().map(|(time, _)| *time)
    }

    /// How many pieces there are.
    pub(crate) fn len(&self) -> usize {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All that was read so far.
    pub(crate) fn take(&self) -> Vec<Chunk> {
        std::mem::take(&mut self.chunks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A viewer that reads in a thread of its own, until it is dropped.
pub(crate) struct Viewer {
    /// What it read: one access unit a chunk.
    pub(crate) recording: Recording,
    stream: TcpStream,
    thread: Option<JoinHandle<()>>,
}

impl Viewer {
    /// Connects to `/ws/viewer` and reads on from there.
    pub(crate) fn connect(server: SocketAddr) -> Result<Self> {
        let mut socket = connect(server, "/ws/viewer")?;
        let stream = socket.get_ref().try_clone()?;
        let recording = Recording::default();
        let record = recording.clone();
        let thread = thread::spawn(move || {
            while let Some(bytes) = next_binary(&mut socket) {
                record.push(bytes);
            }
        });
        Ok(Self { recording, stream, thread: Some(thread) })
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // Wakes the thread. It fails when the server closed the connection before, and then the thread is awake.
        #[expect(clippy::let_underscore_must_use, reason = "the other side may be gone at the end of a run")]
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a panic of that thread was told when it happened"
            )]
            let _ = thread.join();
        }
    }
}

/// How long a new viewer waits, from before it opens its connection until it has read its first access unit.
///
/// # Errors
/// No connection, or it broke.
pub(crate) fn join(server: SocketAddr) -> Result<Duration> {
    let start = Instant::now();
    let mut socket = connect(server, "/ws/viewer")?;
    socket.get_ref().set_read_timeout(Some(Duration::from_secs(5)))?;
    next_binary(&mut socket).ok_or("a joiner got nothing for 5 s")?;
    Ok(start.elapsed())
}

/// The next binary message; `None` when the connection is over.
fn next_binary(socket: &mut Socket) -> Option<Vec<u8>> {
    loop {
        // Pings are answered in there.
        if let Message::Binary(bytes) = socket.read().ok()? {
            return Some(bytes.into());
        }
    }
}
