//! The real server, and somebody who watches.

use crate::servers::{Connection, Seen};
use futures_util::StreamExt as _;
use lenscast::server::Server;
use lenscast_protocol::FrameHeader;
use lenscast_settings::config::Config;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// The real server, on loopback.
pub struct Real {
    pub address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Real {
    pub fn start() -> Self {
        let config = Config { listen: "127.0.0.1:0".parse().expect("an address"), ..Config::default() };
        let shutdown = CancellationToken::new();
        let server = Server::bind(config, shutdown.clone()).expect("a port");
        let address = server.own_address();
        Self { address, shutdown, task: tokio::spawn(server.run()) }
    }

    /// Somebody who watches the JPEGs, and checks each.
    pub async fn watch(&self, check: impl Fn(&[u8]) -> Result<u64, String> + Send + 'static) -> Watcher {
        let url = format!("ws://{}/ws/viewer?format=jpeg", self.address);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("it accepts viewers");
        let seen =
            Arc::new(Mutex::new(Seen { connections: vec![Connection::default()], faults: Vec::new() }));
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            while let Some(message) = socket.next().await {
                let mut seen = shared.lock().expect("no panic");
                match message {
                    Ok(Message::Binary(bytes)) => {
                        let (_, jpeg) = FrameHeader::split(&bytes).expect("a header");
                        match check(jpeg) {
                            Ok(frame) => seen.connections[0].frames.push(frame),
                            Err(fault) => seen.faults.push(fault),
                        }
                    }
                    Ok(_) => {}
                    Err(error) => return seen.faults.push(error.to_string()),
                }
            }
        });
        Watcher { seen, task: task.abort_handle() }
    }

    /// What its status says of the camera `default`.
    pub async fn camera(&self) -> serde_json::Value {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let request = format!("GET /status HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let status: serde_json::Value = serde_json::from_str(body).expect("JSON");
        status["cameras"][0].clone()
    }

    pub async fn end(self) {
        self.shutdown.cancel();
        self.task.await.expect("no panic");
    }
}

pub struct Watcher {
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
}

impl Watcher {
    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("no panic").clone()
    }

    pub fn frames(&self) -> usize {
        self.seen.lock().expect("no panic").frames()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}
