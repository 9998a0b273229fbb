//! Requests that come one byte at a time, or are larger than any request.

use super::world::*;
use crate::harness::*;
use crate::http::get;
use lenscast_http::connections::MAX_HEAD;
use lenscast_http::ended::Cause;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const PATIENT: Duration = Duration::from_millis(500);

fn impatient() -> Running {
    start_with(|config| config.limits.handshake_timeout = PATIENT)
}

/// Sends a beginning, then the byte again and again, until the server has enough of it. What it answered.
async fn drip(server: &Running, beginning: &str, byte: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(beginning.as_bytes()).await.unwrap();
    let (mut read, mut write) = socket.into_split();
    let byte = byte.to_vec();
    let dripping = tokio::spawn(async move {
        while write.write_all(&byte).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = Vec::new();
    #[expect(clippy::let_underscore_must_use, reason = "what was read before a reset counts")]
    let _ = within(tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer)).await;
    within(dripping).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_drips_is_given_up_in_time_and_counted() {
    let server = impatient();
    let began = Instant::now();
    let answer = drip(&server, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"x").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(began.elapsed() >= PATIENT);
    assert_eq!(server.app.serving.ended().of(Cause::SlowHead), 1);
    // One that asked for something and is quiet now is idle, not slow.
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    idle.write_all(request.as_bytes()).await.unwrap();
    assert!(rest(&mut idle).await.starts_with("HTTP/1.1 200"));
    assert_eq!(server.app.serving.ended().of(Cause::SlowHead), 1);
}

#[tokio::test]
async fn a_body_that_drips_is_given_up_in_time_and_counted() {
    let server = impatient();
    for (count, length) in [(1, "Content-Length: 4000"), (2, "Transfer-Encoding: chunked")] {
        let began = Instant::now();
        let head = format!(
            "POST /api/login HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{length}\r\n\r\n",
            server.address
        );
        let drop = if count == 1 { &b" "[..] } else { b"1\r\n \r\n" };
        let answer = drip(&server, &head, drop).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("--handshake-timeout"), "{answer}");
        assert!(began.elapsed() >= PATIENT);
        assert_eq!(server.app.serving.ended().of(Cause::SlowBody), count);
    }
    let (_, _, metrics) = get(&server, "/metrics").await;
    let metrics = String::from_utf8(metrics).unwrap();
    assert!(metrics.contains("lenscast_connections_ended_total{cause=\"slow_body\"} 2"), "{metrics}");
}

#[tokio::test]
async fn a_head_without_end_is_refused_when_it_is_larger_than_heads_are() {
    let server = start();
    for (line, times) in [("X-Long: ", 1), ("X-Many: 1\r\n", 1 + MAX_HEAD / 11)] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let mut head = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n", server.address);
        head += &line.repeat(times);
        head += &"x".repeat(MAX_HEAD);
        // It may be refused while it is still being sent.
        #[expect(clippy::let_underscore_must_use, reason = "the server may have hung up, as it should")]
        let _ = socket.write_all(head.as_bytes()).await;
        let answer = rest(&mut socket).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    // What browsers send fits.
    let request =
        format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nCookie: {}", server.address, "x".repeat(8000));
    assert!(crate::http::request(&server, &request).await.0.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn http_2_is_not_spoken_so_nothing_of_it_needs_a_limit() {
    let server = start();
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let answer = rest(&mut socket).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(!answer.starts_with("\0"), "no SETTINGS: {answer:?}");
}
