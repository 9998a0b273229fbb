//! `POST /api/demo`: virtual cameras inside the server.

use crate::harness::*;
use lenscast_protocol::CameraName;
use serde_json::json;

#[tokio::test]
async fn a_demo_camera_streams_until_it_is_ended_and_is_forgotten_then() {
    let server = start();
    let (code, answer) = server.ask("POST", "/api/demo", "").await;
    assert_eq!((code, answer.as_str()), (201, r#"{"name":"demo"}"#));
    let mut viewer = server.connect("/ws/viewer/demo?format=h264").await;
    let mut decoder = Decoder::new();
    let first = decoder.decode(&viewer.framed().await.1);
    let next = decoder.decode(&viewer.framed().await.1);
    assert!(next.frame_number() > first.frame_number(), "it moves");
    let demo = server.camera_until("demo", |camera| !camera["device"]["picture"].is_null()).await;
    assert_eq!((&demo["virtual"], &demo["state"]), (&json!(true), &json!("live")), "{demo}");
    let picture = &demo["device"]["picture"];
    let wished = json!({"width": 640, "height": 480, "quality": 80, "fps": 15.0, "reduced": 0});
    // As any device it sends less where it cannot get rid of that much, as on a computer that is busy.
    assert!(*picture == wished || picture["reduced"].as_u64() > Some(0), "{picture}");
    let (code, answer) = server.ask("POST", "/api/demo", r#"{"name":"demo"}"#).await;
    assert_eq!((code, answer.as_str()), (200, r#"{"name":"demo"}"#), "it runs already");
    assert_eq!(server.status()["camera_clients"], 1);
    viewer.close().await;
    server.status_until(|status| status["viewer_clients"] == 0).await;
    assert_eq!(server.ask("DELETE", "/api/demo", "").await, (204, String::new()));
    server.status_until(|status| status["cameras"] == json!([])).await;
    let (code, sentence) = server.ask("DELETE", "/api/demo", "").await;
    assert_eq!(code, 404, "{sentence}");
    assert_eq!(server.ask("POST", "/api/demo", "{}").await.0, 201, "and again");
    server.camera_until("demo", |camera| camera["state"] == "live").await;
}

#[tokio::test]
async fn a_demo_camera_takes_no_name_from_a_real_one() {
    let server = start();
    let mut camera = server.connect("/ws/camera/door").await;
    camera.send_jpeg(&jpeg(1)).await;
    server.camera_until("door", |camera| camera["state"] == "live").await;
    let (code, sentence) = server.ask("POST", "/api/demo", r#"{"name":"door"}"#).await;
    assert_eq!(code, 409);
    assert!(sentence.contains("connected"), "{sentence}");
    assert_eq!(server.ask("DELETE", "/api/demo?name=door", "").await.0, 404);
    assert_eq!(server.camera_status("door")["virtual"], false);
    camera.send_jpeg(&jpeg(2)).await;
    server.camera_until("door", |camera| camera["frames_in"] == 2).await;
    assert_eq!(server.status()["camera_clients"], 1);
}

#[tokio::test]
async fn there_are_four_demo_cameras_at_most_and_who_leaves_makes_room() {
    let server = start();
    let start = async |name: &str| server.ask("POST", "/api/demo", &format!(r#"{{"name":"{name}"}}"#)).await;
    for name in ["a", "b", "c", "d"] {
        assert_eq!(start(name).await.0, 201);
    }
    let (code, sentence) = start("e").await;
    assert_eq!(code, 503);
    assert!(sentence.contains('4'), "{sentence}");
    assert_eq!(start("d").await.0, 200);
    server.status_until(|status| status["camera_clients"] == 4).await;
    assert_eq!(server.ask("DELETE", "/api/demo?name=b", "").await.0, 204);
    assert_eq!(start("e").await.0, 201);
    server.camera_until("e", |camera| camera["state"] == "live").await;
    server.camera_until("b", serde_json::Value::is_null).await;
}

#[tokio::test]
async fn a_server_that_is_full_of_cameras_starts_no_demo_camera() {
    let server = start_with(|config| config.limits.max_cameras = 1);
    let _camera = server.camera().await;
    server.status_until(|status| status["camera_clients"] == 1).await;
    let (code, sentence) = server.ask("POST", "/api/demo", "").await;
    assert_eq!(code, 503);
    assert!(sentence.contains("--max-cameras"), "{sentence}");
    assert_eq!(server.ask("DELETE", "/api/demo", "").await.0, 404, "none has begun");
}

#[tokio::test]
async fn what_no_demo_camera_can_be_is_refused_in_words() {
    let server = start();
    for (method, path, body) in [
        ("POST", "/api/demo", r#"{"name":"No Name"}"#),
        ("POST", "/api/demo", r#"{"name":7}"#),
        ("POST", "/api/demo", r#"{"nmae":"demo"}"#),
        ("POST", "/api/demo", "demo"),
        ("DELETE", "/api/demo?name=No%20Name", ""),
        ("DELETE", "/api/demo?nmae=demo", ""),
    ] {
        let (code, sentence) = server.ask(method, path, body).await;
        assert_eq!(code, 400, "{method} {path} {body}");
        assert!(sentence.contains("name"), "{sentence}");
    }
    assert_eq!(server.ask("POST", "/api/demo", &" ".repeat(5000)).await.0, 413);
    assert_eq!(server.status()["cameras"], json!([]));
}

#[tokio::test]
async fn demo_cameras_end_with_the_server() {
    let server = start();
    assert_eq!(server.ask("POST", "/api/demo", "").await.0, 201);
    server.camera_until("demo", |camera| camera["state"] == "live").await;
    let app = server.app.clone();
    server.end().await;
    assert!(app.demos.running() == 0);
}

#[tokio::test]
async fn a_server_that_listens_everywhere_is_found_by_its_demo_camera() {
    let server = start_with(|config| config.listen = "[::]:0".parse().unwrap());
    let name = CameraName::new("demo").unwrap();
    let camera = server.app.demos.start(name.clone(), lenscast::demo::picture()).unwrap();
    let demo = server.camera_until("demo", |camera| camera["state"] == "live").await;
    assert_eq!(demo["virtual"], true, "{demo}");
    assert!(within(server.app.demos.stop(&name)).await);
    assert!(!server.app.demos.stop(&name).await, "it has ended when that returns");
    within(camera).await.unwrap().unwrap();
}
