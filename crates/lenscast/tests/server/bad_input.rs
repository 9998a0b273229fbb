//! What a camera may send by mistake or malice: it is counted by cause, and everything goes on.

use crate::camera::RawCamera;
use crate::harness::*;
use lenscast_protocol::ws::{Opcode, frame_head};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

/// Sends a good frame and waits until it is seen as video.
async fn goes_on(server: &Running, camera: &mut Client, viewer: &mut Client, number: u32) {
    let before = server.status()["cameras"][0]["frames_in"].as_u64().unwrap();
    camera.send_jpeg(&jpeg(number)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == before + 1).await;
    let (_, unit) = viewer.framed().await;
    assert!(!unit.is_empty());
}

#[tokio::test]
async fn every_fault_has_a_counter_of_its_own_and_the_stream_goes_on() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    goes_on(&server, &mut camera, &mut viewer, 0).await;
    let good = jpeg(1);
    let sof = good.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut copy = good.clone();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        copy
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("not_a_jpeg", b"GIF89a, not a JPEG".to_vec()),
        ("truncated", good[..good.len() - 30].to_vec()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("zero_dimensions", with(sof + 7, &[0, 0])),
        ("too_many_pixels", with(sof + 5, &[0xFF, 0xFF, 0xFF, 0xFF])),
        ("unsupported", with(sof, &[0xFF, 0xC9])),
        ("bad_marker", with(sof + 2, &[0, 3])),
    ];
    for (number, (cause, message)) in cases.into_iter().enumerate() {
        let before = server.quarantined(cause);
        camera.send(Message::binary(message)).await;
        server.status_until(|_| server.quarantined(cause) == before + 1).await;
        goes_on(&server, &mut camera, &mut viewer, number as u32 + 1).await;
    }
    let status = server.status();
    assert_eq!(status["cameras"][0]["frames_in"], 9);
    assert_eq!(status["cameras"][0]["connected"], true);
}

#[tokio::test]
async fn damaged_entropy_data_is_a_cause_of_its_own_and_stays_visible_as_jpeg() {
    let server = start();
    let mut camera = server.camera().await;
    let mut video = server.viewer("format=h264").await;
    let mut jpegs = server.viewer("format=jpeg").await;
    goes_on(&server, &mut camera, &mut video, 0).await;
    jpegs.framed().await;
    let mut damaged = jpeg(1);
    let middle = damaged.len() / 2;
    // Ones without end are a code word of no Huffman table; stuffed, so that no marker appears.
    for pair in damaged[middle..middle + 64].chunks_mut(2) {
        pair.copy_from_slice(&[0xFF, 0x00]);
    }
    camera.send_jpeg(&damaged).await;
    server.status_until(|_| server.quarantined("damaged") == 1).await;
    assert_eq!(jpegs.framed().await.1, damaged);
    goes_on(&server, &mut camera, &mut video, 2).await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_closed_with_1009_and_a_reason() {
    let server = start();
    let mut other = server.connect("/ws/camera/other").await;
    // In full, as a camera would that does not listen while it sends.
    let mut raw = RawCamera::connect(&server).await;
    let head = frame_head(Opcode::Binary, 20_000_000, Some([1, 2, 3, 4]));
    raw.socket.write_all(head.as_bytes()).await.unwrap();
    let body = vec![0x55; 20_000_000];
    within(raw.socket.write_all(&body)).await.expect("the server reads on, so that its reason is heard");
    let (code, reason) = raw.closed().await;
    assert_eq!(code, 1009);
    assert!(reason.contains("4194304"), "{reason}");
    assert_eq!(server.quarantined("message_too_big"), 1);
    other.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][1]["frames_in"] == 1).await;
}

#[tokio::test]
async fn the_limits_are_those_of_the_configuration() {
    let server = start_with(|config| {
        config.limits.max_message_bytes = 50_000;
        config.limits.max_pixels = 320 * 240 - 1;
    });
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|_| server.quarantined("too_many_pixels") == 1).await;
    camera.send(Message::binary(vec![0; 50_001])).await;
    assert_eq!(camera.closed().await.0, 1009);
}

#[tokio::test]
async fn what_follows_the_picture_is_cut_and_of_glued_pictures_the_first_is_used() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=jpeg").await;
    let first = jpeg(1);
    for trailing in [vec![0; 1000], b"\r\n--boundary".to_vec(), jpeg(2)] {
        let glued = [first.clone(), trailing].concat();
        camera.send_jpeg(&glued).await;
        assert_eq!(viewer.framed().await.1, first);
    }
    assert_eq!(server.status()["cameras"][0]["quarantined"], serde_json::json!({}));
}

#[tokio::test]
async fn odd_tiny_and_huge_pictures_play_or_stay_visible_as_jpeg() {
    let server = start();
    let mut camera = server.camera().await;
    let mut video = server.viewer("format=h264").await;
    let mut jpegs = server.viewer("format=jpeg").await;
    for (width, height, coded) in
        [(1, 1, (16, 16)), (161, 121, (162, 122)), (320, 240, (320, 240)), (17, 300, (18, 300))]
    {
        camera.send_jpeg(&jpeg_of(1, width, height)).await;
        let (header, unit) = video.framed().await;
        assert!(header.key, "a new size begins with a key frame");
        let luma = Decoder::new().decode(&unit);
        assert_eq!((luma.width, luma.height), coded);
        jpegs.framed().await;
    }
    let huge = jpeg_of(1, 3856, 2400);
    camera.send_jpeg(&huge).await;
    server.status_until(|_| server.quarantined("too_large_for_video") == 1).await;
    assert_eq!(jpegs.framed().await.1, huge);
    camera.send_jpeg(&jpeg(2)).await;
    assert!(video.framed().await.0.key, "and the video goes on");
}
