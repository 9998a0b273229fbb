//! What strangers can make the server log: some lines of each kind, and a sum.

use crate::harness::*;
use crate::program::Program;
use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Message;

/// How often each attack is repeated: at 200 bytes a line, this would be far more than [`MOST`].
const TIMES: usize = 400;

/// The most bytes that an attack of that size may put into the log.
const MOST: usize = 20_000;

/// A server whose log is read at the end.
struct Logging {
    program: Program,
    address: String,
    folder: TempDir,
}

impl Logging {
    async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lenscast"));
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("LENSCAST_STATE_DIR", folder.path().join("state"))
            .env("LENSCAST_CONFIG", "/dev/null");
        let mut program = Program::spawn_with(&mut command, Stdio::from(log));
        let address = program.address().await;
        Self { program, address, folder }
    }

    /// Sends a request, and reads the answer.
    async fn ask(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).await.unwrap();
        let request = request.replace("ADDRESS", &self.address);
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(socket.read_to_string(&mut answer)).await.unwrap();
        answer
    }

    /// What the server logged until its end.
    async fn log(self) -> String {
        assert_eq!(self.program.ends_after("TERM").await, Some(0));
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

/// There are some lines with `words`, not all, and the sum of the others.
fn is_summed_up(log: &str, words: &str, kind: &str, times: usize) {
    assert!(log.len() < MOST, "{} bytes:\n{}", log.len(), &log[..2000]);
    let sum = format!("more of the kind {kind:?} from 127.0.0.1");
    let lines = log.lines().filter(|line| line.contains(words) && !line.contains("more of the kind")).count();
    assert!((1..=20).contains(&lines), "{lines} lines with {words:?}:\n{log}");
    let summed: usize = log
        .lines()
        .filter(|line| line.contains(&sum))
        .map(|line| {
            let number = line.split("and ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
            number.replace(',', "").parse::<usize>().unwrap()
        })
        .sum();
    assert_eq!(lines + summed, times, "each is told or counted:\n{log}");
}

#[tokio::test]
async fn a_camera_that_comes_and_goes_is_some_lines_and_a_sum() {
    let server = Logging::start(&[]).await;
    for number in 0..TIMES {
        // Under ever new names, too.
        let url = format!("ws://{}/ws/camera/c{}", server.address, number % 50);
        let (mut camera, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        // Two of three leave without a word.
        if number % 3 == 0 {
            within(camera.close(None)).await.unwrap();
            while let Some(Ok(_)) = within(futures_util::StreamExt::next(&mut camera)).await {}
        }
    }
    // All of them have gone when the last one has.
    within(async {
        while !server
            .ask("GET /status HTTP/1.1\r\nHost: ADDRESS\r\nConnection: close\r\n\r\n")
            .await
            .contains("\"camera_clients\":0")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let log = server.log().await;
    is_summed_up(&log, "camera connected", "camera connected", TIMES);
    is_summed_up(&log, "camera left", "camera left", TIMES - TIMES.div_ceil(3));
    is_summed_up(&log, "camera closed", "camera closed", TIMES.div_ceil(3));
}

#[tokio::test]
async fn logins_that_are_refused_are_some_lines_and_a_sum() {
    let server = Logging::start(&["--admin-password", "correct horse battery staple"]).await;
    let body = r#"{"token":"lc_view_no"}"#;
    let request = format!(
        "POST /api/login HTTP/1.1\r\nHost: ADDRESS\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..TIMES {
        let answer = server.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    is_summed_up(&server.log().await, "a login is refused", "a login is refused", TIMES);
}

#[tokio::test]
async fn bad_frames_under_ever_new_names_are_some_lines_and_a_sum_and_all_are_counted() {
    let server = Logging::start(&["--max-cameras", "64"]).await;
    for number in 0..TIMES {
        let url = format!("ws://{}/ws/camera/n{number}", server.address);
        let (mut camera, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let send = futures_util::SinkExt::send(&mut camera, Message::binary(vec![0xFF; 100]));
        within(send).await.unwrap();
        within(camera.close(None)).await.unwrap();
        while let Some(Ok(_)) = within(futures_util::StreamExt::next(&mut camera)).await {}
    }
    let log = server.log().await;
    let refused = log.lines().find(|line| line.contains("a frame is refused")).expect("a line");
    let kind = refused.split("cause=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    is_summed_up(&log, "a frame is refused", kind, TIMES);
}

#[tokio::test]
async fn connections_that_ask_for_nothing_are_some_lines_and_a_sum() {
    let server = Logging::start(&["--handshake-timeout", "0.05"]).await;
    let mut open = Vec::new();
    for _ in 0..TIMES {
        let mut socket = TcpStream::connect(&server.address).await.unwrap();
        #[expect(clippy::let_underscore_must_use, reason = "a connection that was closed says nothing")]
        let _ = socket.write_all(b"GET / HTTP/1.1\r\nX: ").await;
        open.push(socket);
    }
    for mut socket in open {
        let mut rest = Vec::new();
        #[expect(clippy::let_underscore_must_use, reason = "what was read before a reset counts")]
        let _ = within(socket.read_to_end(&mut rest)).await;
    }
    let log = server.log().await;
    assert!(log.len() < MOST, "{} bytes", log.len());
    assert!(log.contains("its head took too long") && log.contains("more of the kind"), "{log}");
}
