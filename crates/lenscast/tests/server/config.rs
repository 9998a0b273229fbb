//! What a server is told, as people tell it: file, environment, flags, and all of it again while it runs.

mod reloading;
mod running;

use crate::harness::within;
use crate::program::Program;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A folder with a configuration file.
pub struct World(TempDir);

impl World {
    pub fn new(file: &str) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        world.write(file);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("lenscast.toml")
    }

    pub fn write(&self, file: &str) {
        fs::write(self.file(), file).unwrap();
    }

    /// The program with these arguments, which takes this file.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lenscast"));
        command
            .args(args)
            .env("LENSCAST_CONFIG", self.file())
            .env("LENSCAST_STATE_DIR", self.0.path().join("state"));
        command
    }

    pub async fn run(&self, args: &[&str]) -> Output {
        within(self.command(args).stdin(Stdio::null()).output()).await.unwrap()
    }

    /// What the program prints.
    async fn says(&self, args: &[&str]) -> String {
        let output = self.run(args).await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A server whose log goes to a file.
    pub async fn serve(&self, args: &[&str]) -> Server {
        let log = self.0.path().join("log");
        let mut command = self.command(&[&["serve"], args].concat());
        let mut program = Program::spawn_with(&mut command, fs::File::create(&log).unwrap().into());
        let address = program.address().await;
        Server { program, address, log }
    }
}

pub struct Server {
    pub program: Program,
    address: String,
    log: PathBuf,
}

impl Server {
    async fn connect(&self, path: &str) -> Result<Socket, Error> {
        within(connect_async(format!("ws://{}{path}", self.address))).await.map(|(socket, _)| socket)
    }

    /// What a POST is answered: code and JSON.
    pub async fn post(&self, path: &str) -> (u16, Value) {
        let mut socket = TcpStream::connect(&self.address).await.unwrap();
        let host = &self.address;
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(socket.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}")))
    }

    /// Waits until `GET /status` tells of one camera what is wanted.
    async fn status_until(&self, wanted: impl Fn(&Value) -> bool) {
        within(async {
            loop {
                let answer = get(&self.address, "/status").await;
                let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
                let status: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
                if wanted(&status["cameras"][0]) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// What is no HTTP, which the log tells at debug; returns when the server is done with it.
    async fn send_nonsense(&self) {
        let mut socket = TcpStream::connect(&self.address).await.unwrap();
        socket.write_all(b"nonsense\r\n\r\n").await.unwrap();
        within(socket.read_to_end(&mut Vec::new())).await.unwrap();
    }

    pub async fn reload(&self) -> Value {
        let (code, answer) = self.post("/api/reload").await;
        assert_eq!(code, 200, "{answer}");
        answer
    }

    /// Waits until the log has a line with `text`, and gives the whole log.
    pub async fn log_until(&self, text: &str) -> String {
        self.log_until_times(1, text).await
    }

    /// Waits until the log has said this so often.
    pub async fn log_until_times(&self, times: usize, text: &str) -> String {
        within(async {
            loop {
                let log = fs::read_to_string(&self.log).unwrap();
                if log.matches(text).count() >= times {
                    return log;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }
}

async fn get(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(socket.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_key_can_be_set_in_three_ways_and_what_is_in_force_is_shown_with_its_origin() {
    let world = World::new("max_viewers = 1\nmax_cameras = 1\nmax_pixels = 1\n");
    let mut command = world.command(&["--log", "debug", "config", "print", "--max-viewers", "3"]);
    let command = command
        .env("LENSCAST_MAX_VIEWERS", "2")
        .env("LENSCAST_MAX_CAMERAS", "2")
        .env("LENSCAST_MAX_PIXELS", "");
    let output = within(command.output()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let file = world.file().display().to_string();
    for line in [
        format!("# {file}"),
        "max_viewers = 3 # --max-viewers".to_owned(),
        "max_cameras = 2 # LENSCAST_MAX_CAMERAS".to_owned(),
        format!("max_pixels = 1 # {file}:3"),
        "camera_timeout = 25 # default".to_owned(),
        "log = \"debug\" # --log".to_owned(),
    ] {
        assert!(lines.contains(&line), "{line}: {text}");
    }
}

#[tokio::test]
async fn a_server_obeys_its_file_and_a_flag_wins_over_it() {
    let world = World::new("max_viewers = 1\nmax_cameras = 0\nlisten = \"127.0.0.1:0\"\n");
    let server = world.serve(&["--max-cameras", "1"]).await;
    let _camera = server.connect("/ws/camera").await.expect("the flag lets it in");
    let _viewer = server.connect("/ws/viewer").await.unwrap();
    let refused = server.connect("/ws/viewer").await.unwrap_err();
    assert!(matches!(&refused, Error::Http(answer) if answer.status() == 503), "{refused}");
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn the_demo_listens_where_the_file_says_and_on_this_computer_alone_without_it() {
    let text = World::new("").says(&["demo", "--help"]).await;
    assert!(
        text.contains("[default: 127.0.0.1:8080]") && text.contains("[default: 127.0.0.1:8443]"),
        "{text}"
    );
    // The port is taken, by this or by somebody else; so the demo says which one it wanted.
    let _taken = tokio::net::TcpListener::bind("127.0.0.1:8080").await;
    let output = World::new("").run(&["demo"]).await;
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("cannot listen on 127.0.0.1:8080"), "{complaint}");
    let world = World::new("listen = \"127.0.0.1:0\"");
    let mut demo = Program::spawn_with(&mut world.command(&["demo", "--size", "160x120"]), Stdio::null());
    let address = demo.address().await;
    assert!(!address.ends_with(":8080"), "{address}");
    assert_eq!(demo.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn mistakes_are_all_told_at_once_by_everything_that_reads_the_file() {
    let world =
        World::new("max_viewer = 3\nlisten = 8080\n\nencode = \"somtimes\"\ncamera_timeout = \"25 s\"\n");
    for args in [&["serve"][..], &["demo"], &["config", "check"], &["config", "print"]] {
        let output = world.run(args).await;
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        let complaint = complaint.replace(&world.file().display().to_string(), "FILE");
        let expected = "lenscast: 4 mistakes in the configuration\n  \
            FILE:1: max_viewer is no key; did you mean max_viewers?\n  \
            FILE:2: listen is a text in quotes: listen = \"[::]:8080\"\n  \
            FILE:4: encode is \"demand\" or \"always\", not \"somtimes\"\n  \
            FILE:5: camera_timeout is a number of seconds, without quotes\n";
        assert_eq!(complaint, expected, "{args:?}");
    }
}

#[tokio::test]
async fn a_mistake_in_the_environment_or_a_file_that_is_not_there_is_told() {
    let world = World::new("");
    let mut command = world.command(&["serve"]);
    let output = within(command.env("LENSCAST_OPEN_VIEW", "perhaps").output()).await.unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(complaint, "lenscast: LENSCAST_OPEN_VIEW: open_view is true or false, not \"perhaps\"\n");
    let output = world.run(&["serve", "--config", "/none.toml"]).await;
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.starts_with("lenscast: /none.toml: this file cannot be read: "), "{complaint}");
    let output = world.run(&["serve", "--camera-key", "hunter2"]).await;
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        complaint, "lenscast: --camera-key: camera_keys: a key is written NAME=KEY\n",
        "without the key"
    );
    let output = world.run(&["config", "check", "/none.toml"]).await;
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn a_good_file_is_said_to_be_good_and_the_sample_is_one() {
    let world = World::new("");
    let sample = world.says(&["config", "sample"]).await;
    world.write(&sample);
    let said = world.says(&["config", "check"]).await;
    assert_eq!(said, format!("{} is fine; 1 key is set.\n", world.file().display()), "LENSCAST_STATE_DIR is");
    world.write("tls_cert = \"/none.pem\"\ntls_key = \"/none.key\"\n");
    let output = world.run(&["config", "check"]).await;
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("lenscast.toml:1: tls_cert: cannot read /none.pem"), "{complaint}");
}

#[tokio::test]
async fn no_secret_gets_into_the_log_or_what_is_printed() {
    let world = World::new("");
    let secret = |name: &str| {
        let path = world.0.path().join(name);
        fs::write(&path, format!("hunter2-{name}\n")).unwrap();
        format!("file:{}", path.display())
    };
    let file = format!(
        "listen = \"127.0.0.1:0\"\nlog = \"debug\"\nadmin_password = \"{}\"\n[camera_keys]\ndoor = \"hunter2-text\"\n",
        secret("admin")
    );
    world.write(&file);
    let mut command = world.command(&["config", "print"]);
    let output = within(command.env("LENSCAST_VIEW_PASSWORD", "hunter2-env").output()).await.unwrap();
    let text = format!("{output:?}");
    assert!(text.contains("view_password = (secret)") && !text.contains("hunter2"), "{text}");

    let server =
        world.serve(&["--camera-key", "garden=hunter2-flag", "--view-password", "hunter2-flag"]).await;
    let _camera = server.connect("/ws/camera").await.unwrap();
    world.write(&file.replace("hunter2-text", "hunter2-other"));
    assert_eq!(server.reload().await["applied"], json!([]), "the flag still wins");
    fs::write(world.0.path().join("admin"), "hunter2-new\n").unwrap();
    assert_eq!(server.reload().await["applied"], json!(["admin_password"]));
    // Mistakes of many kinds around a secret.
    for broken in [
        "admin_password = hunter2",
        "admin_pasword = \"hunter2\"",
        "camera_keys = \"hunter2\"",
        "admin_password = \"hunter2",
    ] {
        world.write(broken);
        let (code, answer) = server.post("/api/reload").await;
        assert_eq!(code, 422);
        assert!(!answer.to_string().contains("hunter2"), "{answer}");
    }
    server.send_nonsense().await;
    let log = server.log_until("DEBUG").await;
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
    let log = log + &fs::read_to_string(world.0.path().join("log")).unwrap();
    assert!(log.contains("DEBUG") && !log.contains("hunter2"), "{log}");
}
