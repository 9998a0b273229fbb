//! The alternative to framing of our own: tokio-tungstenite, one task a viewer, shared bytes.

use super::recording::Recording;
use crate::Result;
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// As in the server.
const SEND_BUFFER: usize = 128 * 1024;
/// Messages that a slow viewer may fall behind.
const BACKLOG: usize = 32;

/// The library's buffers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Buffers {
    /// Its defaults.
    AsTheyCome,
    /// What a viewer needs who says nothing, and no collecting of messages to write.
    Small,
}

/// Plays the recording to whoever connects, until it is killed.
///
/// # Errors
/// No socket can be opened.
pub(super) fn run(recording: Recording, buffers: Buffers) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}/", listener.local_addr()?);
        let (sender, _) = broadcast::channel(BACKLOG);
        tokio::spawn(accept(listener, sender.clone(), buffers));
        let messages: Vec<Bytes> =
            recording.messages.iter().map(|(_, bytes)| Bytes::from(bytes.clone())).collect();
        let start = Instant::now();
        for index in 0.. {
            let (due, place) = recording.at(index);
            tokio::time::sleep_until(start + due).await;
            // Fails while nobody watches.
            #[expect(
                clippy::let_underscore_must_use,
                reason = "the other side may be gone at the end of a run"
            )]
            let _ = sender.send(messages[place].clone());
        }
        Ok(())
    })
}

async fn accept(listener: TcpListener, sender: broadcast::Sender<Bytes>, buffers: Buffers) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => drop(tokio::spawn(serve(socket, sender.subscribe(), buffers))),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Serves one viewer until it leaves.
async fn serve(socket: TcpStream, mut messages: broadcast::Receiver<Bytes>, buffers: Buffers) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    socket2::SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER).ok()?;
    let config = match buffers {
        Buffers::AsTheyCome => None,
        Buffers::Small => Some(WebSocketConfig::default().read_buffer_size(512).write_buffer_size(0)),
    };
    let mut socket = tokio_tungstenite::accept_async_with_config(socket, config).await.ok()?;
    loop {
        tokio::select! {
            heard = socket.next() => drop(heard?.ok()?),
            message = messages.recv() => match message {
                Ok(bytes) => socket.send(Message::Binary(bytes)).await.ok()?,
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            },
        }
    }
}
