//! Viewers that stop reading, of all kinds: `stall_timeout` means what it says.

use crate::harness::*;
use lenscast_http::ended::Cause;
use lenscast_protocol::CameraName;
use lenscast_settings::config::Config;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// All ways to watch. Each reads the beginning of what it gets, and then nothing more.
const PATHS: [&str; 5] =
    ["/stream.mjpg", "/stream.ts", "/ws/viewer?format=jpeg", "/ws/viewer?format=h264", "/ws/viewer"];

/// A viewer that has seen something and reads no more. The kernel takes some kilobytes for it.
async fn stops_reading(server: &Running, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut socket = within(socket.connect(server.address)).await.unwrap();
    let upgrade = match path.starts_with("/ws") {
        true => {
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        }
        false => "",
    };
    let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{upgrade}\r\n", server.address);
    socket.write_all(head.as_bytes()).await.unwrap();
    within(socket.read_exact(&mut [0; 256])).await.unwrap();
    socket
}

/// A camera that sends small pictures, slowly: what it sends in a second fits into the kernel's buffers many times.
struct Slow {
    camera: Client,
    frames: u32,
}

impl Slow {
    async fn start(server: &Running) -> Self {
        let mut camera = server.camera().await;
        camera.send_jpeg(&jpeg_of(0, 64, 48)).await;
        Self { camera, frames: 0 }
    }

    async fn sends_while(&mut self, wanted: impl Fn() -> bool) {
        let began = Instant::now();
        while wanted() {
            assert!(began.elapsed() < 2 * PATIENCE, "it never comes to that");
            self.frames += 1;
            self.camera.send_jpeg(&jpeg_of(self.frames, 64, 48)).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn with_timeout(stall_timeout: Duration) -> Running {
    start_with(|config| config.limits.stall_timeout = stall_timeout)
}

fn stalled(server: &Running) -> u64 {
    server.app.cameras.streams().get(&CameraName::default()).stalled()
}

impl Running {
    fn set_stall_timeout(&self, stall_timeout: Duration) {
        let mut config: Config = (*self.app.program.config()).clone();
        config.limits.stall_timeout = stall_timeout;
        self.app.program.in_force().set(config);
    }
}

#[tokio::test]
async fn every_kind_of_viewer_is_closed_when_the_setting_says_and_counted() {
    for stall_timeout in [Duration::from_millis(400), Duration::from_secs(3)] {
        let server = with_timeout(stall_timeout);
        let mut camera = Slow::start(&server).await;
        for (count, path) in (1..).zip(PATHS) {
            let viewer = stops_reading(&server, path).await;
            let began = Instant::now();
            camera.sends_while(|| stalled(&server) < count).await;
            assert!(
                began.elapsed() + Duration::from_millis(50) >= stall_timeout,
                "{path} after {:?}",
                began.elapsed()
            );
            drop(viewer);
        }
        assert_eq!(server.app.serving.ended().of(Cause::Stalled), PATHS.len() as u64);
        server.status_until(|_| server.app.gate.watching() == 0).await;
    }
}

#[tokio::test]
async fn a_reload_counts_for_viewers_that_are_there() {
    let server = with_timeout(100 * PATIENCE);
    let mut camera = Slow::start(&server).await;
    let mut viewers = Vec::new();
    for path in PATHS {
        viewers.push(stops_reading(&server, path).await);
    }
    let began = Instant::now();
    camera.sends_while(|| began.elapsed() < Duration::from_millis(1500)).await;
    assert_eq!((stalled(&server), server.app.gate.watching()), (0, PATHS.len()));
    server.set_stall_timeout(Duration::from_millis(300));
    camera.sends_while(|| stalled(&server) < PATHS.len() as u64).await;

    // And the other way round: nobody is closed who may take longer now.
    server.set_stall_timeout(Duration::from_secs(1));
    let late = stops_reading(&server, "/stream.ts").await;
    server.set_stall_timeout(100 * PATIENCE);
    let began = Instant::now();
    camera.sends_while(|| began.elapsed() < Duration::from_secs(3)).await;
    assert_eq!((stalled(&server), server.app.gate.watching()), (PATHS.len() as u64, 1));
    drop(late);
}

#[tokio::test]
async fn a_viewer_that_has_all_there_is_may_wait_for_as_long_as_its_camera() {
    let server = with_timeout(Duration::from_millis(300));
    let mut camera = Slow::start(&server).await;
    let mut viewers = Vec::new();
    for path in ["/stream.mjpg", "/ws/viewer?format=jpeg", "/api/events"] {
        let mut socket = stops_reading(&server, path).await;
        // It reads all that comes.
        viewers.push(tokio::spawn(async move {
            let mut total = 0;
            loop {
                match socket.read(&mut [0; 4096]).await {
                    Ok(0) | Err(_) => return total,
                    Ok(count) => total += count,
                }
            }
        }));
    }
    let began = Instant::now();
    camera.sends_while(|| began.elapsed() < Duration::from_secs(1)).await;
    // The camera is there and sends nothing, for many times as long as a stall takes.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let began = Instant::now();
    camera.sends_while(|| began.elapsed() < Duration::from_millis(500)).await;
    assert!(viewers.iter().all(|viewer| !viewer.is_finished()));
    assert_eq!((stalled(&server), server.app.serving.ended().of(Cause::Stalled)), (0, 0));
    viewers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_listener_that_stops_reading_is_closed_too() {
    let server = with_timeout(Duration::from_millis(300));
    let mut camera = Slow::start(&server).await;
    let _listener = stops_reading(&server, "/api/events").await;
    camera.sends_while(|| server.app.serving.ended().of(Cause::Stalled) < 1).await;
    assert_eq!(stalled(&server), 0, "it watches nothing");
}
