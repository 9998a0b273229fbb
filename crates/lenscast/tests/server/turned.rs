//! Pictures the right way up: as their EXIF says, and as the owner wants.

use crate::device::{hello, telemetry};
use crate::harness::*;
use crate::http::{find, get, read_until};
use lenscast_live::pipeline::ffmpeg::Ffmpeg;
use lenscast_media::jpeg::{self, exif};
use lenscast_media::picture::I420;
use lenscast_media::turn::Turn;
use serde_json::json;

/// 320×240, to be turned by a quarter: what an ESP32 camera sends that turns its picture by EXIF.
const ORIENTATION_6: &[u8] = include_bytes!("../../../media/tests/data/jpeg/exif_orientation_6.jpg");

/// A picture of odd sides, to be shown so.
fn odd(turn: Turn) -> Vec<u8> {
    exif::with_orientation(&jpeg_of(7, 321, 243), turn)
}

/// What a JPEG shows when it is turned so, in the limited range of video.
fn shown(jpeg: &[u8], turn: Turn) -> I420 {
    let (mut picture, mut turned) = (I420::default(), I420::default());
    jpeg::Decoder::default().decode(jpeg, &mut picture).unwrap();
    turn.apply(&picture, &mut turned);
    turned.limit_range();
    turned
}

/// Whether decoded video is this picture.
fn assert_shows(seen: &Luma, wanted: &I420, what: &str) {
    assert_eq!((seen.width, seen.height), (wanted.width(), wanted.height()), "{what}");
    let squares: f64 =
        seen.samples.iter().zip(wanted.y()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    let psnr = 10.0 * (255.0 * 255.0 * wanted.y().len() as f64 / squares.max(1.0)).log10();
    assert!(psnr > 34.0, "{what}: {psnr:.1} dB");
}

#[tokio::test]
async fn a_picture_that_exif_turns_is_turned_in_video_and_told_in_its_size() {
    for server in [start(), start_with(|config| config.encoder = Ffmpeg::default().into_encoders())] {
        let mut camera = server.camera().await;
        let mut viewer = server.viewer("format=h264").await;
        let mut jpegs = server.viewer("format=jpeg").await;
        let all = Turn::ALL.map(|turn| (odd(turn), turn));
        for (jpeg, turn) in [(ORIENTATION_6.to_vec(), Turn::from_exif(6).unwrap())].into_iter().chain(all) {
            camera.send_jpeg(&jpeg).await;
            let seen = Decoder::new().decode(&viewer.framed().await.1);
            assert_shows(&seen, &shown(&jpeg, turn), &format!("{turn:?}"));
            assert!(jpegs.framed().await.1 == jpeg, "not one byte changes");
            let (code, _, snapshot) = get(&server, "/snapshot.jpg").await;
            assert!(code == 200 && snapshot == jpeg, "not one byte changes: {turn:?}");
            let inspected = jpeg::inspect(&jpeg, &jpeg::Limits::default()).unwrap();
            let (width, height) = turn.size((inspected.width, inspected.height));
            let status = server.camera_status("default");
            assert_eq!((&status["width"], &status["height"]), (&json!(width), &json!(height)), "{turn:?}");
            // What EXIF says is no wish of the owner.
            assert_eq!((&status["turn"], &status["mirrored"]), (&json!(0), &json!(false)));
            // Another size, and an encoder begins anew: so that each is a key frame.
            camera.send_jpeg(&jpeg_of(1, 160, 120)).await;
            viewer.framed().await;
            jpegs.framed().await;
        }
        camera.send_jpeg(ORIENTATION_6).await;
        server.camera_until("default", |camera| camera["width"] == 240).await;
        let state = server.viewer("format=jpeg&events=1").await.event().await;
        assert_eq!(
            (&state["state"], &state["width"], &state["height"]),
            (&json!("live"), &json!(240), &json!(320))
        );
    }
}

#[tokio::test]
async fn the_owner_turns_any_camera_in_video_and_in_its_jpegs() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    let mut jpegs = server.viewer("format=jpeg").await;
    for sent in [Turn::NONE, Turn::from_exif(6).unwrap(), Turn::from_exif(4).unwrap()] {
        for wanted in Turn::ALL {
            let wish = json!({"turn": wanted.degrees(), "mirrored": wanted.mirrored()});
            let (code, answer) = server.patch("default", &wish.to_string()).await;
            assert_eq!((code, serde_json::from_str::<serde_json::Value>(&answer).unwrap()), (200, wish));
            // One without any EXIF when it is not turned.
            let original = if sent == Turn::NONE { jpeg_of(7, 321, 243) } else { odd(sent) };
            camera.send_jpeg(&original).await;
            let turn = sent.then(wanted);
            let seen = Decoder::new().decode(&viewer.framed().await.1);
            assert_shows(&seen, &shown(&original, turn), &format!("{sent:?}, {wanted:?}"));
            let expected =
                if wanted == Turn::NONE { original.clone() } else { exif::with_orientation(&original, turn) };
            assert_eq!(exif::orientation(&expected), turn);
            assert!(jpegs.framed().await.1 == expected, "by WebSocket");
            assert!(get(&server, "/snapshot.jpg").await.2 == expected, "as a snapshot");
            read_until(&server, "/stream.mjpg", |answer| find(answer, &expected).is_some()).await;
            let status = server.camera_status("default");
            let (width, height) = turn.size((321, 243));
            assert_eq!((&status["width"], &status["height"]), (&json!(width), &json!(height)));
            assert_eq!(
                (&status["turn"], &status["mirrored"]),
                (&json!(wanted.degrees()), &json!(wanted.mirrored()))
            );
            camera.send_jpeg(&jpeg_of(1, 160, 120)).await;
            viewer.framed().await;
            jpegs.framed().await;
        }
    }
    // What is not said stays.
    for (wish, answer) in [
        (r#"{"turn":90}"#, r#"{"turn":90,"mirrored":true}"#),
        (r#"{"mirrored":false}"#, r#"{"turn":90,"mirrored":false}"#),
        (r#"{"title":"Door"}"#, r#"{"title":"Door"}"#),
    ] {
        server.patch("default", r#"{"mirrored":true}"#).await;
        let (code, said) = server.patch("default", wish).await;
        assert_eq!((code, said.as_str()), (200, answer), "{wish}");
    }
    for wrong in
        [r#"{"turn":45}"#, r#"{"turn":-90}"#, r#"{"turn":360}"#, r#"{"turn":"90"}"#, r#"{"mirrored":1}"#]
    {
        assert_eq!(server.patch("default", wrong).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_turn_survives_a_restart_and_follows_its_device_to_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let start = || {
        let place = place.clone();
        start_with(move |config| config.state_dir = Some(place))
    };
    let server = start();
    // Before it was ever here.
    assert_eq!(server.patch("shed", r#"{"turn":180}"#).await.0, 200);
    let door = server.device("/ws/camera/door", hello("24:58:7c:01:02:03"), telemetry()).await;
    server.camera_until("door", |camera| !camera["device"].is_null()).await;
    assert_eq!(server.patch("door", r#"{"turn":90}"#).await.0, 200);
    drop(door);
    server.end().await;

    let server = start();
    let mut back = server.device("/ws/camera/back", hello("24:58:7c:01:02:03"), telemetry()).await;
    server.camera_until("back", |camera| !camera["device"].is_null()).await;
    let mut shed = server.connect("/ws/camera/shed").await;
    let mut door = server.connect("/ws/camera/door").await;
    for (name, camera, size, turn) in [
        ("back", &mut back, (240, 320), 90),
        ("shed", &mut shed, (320, 240), 180),
        ("door", &mut door, (320, 240), 0),
    ] {
        camera.send_jpeg(&jpeg(1)).await;
        let told = server.camera_until(name, |camera| camera["state"] == "live").await;
        assert_eq!((&told["width"], &told["height"]), (&json!(size.0), &json!(size.1)), "{name}");
        assert_eq!(told["turn"], turn, "{name}");
    }
    // Forgotten, it is as it was sent.
    shed.close().await;
    server.camera_until("shed", |camera| camera["connected"] == false).await;
    assert_eq!(server.ask("DELETE", "/api/cameras/shed", "").await.0, 204);
    let mut shed = server.connect("/ws/camera/shed").await;
    shed.send_jpeg(&jpeg(1)).await;
    server.camera_until("shed", |camera| camera["state"] == "live").await;
    assert!(get(&server, "/snapshot/shed.jpg").await.2 == jpeg(1));
}
