//! The control socket.

use super::world::*;
use crate::harness::*;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use tokio::net::UnixStream;

fn start_in(folder: &Path) -> Running {
    start_with(|config| config.state_dir = Some(folder.to_owned()))
}

#[tokio::test]
async fn it_is_for_its_owner_alone_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("state");
    let server = start_in(&place);
    let socket = place.join("control.sock");
    until_listens(&socket).await;
    let metadata = fs::metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    let names: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["control.sock"], "nothing unfinished is left");
    server.end().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn one_that_was_left_behind_is_replaced_and_one_that_is_in_use_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control.sock");
    // As after a crash: the file is there, and nobody listens.
    drop(UnixListener::bind(&socket).unwrap());
    let first = start_in(folder.path());
    until_listens(&socket).await;
    let second = start_in(folder.path());
    second.camera_until("never", serde_json::Value::is_null).await;
    assert_eq!(
        ask("GET", "/status").header("Host", second.address.to_string()).send(&second).await.code,
        200
    );
    let demo = ask("POST", "/api/demo").header("Host", "localhost");
    let answer = over_socket(&socket, demo).await;
    assert_eq!(answer.code, 201, "{answer:?}");
    first.camera_until("demo", |camera| camera["state"] == "live").await;
    assert!(second.camera_status("demo").is_null(), "the first server's it stays");
    second.end().await;
    until_listens(&socket).await;
}

#[tokio::test]
async fn what_is_asked_there_is_allowed_whatever_is_closed_and_a_page_cannot_get_there() {
    let world = World::with(true, |config| config.access.require_camera_key = true).await;
    let answer = ask("GET", "/api/access").by_control_socket(&world).await;
    assert_eq!(answer.code, 200, "{answer:?}");
    let forwarded = ask("GET", "/api/access").header("X-Forwarded-For", "203.0.113.5");
    assert_eq!(forwarded.by_control_socket(&world).await.code, 200, "no proxy is believed there");
    let foreign = ask("POST", "/api/demo").header("Origin", "http://evil.example");
    assert_eq!(foreign.by_control_socket(&world).await.code, 403, "even if somebody let a proxy at it");
}

#[tokio::test]
async fn without_a_place_for_it_the_server_goes_without() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than the address of a socket may be.
    let deep = folder.path().join("x".repeat(120));
    let server = start_in(&deep);
    assert_eq!(
        ask("GET", "/status").header("Host", server.address.to_string()).send(&server).await.code,
        200
    );
    assert!(!deep.join("control.sock").exists());
    let server = start();
    assert!(server.app.program.state().place().is_none());
    assert_eq!(
        ask("GET", "/status").header("Host", server.address.to_string()).send(&server).await.code,
        200
    );
}

async fn over_socket(path: &Path, request: Ask) -> Answer {
    request.over(UnixStream::connect(path).await.unwrap()).await
}
