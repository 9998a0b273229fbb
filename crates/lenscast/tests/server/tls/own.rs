//! A certificate that the server makes.

use super::*;
use futures_util::{SinkExt as _, StreamExt as _};
use lenscast_tls::Info;
use serde_json::json;
use std::collections::BTreeSet;
use tokio_tungstenite::tungstenite::Message;
use x509_parser::prelude::{FromDer as _, X509Certificate};

fn info(server: &Running) -> Info {
    server.app.serving.certificates().unwrap().info()
}

#[tokio::test]
async fn it_is_made_at_the_first_start_and_is_the_same_after_a_restart() {
    let world = World::new();
    let server = world.own();
    let made = info(&server);
    let trust = world.trust_own();
    assert_eq!(mode(&world.path("state").join(self_signed::FILE)), 0o600);
    for name in ["localhost", "127.0.0.1", "::1"] {
        trust.connect(&server, name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let refused = trust.connect(&server, "elsewhere.example").await.unwrap_err();
    assert!(matches!(trouble(&refused), rustls::Error::InvalidCertificate(_)), "{refused}");
    server.end().await;
    let server = world.own();
    assert_eq!(info(&server), made);
    assert!(made.self_signed && made.trouble(lenscast_base::time::now()).is_none());
    trust.connect(&server, "localhost").await.unwrap();
}

#[tokio::test]
async fn the_start_prints_its_fingerprint_and_where_to_open_what() {
    let world = World::new();
    let server = world.bind(Certificate::SelfSigned).unwrap();
    let (banner, app) = (server.banner(), server.app().clone());
    let fingerprint = app.serving.certificates().unwrap().info().fingerprint();
    assert_eq!(fingerprint.split(':').count(), 32);
    assert!(banner.contains(&fingerprint) && banner.contains("browsers warn once"), "{banner}");
    // As another program reads it.
    let pem = world.path("state").join(self_signed::FILE);
    let openssl = std::process::Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(pem)
        .output();
    match openssl {
        Ok(output) => assert!(String::from_utf8_lossy(&output.stdout).contains(&fingerprint), "{output:?}"),
        Err(error) => println!("SKIPPED: openssl as a witness: {error}"),
    }
}

#[tokio::test]
async fn a_name_that_is_missing_is_added_and_the_others_and_the_key_stay() {
    let world = World::new();
    let with_names = |names: &[&str]| {
        start_with(|config| {
            *config = world.config(Certificate::SelfSigned, Plain::Cameras);
            config.access.host_names = names.iter().map(|name| (*name).to_owned()).collect();
        })
    };
    let serial = || {
        let pem = fs::read(world.path("state").join(self_signed::FILE)).unwrap();
        let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
        X509Certificate::from_der(&certificate).unwrap().1.raw_serial().to_vec()
    };
    let key = || {
        let text = fs::read_to_string(world.path("state").join(self_signed::FILE)).unwrap();
        text.split("-----BEGIN CERTIFICATE").next().unwrap().to_owned()
    };
    let server = with_names(&["cam.example"]);
    let (first, first_key, first_serial) = (info(&server), key(), serial());
    assert!(first.names.iter().any(|name| name == "cam.example"), "{first:?}");
    server.end().await;
    let server = with_names(&["eye.example"]);
    let second = info(&server);
    assert_ne!(second.fingerprint, first.fingerprint);
    let names = |info: &Info| info.names.iter().cloned().collect::<BTreeSet<_>>();
    assert!(names(&second).is_superset(&names(&first)) && second.covers("eye.example"), "{second:?}");
    assert_eq!(key(), first_key);
    assert_ne!(serial(), first_serial, "browsers know one of this number already");
    server.end().await;
    let server = with_names(&["cam.example"]);
    assert_eq!(info(&server), second, "nothing is missing any more");
}

#[tokio::test]
async fn a_damaged_one_is_made_anew() {
    let world = World::new();
    let file = world.path("state").join(self_signed::FILE);
    let server = world.own();
    let made = info(&server);
    server.end().await;
    let whole = fs::read_to_string(&file).unwrap();
    for damaged in
        ["", "nonsense", &whole[..whole.len() / 2], &whole[whole.find("-----BEGIN CERT").unwrap()..]]
    {
        fs::write(&file, damaged).unwrap();
        let server = world.own();
        assert_ne!(info(&server).fingerprint, made.fingerprint, "{damaged:?}");
        world.trust_own().connect(&server, "localhost").await.unwrap();
        server.end().await;
    }
}

#[tokio::test]
async fn where_nothing_can_be_kept_it_is_for_this_run() {
    let world = World::new();
    let start = || {
        start_with(|config| {
            *config = world.config(Certificate::SelfSigned, Plain::Cameras);
            config.state_dir = None;
        })
    };
    assert_ne!(info(&start()).fingerprint, info(&start()).fingerprint);
}

#[tokio::test]
async fn pages_players_cameras_and_logins_work_over_it() {
    let world = World::new();
    let server = start_with(|config| {
        *config = world.config(Certificate::SelfSigned, Plain::Cameras);
        config.access.view_password = Some(lenscast_auth::secret::Secret::new("correct horse".into()));
    });
    let trust = world.trust_own();
    assert_eq!(trust.ask(&server, ask("GET", "/")).await.code, 200);
    let mut camera = trust.web_socket(&server, "/ws/camera").await.unwrap();
    let mut viewer = trust.web_socket(&server, "/ws/viewer?format=h264").await.unwrap();
    for frame in 1..4 {
        camera.send(Message::binary(jpeg(frame))).await.unwrap();
        let picture = within(async {
            loop {
                match viewer.next().await.unwrap().unwrap() {
                    Message::Binary(bytes) => return bytes,
                    _ => continue,
                }
            }
        })
        .await;
        assert!(picture.len() > 24, "an access unit behind its header");
    }
    let login =
        trust.ask(&server, ask("POST", "/api/login").json(json!({"password": "correct horse"}))).await;
    let cookie = login.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-lenscast_session=") && cookie.contains("; Secure"), "{cookie}");
    let snapshot = trust.ask(&server, ask("GET", "/snapshot.jpg")).await;
    assert_eq!((snapshot.code, snapshot.header("content-type")), (200, Some("image/jpeg")));

    let from = |scheme: &str| {
        let origin = format!("{scheme}://{}", tls_address(&server));
        trust.ask(&server, ask("GET", "/ws/viewer").upgrade().header("Origin", origin))
    };
    assert_eq!(
        (from("https").await.code, from("http").await.code),
        (101, 403),
        "a page that came without TLS"
    );
}
