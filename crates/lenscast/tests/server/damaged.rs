//! Cameras whose pictures are damaged: one of many is left out, and when all are, each is shown as far as it is whole.

use crate::harness::*;
use std::time::Duration;

/// The last half percent of its data is missing, and EOI was put back.
const CASE: &[u8] = include_bytes!("../../../media/tests/data/cases/last_half_percent_missing.jpeg");

/// Sends the picture every 50 ms until the viewer gets video, and gives the access unit.
async fn until_video(camera: &mut Client, viewer: &mut Client, picture: &[u8]) -> Vec<u8> {
    within(async {
        loop {
            camera.send_jpeg(picture).await;
            tokio::select! {
                (_, unit) = viewer.framed() => return unit,
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_camera_whose_every_picture_is_damaged_has_video_of_what_is_whole() {
    let server = start();
    let mut camera = server.camera().await;
    let mut video = server.viewer("format=h264").await;
    let mut jpegs = server.viewer("format=jpeg").await;
    let unit = until_video(&mut camera, &mut video, CASE).await;
    assert_eq!(jpegs.framed().await.1, CASE, "JPEG outputs show it as it came");
    let luma = Decoder::new().decode(&unit);
    assert_eq!((luma.width, luma.height), (320, 240));
    let told = server.camera_until("default", |camera| camera["trouble"]["cause"] == "damaged").await;
    assert_eq!(told["trouble"]["text"], "its picture data is damaged");
    assert!(told["quarantined"]["damaged"].as_u64() >= Some(3), "{told}");
    assert_eq!(told["state"], "live");
    // Who joins later sees something at once.
    let mut late = server.viewer("format=h264").await;
    assert!(late.framed().await.0.key);
    // When the camera is mended, nothing of it is left.
    until_video(&mut camera, &mut video, &jpeg(1)).await;
    let told = server.camera_until("default", |camera| camera["trouble"].is_null()).await;
    let damaged = told["quarantined"]["damaged"].clone();
    until_video(&mut camera, &mut video, &jpeg(2)).await;
    assert_eq!(server.camera_status("default")["quarantined"]["damaged"], damaged);
}

#[tokio::test]
async fn a_damaged_picture_among_good_ones_is_no_video_and_no_trouble() {
    let server = start();
    let mut camera = server.camera().await;
    let mut video = server.viewer("format=h264").await;
    let mut decoder = Decoder::new();
    for number in 1..=20 {
        camera.send_jpeg(&jpeg(number)).await;
        let (_, unit) = video.framed().await;
        assert_eq!(decoder.decode(&unit).frame_number(), number, "the damaged one is none of these");
        camera.send_jpeg(CASE).await;
        server.status_until(|_| server.quarantined("damaged") == u64::from(number)).await;
    }
    assert!(server.camera_status("default")["trouble"].is_null());
}

#[tokio::test]
async fn pictures_too_large_for_video_are_told_while_they_come() {
    let server = start();
    let mut camera = server.camera().await;
    let _video = server.viewer("format=h264").await;
    let wide = jpeg_of(1, 3856, 64);
    let told = within(async {
        loop {
            camera.send_jpeg(&wide).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            let told = server.camera_status("default");
            if !told["trouble"].is_null() {
                return told;
            }
        }
    })
    .await;
    assert_eq!(told["trouble"]["cause"], "too_large_for_video");
    assert_eq!(told["trouble"]["text"], "too large for video, shown as JPEG");
}
