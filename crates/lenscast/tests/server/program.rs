//! The program as a person starts it.

use crate::harness::{PATIENCE, jpeg, within};
use futures_util::{SinkExt as _, StreamExt as _};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_tungstenite::tungstenite::Message;

pub struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it keeps goes with it.
    state: Option<tempfile::TempDir>,
}

impl Program {
    pub fn start(args: &[&str]) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_lenscast")).args(args))
    }

    fn spawn(command: &mut Command) -> Self {
        // Not in the home of whoever runs the tests, and not as they configured theirs.
        let folder = tempfile::tempdir().unwrap();
        command.env("LENSCAST_STATE_DIR", folder.path().join("state")).env("LENSCAST_CONFIG", "/dev/null");
        Self { state: Some(folder), ..Self::spawn_with(command, Stdio::null()) }
    }

    /// With its own environment, and its log where it is wanted.
    pub fn spawn_with(command: &mut Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, state: None }
    }

    /// Reads on until a line contains `text`.
    pub async fn line(&mut self, text: &str) -> String {
        loop {
            let line = within(self.lines.next_line())
                .await
                .unwrap()
                .unwrap_or_else(|| panic!("no line with {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The server's address, from the URL that it prints.
    pub async fn address(&mut self) -> String {
        let line = self.line("http://127.0.0.1").await;
        line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned()
    }

    /// What the kernel says about the process (`/proc/PID/status`): the number behind `key`.
    pub fn kernel_says(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the kernel tells it");
        line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
    }

    pub async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap().success());
    }

    pub async fn ends_after(mut self, signal: &str) -> Option<i32> {
        self.signal(signal).await;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it never ends");
        drop(self.state.take());
        ended.unwrap().code()
    }
}

#[tokio::test]
async fn the_demo_shows_moving_video_and_ends_on_sigint() {
    let mut demo = Program::start(&["demo", "--listen", "127.0.0.1:0", "--size", "320x240"]);
    let address = demo.address().await;
    let (mut viewer, _) =
        tokio_tungstenite::connect_async(format!("ws://{address}/ws/viewer")).await.unwrap();
    for _ in 0..10 {
        let message = within(viewer.next()).await.unwrap().unwrap();
        assert_eq!(message.into_data()[0], 0x47);
    }
    let ended = demo.ends_after("INT");
    let closed = async {
        loop {
            if let Message::Close(Some(close)) = within(viewer.next()).await.unwrap().unwrap() {
                return u16::from(close.code);
            }
        }
    };
    let (code, closed) = tokio::join!(ended, closed);
    assert_eq!(code, Some(0));
    assert_eq!(closed, 1001);
}

#[tokio::test]
async fn what_a_person_calls_a_camera_is_kept_where_the_flag_says() {
    let folder = tempfile::TempDir::new().unwrap();
    let place = folder.path().join("state");
    let mut args = vec!["serve", "--listen", "127.0.0.1:0", "--state-dir", place.to_str().unwrap()];
    let mut server = Program::start(&args);
    let address = server.address().await;
    let (code, answer) = ask(&address, "PATCH /api/cameras/door", r#"{"title":"Front door"}"#).await;
    assert_eq!((code, answer.as_str()), (200, r#"{"title":"Front door"}"#));
    assert_eq!(server.ends_after("TERM").await, Some(0));
    args.extend(["--pts-origin", "8589934592"]);
    let mut server = Program::start(&args);
    let address = server.address().await;
    let url = format!("ws://{address}/ws/viewer/door");
    let (_waiting, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let status = loop {
        // Who watches is counted a moment after the upgrade.
        let (_, status) = ask(&address, "GET /status", "").await;
        if status.contains(r#""name":"door""#) {
            break status;
        }
    };
    assert!(status.contains(r#""title":"Front door""#), "{status}");
    let (_, clock) = ask(&address, "GET /api/clock", "").await;
    let clock: serde_json::Value = serde_json::from_str(&clock).unwrap();
    assert!(clock["pts_90k"].as_u64() >= Some(1 << 33), "{clock}");
}

/// A request; gives the answer's code and body.
async fn ask(address: &str, what: &str, body: &str) -> (u16, String) {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{what} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(socket.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn a_server_and_a_virtual_camera_find_each_other_and_end_on_sigterm() {
    let mut server = Program::start(&["serve", "--listen", "127.0.0.1:0"]);
    let address = server.address().await;
    server.line("No camera can reach this server").await;
    let device =
        Program::start(&["device", "--server", &format!("ws://{address}/ws/camera/door"), "--fps", "10"]);
    let url = format!("ws://{address}/ws/viewer/door?format=jpeg");
    let (mut viewer, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    within(viewer.next()).await.unwrap().unwrap();
    assert_eq!(device.ends_after("TERM").await, Some(0));
    assert_eq!(server.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn many_devices_have_a_name_each_and_a_line_tells_about_all_of_them() {
    let mut server = Program::start(&["serve", "--listen", "127.0.0.1:0"]);
    let address = server.address().await;
    let url = format!("ws://{address}");
    let mut devices =
        Program::start(&["device", "--server", &url, "--count", "3", "--size", "160x120", "--fps", "20"]);
    let line = devices.line("3 of 3 devices connected").await;
    assert!(line.contains("frames/s") && line.contains("Mbit/s"), "{line}");
    for number in 1..=3 {
        let url = format!("ws://{address}/ws/viewer/dev-{number}?format=jpeg");
        let (mut viewer, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        while !within(viewer.next()).await.unwrap().unwrap().is_binary() {}
    }
    assert_eq!(devices.ends_after("TERM").await, Some(0));
    assert_eq!(server.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn what_a_device_cannot_be_is_a_clear_error() {
    let folder = tempfile::TempDir::new().unwrap();
    let letter = folder.path().join("letter.txt");
    std::fs::write(&letter, "dear all").unwrap();
    let letter = letter.to_str().unwrap();
    let url = "ws://127.0.0.1:9";
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--nvs", letter], 1, "8 bytes and should have 24576"),
        (&["--world", letter], 1, "line 1"),
        (&["--source", letter], 1, "is not a source of pictures"),
        (&["--server", "wss://host"], 1, "cannot encrypt"),
        (&["--server", "ws://host/ws/camera/door", "--count", "2"], 1, "leave the path out"),
        (&["--count", "2"], 2, "--server"),
        (&["--server", url, "--count", "2", "--nvs", "nvs.bin"], 2, "cannot be used with"),
        (&["--server", url, "--count", "501"], 2, "501"),
    ];
    for (args, code, what) in cases {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lenscast"));
        let output = command.arg("device").args(args).stdin(Stdio::null()).output();
        let output = within(output).await.unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains(what), "{args:?}: {complaint}");
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
}

#[tokio::test]
async fn what_a_device_without_a_console_logs_goes_to_standard_error() {
    let mut server = Program::start(&["serve", "--listen", "127.0.0.1:0"]);
    let address = server.address().await;
    let mut device = Command::new(env!("CARGO_BIN_EXE_lenscast"))
        .args(["device", "--server", &format!("ws://{address}")])
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(device.stderr.take().unwrap()).lines();
    loop {
        let line = within(lines.next_line()).await.unwrap().expect("it goes on");
        if line.contains("INFO") && line.contains(&format!("stream: connected to {address}/ws/camera")) {
            break;
        }
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_clear_error() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_lenscast"))
        .args(["serve", "--listen", &address])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains(&address) && complaint.contains("another program"), "{complaint}");
}

#[tokio::test]
async fn a_server_without_descriptors_goes_on_and_recovers() {
    // Both limits, so that the server cannot raise it.
    let command =
        format!("ulimit -n 40 && exec {} serve --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_lenscast"));
    let mut server = Program::spawn(Command::new("sh").args(["-c", &command]));
    let address = server.address().await;
    let url = format!("ws://{address}/ws/camera");
    let (mut camera, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
    let (mut viewer, _) =
        tokio_tungstenite::connect_async(format!("ws://{address}/ws/viewer")).await.unwrap();
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    for number in 1..=5 {
        camera.send(Message::binary(jpeg(number))).await.unwrap();
        let message = within(viewer.next()).await.unwrap().unwrap();
        assert_eq!(message.into_data()[0], 0x47, "those who were there are served");
    }
    drop(crowd);
    let (mut late, _) =
        within(tokio_tungstenite::connect_async(format!("ws://{address}/ws/viewer"))).await.unwrap();
    camera.send(Message::binary(jpeg(6))).await.unwrap();
    assert_eq!(within(late.next()).await.unwrap().unwrap().into_data()[0], 0x47);
    assert_eq!(server.ends_after("TERM").await, Some(0));
}
