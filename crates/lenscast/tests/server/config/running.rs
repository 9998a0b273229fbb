//! Connections that are there already take a new configuration as theirs.

use crate::harness::*;
use lenscast_settings::config::Config;
use serde_json::json;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

impl Running {
    /// Puts another configuration in force.
    fn change(&self, change: impl FnOnce(&mut Config)) {
        let mut config = (*self.app.program.config()).clone();
        change(&mut config);
        self.app.program.in_force().set(config);
    }
}

#[tokio::test]
async fn a_camera_that_is_connected_is_held_to_the_new_limits() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    server.change(|config| config.limits.max_pixels = 100);
    camera.send_jpeg(&jpeg(2)).await;
    server.status_until(|status| !status["cameras"][0]["quarantined"].as_object().unwrap().is_empty()).await;
    server.change(|config| config.limits.max_pixels = 1_000_000);
    camera.send_jpeg(&jpeg(3)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 2).await;

    // It does not read, so it answers no ping.
    server.change(|config| config.limits.camera_timeout = Duration::from_millis(50));
    server.status_until(|status| status["camera_clients"] == 0).await;
    assert_eq!(camera.closed().await.0, 1008);
}

#[tokio::test]
async fn a_picture_that_was_too_large_at_first_becomes_video_too() {
    let server = start_with(|config| config.limits.max_pixels = 100);
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| !status["cameras"][0]["quarantined"].as_object().unwrap().is_empty()).await;
    server.change(|config| config.limits.max_pixels = 1_000_000);
    camera.send_jpeg(&jpeg(2)).await;
    assert_eq!(Decoder::new().decode(&viewer.framed().await.1).width, 320);
}

#[tokio::test]
async fn a_camera_that_is_connected_is_shown_as_silent_by_the_new_limit() {
    let server = start_with(|config| config.limits.silent_after = PATIENCE * 10);
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["state"] == json!("live")).await;
    server.change(|config| config.limits.silent_after = Duration::from_millis(1));
    server.status_until(|status| status["cameras"][0]["state"] == json!("silent")).await;
}

#[tokio::test]
async fn both_ends_of_a_stream_are_pinged_as_often_as_the_new_limit_says() {
    let server = start_with(|config| config.limits.ping_interval = PATIENCE * 10);
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("").await;
    camera.send_jpeg(&jpeg(1)).await;
    viewer.binary().await;
    server.change(|config| config.limits.ping_interval = Duration::from_millis(20));
    for client in [&mut camera, &mut viewer] {
        within(async {
            for _ in 0..2 {
                while !matches!(client.message().await, Message::Ping(_)) {}
            }
        })
        .await;
    }
}
