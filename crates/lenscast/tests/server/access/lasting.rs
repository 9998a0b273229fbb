//! Connections that last end with the right that they were opened with, within a second or so.

use super::world::*;
use crate::harness::*;
use lenscast_auth::ids::Id;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_protocol::CameraName;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

/// What is said at the end.
pub const OVER: &str = "this login, link or key is no longer good";

impl World {
    /// A WebSocket from the home network, with a token in its address or without.
    pub async fn socket(&self, path: &str, secret: Option<&Secret>) -> Client {
        self.try_socket(path, secret).await.unwrap()
    }

    pub async fn try_socket(&self, path: &str, secret: Option<&Secret>) -> Result<Client, Error> {
        let token = secret.map(|secret| format!("token={}", secret.expose())).unwrap_or_default();
        let mut request =
            format!("ws://{}{path}?{token}", self.server.address).into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", "192.168.1.7".parse().unwrap());
        let (socket, _) = within(tokio_tungstenite::connect_async(request)).await?;
        Ok(Client { socket })
    }

    /// A camera that sends for ever; ends with the reason why it cannot.
    pub async fn camera(
        &self,
        path: &str,
        secret: Option<&Secret>,
    ) -> tokio::task::JoinHandle<(u16, String)> {
        let mut camera = self.socket(path, secret).await;
        tokio::spawn(async move {
            use futures_util::{SinkExt as _, StreamExt as _};
            loop {
                tokio::select! {
                    message = camera.socket.next() => match message {
                        Some(Ok(Message::Close(Some(close)))) => return (close.code.into(), close.reason.to_string()),
                        Some(Ok(_)) => {}
                        other => panic!("{other:?}"),
                    },
                    () = tokio::time::sleep(Duration::from_millis(50)) => {
                        // It may have been closed meanwhile; then the reason is still to be read.
                        #[expect(clippy::let_underscore_must_use, reason = "the server may have hung up, as it should")]
                        let _ = camera.socket.send(Message::binary(jpeg(1))).await;
                    }
                }
            }
        })
    }

    fn share(&self, camera: &str, for_s: u64) -> (Id, Secret) {
        let now = lenscast_base::time::now();
        let camera = CameraName::new(camera).unwrap();
        self.server.app.gate.auth().store().add_share(Some(camera), "", now + for_s, now).unwrap()
    }

    pub fn key(&self, camera: &str) -> (Id, Secret) {
        let cameras = Some(BTreeSet::from([CameraName::new(camera).unwrap()]));
        let now = lenscast_base::time::now();
        self.server.app.gate.auth().store().add_token(Kind::Camera, "", cameras, None, now).unwrap()
    }
}

/// Reads to the end of an endless answer.
pub async fn read_to_end(mut answer: TcpStream) {
    let mut tail = Vec::new();
    within(async {
        while !tail.ends_with(b"\r\n0\r\n\r\n") && tail != b"0\r\n\r\n" {
            let mut part = vec![0; 64 * 1024];
            let count = answer.read(&mut part).await.expect("it ends in order");
            if count == 0 {
                return;
            }
            tail.extend_from_slice(&part[..count]);
            tail.drain(..tail.len().saturating_sub(7));
        }
    })
    .await;
}

/// Reads until something has come after the head.
pub async fn flows(answer: &mut TcpStream) {
    let mut bytes = Vec::new();
    within(async {
        while bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .is_none_or(|end| bytes.len() < end + 100)
        {
            let mut part = [0; 4096];
            let count = answer.read(&mut part).await.unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&part[..count]);
        }
    })
    .await;
    assert!(bytes.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&bytes));
}

#[tokio::test]
async fn whoever_watches_by_a_link_that_is_taken_back_stops_watching_and_others_go_on() {
    let world = World::new(true).await;
    let camera = world.camera("/ws/camera/door", None).await;
    let (id, share) = world.share("door", 3600);
    let mut viewers = Vec::new();
    for format in ["ts", "fmp4", "h264", "jpeg"] {
        let mut viewer = world.try_socket("/ws/viewer/door", Some(&share)).await.unwrap();
        viewer.binary().await;
        viewers.push((format, viewer));
    }
    let mut streams = Vec::new();
    for path in ["/stream/door.mjpg", "/stream/door.ts", "/api/events"] {
        let mut answer =
            ask("GET", path).token(&share).from(Place::Home, &world.server).open(&world.server).await;
        flows(&mut answer).await;
        streams.push(answer);
    }
    let mut other = world.socket("/ws/viewer/door", Some(&world.view)).await;
    other.binary().await;
    world.revoke(&id);
    for (format, mut viewer) in viewers {
        assert_eq!(viewer.closed().await, (1008, OVER.to_owned()), "{format}");
    }
    for answer in streams {
        read_to_end(answer).await;
    }
    for _ in 0..5 {
        other.binary().await;
    }
    assert!(!camera.is_finished());
    let error = world.try_socket("/ws/viewer/door", Some(&share)).await.err().unwrap();
    assert_eq!(refusal(error).0, 401);
}

#[tokio::test]
async fn a_link_that_ends_ends_what_was_opened_with_it() {
    let world = World::new(true).await;
    let camera = world.camera("/ws/camera/door", None).await;
    let (_, share) = world.share("door", 2);
    let started = lenscast_base::time::now();
    let mut viewer = world.socket("/ws/viewer/door", Some(&share)).await;
    viewer.binary().await;
    let page = ask("GET", "/camera/door").token(&share).at_home(&world.server).await;
    let session = page.session();
    let events = ask("GET", "/api/events").cookie(&session).from(Place::Home, &world.server);
    let mut events = events.open(&world.server).await;
    flows(&mut events).await;
    assert_eq!(viewer.closed().await, (1008, OVER.to_owned()));
    assert!(lenscast_base::time::now() >= started + 2, "not before its time");
    read_to_end(events).await;
    assert_eq!(ask("GET", "/camera/door").cookie(&session).at_home(&world.server).await.code, 401);
    assert!(!camera.is_finished());
}

#[tokio::test]
async fn a_login_that_ends_ends_what_its_browser_has_open() {
    let world = World::new(true).await;
    let auth = world.server.app.gate.auth();
    let now = lenscast_base::time::now();
    for how in ["logout", "password", "removed"] {
        let login =
            ask("POST", "/api/login").json(serde_json::json!({"name": VIEWER.0, "password": VIEWER.1}));
        let session = login.at_home(&world.server).await.session();
        let events = ask("GET", "/api/events").cookie(&session).from(Place::Home, &world.server);
        let mut events = events.open(&world.server).await;
        flows(&mut events).await;
        match how {
            "logout" => {
                let logout =
                    ask("POST", "/api/logout").json("").cookie(&session).at_home(&world.server).await;
                assert_eq!(logout.code, 204);
                assert!(logout.header("set-cookie").unwrap().contains("Max-Age=0"));
            }
            "password" => {
                let hash = auth.passwords().hash(&Secret::new(VIEWER.1.into())).unwrap();
                auth.store().set_password(VIEWER.0, hash, now).unwrap();
            }
            _ => auth.store().remove_user(VIEWER.0, now).unwrap(),
        }
        read_to_end(events).await;
        assert_eq!(ask("GET", "/").cookie(&session).at_home(&world.server).await.code, 401, "{how}");
    }
}

#[tokio::test]
async fn a_camera_is_put_out_when_its_key_is_taken_back_or_it_gets_one() {
    let world = World::new(true).await;
    let (id, key) = world.key("door");
    let with_key = world.camera("/ws/camera/door", Some(&key)).await;
    world.server.camera_until("door", |camera| camera["state"] == "live").await;
    let (_, newer) = world.key("door");
    world.revoke(&id);
    assert_eq!(within(with_key).await.unwrap(), (1008, OVER.to_owned()));
    let _newer = world.camera("/ws/camera/door", Some(&newer)).await;
    world.server.camera_until("door", |camera| camera["state"] == "live").await;

    let without = world.camera("/ws/camera/shed", None).await;
    let other = world.camera("/ws/camera/barn", None).await;
    world.server.camera_until("shed", |camera| camera["state"] == "live").await;
    let (_, key) = world.key("shed");
    assert_eq!(within(without).await.unwrap(), (1008, OVER.to_owned()));
    let error = world.try_socket("/ws/camera/shed", None).await.err().unwrap();
    assert_eq!(refusal(error).0, 401);
    let _keyed = world.camera("/ws/camera/shed", Some(&key)).await;
    world.server.camera_until("shed", |camera| camera["state"] == "live").await;
    assert!(!other.is_finished(), "what has no key is left alone");
}

#[tokio::test]
async fn who_was_in_by_a_key_that_is_taken_back_is_out_and_the_name_stays_closed() {
    let world = World::new(true).await;
    let (id, stolen) = world.key("door");
    let thief = world.camera("/ws/camera/door", Some(&stolen)).await;
    world.server.camera_until("door", |camera| camera["state"] == "live").await;
    world.revoke(&id);
    assert_eq!(within(thief).await.unwrap(), (1008, OVER.to_owned()));
    for secret in [None, Some(&stolen)] {
        let error = world.try_socket("/ws/camera/door", secret).await.err().unwrap();
        assert_eq!(refusal(error).0, 401);
    }
    // Nor does anybody get the name as the next one when another is taken.
    let (_, key) = world.key("yard");
    let (gone, _) = world.key("yard-2");
    world.revoke(&gone);
    let _first = world.camera("/ws/camera/yard", Some(&key)).await;
    world.server.camera_until("yard", |camera| camera["state"] == "live").await;
    let _second = world.camera("/ws/camera/yard", Some(&key)).await;
    world.server.camera_until("yard-3", |camera| camera["state"] == "live").await;
    assert!(world.server.camera_status("yard-2").is_null());
    let open = ask("DELETE", "/api/access/closed/door").bearer(&world.admin);
    assert_eq!(open.at_home(&world.server).await.code, 204);
    let _anybody = world.camera("/ws/camera/door", None).await;
    world.server.camera_until("door", |camera| camera["state"] == "live").await;
}

#[tokio::test]
async fn what_was_opened_with_a_credential_ends_with_it_also_where_none_is_needed() {
    let world = World::with(true, |config| config.access.open_view = true).await;
    let camera = world.camera("/ws/camera/door", None).await;
    let (share_id, share) = world.share("door", 3600);
    let auth = world.server.app.gate.auth();
    let mut guest = world.socket("/ws/viewer/door", Some(&share)).await;
    let mut tablet = world.socket("/ws/viewer/door", Some(&world.view)).await;
    let mut anybody = world.socket("/ws/viewer/door", None).await;
    for viewer in [&mut guest, &mut tablet, &mut anybody] {
        viewer.binary().await;
    }
    let by_basic = ask("GET", "/stream/door.mjpg").basic(VIEWER).from(Place::Home, &world.server);
    let mut by_basic = by_basic.open(&world.server).await;
    flows(&mut by_basic).await;
    world.revoke(&share_id);
    assert_eq!(guest.closed().await, (1008, OVER.to_owned()));
    world.revoke(&world.view_id);
    assert_eq!(tablet.closed().await, (1008, OVER.to_owned()));
    let hash = auth.passwords().hash(&Secret::new("another horse".into())).unwrap();
    auth.store().set_password(VIEWER.0, hash, lenscast_base::time::now()).unwrap();
    read_to_end(by_basic).await;
    for _ in 0..5 {
        anybody.binary().await;
    }
    assert!(!camera.is_finished());
}

#[tokio::test]
async fn what_the_place_allowed_ends_when_the_owner_closes_it() {
    let world = World::with(true, |config| config.access.open_view = true).await;
    let camera = world.camera("/ws/camera/door", None).await;
    let mut viewer = world.socket("/ws/viewer/door", None).await;
    viewer.binary().await;
    let mut events = ask("GET", "/api/events").from(Place::Home, &world.server).open(&world.server).await;
    flows(&mut events).await;
    let mut config = (*world.server.app.program.config()).clone();
    config.access.open_view = false;
    world.server.app.program.in_force().set(config.clone());
    assert_eq!(viewer.closed().await, (1008, OVER.to_owned()));
    read_to_end(events).await;
    assert!(!camera.is_finished(), "cameras are still let in");
    config.access.require_camera_key = true;
    world.server.app.program.in_force().set(config);
    assert_eq!(within(camera).await.unwrap(), (1008, OVER.to_owned()));
}

#[tokio::test]
async fn a_camera_whose_name_is_taken_gets_no_name_that_has_a_key() {
    let world = World::new(true).await;
    let (_, key) = world.key("door-2");
    let _first = world.camera("/ws/camera/door", None).await;
    world.server.camera_until("door", |camera| camera["state"] == "live").await;
    let _second = world.camera("/ws/camera/door", None).await;
    world.server.camera_until("door-3", |camera| camera["state"] == "live").await;
    assert!(world.server.camera_status("door-2").is_null());
    // Who has a key may go by another name when his own is taken.
    let _keyed = world.camera("/ws/camera/door-2", Some(&key)).await;
    world.server.camera_until("door-2", |camera| camera["state"] == "live").await;
    let _again = world.camera("/ws/camera/door-2", Some(&key)).await;
    world.server.camera_until("door-2-2", |camera| camera["state"] == "live").await;
}
