//! The last ten minutes, and what time it is.

use crate::harness::*;
use lenscast_media::time::{Micros, Pts90k};
use serde_json::json;

#[tokio::test]
async fn the_history_tells_rate_and_latency_of_who_watched() {
    let server = start();
    let _waiting = server.connect("/ws/viewer/never").await;
    let mut camera = server.camera().await;
    let sample = async || {
        server.app.cameras.histories().sample(server.app.cameras.streams());
        let history = server.get_json("/api/cameras/default/history").await;
        assert_eq!(history["step_s"], 5);
        history["samples"].as_array().unwrap().last().cloned().unwrap_or_default()
    };
    server.camera_until("default", |camera| camera["connected"] == true).await;
    assert!(sample().await.is_null(), "it has sent nothing yet");
    camera.send_jpeg(&jpeg(1)).await;
    server.camera_until("default", |camera| camera["frames_in"] == 1).await;
    let unwatched = sample().await;
    assert_eq!((&unwatched["fps"], &unwatched["latency_ms"]), (&json!(0.2), &json!(null)), "{unwatched}");
    assert_eq!(unwatched["kbits"], (jpeg(1).len() as f64 * 8.0 / 5000.0).round(), "{unwatched}");

    let mut viewer = server.viewer("format=jpeg").await;
    viewer.framed().await;
    assert!(sample().await["latency_ms"].is_null(), "what it sees first came before it did");
    for number in 2..20 {
        camera.send_jpeg(&jpeg(number)).await;
        viewer.framed().await;
    }
    let watched = sample().await;
    assert!(watched["fps"].as_f64() > Some(0.2) && watched["kbits"].as_u64() > Some(0), "{watched}");
    assert!(watched["latency_ms"].as_f64().is_some_and(|ms| (0.0..30_000.0).contains(&ms)), "{watched}");
    camera.close().await;
    server.camera_until("default", |camera| camera["connected"] == false).await;
    // What was counted between the last sample and the end.
    sample().await;
    assert_eq!(sample().await, json!({"fps": 0.0, "latency_ms": null, "kbits": 0}), "a gap is one");
    let never = server.get_json("/api/cameras/never/history").await;
    assert_eq!(never, json!({"step_s": 5, "samples": []}));
}

#[tokio::test]
async fn samples_are_taken_without_being_asked_for() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    let name = Default::default();
    within(async {
        while server.app.cameras.histories().of(&name).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    server.end().await;
}

#[tokio::test]
async fn the_clock_agrees_with_the_times_of_a_frame_even_where_33_bits_end() {
    let origin = Pts90k(Pts90k::WRAP - 100);
    let server = start_with(|config| config.pts_origin = origin);
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    server.status_until(|status| status["viewer_clients"] == 1 && status["camera_clients"] == 1).await;
    let clock = async || {
        let clock = server.get_json("/api/clock").await;
        [clock["unix_us"].as_u64().unwrap(), clock["pts_90k"].as_u64().unwrap()]
    };
    for number in 1..=3 {
        let before = clock().await;
        camera.send_jpeg(&jpeg(number)).await;
        let (header, _) = viewer.framed().await;
        let after = clock().await;
        let frame = [header.arrival_unix_us, Micros(header.pts_us).to_pts().0];
        for index in [0, 1] {
            assert!(
                before[index] <= frame[index] && frame[index] <= after[index],
                "{before:?} {frame:?} {after:?}"
            );
        }
        assert!(before[1] >= origin.0);
    }
    assert!(clock().await[1] > Pts90k::WRAP, "it is not wrapped");
}
