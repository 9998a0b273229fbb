//! Who is let in, and what the wrong door says.

mod answers;
mod commands;
mod control;
mod credentials;
mod devices;
mod disk;
mod embedding;
mod guessing;
mod lasting;
mod libraries;
mod links;
mod memory;
mod origins;
mod rebinding;
mod relays;
mod said;
pub mod starting;
mod table;
pub mod world;

use crate::harness::*;
use crate::http::{get, request};

#[tokio::test]
async fn nothing_else_is_here_and_the_wrong_method_is_405() {
    let server = start();
    for path in [
        "/nothing",
        "/ws",
        "/ws/other",
        "/stream/x.avi",
        "/snapshot/x.png",
        "/camera/UPPER",
        "/assets/../Cargo.toml",
    ] {
        let (code, _, body) = get(&server, path).await;
        assert_eq!(code, 404, "{path}");
        assert!(!body.is_empty(), "{path}: a sentence");
    }
    for path in ["/", "/mjpeg", "/status", "/snapshot.jpg", "/stream.mjpg", "/ws/camera", "/ws/viewer"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0", server.address);
        let (answer, _) = request(&server, &head).await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_plain_get_of_a_web_socket_path_is_told_what_speaks_there() {
    let server = start();
    for path in ["/ws/camera", "/ws/viewer", "/ws/camera/door", "/ws/viewer/door"] {
        let (code, head, _) = get(&server, path).await;
        assert_eq!(code, 426, "{path}");
        assert!(head.contains("upgrade: websocket"), "{head}");
    }
}

#[tokio::test]
async fn a_bad_handshake_is_refused_in_http() {
    let server = start();
    let upgrade = |version: &str, key: &str| {
        format!(
            "GET /ws/camera HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nSec-WebSocket-Version: {version}\r\n\
             Sec-WebSocket-Key: {key}\r\nConnection: Upgrade",
            server.address
        )
    };
    let (answer, _) = request(&server, &upgrade("8", "dGhlIHNhbXBsZSBub25jZQ==")).await;
    assert!(
        answer.starts_with("HTTP/1.1 426") && answer.to_lowercase().contains("sec-websocket-version: 13"),
        "{answer}"
    );
    let (answer, _) = request(&server, &upgrade("13", "short")).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn a_foreign_host_and_a_foreign_origin_are_refused() {
    let server = start();
    let (answer, _) = request(&server, "GET /status HTTP/1.1\r\nHost: evil.example").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    for path in ["/ws/camera", "/ws/viewer"] {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nOrigin: http://evil.example\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade",
            server.address
        );
        let (answer, _) = request(&server, &head).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
    }
    assert_eq!(server.status()["camera_clients"], 0);
    assert_eq!(server.status()["viewer_clients"], 0);
}
