//! What a camera may do.

use crate::harness::*;
use futures_util::SinkExt as _;
use lenscast_protocol::ws::{Opcode, frame_head, mask_in_place};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

#[tokio::test]
async fn a_frame_in_fragments_is_one_frame() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=jpeg").await;
    let jpeg = jpeg(7);
    // As the original device does it, with a ping in between as it may.
    let parts: Vec<&[u8]> = jpeg.chunks(4096).collect();
    assert!(parts.len() > 2);
    for (number, part) in parts.iter().enumerate() {
        let opcode = if number == 0 { Data::Binary } else { Data::Continue };
        let last = number + 1 == parts.len();
        camera.send(Message::Frame(Frame::message(part.to_vec(), OpCode::Data(opcode), last))).await;
        if number == 1 {
            camera.send(Message::Ping(b"between".to_vec().into())).await;
        }
    }
    assert_eq!(camera.message().await, Message::Pong(b"between".to_vec().into()));
    assert_eq!(viewer.framed().await.1, jpeg);
    assert_eq!(server.status()["cameras"][0]["frames_in"], 1);
}

#[tokio::test]
async fn text_is_ignored_and_a_ping_is_answered() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send(Message::text("hello")).await;
    camera.send(Message::Ping(b"are you there".to_vec().into())).await;
    assert_eq!(camera.message().await, Message::Pong(b"are you there".to_vec().into()));
    camera.send_jpeg(&jpeg(1)).await;
    let status = server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    assert_eq!(status["cameras"][0]["quarantined"], serde_json::json!({}));
}

#[tokio::test]
async fn a_close_is_answered_and_the_camera_is_gone() {
    let server = start();
    let mut camera = server.camera().await;
    server.status_until(|status| status["streaming"] == true).await;
    camera.send(Message::Close(None)).await;
    let answer = camera.message().await;
    assert!(matches!(answer, Message::Close(_)), "{answer:?}");
    let status = server.status_until(|status| status["streaming"] == false).await;
    assert_eq!(status["camera_clients"], 0);
}

#[tokio::test]
async fn a_camera_that_answers_no_ping_is_noticed() {
    let server = start_with(|config| {
        config.limits.ping_interval = Duration::from_millis(50);
        config.limits.camera_timeout = Duration::from_millis(300);
    });
    // Never read from, so it answers nothing; the connection itself stays up.
    let _mute = server.camera().await;
    let mut attentive = server.connect("/ws/camera/attentive").await;
    let status = server
        .status_until(|status| {
            status["cameras"].as_array().unwrap().len() == 2 && status["camera_clients"] == 2
        })
        .await;
    assert_eq!(status["streaming"], true);
    // Whoever answers is kept: reading makes the client answer pings.
    let gone = server.status_until(|status| status["camera_clients"] == 1);
    tokio::select! {
        message = async { loop { attentive.message().await; } } => message,
        status = gone => {
            let still: Vec<_> = status["cameras"].as_array().unwrap().iter().filter(|camera| camera["connected"] == true).collect();
            assert_eq!(still.len(), 1);
            assert_eq!(still[0]["name"], "attentive");
        }
    }
}

#[tokio::test]
async fn a_second_camera_of_a_name_gets_a_name_of_its_own_and_never_interleaves() {
    let server = start();
    let mut first = server.camera().await;
    first.send_jpeg(&jpeg_of(1, 320, 240)).await;
    server.status_until(|status| status["camera_clients"] == 1).await;
    let mut second = server.camera().await;
    second.send_jpeg(&jpeg_of(1000, 160, 120)).await;
    // The first one answers the server's probe, since it is read from.
    let renamed = server.status_until(|status| status["camera_clients"] == 2);
    let status = tokio::select! {
        status = renamed => status,
        () = async { loop { first.message().await; } } => unreachable!(),
    };
    let names: Vec<&str> =
        status["cameras"].as_array().unwrap().iter().map(|camera| camera["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["default", "default-2"]);
    let mut viewer = server.viewer("format=jpeg").await;
    for number in 2..12 {
        first.send_jpeg(&jpeg_of(number, 320, 240)).await;
        second.send_jpeg(&jpeg_of(1000 + number, 160, 120)).await;
        loop {
            let (_, picture) = viewer.framed().await;
            let size =
                lenscast_media::jpeg::inspect(&picture, &lenscast_media::jpeg::Limits::default()).unwrap();
            assert_eq!((size.width, size.height), (320, 240), "a frame of the other camera");
            if picture == jpeg_of(number, 320, 240) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_camera_that_lost_its_network_gets_its_name_back() {
    let server = start_with(|config| config.limits.takeover_timeout = Duration::from_millis(200));
    // Never read from, so that it answers no probe.
    let mut zombie = server.camera().await;
    zombie.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    let mut back = server.camera().await;
    back.send_jpeg(&jpeg(2)).await;
    let status = server.status_until(|status| status["cameras"][0]["frames_in"] == 2).await;
    assert_eq!(status["camera_clients"], 1);
    assert_eq!(status["cameras"].as_array().unwrap().len(), 1, "no second name: {status}");
    let (code, reason) = zombie.closed().await;
    assert_eq!(code, 1008, "{reason}");
}

#[tokio::test]
async fn more_cameras_than_allowed_are_told_so() {
    let server = start_with(|config| config.limits.max_cameras = 1);
    let _first = server.camera().await;
    server.status_until(|status| status["camera_clients"] == 1).await;
    let url = format!("ws://{}/ws/camera/second", server.address);
    let (status, sentence) = refusal(tokio_tungstenite::connect_async(url).await.unwrap_err());
    assert_eq!(status, 503);
    assert!(sentence.contains("--max-cameras"), "{sentence}");
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let server = start();
    for path in ["/ws/camera/UPPER", "/ws/camera/a.b", "/ws/viewer/a%20b"] {
        let url = format!("ws://{}{path}", server.address);
        let (status, _) = refusal(tokio_tungstenite::connect_async(url).await.unwrap_err());
        assert_eq!(status, 400, "{path}");
    }
}

#[tokio::test]
async fn what_breaks_rfc_6455_is_closed_with_a_reason_and_hurts_nobody_else() {
    let server = start();
    let mut good = server.connect("/ws/camera/good").await;
    let unmasked = lenscast_protocol::ws::frame(Opcode::Binary, b"x");
    let mut reserved = frame_head(Opcode::Binary, 1, Some([1, 2, 3, 4])).as_bytes().to_vec();
    reserved[0] |= 0x40;
    reserved.push(0);
    let mut text = frame_head(Opcode::Text, 2, Some([0; 4])).as_bytes().to_vec();
    text.extend([0xFF, 0xFE]);
    for (bytes, code) in [(unmasked, 1002), (reserved, 1002), (text, 1007)] {
        let mut raw = RawCamera::connect(&server).await;
        raw.socket.write_all(&bytes).await.unwrap();
        let (got, reason) = raw.closed().await;
        assert_eq!(got, code, "{reason}");
        assert!(reason.contains("RFC 6455"), "{reason}");
    }
    good.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
}

#[tokio::test]
async fn a_camera_that_dies_in_the_middle_of_a_frame_leaves_no_trace() {
    let server = start();
    let mut raw = RawCamera::connect(&server).await;
    let jpeg = jpeg(1);
    let mut bytes = frame_head(Opcode::Binary, jpeg.len(), Some([9, 8, 7, 6])).as_bytes().to_vec();
    let start = bytes.len();
    bytes.extend_from_slice(&jpeg[..jpeg.len() / 2]);
    mask_in_place(&mut bytes[start..], [9, 8, 7, 6], 0);
    raw.socket.write_all(&bytes).await.unwrap();
    server.status_until(|status| status["streaming"] == true).await;
    // A reset instead of an orderly end.
    raw.socket.set_zero_linger().unwrap();
    drop(raw);
    let status = server.status_until(|status| status["streaming"] == false).await;
    assert!(status["cameras"].as_array().unwrap().iter().all(|camera| camera["frames_in"] == 0), "{status}");
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg).await;
    camera.socket.flush().await.unwrap();
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
}

/// A camera below any WebSocket library, to send what those refuse to.
pub struct RawCamera {
    pub socket: TcpStream,
}

impl RawCamera {
    pub async fn connect(server: &Running) -> Self {
        Self::connect_to(server, "/ws/camera").await
    }

    pub async fn connect_to(server: &Running, path: &str) -> Self {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.address
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(within(socket.read_u8()).await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        Self { socket }
    }

    /// Reads until the server's close frame.
    pub async fn closed(&mut self) -> (u16, String) {
        let mut bytes = Vec::new();
        within(self.socket.read_to_end(&mut bytes)).await.unwrap();
        let mut decoder = lenscast_protocol::ws::Decoder::new(lenscast_protocol::ws::Role::Client, 1000);
        let mut input = &bytes[..];
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            if let lenscast_protocol::ws::Event::Close(Some(close)) = event {
                return close;
            }
        }
        panic!("no close frame");
    }
}
