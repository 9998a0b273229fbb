//! Many viewers: slow ones, deaf ones, too many.

use crate::harness::*;
use crate::http::{get, request};
use futures_util::{SinkExt as _, StreamExt as _};
use lenscast_media::ts;
use lenscast_protocol::{CameraName, FrameHeader};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_viewer_that_does_not_read_costs_nobody_anything_and_resumes_at_a_key_frame() {
    // However long it takes to fill what the kernel holds, it is not closed meanwhile.
    let server = start_with(|config| config.limits.stall_timeout = 10 * PATIENCE);
    let mut camera = server.camera().await;
    let mut reader = server.viewer("format=h264").await;
    let mut lazy = server.small_viewer("events=1").await;
    let mut sent = 0;
    let mut ours = 0;
    // Fill what the kernel holds for the lazy one (160 KiB, and its bookkeeping), and go on until several key frames have
    // passed after that.
    let (mut keys, mut bytes) = (0, 0);
    while keys < 3 {
        sent += 1;
        camera.send_jpeg(&jpeg_of(sent, 640, 480)).await;
        let (header, unit) = reader.framed().await;
        assert!(!header.lost_before, "a viewer that reads misses nothing");
        ours += 1;
        bytes += unit.len();
        keys += u32::from(header.key && bytes > 1024 * 1024);
    }
    assert_eq!(ours, sent);
    // Now it reads again: what the kernel held, then a gap that is told, then a key frame.
    let mut before_gap = 0;
    let mut lost = None;
    let mut discontinuity = None;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut number = sent;
    loop {
        assert!(tokio::time::Instant::now() < deadline, "no gap was told after {before_gap} messages");
        match tokio::time::timeout(Duration::from_millis(20), lazy.socket.next()).await {
            Err(_) => {
                // It has caught up: only a new frame tells.
                number += 1;
                camera.send_jpeg(&jpeg_of(number, 640, 480)).await;
                reader.framed().await;
            }
            Ok(message) => match message.unwrap().unwrap() {
                Message::Text(text) => {
                    let event: serde_json::Value = serde_json::from_str(&text).unwrap();
                    if event["event"] == "lost" {
                        lost = event["frames"].as_u64();
                        assert_eq!(event["total"].as_u64(), lost);
                    }
                }
                Message::Binary(bytes) if lost.is_some() && discontinuity.is_none() => {
                    discontinuity = Some(bytes)
                }
                Message::Binary(bytes) if lost.is_some() => {
                    // Three packets without payload, one a PID, with the indicator; then the shared key frame.
                    let gap = discontinuity.unwrap();
                    assert_eq!(gap.len(), 3 * ts::PACKET_SIZE);
                    for packet in gap.chunks(ts::PACKET_SIZE) {
                        assert_eq!(packet[3] & 0x30, 0x20, "adaptation field only");
                        assert_eq!(packet[5] & 0x80, 0x80, "discontinuity_indicator");
                    }
                    assert_eq!(&bytes[..3], &[0x47, 0x40, 0x00], "PAT: a key frame");
                    break;
                }
                Message::Binary(_) => before_gap += 1,
                _ => {}
            },
        }
    }
    let status = server.status();
    assert_eq!(status["cameras"][0]["skipped"].as_u64(), lost);
    assert!(lost > Some(0));
    assert_eq!(status["cameras"][0]["dropped"], 0, "and the camera has lost nothing");
}

#[tokio::test]
async fn a_viewer_that_takes_and_says_nothing_is_closed_and_one_that_speaks_is_kept() {
    let server = start_with(|config| config.limits.stall_timeout = Duration::from_secs(2));
    let mut camera = server.camera().await;
    let mut reader = server.viewer("format=h264").await;
    // Neither reads; one speaks, often enough on a busy computer, too, however long frames take there.
    let (mut speak, mut unread) = server.viewer("format=h264").await.socket.split();
    let speaking = tokio::spawn(async move {
        loop {
            speak.send(Message::text("here")).await.expect("the one that speaks is kept");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let stream = server.app.cameras.streams().get(&CameraName::default());
    let mut number = 0;
    for dead in 1..=2 {
        let _dead = server.viewer("").await;
        while stream.stalled() < dead {
            number += 1;
            camera.send_jpeg(&jpeg_of(number, 640, 480)).await;
            reader.framed().await;
            assert!(number < 5000, "the dead one is never noticed");
        }
    }
    // It falls behind by more than is held for it.
    let (mut keys, mut bytes) = (0, 0);
    while keys < 3 {
        number += 1;
        camera.send_jpeg(&jpeg_of(number, 640, 480)).await;
        let (header, unit) = reader.framed().await;
        bytes += unit.len();
        keys += u32::from(header.key && bytes > 1024 * 1024);
    }
    // When it reads at last, it gets to the newest picture.
    loop {
        match within(unread.next()).await.unwrap().unwrap() {
            Message::Binary(bytes) => {
                let (header, _) = FrameHeader::split(&bytes).unwrap();
                if header.lost_before {
                    break;
                }
            }
            Message::Close(close) => panic!("the one that speaks was closed: {close:?}"),
            _ => {}
        }
    }
    assert!(!speaking.is_finished());
    speaking.abort();
}

#[tokio::test]
async fn too_many_viewers_are_told_so_in_http() {
    let server = start_with(|config| {
        config.limits.max_viewers = 3;
        config.limits.max_viewers_per_address = 2;
    });
    let _first = server.viewer("").await;
    let second = server.viewer("format=jpeg").await;
    for path in ["/stream.mjpg", "/stream.ts"] {
        let (code, _, body) = get(&server, path).await;
        assert_eq!(code, 429, "{path}");
        assert!(String::from_utf8(body).unwrap().contains("--max-viewers-per-address"));
    }
    let url = format!("ws://{}/ws/viewer", server.address);
    assert_eq!(refusal(tokio_tungstenite::connect_async(&url).await.unwrap_err()).0, 429);
    second.close().await;
    server.status_until(|_| server.app.gate.watching() == 1).await;
    let _third = server.viewer("").await;
}

#[tokio::test]
async fn too_many_connections_get_503() {
    let server = start_with(|config| config.limits.max_connections = 2);
    let _first = server.camera().await;
    let _second = server.viewer("").await;
    let (answer, _) = request(&server, &format!("GET /status HTTP/1.1\r\nHost: {}", server.address)).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}
