//! Certificates of files, which others renew while the server runs.

use super::*;
use futures_util::{SinkExt as _, StreamExt as _};
use std::process::Stdio;
use std::time::Duration;
use time::OffsetDateTime;
use tokio_tungstenite::tungstenite::Message;

async fn until_shown(trust: &Trust, server: &Running) {
    within(async {
        while trust.shown(server).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn another_certificate_is_taken_under_traffic_and_no_connection_ends() {
    let world = World::new();
    let first = Issued::new(&["127.0.0.1"]);
    first.write(&world);
    let server = world.start(world.files(), Plain::Cameras);
    let old = first.trust();
    let mut camera = old.web_socket(&server, "/ws/camera").await.unwrap();
    let mut viewer = old.web_socket(&server, "/ws/viewer").await.unwrap();
    let traffic = tokio::spawn(async move {
        for frame in 0.. {
            tokio::select! {
                message = camera.next() => if !matches!(message, Some(Ok(Message::Ping(_)))) { return format!("{message:?}") },
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
            if let Err(error) = camera.send(Message::binary(jpeg(frame % 8))).await {
                return error.to_string();
            }
        }
        unreachable!()
    });
    let mut watch = async || {
        let mut left = 5;
        while left > 0 {
            let message = within(viewer.next()).await.expect("the viewer's connection goes on").unwrap();
            left -= usize::from(message.is_binary());
        }
    };
    watch().await;

    // Halfway through being written: the certificate is new, the key is not.
    let second = Issued::new(&["127.0.0.1", "cam.example"]);
    fs::write(world.path("cert.pem"), &second.certificate).unwrap();
    let certificates = server.app.serving.certificates().cloned().unwrap();
    within(async {
        while certificates.trouble().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let said = certificates.trouble().unwrap();
    assert!(said.contains("key.pem") && said.contains("is not the one"), "{said}");
    old.shown(&server).await.expect("the old one is in force");
    watch().await;
    fs::write(world.path("key.pem"), &second.key).unwrap();
    until_shown(&second.trust(), &server).await;
    assert_eq!(certificates.trouble(), None);
    old.shown(&server).await.expect_err("the old one is gone");
    watch().await;

    // What is broken or gone changes nothing.
    for broken in [Some("nonsense"), None] {
        match broken {
            Some(text) => fs::write(world.path("cert.pem"), text).unwrap(),
            None => fs::remove_file(world.path("cert.pem")).unwrap(),
        }
        certificates.refresh();
        assert!(certificates.trouble().unwrap().contains("cert.pem"));
        second.trust().shown(&server).await.expect("the last good one is in force");
    }
    watch().await;
    assert!(!traffic.is_finished(), "the camera was connected all the time");
}

#[tokio::test]
async fn other_files_are_taken_at_a_reload_and_files_that_are_no_good_are_refused_there() {
    let [first, second] = [(); 2].map(|()| Issued::new(&["127.0.0.1"]));
    let file = |name: &str, port: &str| {
        format!(
            "listen = \"127.0.0.1:0\"\ntls_listen = \"127.0.0.1:{port}\"\ntls_cert = \"{name}.pem\"\ntls_key = \"{name}.key\"\n"
        )
    };
    let world = crate::config::World::new(&file("first", "0"));
    for (name, issued) in [("first", &first), ("second", &second)] {
        fs::write(world.path(&format!("{name}.pem")), &issued.certificate).unwrap();
        fs::write(world.path(&format!("{name}.key")), &issued.key).unwrap();
    }
    fs::write(world.path("third.pem"), &first.certificate).unwrap();
    fs::write(world.path("third.key"), &second.key).unwrap();
    let server = world.serve(&[]).await;
    world.write(&file("third", "0"));
    let (code, answer) = server.post("/api/reload").await;
    let said = answer["errors"][0].as_str().unwrap();
    assert!(code == 422 && said.contains(".toml:4: tls_key: ") && said.contains("third.key"), "{answer}");
    world.write(&file("second", "1"));
    let told = serde_json::json!({"applied": ["tls_cert", "tls_key"], "needs_restart": ["tls_listen"]});
    assert_eq!(server.reload().await, told);
    server.log_until("another certificate is in force").await;
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn a_server_that_is_to_have_tls_does_not_start_without_and_says_what_is_wrong() {
    let world = World::new();
    let good = Issued::new(&["127.0.0.1"]);
    let other = Issued::new(&["127.0.0.1"]);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let both = format!("{}{}", good.certificate, good.key);
    for (certificate, key, said) in [
        (None, Some(good.key.as_str()), "cannot read"),
        (Some(good.certificate.as_str()), None, "cannot read"),
        (Some(""), Some(&good.key), "no certificate in"),
        (Some(&good.key), Some(&good.key), "no certificate in"),
        (Some(&good.certificate), Some(""), "no private key in"),
        (Some(&good.certificate), Some(&good.certificate), "no private key in"),
        (Some(&good.certificate), Some(encrypted), "is encrypted"),
        (Some(&good.certificate), Some(&other.key), "is not the one that the certificate"),
        (
            Some("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
            Some(&good.key),
            "cannot be read",
        ),
        (
            Some("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"),
            Some(&good.key),
            "cannot be read",
        ),
        (Some(&both), Some(&both), ""),
    ] {
        for (name, text) in [("cert.pem", certificate), ("key.pem", key)] {
            #[expect(clippy::let_underscore_must_use, reason = "it may not be there")]
            let _ = fs::remove_file(world.path(name));
            if let Some(text) = text {
                fs::write(world.path(name), text).unwrap();
            }
        }
        match world.bind(world.files()) {
            Ok(_) => assert_eq!(said, ""),
            Err(error) => {
                let error = error.to_string();
                assert!(
                    !said.is_empty() && error.contains(said) && error.contains("does not start without"),
                    "{error}"
                );
                assert!(!error.contains("BEGIN PRIVATE KEY-----\nM"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_go_together_is_said_before_anything_is_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = crate::config::World::new("");
    let issued = Issued::new(&["cam.example"]);
    fs::write(world.path("c.pem"), &issued.certificate).unwrap();
    fs::write(world.path("k.pem"), &issued.key).unwrap();
    for (listen, tls_listen, plain, is_good) in [
        ("[::]:8080", "[::]:8443", "cameras", true),
        ("[::]:8443", "[::]:8443", "cameras", false),
        ("127.0.0.1:8443", "[::]:8443", "all", false),
        ("127.0.0.1:8443", "192.168.1.5:8443", "all", true),
        ("[::]:8443", "[::]:8443", "off", true),
        ("[::]:0", "[::]:0", "all", true),
    ] {
        world.write(&format!(
            "tls_cert = \"c.pem\"\ntls_key = \"k.pem\"\nlisten = \"{listen}\"\ntls_listen = \"{tls_listen}\"\nplain = \"{plain}\"\n"
        ));
        let output = world.run(&["config", "check"]).await;
        assert_eq!(output.status.success(), is_good, "{listen} {tls_listen}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(is_good || said.contains(".toml:4: tls_listen and listen are the same"), "{said}");
    }
    for (mode, is_said) in [(0o644, true), (0o640, false), (0o600, false)] {
        fs::set_permissions(world.path("k.pem"), fs::Permissions::from_mode(mode)).unwrap();
        let output = world.run(&["config", "check"]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.contains(".toml:2: other users may read or change"), is_said, "{said}");
    }
}

#[tokio::test]
async fn one_that_is_over_is_served_and_said() {
    let world = World::new();
    let year = |ago: i64| OffsetDateTime::now_utc() - time::Duration::days(365 * ago);
    Issued::with(&["127.0.0.1"], |params| (params.not_before, params.not_after) = (year(3), year(1)))
        .write(&world);
    let log = world.path("log");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_lenscast"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-cert"]);
    command.arg(world.path("cert.pem")).arg("--tls-key").arg(world.path("key.pem"));
    command
        .env("LENSCAST_STATE_DIR", world.path("state"))
        .env("LENSCAST_CONFIG", "/dev/null")
        .stdin(Stdio::null());
    let mut program =
        crate::program::Program::spawn_with(&mut command, fs::File::create(&log).unwrap().into());
    program.line("https://").await;
    assert_eq!(program.ends_after("TERM").await, Some(0));
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("the certificate is over"), "{log}");
}
