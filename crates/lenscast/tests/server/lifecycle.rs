//! The server's end, and what clients hear of it.

use crate::harness::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn on_shutdown_every_web_socket_hears_1001_and_every_answer_ends() {
    let mut server = start();
    let mut camera = server.camera().await;
    let mut viewers = Vec::new();
    for query in ["", "format=fmp4&events=1", "format=h264", "format=jpeg"] {
        viewers.push(server.viewer(query).await);
    }
    let mut endless = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET /stream.mjpg HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    endless.write_all(head.as_bytes()).await.unwrap();
    camera.send_jpeg(&jpeg(1)).await;
    for viewer in &mut viewers {
        viewer.binary().await;
    }
    endless.read_u8().await.unwrap();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    server.shutdown.cancel();
    assert_eq!(camera.closed().await.0, 1001);
    for viewer in &mut viewers {
        assert_eq!(viewer.closed().await.0, 1001);
    }
    let mut rest = Vec::new();
    within(endless.read_to_end(&mut rest)).await.unwrap();
    // It may not have been accepted yet, and is reset then; but it ends.
    #[expect(clippy::let_underscore_must_use, reason = "what was read before an error counts")]
    let _ = within(idle.read_to_end(&mut rest)).await;
    within(&mut server.task).await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "the port is free");
}

#[tokio::test]
async fn clients_that_do_not_listen_do_not_keep_the_server_from_ending() {
    let mut server = start();
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    let _deaf = server.viewer("").await;
    server.status_until(|status| status["viewer_clients"] == 1).await;
    server.shutdown.cancel();
    within(&mut server.task).await.unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_is_given_up() {
    let server = start_with(|config| config.limits.handshake_timeout = Duration::from_millis(200));
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: localh").await.unwrap();
    let mut answer = Vec::new();
    within(slow.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn connections_that_say_nothing_are_given_up_and_keep_nobody_out() {
    let server = start_with(|config| config.limits.handshake_timeout = Duration::from_millis(500));
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    camera.send_jpeg(&jpeg(1)).await;
    viewer.framed().await;
    for mut socket in silent {
        let mut answer = Vec::new();
        within(socket.read_to_end(&mut answer)).await.unwrap();
    }
    camera.send_jpeg(&jpeg(2)).await;
    viewer.framed().await;
}

#[tokio::test]
async fn cameras_that_connect_and_vanish_by_the_hundred_leave_nothing_behind() {
    let server = start();
    let mut steady = server.connect("/ws/camera/steady").await;
    let mut viewer = server.connect("/ws/viewer/steady?format=h264").await;
    let mut decoder = Decoder::new();
    for number in 1..=200u32 {
        let mut passing = server.connect(&format!("/ws/camera/passing-{}", number % 7)).await;
        passing.send_jpeg(&jpeg_of(number, 64, 48)).await;
        if number % 3 == 0 {
            passing.close().await;
        }
        if number % 20 == 0 {
            steady.send_jpeg(&jpeg(number)).await;
            assert_eq!(decoder.decode(&viewer.framed().await.1).frame_number(), number);
        }
    }
    let status = server.status_until(|status| status["camera_clients"] == 1).await;
    assert!(
        status["cameras"].as_array().unwrap().len() < 40,
        "names in use are counted, not connections: {status}"
    );
}
