//! What real cameras send that is no clean JPEG, and that others show: every output shows it clean.

use crate::harness::*;
use lenscast_media::jpeg;

macro_rules! case {
    ($name:literal) => {
        include_bytes!(concat!("../../../media/tests/data/cases/", $name)).as_slice()
    };
}

/// The clean image behind all cases.
fn original() -> Vec<u8> {
    let zero = case!("one_zero_before_dqt.jpeg");
    [&zero[..20], &zero[21..]].concat()
}

/// The case with bytes before its comment, without them.
fn with_comment() -> Vec<u8> {
    let case = case!("bytes_between_segments.jpeg");
    [&case[..158], &case[158 + 608..]].concat()
}

/// With an Se that a baseline image cannot have.
fn scan_header(jpeg: &[u8]) -> Vec<u8> {
    let mut bytes = jpeg.to_vec();
    let scan = bytes.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    bytes[scan + 11..scan + 14].copy_from_slice(&[0, 255, 0]);
    bytes
}

fn mended(server: &Running, kind: &str) -> u64 {
    server.status()["cameras"][0]["mended"][kind].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn a_camera_whose_every_frame_is_mended_plays_in_every_output() {
    let original = original();
    for (kind, message, clean) in [
        ("stray_bytes", case!("one_zero_before_dqt.jpeg").to_vec(), original.clone()),
        ("stray_bytes", case!("bytes_between_segments.jpeg").to_vec(), with_comment()),
        ("fill_before_start", case!("fill_bytes_before_soi.jpeg").to_vec(), original.clone()),
        ("end_missing", case!("no_eoi_all_data_there.jpeg").to_vec(), original.clone()),
        ("end_missing", [&original[..original.len() - 2], &[0; 2000]].concat(), original.clone()),
        ("several_starts", [&[0xFF, 0xD8, 0xFF, 0xD8], &original[..]].concat(), original.clone()),
        ("after_end", [&original[..], b"\r\n--boundary"].concat(), original.clone()),
        ("scan_header", scan_header(&original), original.clone()),
    ] {
        let server = start();
        let mut camera = server.camera().await;
        let mut video = server.viewer("format=h264").await;
        let mut jpegs = server.viewer("format=jpeg").await;
        for number in 1..=3 {
            camera.send_jpeg(&message).await;
            assert_eq!(jpegs.framed().await.1, clean, "{kind}");
            let (header, unit) = video.framed().await;
            if header.key {
                assert_eq!(Decoder::new().decode(&unit).width, 320, "{kind}");
            }
            server.status_until(|_| mended(&server, kind) == number).await;
        }
        let (code, _, snapshot) = crate::http::get(&server, "/snapshot.jpg").await;
        assert_eq!((code, snapshot), (200, clean), "{kind}");
        let status = server.status();
        let camera = &status["cameras"][0];
        assert_eq!(
            (&camera["frames_in"], &camera["quarantined"]),
            (&3.into(), &serde_json::json!({})),
            "{kind}"
        );
        let (_, _, metrics) = crate::http::get(&server, "/metrics").await;
        let line = format!("lenscast_mended_total{{camera=\"default\",kind=\"{kind}\"}} 3");
        let metrics = String::from_utf8(metrics).unwrap();
        assert!(metrics.lines().any(|got| got == line), "{line} is missing in\n{metrics}");
    }
}

#[tokio::test]
async fn the_mjpeg_stream_has_the_clean_image_too() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send_jpeg(case!("bytes_between_segments.jpeg")).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    let clean = with_comment();
    let has_it = |answer: &[u8]| answer.windows(clean.len()).any(|part| part == clean);
    crate::http::read_until(&server, "/stream.mjpg", has_it).await;
}

#[tokio::test]
async fn a_clean_camera_has_nothing_mended() {
    let server = start();
    let mut camera = server.camera().await;
    let clean = jpeg(1);
    assert!(jpeg::inspect(&clean, &jpeg::Limits::default()).unwrap().mends.is_empty());
    camera.send_jpeg(&clean).await;
    let status = server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    assert_eq!(status["cameras"][0]["mended"], serde_json::json!({}));
}
