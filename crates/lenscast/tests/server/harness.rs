//! A running server, cameras and viewers for the tests.

use futures_util::{SinkExt as _, StreamExt as _};
use lenscast::app::App;
use lenscast::server::Server;
use lenscast_live::Stats;
use lenscast_media::h264::nal;
use lenscast_picture::jpeg::{self, Sampling};
use lenscast_picture::pattern::{Scene, read_strips};
use lenscast_protocol::{CameraName, FrameHeader};
use lenscast_settings::config::Config;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

/// Anything that takes this long never comes.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Running {
    pub address: SocketAddr,
    pub app: App,
    pub shutdown: CancellationToken,
    pub task: JoinHandle<()>,
}

/// A server on loopback with the default configuration.
pub fn start() -> Running {
    start_with(|_| {})
}

pub fn start_with(change: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    change(&mut config);
    let shutdown = CancellationToken::new();
    let server = Server::bind(config, shutdown.clone()).unwrap();
    let address = server.own_address();
    let app = server.app().clone();
    Running { address, app, shutdown, task: tokio::spawn(server.run()) }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Running {
    pub async fn camera(&self) -> Client {
        self.connect("/ws/camera").await
    }

    pub async fn viewer(&self, query: &str) -> Client {
        self.connect(&format!("/ws/viewer?{query}")).await
    }

    pub async fn connect(&self, path: &str) -> Client {
        let (socket, _) =
            within(tokio_tungstenite::connect_async(format!("ws://{}{path}", self.address))).await.unwrap();
        Client { socket }
    }

    /// A viewer for which the kernel holds little, so that a server soon notices when it does not read.
    pub async fn small_viewer(&self, query: &str) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let stream = within(socket.connect(self.address)).await.unwrap();
        let url = format!("ws://{}/ws/viewer?{query}", self.address);
        let stream = MaybeTlsStream::Plain(stream);
        let (socket, _) = within(tokio_tungstenite::client_async(url, stream)).await.unwrap();
        Client { socket }
    }

    /// Shuts the server down, and waits until it has ended.
    pub async fn end(mut self) {
        self.shutdown.cancel();
        within(&mut self.task).await.unwrap();
    }

    /// What `GET /status` says.
    pub fn status(&self) -> Value {
        serde_json::to_value(self.app.cameras.status()).unwrap()
    }

    /// What it says about one camera; null when it knows none of that name.
    pub fn camera_status(&self, name: &str) -> Value {
        camera_in(&self.status(), name)
    }

    /// Waits until it says that about one camera.
    pub async fn camera_until(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let status = self.status_until(|status| wanted(&camera_in(status, name))).await;
        camera_in(&status, name)
    }

    /// Waits until `GET /status` says what is wanted.
    pub async fn status_until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let poll = async {
            loop {
                let status = self.status();
                if wanted(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, poll).await {
            Ok(status) => status,
            Err(_) => panic!("the status never came to that: {}", self.status()),
        }
    }

    /// The counters of the camera `default`.
    pub fn stats(&self) -> Arc<Stats> {
        self.app.cameras.streams().get(&CameraName::default()).stats.clone()
    }

    /// Frames refused so far for `cause`, of the camera `default`.
    pub fn quarantined(&self, cause: &str) -> u64 {
        self.status()["cameras"][0]["quarantined"][cause].as_u64().unwrap_or(0)
    }
}

/// One camera of a status; null when there is none of that name.
pub fn camera_in(status: &Value, name: &str) -> Value {
    let cameras = status["cameras"].as_array().unwrap();
    cameras.iter().find(|camera| camera["name"] == name).cloned().unwrap_or_default()
}

/// A WebSocket client that is not ours.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub async fn send(&mut self, message: Message) {
        within(self.socket.send(message)).await.unwrap();
    }

    pub async fn send_jpeg(&mut self, jpeg: &[u8]) {
        self.send(Message::binary(jpeg.to_vec())).await;
    }

    /// The next binary message.
    pub async fn binary(&mut self) -> Vec<u8> {
        // Pings come for ever, so the bound is around them all.
        within(async {
            loop {
                if let Message::Binary(bytes) = self.message().await {
                    return bytes.into();
                }
            }
        })
        .await
    }

    /// The next JSON text message.
    pub async fn event(&mut self) -> Value {
        within(async {
            loop {
                if let Message::Text(text) = self.message().await {
                    return serde_json::from_str(&text).unwrap();
                }
            }
        })
        .await
    }

    pub async fn message(&mut self) -> Message {
        within(self.socket.next()).await.expect("the connection ended").unwrap()
    }

    /// Reads on until the server closes, and gives its code and reason.
    pub async fn closed(&mut self) -> (u16, String) {
        within(self.read_to_close()).await
    }

    async fn read_to_close(&mut self) -> (u16, String) {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
                    return (code.into(), reason.to_string());
                }
                Some(Ok(Message::Close(None))) | None => panic!("closed without a reason"),
                Some(Ok(_)) => {}
                Some(Err(error)) => panic!("the connection broke: {error}"),
            }
        }
    }

    pub async fn close(mut self) {
        within(self.socket.close(None)).await.unwrap();
        while let Some(Ok(_)) = within(self.socket.next()).await {}
    }

    /// The next message of the format `h264` or `jpeg`.
    pub async fn framed(&mut self) -> (FrameHeader, Vec<u8>) {
        let message = self.binary().await;
        let (header, payload) = FrameHeader::split(&message).expect("a header");
        (header, payload.to_vec())
    }
}

/// The status and body of the answer when a WebSocket is refused.
pub fn refusal(error: tungstenite::Error) -> (u16, String) {
    match error {
        tungstenite::Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8_lossy(body).into())
        }
        other => panic!("not refused in HTTP: {other}"),
    }
}

/// Awaits with a bound that only a hang reaches.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes far too long")
}

/// Waits until somebody listens at a Unix socket.
pub async fn until_listens(socket: impl AsRef<Path>) {
    within(async {
        while UnixStream::connect(&socket).await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Number `frame` of the test scene, QVGA.
pub fn jpeg(frame: u32) -> Vec<u8> {
    jpeg_of(frame, 320, 240)
}

pub fn jpeg_of(frame: u32, width: u16, height: u16) -> Vec<u8> {
    let scene = Scene { width, height, frame, clock_ms: u64::from(frame) * 100 };
    let mut out = Vec::new();
    jpeg::encode(&scene.painter(), 85, Sampling::Yuv422, &mut out).unwrap();
    out
}

/// A decoder of H.264 access units: openh264's.
pub struct Decoder(openh264::decoder::Decoder);

/// A decoded luma plane.
pub struct Luma {
    pub width: usize,
    pub height: usize,
    pub samples: Vec<u8>,
}

impl Decoder {
    pub fn new() -> Self {
        Self(openh264::decoder::Decoder::new().unwrap())
    }

    pub fn decode(&mut self, annex_b: &[u8]) -> Luma {
        use openh264::formats::YUVSource as _;
        let picture = self.0.decode(annex_b).unwrap().expect("every access unit is a picture");
        let (width, height) = picture.dimensions();
        let (stride, ..) = picture.strides();
        let samples = picture.y().chunks(stride).take(height).flat_map(|row| row[..width].to_vec()).collect();
        Luma { width, height, samples }
    }
}

impl Luma {
    /// The frame number that is drawn in the picture.
    pub fn frame_number(&self) -> u32 {
        read_strips(&self.samples, self.width, self.height, self.width).expect("readable strips").0
    }
}

/// The types of the NAL units of an access unit.
pub fn nal_types(annex_b: &[u8]) -> Vec<u8> {
    nal::nal_units(annex_b).map(|unit| unit.bytes[0] & 0x1F).collect()
}
