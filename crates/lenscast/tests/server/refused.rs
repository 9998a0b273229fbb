//! What is no picture is counted, named and explained: in the log, in `/status` and by `lenscast doctor` alike.

use crate::harness::*;
use lenscast_media::causes::Cause;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

/// Base64 as every library writes it.
fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Marsaglia's xorshift64.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// A camera that sends nothing but these messages has this cause, and these words.
async fn is_told(messages: &[Message], cause: Cause, words: &str) -> Value {
    let server = start();
    let mut camera = server.camera().await;
    for message in messages.iter().cycle().take(messages.len().max(6)) {
        camera.send(message.clone()).await;
    }
    let told = server
        .camera_until("default", |camera| {
            camera["quarantined"][cause.name()].as_u64() >= Some(3)
                && camera["trouble"]["cause"] == cause.name()
        })
        .await;
    let trouble = &told["trouble"];
    assert!(trouble["text"].as_str().unwrap().contains(words), "{trouble} ≠ {words}");
    assert_eq!(trouble["advice"], cause.advice());
    assert_eq!((&told["state"], &told["frames_in"]), (&"no_frame".into(), &0.into()));
    // A good picture ends it.
    camera.send_jpeg(&jpeg(1)).await;
    let told = server.camera_until("default", |camera| camera["state"] == "live").await;
    assert_eq!(told["trouble"], Value::Null);
    told
}

#[tokio::test]
async fn a_jpeg_behind_other_bytes_is_told_with_its_place() {
    let case = include_bytes!("../../../media/tests/data/cases/four_bytes_before_soi.bin");
    is_told(
        &[Message::binary(&case[..])],
        Cause::JpegNotFirst,
        "a JPEG begins at byte 4: send nothing before it",
    )
    .await;
    for (seed, count) in [(1, 1), (2, 2), (3, 8), (4, 64), (5, 5000)] {
        let mut before = noise(seed, count);
        before.iter_mut().for_each(|byte| *byte &= 0x7F);
        before[0] = 0;
        let message = Message::binary([before, jpeg(seed as u32)].concat());
        let words = format!("a JPEG begins at byte {count}: send nothing before it");
        is_told(&[message], Cause::JpegNotFirst, &words).await;
    }
}

#[tokio::test]
async fn the_header_of_a_part_of_an_mjpeg_stream_is_told() {
    for header in [
        "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 7919\r\n\r\n",
        "\r\n--123456789000000000000987654321\r\ncontent-type: image/jpeg\r\n\r\n",
        "Content-Type: image/jpeg\r\n\r\n",
    ] {
        let message = Message::binary([header.as_bytes(), &jpeg(1)].concat());
        is_told(&[message], Cause::Multipart, &format!("begins at byte {}", header.len())).await;
    }
}

#[tokio::test]
async fn one_jpeg_in_several_messages_is_told() {
    for pieces in [2, 3, 11] {
        let jpeg = jpeg(pieces);
        let piece = jpeg.len().div_ceil(pieces as usize);
        let messages: Vec<_> = jpeg.chunks(piece).map(|piece| Message::binary(piece.to_vec())).collect();
        let messages = vec![messages; 4].concat();
        is_told(&messages, Cause::InPieces, "one JPEG arrives in several messages").await;
    }
}

#[tokio::test]
async fn a_jpeg_that_is_cut_is_not_taken_for_one_in_pieces() {
    let server = start();
    let mut camera = server.camera().await;
    let jpeg = jpeg(1);
    for _ in 0..5 {
        camera.send_jpeg(&jpeg[..jpeg.len() / 2]).await;
    }
    let told = server.camera_until("default", |camera| camera["quarantined"]["truncated"] == 5).await;
    assert_eq!(told["quarantined"], serde_json::json!({"truncated": 5}));
}

#[tokio::test]
async fn text_messages_are_told() {
    let words = "the camera sends text: send the JPEG as a binary message";
    is_told(&[Message::text("picture!")], Cause::Text, words).await;
    is_told(&[Message::text("x".repeat(5000))], Cause::Text, words).await;
    is_told(&[Message::text("{\"width\":320}")], Cause::Text, words).await;
}

#[tokio::test]
async fn base64_is_told_as_text_and_as_bytes() {
    let text = base64(&jpeg(1));
    for form in [
        text.clone(),
        format!("data:image/jpeg;base64,{text}"),
        format!("{{\"image\": \"{text}\"}}"),
        format!("\"{text}\""),
    ] {
        is_told(&[Message::text(form.clone())], Cause::JpegAsText, "send its bytes as a binary message")
            .await;
        is_told(
            &[Message::binary(form.into_bytes())],
            Cause::JpegAsText,
            "send its bytes as a binary message",
        )
        .await;
    }
}

#[tokio::test]
async fn files_and_streams_of_other_kinds_are_told_by_how_they_begin() {
    let with = |head: &[u8], seed| Message::binary([head, &noise(seed, 4000)].concat());
    let mut bmp = b"BM\x36\x84\x03\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend(noise(7, 3000));
    for (message, cause, words) in [
        (with(b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR", 1), Cause::Png, "a PNG"),
        (with(b"RIFF\x24\x1F\0\0WEBPVP8 ", 2), Cause::Webp, "a WebP"),
        (Message::binary(bmp), Cause::Bmp, "a BMP"),
        (with(b"\0\0\0\x01\x67\x42\xC0\x1E", 3), Cause::VideoStream, "H.264"),
        (with(b"\0\0\x01\x65\x88", 4), Cause::VideoStream, "H.264"),
        (with(b"\0\0\0\x01\x09\x10\0\0\0\x01\x67", 5), Cause::VideoStream, "H.264"),
        (with(b"\0\0\0\x01\x40\x01\x0C", 6), Cause::VideoStream, "H.265"),
        (Message::binary(&b"{\"frame\": 12, \"data\": [1, 2, 3]}"[..]), Cause::Json, "JSON"),
        (Message::binary(&b""[..]), Cause::Empty, "the message is empty"),
    ] {
        is_told(&[message], cause, words).await;
    }
}

#[tokio::test]
async fn raw_pixels_are_told_by_their_number() {
    for (width, height) in [(96_u64, 96_u64), (160, 120), (240, 240), (320, 240), (640, 480), (800, 600)] {
        for (bytes, format) in [(2_u64, "RGB565"), (3, "RGB888")] {
            let mut pixels = noise(width + bytes, (width * height * bytes) as usize);
            pixels[0] = 0x11;
            let words = format!("raw pixels of {width}×{height} in {format}");
            is_told(&[Message::binary(pixels)], Cause::RawPixels, &words).await;
        }
    }
    // 640×480 would be 480×320 in RGB565 as well.
    is_told(&[Message::binary(vec![0x11; 800 * 600])], Cause::RawPixels, "raw pixels of 800×600 in grey")
        .await;
}

#[tokio::test]
async fn a_greeting_before_the_first_picture_is_no_fault() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send(Message::text("hello, I am a camera")).await;
    for number in 1..=5 {
        camera.send(Message::text("frame follows")).await;
        camera.send_jpeg(&jpeg(number)).await;
    }
    let told = server.camera_until("default", |camera| camera["frames_in"] == 5).await;
    assert_eq!((&told["quarantined"], &told["trouble"]), (&serde_json::json!({}), &Value::Null));
}
