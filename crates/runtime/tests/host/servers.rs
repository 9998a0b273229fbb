//! A server that is not ours: what a device streams to it is checked byte by byte.

use crate::picture;
use futures_util::StreamExt as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};

/// What a receiver saw of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The numbers of its frames, in order.
    pub frames: Vec<u64>,
    /// Why it ended, once it did: empty after a good-bye.
    pub end: Option<String>,
}

/// What a receiver saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub connections: Vec<Connection>,
    /// What was wrong with a message.
    pub faults: Vec<String>,
}

impl Seen {
    pub fn frames(&self) -> usize {
        self.connections.iter().map(|connection| connection.frames.len()).sum()
    }

    /// Every frame was whole, each came once, and in order.
    pub fn check(&self) {
        assert_eq!(self.faults, [] as [&str; 0], "{} frames were whole", self.frames());
        let numbers: Vec<u64> =
            self.connections.iter().flat_map(|connection| &connection.frames).copied().collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}

/// A WebSocket server by tokio-tungstenite.
pub struct Foreign {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
}

impl Foreign {
    /// One that checks each frame of the run with this seed.
    pub async fn start(seed: u64) -> Self {
        Self::start_with(move |bytes| picture::check(seed, bytes)).await
    }

    /// One that checks each frame so.
    pub async fn start_with(check: impl Fn(&[u8]) -> Result<u64, String> + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("somebody connects");
                tokio::spawn(serve(stream, check.clone(), shared.clone()));
            }
        });
        Self { address, seen, task: task.abort_handle() }
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("no panic").clone()
    }

    pub fn frames(&self) -> usize {
        self.seen.lock().expect("no panic").frames()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, check: impl Fn(&[u8]) -> Result<u64, String>, seen: Arc<Mutex<Seen>>) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let number = {
        let mut seen = seen.lock().expect("no panic");
        seen.connections.push(Connection::default());
        seen.connections.len() - 1
    };
    let end = loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                let mut seen = seen.lock().expect("no panic");
                match check(&bytes) {
                    Ok(frame) => seen.connections[number].frames.push(frame),
                    Err(fault) => seen.faults.push(fault),
                }
            }
            Some(Ok(Message::Text(text))) => {
                seen.lock().expect("no panic").faults.push(format!("a text without a subprotocol: {text}"));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let broken = matches!(
                    &error,
                    Error::Protocol(problem) if *problem != ProtocolError::ResetWithoutClosingHandshake
                );
                if broken {
                    seen.lock().expect("no panic").faults.push(format!("{error}"));
                }
                break error.to_string();
            }
            None => break String::new(),
        }
    };
    seen.lock().expect("no panic").connections[number].end = Some(end);
    #[expect(clippy::let_underscore_must_use, reason = "the device may be gone")]
    let _ = socket.close(None).await;
}
