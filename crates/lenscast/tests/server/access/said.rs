//! What the commands say, held against what happens.

use super::commands::*;
use super::lasting::{flows, read_to_end};
use super::world::*;
use crate::harness::{PATIENCE, jpeg, within};
use crate::program::Program;
use futures_util::{SinkExt as _, StreamExt as _};
use lenscast_auth::secret::Secret;
use serde_json::json;
use std::fs;
use std::process::Stdio;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

impl Server {
    /// A stream from the home network that lasts, by what the request presents.
    async fn stream(&self, request: Ask) -> TcpStream {
        let request = request.header("Host", self.address.to_string());
        let mut answer = request.header("X-Forwarded-For", "192.168.1.7").open_at(self.address).await;
        flows(&mut answer).await;
        answer
    }

    /// Sends as a camera of the home network for ever, and ends when it is put out; `None` when it is not let in.
    async fn camera(&self, name: &str, key: Option<&Secret>) -> Option<tokio::task::JoinHandle<()>> {
        let token = key.map(|key| format!("?token={}", key.expose())).unwrap_or_default();
        let url = format!("ws://{}/ws/camera/{name}{token}", self.address);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", "192.168.1.7".parse().unwrap());
        let (mut socket, _) = within(tokio_tungstenite::connect_async(request)).await.ok()?;
        Some(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(std::time::Duration::from_millis(50));
            loop {
                let over = tokio::select! {
                    message = socket.next() => matches!(message, None | Some(Err(_) | Ok(Message::Close(_)))),
                    _ = ticks.tick() => socket.send(Message::binary(jpeg(1))).await.is_err(),
                };
                if over {
                    return;
                }
            }
        }))
    }

    async fn password(&self, args: &[&str], password: &str) -> String {
        let output = self.run(&[&["access", "password"], args].concat(), password).await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn door() -> Ask {
    ask("GET", "/stream/door.mjpg")
}

#[tokio::test]
async fn who_has_a_link_that_is_taken_back_is_out_as_the_command_says() {
    let server = Server::start(&[]).await;
    let _camera = server.camera("door", None).await.expect("it needs no key");
    for new in [
        &["access", "new", "view", "tablet"][..],
        &["access", "new", "admin", "me"],
        &["share", "door", "--for", "1h"],
    ] {
        let said = server.says(new).await;
        let (link, id) = (token_in(&said), id_in(&said));
        if new[0] == "access" {
            assert!(
                said.contains("Whoever has this link needs no password. It is shown only this once"),
                "{said}"
            );
        } else {
            assert!(said.starts_with("The camera door can be watched until "), "{said}");
        }
        let list = server.says(&["access", "list", "--json"]).await;
        assert!(!list.contains(link.expose()), "shown only this once");
        let by_link = server.stream(door().token(&link)).await;
        let page = server.answers("192.168.1.7", ask("GET", "/camera/door").token(&link)).await;
        let by_session = server.stream(door().cookie(&page.session())).await;
        let said = server.says(&["access", "revoke", &id]).await;
        assert_eq!(said, "Nobody gets in by this link any more, and what was open by it has ended.\n");
        read_to_end(by_link).await;
        read_to_end(by_session).await;
        assert_eq!(server.code(door().token(&link)).await, 401);
        assert_eq!(server.code(ask("GET", "/").cookie(&page.session())).await, 401);
    }
}

#[tokio::test]
async fn who_has_a_password_may_do_what_the_command_says_until_it_says_otherwise() {
    let server = Server::start(&[]).await;
    let _camera = server.camera("door", None).await.expect("it needs no key");
    let anna = |password| ("anna", password);
    assert_eq!(server.password(&["anna"], "correct horse").await, "anna may watch with this password now.\n");
    let said = server.password(&["kid", "--camera", "yard"], "correct horse").await;
    assert_eq!(said, "kid may watch yard with this password now.\n");
    assert_eq!(server.code(door().basic(("kid", "correct horse"))).await, 403);
    let said = server.password(&["bert", "--right", "admin"], "battery staple").await;
    assert_eq!(said, "bert may do everything with this password now.\n");
    assert_eq!(server.code(ask("GET", "/api/access").basic(("bert", "battery staple"))).await, 200);

    let login =
        |password: &str| ask("POST", "/api/login").json(json!({"name": "anna", "password": password}));
    let session = server.answers("192.168.1.7", login("correct horse")).await.session();
    let by_session = server.stream(door().cookie(&session)).await;
    let by_basic = server.stream(door().basic(anna("correct horse"))).await;
    let said = server.password(&["anna"], "another horse").await;
    assert_eq!(
        said,
        "anna has another password now, and has to log in again: what was open by the old one has ended.\n"
    );
    read_to_end(by_session).await;
    read_to_end(by_basic).await;
    assert_eq!(server.code(door().basic(anna("correct horse"))).await, 401);
    assert_eq!(server.code(ask("GET", "/").cookie(&session)).await, 401);

    // A browser that is logged out, and a user who is removed.
    let session = server.answers("192.168.1.7", login("another horse")).await.session();
    let by_session = server.stream(door().cookie(&session)).await;
    let by_basic = server.stream(door().basic(anna("another horse"))).await;
    let list: serde_json::Value =
        serde_json::from_str(&server.says(&["access", "list", "--json"]).await).unwrap();
    let user = list["users"].as_array().unwrap().iter().find(|user| user["name"] == "anna").unwrap();
    let user = user["id"].as_str().unwrap();
    let said = server.says(&["access", "revoke", list["sessions"][0]["id"].as_str().unwrap()]).await;
    assert!(said.starts_with("This browser is logged out. Whoever has the password"), "{said}");
    assert!(said.ends_with(&format!("lenscast access revoke {user}\n")), "{said}");
    read_to_end(by_session).await;
    let again = server.answers("192.168.1.7", login("another horse")).await;
    assert_eq!(again.code, 204, "whoever has the password can log in again");
    let said = server.says(&["access", "revoke", user]).await;
    assert_eq!(said, "anna cannot log in any more, and what was open by this login has ended.\n");
    read_to_end(by_basic).await;
    assert_eq!(server.code(ask("GET", "/").cookie(&again.session())).await, 401);
    assert_eq!(server.code(login("another horse")).await, 401);
}

#[tokio::test]
async fn a_camera_with_a_key_is_closed_as_the_commands_say_until_it_is_opened() {
    let server = Server::start(&[]).await;
    let stranger = server.camera("door", None).await.expect("it needs no key yet");
    let said = server.says(&["access", "new", "camera", "door"]).await;
    let (key, id) = (token_in(&said), id_in(&said));
    assert!(
        said.starts_with(
            "From now on only devices with a key can be the camera door, and programs on this computer.\n"
        ),
        "{said}"
    );
    within(stranger).await.unwrap();
    assert!(server.camera("door", None).await.is_none());
    let thief = server.camera("door", Some(&key)).await.expect("it has the key");
    let other = server.says(&["access", "new", "camera", "door", "--label", "other"]).await;
    let (other, other_id) = (token_in(&other), id_in(&other));

    let said = server.says(&["access", "revoke", &id]).await;
    assert_eq!(
        said,
        "Nobody gets in by this key any more, and whoever was in by it is cut off.\n\
         The camera door has another key, which is good still.\n"
    );
    within(thief).await.unwrap();
    assert!(server.camera("door", Some(&key)).await.is_none() && server.camera("door", None).await.is_none());
    let with_other = server.camera("door", Some(&other)).await.expect("which is good still");
    let refused = server.run(&["access", "open", "door"], "").await;
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && why.contains("The camera door has a key. Take that back first"),
        "{why}"
    );

    let said = server.says(&["access", "revoke", &other_id]).await;
    assert_eq!(
        said,
        "Nobody gets in by this key any more, and whoever was in by it is cut off.\n\
         The camera door stays closed to devices without a key.\n  \
         Another key: lenscast access new camera door\n  \
         To do without: lenscast access open door\n"
    );
    within(with_other).await.unwrap();
    for key in [None, Some(&key), Some(&other)] {
        assert!(server.camera("door", key).await.is_none());
    }
    let list = server.says(&["access", "list"]).await;
    let line = list.lines().find(|line| line.contains("camera door")).unwrap_or_else(|| panic!("{list}"));
    assert!(line.contains("closed: its key is gone"), "{line}");

    let said = server.says(&["access", "open", "door"]).await;
    assert_eq!(said, "Any device at home can be the camera door now, without a key.\n");
    assert!(server.camera("door", None).await.is_some());
    assert!(!server.says(&["access", "list"]).await.contains("camera door"));
    let again = server.run(&["access", "open", "door"], "").await;
    let why = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && why.contains("no closed camera door"), "{why}");
}

#[tokio::test]
async fn where_nobody_needs_a_credential_the_commands_say_so() {
    // Whoever is at home may watch: a link that is taken back keeps nobody out.
    let server = Server::start(&["--open-view"]).await;
    let said = server.says(&["access", "new", "view"]).await;
    let said = server.says(&["access", "revoke", &id_in(&said)]).await;
    assert!(said.ends_with("\nWhoever is at home can watch all the same: open_view = true.\n"), "{said}");
    assert_eq!(server.code(ask("GET", "/")).await, 200);

    let server = Server::start(&["--open"]).await;
    let said = server.says(&["access", "new", "camera", "door"]).await;
    assert!(said.contains("But this server is open (open = true)"), "{said}");
    assert!(server.camera("door", None).await.is_some());
    let said = server.says(&["access", "revoke", &id_in(&said)]).await;
    assert!(
        said.contains("But this server is open (open = true)") && !said.contains("stays closed"),
        "{said}"
    );

    let server = Server::start(&["--require-camera-key"]).await;
    let said = server.says(&["access", "new", "camera", "door"]).await;
    server.says(&["access", "revoke", &id_in(&said)]).await;
    let said = server.says(&["access", "open", "door"]).await;
    assert!(said.contains("every camera needs one: require_camera_key = true"), "{said}");
    assert!(server.camera("door", None).await.is_none());
}

#[tokio::test]
async fn a_program_on_this_computer_needs_no_key_as_the_command_says() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenscast"));
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("LENSCAST_STATE_DIR", &state);
    command.env("LENSCAST_CONFIG", "/dev/null");
    let mut program = Program::spawn_with(&mut command, Stdio::null());
    let address = program.address().await;
    crate::harness::until_listens(state.join("control.sock")).await;
    let made = run(&state, &["access", "new", "camera", "door"], "").await;
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(said.contains("and programs on this computer"), "{said}");
    let url = format!("ws://{address}/ws/camera/door");
    let camera = tokio::time::timeout(PATIENCE, tokio_tungstenite::connect_async(url)).await.unwrap();
    assert!(camera.is_ok(), "{camera:?}");
    assert!(fs::metadata(state.join("credentials.json")).is_ok());
}
