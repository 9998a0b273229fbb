//! The program as a person starts it: what it prints, what its commands do, and what its log tells.

use super::world::*;
use crate::harness::{until_listens, within};
use crate::program::Program;
use lenscast_auth::secret::Secret;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

/// A server that is another process.
pub struct Server {
    pub program: Program,
    pub folder: TempDir,
    pub address: SocketAddr,
}

impl Server {
    pub async fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lenscast"));
        let listen = ["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1"];
        command.args(listen).args(args).env("LENSCAST_STATE_DIR", folder.path().join("state"));
        command.env("LENSCAST_CONFIG", "/dev/null");
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut program = Program::spawn_with(&mut command, log.into());
        let address = program.address().await.parse().unwrap();
        let server = Self { program, folder, address };
        let socket = server.folder.path().join("state/control.sock");
        until_listens(&socket).await;
        server
    }

    /// What a command prints, which must go well.
    pub async fn says(&self, args: &[&str]) -> String {
        let output = self.run(args, "").await;
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub async fn run(&self, args: &[&str], input: &str) -> Output {
        run(&self.folder.path().join("state"), args, input).await
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// The code that another computer of the home network is answered.
    pub async fn code(&self, request: Ask) -> u16 {
        self.answers("192.168.1.7", request).await.code
    }

    /// What a computer of this address is answered.
    pub async fn answers(&self, address: &str, request: Ask) -> Answer {
        let request = request.header("Host", self.address.to_string()).header("X-Forwarded-For", address);
        request.over(TcpStream::connect(self.address).await.unwrap()).await
    }
}

pub async fn run(state: &Path, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenscast"));
    command
        .args(args)
        .env("LENSCAST_STATE_DIR", state)
        .env("LENSCAST_CONFIG", "/dev/null")
        .kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who does not read it may have ended.
    #[expect(clippy::let_underscore_must_use, reason = "the server may have hung up, as it should")]
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    within(child.wait_with_output()).await.unwrap()
}

/// What stands behind `token=` in a text.
pub fn token_in(text: &str) -> Secret {
    let token = text.split("token=").nth(1).unwrap_or_else(|| panic!("no link in {text}"));
    let end = token.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c))).unwrap_or(token.len());
    Secret::new(token[..end].to_owned())
}

/// The id in the last line, which says how to take back what was made.
pub fn id_in(text: &str) -> String {
    let line = text.lines().last().unwrap();
    line.strip_prefix("To take it back: lenscast access revoke ")
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

#[tokio::test]
async fn a_link_is_shared_listed_and_taken_back_from_the_command_line() {
    let server = Server::start(&[]).await;
    let text = server.says(&["share", "front", "--for", "24h", "--label", "Grandma"]).await;
    assert!(
        text.contains("The camera front can be watched until 20") && text.contains("/camera/front?token="),
        "{text}"
    );
    let share = token_in(&text);
    let watch = |camera: &str| ask("GET", format!("/snapshot/{camera}.jpg"));
    assert_eq!(server.code(watch("front").token(&share)).await, 503, "it waits for its camera");
    assert_eq!(server.code(watch("back").token(&share)).await, 403);
    let all = server.says(&["share", "--all", "--for", "30m"]).await;
    assert!(all.starts_with("All cameras can be watched"), "{all}");
    assert_eq!(server.code(watch("back").token(&token_in(&all))).await, 503);
    let list = server.says(&["access", "list"]).await;
    let line = list.lines().find(|line| line.contains("Grandma")).unwrap_or_else(|| panic!("{list}"));
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[0], id_in(&text));
    assert!(line.contains("watch front") && line.contains("just now") && line.contains("in 2"), "{line}");
    assert!(!list.contains("lcs_"), "{list}");
    server.says(&["access", "revoke", &id_in(&text)]).await;
    assert_eq!(server.code(watch("front").token(&share)).await, 401);
    let list = server.says(&["access", "list"]).await;
    assert!(list.lines().any(|line| line.contains("Grandma") && line.ends_with("taken back")), "{list}");
    let again = server.run(&["access", "revoke", &id_in(&text)], "").await;
    assert!(
        !again.status.success() && String::from_utf8_lossy(&again.stderr).contains("There is no"),
        "{again:?}"
    );
}

#[tokio::test]
async fn links_keys_and_passwords_are_made_on_the_command_line() {
    let server = Server::start(&[]).await;
    let status = || ask("GET", "/status");
    let access = || ask("GET", "/api/access");
    let view = token_in(&server.says(&["access", "new", "view", "tablet"]).await);
    assert_eq!(
        (server.code(status().bearer(&view)).await, server.code(access().bearer(&view)).await),
        (200, 403)
    );
    let front = token_in(&server.says(&["access", "new", "view", "--camera", "front", "--for", "7d"]).await);
    assert_eq!(server.code(ask("GET", "/metrics").bearer(&front)).await, 403);
    let admin = token_in(&server.says(&["access", "new", "admin", "me"]).await);
    assert_eq!(server.code(access().bearer(&admin)).await, 200);
    let text = server.says(&["access", "new", "camera", "door"]).await;
    let key = token_in(&text);
    assert!(text.contains("cam> stream set path /ws/camera/door save"), "{text}");
    assert!(text.contains(&format!("cam> stream set key {} save", key.expose())), "{text}");
    let dial = || ask("GET", "/ws/camera/door").upgrade();
    assert_eq!((server.code(dial()).await, server.code(dial().bearer(&key)).await), (401, 101));

    let password = async |args: &[&str], input: &str| {
        let output = server.run(&[&["access", "password"], args].concat(), input).await;
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (done, said) = password(&["anna"], "correct horse\n").await;
    assert!(done && said == "anna may watch with this password now.\n", "{said}");
    assert_eq!(server.code(status().basic(("anna", "correct horse"))).await, 200);
    let (done, said) = password(&["anna"], "another horse").await;
    assert!(done && said.contains("another password now"), "{said}");
    assert_eq!(server.code(status().basic(("anna", "correct horse"))).await, 401);
    assert_eq!(server.code(status().basic(("anna", "another horse"))).await, 200);
    let (done, said) = password(&["bert", "--right", "admin"], "battery staple\n").await;
    assert!(done && said.contains("everything"), "{said}");
    assert_eq!(server.code(access().basic(("bert", "battery staple"))).await, 200);
    for (args, input, word) in [
        (&["carl"][..], "short\n", "8 to 256"),
        (&["carl"], "", "8 to 256"),
        (&["Carl"], "long enough\n", "a-z"),
        (&["../carl"], "long enough\n", "a-z"),
    ] {
        let (done, said) = password(args, input).await;
        assert!(!done && said.contains(word), "{args:?}: {said}");
    }
    let list = server.says(&["access", "list", "--json"]).await;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["users"].as_array().unwrap().len(), 2, "{list}");
}

#[tokio::test]
async fn what_a_camera_tells_about_itself_does_nothing_to_a_terminal() {
    let server = Server::start(&[]).await;
    let bad = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{200b}\u{2066}x";
    let url = format!("ws://{}/ws/camera/front", server.address);
    let mut request =
        tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(url).unwrap();
    let protocol = lenscast_protocol::control::SUBPROTOCOL.parse().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    request.headers_mut().insert("X-Forwarded-For", "192.168.1.9".parse().unwrap());
    let (mut camera, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let hello = serde_json::json!({
        "type": "hello", "device_id": format!("a{bad}"), "firmware": bad, "board": bad, "sensor": bad, "reset_reason": bad,
    });
    let message = tokio_tungstenite::tungstenite::Message::text(hello.to_string());
    within(futures_util::SinkExt::send(&mut camera, message)).await.unwrap();
    within(async { while !server.says(&["status", "--json"]).await.contains("owned") {} }).await;
    let is_shown =
        |text: &str| text.chars().all(|char| char == '\n' || !lenscast_protocol::plain::is_unsafe(char));
    let json = server.says(&["status", "--json"]).await;
    assert!(is_shown(&json), "{json:?}");
    let status: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(status["cameras"][0]["device"]["firmware"], bad, "it means the same");
    for args in [&["status"][..], &["access", "list"], &["access", "list", "--json"]] {
        assert!(is_shown(&server.says(args).await), "{args:?}");
    }
    let log = server.log();
    assert!(log.contains("the device tells about itself") && is_shown(&log), "{log:?}");
}

#[tokio::test]
async fn what_a_command_cannot_do_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    for args in
        [&["access", "list"][..], &["share", "front", "--for", "1h"], &["access", "revoke", "0123456789"]]
    {
        let output = run(&state, args, "").await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("no lenscast server is running"), "{said}");
        assert!(said.contains(state.to_str().unwrap()) && said.contains("lenscast serve"), "{said}");
    }
    for (args, word) in [
        (&["share", "front"][..], "--for"),
        (&["share", "--for", "1h"], "CAMERA"),
        (&["share", "front", "--all", "--for", "1h"], "cannot be used with"),
        (&["share", "FRONT", "--for", "1h"], "FRONT"),
        (&["share", "front", "--for", "soon"], "24h"),
        (&["access", "revoke", "../clock"], "0-9 and a-f"),
    ] {
        let output = run(&state, args, "").await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(word), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_state_directory_that_others_may_use_is_told_at_the_start_with_what_to_type() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start(&[]).await;
    server.says(&["access", "new", "view"]).await;
    let Server { program, folder, .. } = server;
    assert_eq!(program.ends_after("TERM").await, Some(0));
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains("chmod"), "{log}");
    let state = folder.path().join("state");
    for (path, mode, wanted) in [(state.clone(), 0o755, 700), (state.join("credentials.json"), 0o644, 600)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lenscast"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("LENSCAST_STATE_DIR", &state);
        command.env("LENSCAST_CONFIG", "/dev/null");
        let file = folder.path().join("again");
        let mut program = Program::spawn_with(&mut command, fs::File::create(&file).unwrap().into());
        program.address().await;
        until_listens(state.join("control.sock")).await;
        let log = fs::read_to_string(&file).unwrap();
        let told = format!("(mode {mode:04o}), and let themselves in: chmod {wanted} {}", path.display());
        assert!(log.contains("WARN") && log.contains(&told), "{told}: {log}");
        let doctor = run(&state, &["doctor"], "").await;
        let doctor = String::from_utf8(doctor.stdout).unwrap();
        assert!(doctor.contains(&format!("chmod {wanted} {}", path.display())), "{doctor}");
        assert_eq!(program.ends_after("TERM").await, Some(0));
        fs::set_permissions(&path, fs::Permissions::from_mode(if path == state { 0o700 } else { 0o600 }))
            .unwrap();
    }
}

#[tokio::test]
async fn the_first_links_are_printed_once_and_work() {
    let mut server = Server::start(&[]).await;
    let view = token_in(&server.program.line("token=lc_view_").await);
    let admin = token_in(&server.program.line("token=lc_admin_").await);
    assert_eq!(server.code(ask("GET", "/").token(&view)).await, 200);
    assert_eq!(server.code(ask("GET", "/api/access").bearer(&view)).await, 403);
    assert_eq!(server.code(ask("GET", "/api/access").bearer(&admin)).await, 200);
    let log = server.log();
    assert!(!log.contains("lc_"), "{log}");
}

#[tokio::test]
async fn no_token_password_or_cookie_gets_into_the_log_however_much_it_tells() {
    let server = Server::start(&["--log", "trace", "--admin-password", "hunter2 hunter2"]).await;
    let view = token_in(&server.says(&["access", "new", "view", "tablet"]).await);
    let share = token_in(&server.says(&["share", "front", "--for", "1h"]).await);
    let key = token_in(&server.says(&["access", "new", "camera", "front"]).await);
    let login = |body: serde_json::Value| ask("POST", "/api/login").json(body);
    let text = view.expose();
    for request in [
        ask("GET", "/").token(&view),
        ask("GET", "/camera/front").token(&share),
        ask("GET", "/snapshot/back.jpg").token(&share),
        ask("GET", format!("/camera/{text}")),
        ask("GET", format!("/{text}")),
        ask("GET", format!("/x?TOKEN={text}&%74oken={text}")),
        ask("GET", "/stream/front.ts").bearer(&view),
        ask("GET", "/stream/front.ts").basic(("x", share.expose())),
        ask("GET", "/status").basic(("hunter2", "hunter2")),
        ask("GET", "/status").bearer(&Secret::new("hunter2".into())),
        ask("GET", "/ws/camera/front").upgrade().token(&key),
        ask("GET", "/ws/camera/front").upgrade().token(&Secret::new("hunter2".into())),
        ask("GET", "/ws/viewer/front").upgrade().token(&view),
        login(serde_json::json!({"token": text})),
        login(serde_json::json!({"password": "hunter2 hunter2"})),
        login(serde_json::json!({"name": "hunter2", "password": "hunter2"})),
        login(serde_json::json!({"password": ["hunter2"]})),
        ask("PUT", "/api/access/users/anna/password").basic(("admin", "hunter2 hunter2")).json("\"hunter2\""),
        ask("POST", "/api/demo").basic(("admin", "hunter2 hunter2")).json("{}"),
    ] {
        server.code(request).await;
    }
    // What is no HTTP at all.
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket
        .write_all(format!("GET /?token={text}\r\nAuthorization hunter2\r\n\r\n").as_bytes())
        .await
        .unwrap();
    #[expect(clippy::let_underscore_must_use, reason = "what was read before an error counts")]
    let _ = within(socket.read_to_end(&mut Vec::new())).await;
    let Server { program, folder, .. } = server;
    assert_eq!(program.ends_after("TERM").await, Some(0));
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("TRACE") && log.contains("/ws/camera/front") && log.contains("refused"), "{log}");
    for secret in ["lc_", "lcs_", "hunter2", "token="] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
