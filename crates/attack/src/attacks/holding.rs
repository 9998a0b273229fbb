//! Connections that are opened and held.

use super::Hostile;
use crate::wire;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

/// As many connections as a server takes by default.
const MANY: usize = 4000;

/// From one byte of something unfinished to the next.
const TRICKLE: Duration = Duration::from_secs(1);

/// The head of a ClientHello of TLS 1.2 (RFC 5246 §7.4.1.2) that says that 508 bytes follow.
const HELLO: [u8; 11] = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];

pub(super) async fn bodies(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, _| async move {
        let head = wire::head("POST", hostile.server, "/api/login");
        let head =
            format!("{head}Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n{{\"name\":\"");
        hold(hostile, hostile.server, head.as_bytes(), Some(b"a")).await;
    };
    hostile.swarm(MANY, one).await;
    Ok(())
}

pub(super) async fn heads(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, _| async move {
        let head = wire::head("GET", hostile.server, "/");
        hold(hostile, hostile.server, head.as_bytes(), Some(b"X")).await;
    };
    hostile.swarm(MANY, one).await;
    Ok(())
}

pub(super) async fn huge_heads(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, _| async move {
        let Ok(mut stream) = wire::connect(hostile.from, hostile.server).await else {
            return;
        };
        let mut head = wire::head("GET", hostile.server, "/").into_bytes();
        let line = format!("X-Line: {}\r\n", "x".repeat(4000));
        // As much as the server takes, and then a little now and again.
        loop {
            if stream.write_all(&head).await.is_err() {
                return;
            }
            head = line.clone().into_bytes();
            sleep(Duration::from_millis(2)).await;
        }
    };
    hostile.swarm(MANY, one).await;
    Ok(())
}

pub(super) async fn handshakes(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        // A half never says a word.
        let said = if number.is_multiple_of(2) { &HELLO[..] } else { &[] };
        hold(hostile, hostile.tls, said, (number.is_multiple_of(4)).then_some(b"\0")).await;
    };
    hostile.swarm(MANY, one).await;
    Ok(())
}

pub(super) async fn idle(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        let request = format!("{}\r\n", wire::head("GET", hostile.server, "/healthz"));
        let said = if number.is_multiple_of(2) { request.as_bytes() } else { &[] };
        hold(hostile, hostile.server, said, None).await;
    };
    hostile.swarm(MANY, one).await;
    Ok(())
}

pub(super) async fn events(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, _| async move {
        let request = format!("{}\r\n", wire::head("GET", hostile.server, "/api/events"));
        hold(hostile, hostile.server, request.as_bytes(), None).await;
    };
    hostile.swarm(MANY, one).await;
    Ok(())
}

pub(super) async fn viewers(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        match number % 3 {
            0 => {
                let path = "/ws/viewer/steady?format=h264";
                if let Ok(mut viewer) = wire::web_socket(hostile.from, hostile.server, path).await {
                    while wire::next(&mut viewer).await.is_ok() {}
                }
            }
            kind => {
                let path = if kind == 1 { "/stream/steady.mjpg" } else { "/stream/steady.ts" };
                let request = format!("{}\r\n", wire::head("GET", hostile.server, path));
                hold(hostile, hostile.server, request.as_bytes(), None).await;
            }
        }
    };
    hostile.swarm(MANY, one).await;
    Ok(())
}

/// Connects, says something, and reads whatever comes until the server ends it; a byte more now and again, if any.
async fn hold(hostile: Hostile, to: SocketAddr, said: &[u8], more: Option<&[u8; 1]>) {
    let Ok(mut stream) = wire::connect(hostile.from, to).await else {
        return;
    };
    if stream.write_all(said).await.is_err() {
        return;
    }
    let mut answer = [0; 4096];
    loop {
        let read = timeout(TRICKLE, stream.read(&mut answer)).await;
        if matches!(read, Ok(Ok(0) | Err(_))) {
            return;
        }
        if let (Err(_), Some(more)) = (read, more)
            && stream.write_all(more).await.is_err()
        {
            return;
        }
    }
}
