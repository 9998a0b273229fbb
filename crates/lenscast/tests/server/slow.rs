//! Cameras that send one picture in some seconds, as those on a battery do.

use crate::harness::*;
use crate::http::get;
use lenscast_settings::config::Config;
use std::time::Duration;

/// From one picture of the slow camera to the next.
const EVERY: Duration = Duration::from_secs(2);

/// Limits that are shorter than that.
fn impatient(config: &mut Config) {
    let limits = &mut config.limits;
    limits.silent_after = Duration::from_millis(200);
    limits.snapshot_max_age = Duration::from_millis(200);
    limits.ping_interval = Duration::from_millis(100);
    limits.camera_timeout = Duration::from_secs(1);
    limits.takeover_timeout = Duration::from_millis(200);
}

/// Connects a camera that is never read from, so that it answers no ping, and has it send so many pictures.
async fn slow_camera(server: &Running, pictures: u32) -> Client {
    let mut camera = server.camera().await;
    for number in 1..=pictures {
        if number > 1 {
            tokio::time::sleep(EVERY).await;
        }
        camera.send_jpeg(&jpeg(number)).await;
        server.status_until(|status| status["cameras"][0]["frames_in"] == number).await;
    }
    camera
}

#[tokio::test]
async fn a_slow_camera_is_live_between_its_pictures_and_silent_when_it_stops() {
    let server = start_with(impatient);
    let mut viewer = server.viewer("format=jpeg&events=1").await;
    let mut camera = slow_camera(&server, 3).await;
    // Long after all limits, and before its next picture is due.
    let quiet =
        server.camera_until("default", |camera| camera["newest_frame_age_ms"].as_u64() > Some(1500)).await;
    assert_eq!(quiet["state"], "live", "{quiet}");
    assert!(quiet["silent_after_ms"].as_u64() > Some(5000), "{quiet}");
    let fps = quiet["fps"].as_f64().unwrap();
    assert!((0.2..=0.5).contains(&fps), "{quiet}");
    assert_eq!(get(&server, "/snapshot.jpg").await.0, 200);
    // It was silent before its second picture at most, when nobody knew its rhythm.
    let mut states = Vec::new();
    while states.last() != Some(&(true, "live".to_owned())) {
        let event = viewer.event().await;
        let known = event["silent_after_ms"].as_u64() > Some(1000);
        states.push((known, event["state"].as_str().unwrap().to_owned()));
    }
    assert!(!states.contains(&(true, "silent".to_owned())), "{states:?}");

    let silent = server.camera_until("default", |camera| camera["state"] == "silent").await;
    assert!(silent["newest_frame_age_ms"].as_u64() >= silent["silent_after_ms"].as_u64(), "{silent}");
    assert_eq!(silent["fps"], 0.0, "{silent}");
    assert_eq!(get(&server, "/snapshot.jpg").await.0, 503);
    // And it is gone, since it says nothing and answers no ping, which it would as soon as it is read from.
    server.camera_until("default", |camera| camera["connected"] == false).await;
    assert_eq!(camera.closed().await.0, 1008);
}

#[tokio::test]
async fn a_slow_camera_that_answers_no_pings_keeps_its_connection_and_its_name() {
    let server = start_with(impatient);
    let mut camera = slow_camera(&server, 3).await;
    let newcomer = async {
        let mut newcomer = server.camera().await;
        newcomer.send_jpeg(&jpeg_of(1, 160, 120)).await;
        // It is read from, so that it answers.
        loop {
            newcomer.message().await;
        }
    };
    let goes_on = async {
        for number in 4.. {
            tokio::time::sleep(EVERY).await;
            camera.send_jpeg(&jpeg(number)).await;
        }
    };
    let status = tokio::select! {
        status = server.status_until(|status| status["camera_clients"] == 2) => status,
        () = newcomer => unreachable!(),
        () = goes_on => unreachable!(),
    };
    assert_eq!(
        (&status["cameras"][0]["name"], &status["cameras"][0]["width"]),
        (&"default".into(), &320.into())
    );
    assert_eq!(status["cameras"][1]["name"], "default-2");
}

#[tokio::test]
async fn a_slow_camera_that_is_gone_does_not_keep_its_name_for_ever() {
    let server = start_with(|config| {
        impatient(config);
        config.limits.camera_timeout = PATIENCE;
    });
    let mut zombie = slow_camera(&server, 2).await;
    let mut back = server.camera().await;
    back.send_jpeg(&jpeg(3)).await;
    let status = server.status_until(|status| status["cameras"][0]["frames_in"] == 3).await;
    assert_eq!((&status["camera_clients"], status["cameras"].as_array().unwrap().len()), (&1.into(), 1));
    assert_eq!(zombie.closed().await.0, 1008);
}
