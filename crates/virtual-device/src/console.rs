//! Where people type.
//!
//! A console is two bounded channels; a thread or a task at the other end moves the bytes. Nobody who reads slowly, or
//! not at all, makes a device wait.

mod log_lines;
mod plain;
mod pty;
mod stdio;

use std::io;
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};

use log_lines::LogLines;
pub use stdio::restore_terminal;

/// So many chunks can be on their way in one direction.
const CHUNKS: usize = 16;

/// A device's console.
#[derive(Debug)]
pub struct Console {
    pub(crate) input: Input,
    pub(crate) output: Output,
    closed: Option<oneshot::Receiver<()>>,
    _terminal: Option<stdio::Taken>,
}

/// What is typed.
#[derive(Debug)]
pub(crate) struct Input(Option<mpsc::Receiver<Typed>>);

/// What came from the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Bytes(Vec<u8>),
    /// Somebody has had enough, or there is no more input.
    End(End),
}

/// Why a console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The key for it.
    Key,
    /// Nothing more comes.
    Input,
}

/// Where to print.
#[derive(Debug)]
pub(crate) enum Output {
    Somebody(mpsc::Sender<Vec<u8>>),
    Log(LogLines),
}

impl Console {
    /// Nobody types. What the device logs goes to `tracing`.
    pub fn none() -> Self {
        Self { input: Input(None), output: Output::Log(LogLines::new()), closed: None, _terminal: None }
    }

    /// Standard input and output. A terminal gives every key to the device as long as this lives; the key `Ctrl-]` ends
    /// it. Then or when the program panics, the terminal is as before; see also [`restore_terminal`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stdio() -> io::Result<Self> {
        stdio::open()
    }

    /// A new pseudo-terminal, for programs such as picocom, and its path.
    ///
    /// # Errors
    /// When the system refuses.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O.
    pub fn pty() -> io::Result<(Self, PathBuf)> {
        pty::open()
    }

    /// Waits until all that was printed is out, or lost.
    pub(crate) async fn close(self) {
        drop(self.output);
        if let Some(closed) = self.closed {
            #[expect(clippy::let_underscore_must_use, reason = "who wrote is gone either way")]
            let _ = closed.await;
        }
    }
}

impl Input {
    /// The next of it; waits for ever after the end. Cancelling this loses nothing.
    pub(crate) async fn read(&mut self) -> Typed {
        let Some(input) = &mut self.0 else { return std::future::pending().await };
        let typed = input.recv().await.unwrap_or(Typed::End(End::Input));
        if matches!(typed, Typed::End(_)) {
            self.0 = None;
        }
        typed
    }
}

impl Output {
    /// Whether somebody may read it.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self, Self::Somebody(_))
    }

    /// Prints what `poll` puts into the buffer it is given, until it has nothing (0). Returns false when no more is taken
    /// now.
    pub(crate) fn print(&mut self, mut poll: impl FnMut(&mut [u8]) -> usize) -> bool {
        let mut buffer = [0; 1024];
        loop {
            match self {
                Self::Somebody(sender) => match sender.try_reserve() {
                    Err(mpsc::error::TrySendError::Full(())) => return false,
                    // Nobody will ever read it.
                    Err(mpsc::error::TrySendError::Closed(())) => {
                        while poll(&mut buffer) > 0 {}
                        return true;
                    }
                    Ok(permit) => match poll(&mut buffer) {
                        0 => return true,
                        length => permit.send(buffer[..length].to_vec()),
                    },
                },
                Self::Log(lines) => match poll(&mut buffer) {
                    0 => return true,
                    length => lines.feed(&buffer[..length]),
                },
            }
        }
    }

    /// Waits until [`print`](Self::print) can go on.
    pub(crate) async fn ready(&self) {
        if let Self::Somebody(sender) = self {
            drop(sender.reserve().await);
        }
    }
}
