//! What people call their cameras, and forgetting a camera.

use crate::device::{hello, telemetry};
use crate::harness::*;
use serde_json::{Value, json};
use std::path::Path;

fn start_in(place: &Path) -> Running {
    let place = place.to_owned();
    start_with(move |config| config.state_dir = Some(place))
}

#[tokio::test]
async fn a_title_survives_a_restart_and_follows_its_device_to_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_in(folder.path());
    let camera = server.device("/ws/camera/door", hello("24:58:7c:01:02:03"), telemetry()).await;
    server.camera_until("door", |camera| !camera["device"].is_null()).await;
    let (code, answer) = server.patch("door", r#"{"title":"  Front door "}"#).await;
    assert_eq!((code, answer.as_str()), (200, r#"{"title":"Front door"}"#));
    assert_eq!(server.camera_status("door")["title"], "Front door");
    drop(camera);
    server.end().await;

    let server = start_in(folder.path());
    let _camera = server.device("/ws/camera/back", hello("24:58:7c:01:02:03"), telemetry()).await;
    let _other = server.device("/ws/camera/door", hello("another"), telemetry()).await;
    server.camera_until("back", |camera| camera["title"] == "Front door").await;
    let other = server.camera_until("door", |camera| !camera["device"].is_null()).await;
    assert_eq!((&other["name"], &other["title"]), (&json!("door"), &json!("door")));
}

#[tokio::test]
async fn a_title_stays_while_its_device_is_away_and_goes_with_it_when_it_moves() {
    let server = start();
    let mut camera = server.device("/ws/camera/door", hello("a"), telemetry()).await;
    camera.send_jpeg(&jpeg(1)).await;
    server.camera_until("door", |camera| camera["state"] == "live").await;
    server.patch("door", r#"{"title":"Front door"}"#).await;
    camera.close().await;
    let away = server.camera_until("door", |camera| camera["state"] == "waiting").await;
    assert_eq!((&away["title"], &away["device"]), (&json!("Front door"), &Value::Null));
    // It is the device that is renamed, though it is not there.
    assert_eq!(server.patch("door", r#"{"title":"Garden"}"#).await.0, 200);
    let moved = server.device("/ws/camera/garden", hello("a"), telemetry()).await;
    server.camera_until("garden", |camera| camera["title"] == "Garden").await;
    assert_eq!(server.camera_status("door")["title"], "door", "nothing is called the same twice");
    drop(moved);
    // A camera that tells no id is not the device that was here before.
    server.camera_until("garden", |camera| camera["connected"] != true).await;
    let _stock = server.connect("/ws/camera/garden").await;
    let stock = server.camera_until("garden", |camera| camera["connected"] == true).await;
    assert_eq!(stock["title"], "garden");
}

#[tokio::test]
async fn a_camera_that_tells_no_id_is_known_by_its_name_before_it_comes_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_in(folder.path());
    assert_eq!(server.patch("shed", r#"{"title":"Schuppen 🌻"}"#).await.0, 200);
    assert!(server.status()["cameras"].as_array().unwrap().is_empty(), "a title makes no camera");
    server.end().await;
    let server = start_in(folder.path());
    let mut camera = server.connect("/ws/camera/shed").await;
    camera.send_jpeg(&jpeg(1)).await;
    let shed = server.camera_until("shed", |camera| camera["state"] == "live").await;
    assert_eq!(shed["title"], "Schuppen 🌻");
    for none in [r#"{"title":""}"#, r#"{"title":null}"#] {
        assert_eq!(server.patch("shed", r#"{"title":"Something"}"#).await.0, 200);
        let (code, answer) = server.patch("shed", none).await;
        assert_eq!((code, answer.as_str()), (200, r#"{"title":"shed"}"#), "{none}");
        assert_eq!(server.camera_status("shed")["title"], "shed");
    }
}

#[tokio::test]
async fn a_title_and_another_picture_are_asked_for_together_or_not_at_all() {
    let server = start();
    let mut camera = server.device("/ws/camera/door", hello("a"), telemetry()).await;
    let _stock = server.connect("/ws/camera/stock").await;
    server.camera_until("door", |camera| !camera["device"].is_null()).await;
    server.camera_until("stock", |camera| camera["connected"] == true).await;
    let (code, answer) = server.patch("door", r#"{"title":"Front door","fps":5}"#).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((code, answer), (202, json!({"title": "Front door", "fps": 5.0})));
    assert_eq!(camera.event().await, json!({"type": "picture", "fps": 5.0}));
    for (name, body, wanted) in [
        ("stock", r#"{"title":"New","fps":5}"#, 409),
        ("nobody", r#"{"title":"New","fps":5}"#, 404),
        ("door", r#"{"title":"New","fps":-5}"#, 400),
        ("door", r#"{"title":"New","size":"uxga"}"#, 400),
        ("door", "{\"title\":\"N\\new\",\"fps\":6}", 400),
    ] {
        assert_eq!(server.patch(name, body).await.0, wanted, "{name}: {body}");
    }
    assert_eq!(server.camera_status("door")["title"], "Front door");
    assert_eq!(server.camera_status("stock")["title"], "stock");
    // Nothing but what was granted has reached the device.
    assert_eq!(server.patch("door", r#"{"quality":7}"#).await.0, 202);
    assert_eq!(camera.event().await, json!({"type": "picture", "quality": 7}));
}

#[tokio::test]
async fn a_title_that_is_none_is_refused_in_words() {
    let server = start();
    let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(81));
    for (body, word) in [
        (r#"{"title":7}"#, "JSON"),
        (r#"{"title":["a"]}"#, "JSON"),
        (r#"{"title":"a","name":"b"}"#, "JSON"),
        (r#"{"title":"a\nb"}"#, "control characters"),
        (r#"{"title":"a\u0000"}"#, "control characters"),
        (&long, "80"),
        ("{}", "title"),
    ] {
        let (code, sentence) = server.patch("door", body).await;
        assert_eq!(code, 400, "{body}");
        assert!(sentence.contains(word) && sentence.ends_with('.'), "{body}: {sentence}");
    }
    let longest = "ü".repeat(80);
    let (code, answer) = server.patch("door", &format!(r#"{{"title":" {longest} "}}"#)).await;
    assert_eq!((code, answer), (200, format!(r#"{{"title":"{longest}"}}"#)));
}

#[tokio::test]
async fn a_title_that_cannot_be_kept_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("state");
    let server = start_in(&place);
    let _camera = server.camera().await;
    assert_eq!(server.patch("default", r#"{"title":"Before"}"#).await.0, 200);
    std::fs::remove_dir_all(&place).unwrap();
    for body in [r#"{"title":"After"}"#, r#"{"title":""}"#] {
        let (code, sentence) = server.patch("default", body).await;
        assert_eq!(code, 500, "{sentence}");
        assert!(sentence.contains("cannot be kept") && sentence.contains("cameras.json"), "{sentence}");
        assert_eq!(server.camera_until("default", |camera| !camera.is_null()).await["title"], "Before");
    }
    std::fs::create_dir(&place).unwrap();
    assert_eq!(server.patch("default", r#"{"title":"After"}"#).await.0, 200);
    assert_eq!(server.camera_status("default")["title"], "After");
}

#[tokio::test]
async fn a_server_whose_state_cannot_be_kept_or_read_serves_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let server = start_in(&file.join("below"));
    assert_eq!(server.patch("door", r#"{"title":"For now"}"#).await.0, 200);
    assert!(server.app.program.state().place().is_none());

    let damaged = folder.path().join("cameras.json");
    std::fs::write(&damaged, "{\"devices\":").unwrap();
    let server = start_in(folder.path());
    assert!(!damaged.exists() && folder.path().join("cameras.json.damaged").exists());
    assert_eq!(server.patch("door", r#"{"title":"Again"}"#).await.0, 200);
    assert!(std::fs::read_to_string(damaged).unwrap().contains("Again"));
}

#[tokio::test]
async fn a_camera_is_forgotten_with_its_title_unless_it_is_connected() {
    let server = start();
    let (code, sentence) = server.ask("DELETE", "/api/cameras/door", "").await;
    assert_eq!(code, 404, "{sentence}");
    let mut camera = server.device("/ws/camera/door", hello("a"), telemetry()).await;
    camera.send_jpeg(&jpeg(1)).await;
    server.camera_until("door", |camera| camera["state"] == "live").await;
    server.patch("door", r#"{"title":"Front door"}"#).await;
    server.app.cameras.histories().sample(server.app.cameras.streams());
    let (code, sentence) = server.ask("DELETE", "/api/cameras/door", "").await;
    assert_eq!(code, 409);
    assert!(sentence.contains("door is connected"), "{sentence}");
    assert_eq!(server.camera_status("door")["title"], "Front door");
    camera.close().await;
    server.camera_until("door", |camera| camera["state"] == "waiting").await;
    assert_eq!(server.ask("DELETE", "/api/cameras/door", "").await, (204, String::new()));
    // While the goodbye to it lasts, and its thread is at its last frame, it is still held.
    server.camera_until("door", serde_json::Value::is_null).await;
    let history = server.get_json("/api/cameras/door/history").await;
    assert_eq!(history["samples"], json!([]));
    assert_eq!(server.ask("DELETE", "/api/cameras/door", "").await.0, 404, "it is forgotten already");
    let _camera = server.device("/ws/camera/door", hello("a"), telemetry()).await;
    let door = server.camera_until("door", |camera| !camera["device"].is_null()).await;
    assert_eq!((&door["title"], &door["frames_in"]), (&json!("door"), &json!(0)));
}

#[tokio::test]
async fn a_title_alone_can_be_forgotten_too() {
    let server = start();
    server.patch("door", r#"{"title":"Front door"}"#).await;
    assert_eq!(server.ask("DELETE", "/api/cameras/door", "").await.0, 204);
    let _waiting = server.connect("/ws/viewer/door").await;
    let door = server.camera_until("door", |camera| camera["viewers"] == 1).await;
    assert_eq!((&door["title"], &door["since_ms"]), (&json!("door"), &Value::Null));
}

#[tokio::test]
async fn who_waits_for_a_camera_that_is_forgotten_sees_it_when_it_comes_back() {
    let server = start();
    let mut viewer = server.viewer("format=jpeg").await;
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    viewer.framed().await;
    camera.close().await;
    server.camera_until("default", |camera| camera["state"] == "waiting").await;
    assert_eq!(server.ask("DELETE", "/api/cameras/default", "").await.0, 204);
    let forgotten = server.camera_status("default");
    assert_eq!((&forgotten["frames_in"], &forgotten["since_ms"]), (&json!(0), &Value::Null), "{forgotten}");
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(2)).await;
    assert_eq!(viewer.framed().await.1, jpeg(2));
    assert_eq!(server.status()["cameras"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_page_from_elsewhere_changes_forgets_and_starts_nothing() {
    let server = start();
    let _camera = server.camera().await;
    server.camera_until("default", |camera| camera["connected"] == true).await;
    let host = format!("Host: {}", server.address);
    for headers in [
        format!("{host}\r\nOrigin: http://evil.example"),
        format!("{host}\r\nSec-Fetch-Site: cross-site"),
        "Host: evil.example".to_owned(),
    ] {
        for (method, path, body) in [
            ("PATCH", "/api/cameras/default", r#"{"title":"Mine"}"#),
            ("DELETE", "/api/cameras/default", ""),
            ("POST", "/api/demo", ""),
            ("DELETE", "/api/demo", ""),
        ] {
            let (code, _) = server.ask_with(method, path, body, &headers).await;
            assert!(matches!(code, 401 | 403), "{method} {path} with {headers}: {code}");
        }
    }
    assert_eq!(server.camera_status("default")["title"], "default");
    assert_eq!(server.status()["cameras"].as_array().unwrap().len(), 1);
}
