//! Clients of several addresses, and the camera and viewer that must not notice anything.

use crate::harness::*;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::MaybeTlsStream;

/// `/healthz` answers within this, whatever happens beside it. It takes a millisecond; a busy machine may need more.
const HEALTHY: Duration = Duration::from_secs(5);

/// As many connections as an attack may have here, 4,000 if possible: each takes two open files of this process, and other
/// tests run beside.
pub fn as_many_as_possible() -> usize {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    usize::try_from(files / 4).unwrap_or(4000).min(4000)
}

/// A connection from an address of this computer.
pub async fn connect_from(from: impl Into<IpAddr>, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.into(), 0)).unwrap();
    within(socket.connect(to)).await.unwrap()
}

/// A WebSocket from an address of this computer.
pub async fn web_socket_from(from: impl Into<IpAddr>, to: SocketAddr, path: &str) -> Client {
    let stream = MaybeTlsStream::Plain(connect_from(from, to).await);
    let (socket, _) =
        within(tokio_tungstenite::client_async(format!("ws://{to}{path}"), stream)).await.unwrap();
    Client { socket }
}

/// What a client hears until the connection ends, whether in order or by a reset.
pub async fn rest(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    #[expect(clippy::let_underscore_must_use, reason = "what was read before a reset counts")]
    let _ = within(socket.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether `/healthz` answers at once.
pub async fn is_healthy(from: impl Into<IpAddr>, to: SocketAddr) {
    let began = Instant::now();
    let mut socket = connect_from(from, to).await;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(began.elapsed() < HEALTHY, "after {:?}", began.elapsed());
}

/// A camera and a viewer that were there before the attack.
pub struct Household {
    address: SocketAddr,
    home: IpAddr,
    camera: Client,
    viewer: Client,
    frames: u32,
}

impl Household {
    /// Both come from `home`.
    pub async fn at(home: impl Into<IpAddr>, address: SocketAddr) -> Self {
        let home = home.into();
        let camera = web_socket_from(home, address, "/ws/camera/steady").await;
        let viewer = web_socket_from(home, address, "/ws/viewer/steady?format=jpeg").await;
        let mut household = Self { address, home, camera, viewer, frames: 0 };
        household.goes_on().await;
        household
    }

    /// The viewer sees what the camera sends.
    pub async fn goes_on(&mut self) {
        self.frames += 1;
        let picture = jpeg_of(self.frames, 64, 48);
        self.camera.send_jpeg(&picture).await;
        while self.viewer.framed().await.1 != picture {}
    }

    /// All is as it should be: who is there goes on, the server is healthy, and another camera and viewer come in.
    pub async fn is_well(&mut self, newcomer: &str) {
        self.goes_on().await;
        is_healthy(self.home, self.address).await;
        let mut camera = web_socket_from(self.home, self.address, &format!("/ws/camera/{newcomer}")).await;
        let path = format!("/ws/viewer/{newcomer}?format=jpeg");
        let mut viewer = web_socket_from(self.home, self.address, &path).await;
        camera.send_jpeg(&jpeg_of(1, 64, 48)).await;
        viewer.framed().await;
        self.goes_on().await;
    }
}
