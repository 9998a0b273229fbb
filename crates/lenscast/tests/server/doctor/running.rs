//! A server that runs: what it says about itself and its cameras.

use super::*;
use crate::device::{hello, telemetry};
use crate::harness::*;
use crate::program::Program;
use lenscast_protocol::control::{Hello, Telemetry};
use serde_json::Value;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

impl World {
    /// A server in this process that keeps its state here.
    async fn serve_here(&self) -> Running {
        let place = self.path("state");
        let server = start_with(|config| {
            config.state_dir = Some(place);
            config.limits.silent_after = Duration::from_millis(50);
        });
        self.until_controlled().await;
        server
    }

    /// The program with this configuration.
    async fn serve(&self) -> (Program, String) {
        let mut command =
            tokio::process::Command::from(self.command(env!("CARGO_BIN_EXE_lenscast"), &["serve"]));
        // As somebody in that folder types it.
        command.args(["--config", "lenscast.toml", "--state-dir", "state"]).current_dir(self.folder.path());
        let mut program = Program::spawn_with(&mut command, Stdio::null());
        let address = program.address().await;
        self.until_controlled().await;
        (program, address)
    }

    async fn until_controlled(&self) {
        until_listens(self.path("state/control.sock")).await;
    }

    async fn run(&self, args: &[&str]) -> Output {
        let mut command = tokio::process::Command::from(self.command(env!("CARGO_BIN_EXE_lenscast"), args));
        within(command.args(self.which()).output()).await.unwrap()
    }

    async fn examined(&self) -> Said {
        Said::of(self.run(&["doctor"]).await)
    }

    /// On this computer alone, on a port that the system gives.
    fn private() -> Self {
        let mut world = Self::new();
        world.listen("127.0.0.1:0");
        world
    }
}

#[tokio::test]
async fn a_server_that_runs_with_a_camera_has_nothing_wrong() {
    let world = World::private();
    world.written();
    let (program, address) = world.serve().await;
    let (mut camera, _) =
        within(tokio_tungstenite::connect_async(format!("ws://{address}/ws/camera/garden"))).await.unwrap();
    let said = within(async {
        loop {
            futures_util::SinkExt::send(&mut camera, Message::binary(jpeg(1))).await.unwrap();
            let said = world.examined().await;
            if said.text.contains("1 camera sends its picture") {
                return said;
            }
        }
    })
    .await;
    let found = said.findings(&['!', '✗']);
    assert!(found.len() == 1 && found[0].contains("this computer only"), "{}", said.text);
    let port = address.rsplit(':').next().unwrap();
    assert!(said.text.contains(&format!("✓ Port {port} is this server's.")), "{}", said.text);
    assert!(
        said.text.contains("✓ It runs (process") && said.text.contains("what is set is in force"),
        "{}",
        said.text
    );
    assert_eq!((said.code, program.ends_after("TERM").await), (Some(0), Some(0)));
}

#[tokio::test]
async fn what_was_changed_and_is_not_in_force_is_found() {
    let mut world = World::private();
    world.written();
    let (program, _) = world.serve().await;
    world.set("max_viewers = 7\nbase_path = \"/cam/\"");
    world.written();
    let said = world.examined().await;
    said.finds('!', &["does not know yet what was changed: max_viewers", "lenscast reload"]);
    said.finds('!', &["only when the server starts again: base_path"]);
    world.set("max_viewer = 7");
    world.written();
    world.examined().await.finds('✗', &["would read now has mistakes: ", "max_viewer is no key"]);
    assert_eq!(program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn a_camera_that_is_silent_or_sends_nonsense_is_found() {
    let world = World::private();
    world.written();
    let server = world.serve_here().await;
    let mut silent = server.connect("/ws/camera/silent").await;
    silent.send_jpeg(&jpeg(1)).await;
    server.camera_until("silent", |camera| camera["state"] == "silent").await;
    let mut broken = server.connect("/ws/camera/broken").await;
    for _ in 0..10 {
        broken.send(Message::binary(vec![0; 100])).await;
    }
    server.camera_until("broken", |camera| camera["quarantined"]["not_a_jpeg"] == 10).await;
    let said = world.examined().await;
    said.finds('✗', &["The camera silent is connected, and has sent no picture for"]);
    said.finds('!', &["The camera broken sends frames that are no use", "10 were no JPEG"]);
}

#[tokio::test]
async fn why_a_cameras_messages_are_refused_is_told_with_what_to_do() {
    let world = World::private();
    world.written();
    let server = world.serve_here().await;
    let mut first = server.connect("/ws/camera/first").await;
    let mut text = server.connect("/ws/camera/text").await;
    let mut pieces = server.connect("/ws/camera/pieces").await;
    let jpeg = jpeg(1);
    for _ in 0..10 {
        first.send(Message::binary([&[0, 0, 30, 239], &jpeg[..]].concat())).await;
        text.send(Message::text("x".repeat(500))).await;
        for piece in jpeg.chunks(jpeg.len().div_ceil(3)) {
            pieces.send(Message::binary(piece.to_vec())).await;
        }
    }
    server.camera_until("first", |camera| camera["quarantined"]["jpeg_not_first"] == 10).await;
    server.camera_until("text", |camera| camera["quarantined"]["text"] == 10).await;
    server.camera_until("pieces", |camera| camera["quarantined"]["in_pieces"] == 29).await;
    let said = world.examined().await;
    said.finds('!', &["The camera first sends", "10 had other bytes before their JPEG"]);
    said.finds('!', &["The camera first sends", "a JPEG begins at byte 4: send nothing before it."]);
    said.finds('!', &["The camera text sends", "10 were text", "send the JPEG as a binary message"]);
    said.finds('!', &["The camera pieces sends", "29 were pieces of a JPEG", "send it in one"]);
    assert!(!said.text.contains("ribbon cable"), "other advice is of no use here:\n{}", said.text);
    let output = world.run(&["status"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("✗ a JPEG begins at byte 4: send nothing before it\n"), "{text}");
}

#[tokio::test]
async fn what_ails_a_device_is_told_by_both_commands() {
    let world = World::private();
    world.written();
    let server = world.serve_here().await;
    let told = Hello { reset_reason: "brown-out".into(), ..hello("a") };
    let _camera =
        server.device("/ws/camera/garden", told, Telemetry { rssi: Some(-91), ..telemetry() }).await;
    server.camera_until("garden", |camera| camera["device"]["rssi"] == -91).await;
    let said = world.examined().await;
    said.finds('✗', &["garden: The camera restarted because its voltage dropped", "power supply"]);
    said.finds('✗', &["garden: The camera's WiFi signal is very weak (−91 dBm)"]);
    let output = world.run(&["status"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("-91 dBm\n  ✗ The camera restarted because its voltage dropped"), "{text}");
}

#[tokio::test]
async fn the_status_is_told_for_people_and_for_programs() {
    let mut world = World::private();
    world.set("open_view = true");
    let file = world.written();
    let (program, address) = world.serve().await;
    let url = format!("ws://{address}/ws/camera/garden");
    let (mut camera, _) = within(tokio_tungstenite::connect_async(url)).await.unwrap();
    let text = within(async {
        loop {
            futures_util::SinkExt::send(&mut camera, Message::binary(jpeg(1))).await.unwrap();
            let output = world.run(&["status"]).await;
            assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
            let text = String::from_utf8(output.stdout).unwrap();
            if text.contains("320×240") {
                return text;
            }
        }
    })
    .await;
    for words in [
        concat!("lenscast ", env!("CARGO_PKG_VERSION"), ", process "),
        &format!("Listens on    {address}\n"),
        "the home network may watch (open_view)\n",
        &format!("Configuration {}\n", file.display()),
        "CAMERA  STATE",
        "garden  live for ",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let output = world.run(&["status", "--json"]).await;
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["cameras"][0]["name"], "garden");
    assert_eq!(json["server"]["listen"][0]["address"], address);
    assert_eq!(json["server"]["access"]["open_view"], true);
    let now = lenscast_base::time::now();
    assert!(json["server"]["started"].as_u64().is_some_and(|started| now - started < 600), "{json}");
    assert_eq!(program.ends_after("TERM").await, Some(0));
    let output = world.run(&["status"]).await;
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.starts_with("lenscast: no lenscast server is running that keeps its state in "),
        "{complaint}"
    );
}

#[tokio::test]
async fn the_certificate_of_a_server_is_shown_with_its_fingerprint() {
    let mut world = World::private();
    world.set("tls = \"self-signed\"\ntls_listen = \"127.0.0.1:0\"");
    world.written();
    let (program, _) = world.serve().await;
    let output = world.run(&["status"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let certificate = lenscast_tls::certificate::load(
        &world.path("state/certificate.pem"),
        &world.path("state/certificate.pem"),
    );
    let fingerprint = certificate.unwrap().info.fingerprint();
    assert!(text.contains(&fingerprint) && text.contains(" (TLS)\n"), "{text}");
    let said = world.examined().await;
    assert!(said.text.contains("certificate.pem is good until") && said.code == Some(0), "{}", said.text);
    set_mode(&world.path("state/certificate.pem"), 0o644);
    world.examined().await.finds('✗', &["certificate.pem (mode 0644)", "chmod 600"]);
    assert_eq!(program.ends_after("TERM").await, Some(0));
}
