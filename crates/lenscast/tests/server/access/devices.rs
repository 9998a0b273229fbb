//! Devices that say they are somebody else's.

use super::world::*;
use crate::device::{hello, telemetry};
use crate::harness::*;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_protocol::CameraName;
use lenscast_protocol::control::{DeviceMessage, Telemetry};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// The id of the device that everybody wants to be.
const ID: &str = "24:58:7c:01:02:03";

impl World {
    /// A device of the home network that speaks `lenscast.v1`, and says this id.
    async fn device(&self, name: &str, key: Option<&Secret>, id: &str) -> Client {
        device(&self.server, name, key, id).await
    }

    async fn title(&self, name: &str, title: Value) {
        let change = ask("PATCH", format!("/api/cameras/{name}")).json(json!({"title": title}));
        assert_eq!(change.bearer(&self.admin).at_home(&self.server).await.code, 200);
    }

    fn new_key(&self, names: &[&str]) -> Secret {
        let names = names.iter().map(|name| CameraName::new(name).unwrap()).collect();
        let now = lenscast_base::time::now();
        self.server.app.gate.auth().store().add_token(Kind::Camera, "", Some(names), None, now).unwrap().1
    }
}

async fn device(server: &Running, name: &str, key: Option<&Secret>, id: &str) -> Client {
    let token = key.map(|key| format!("?token={}", key.expose())).unwrap_or_default();
    let url = format!("ws://{}/ws/camera/{name}{token}", server.address);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-forwarded-for", "192.168.1.7".parse().unwrap());
    request.headers_mut().insert("sec-websocket-protocol", "lenscast.v1".parse().unwrap());
    let (socket, _) = within(tokio_tungstenite::connect_async(request)).await.unwrap();
    let mut client = Client { socket };
    client.tell(DeviceMessage::Hello(hello(id))).await;
    client.tell(DeviceMessage::Telemetry(telemetry())).await;
    // A camera that never sent a picture is forgotten when it goes.
    client.send_jpeg(&jpeg(1)).await;
    server
        .camera_until(name, |camera| camera["device"]["uptime_s"].is_u64() && camera["state"] == "live")
        .await;
    client
}

fn codes(camera: &Value) -> Vec<&str> {
    let findings = camera["device"]["diagnosis"].as_array().into_iter().flatten();
    findings.map(|finding| finding["code"].as_str().unwrap()).collect()
}

async fn gone(server: &Running, name: &str, client: Client) {
    client.close().await;
    server.camera_until(name, |camera| camera["connected"] != true).await;
}

#[tokio::test]
async fn who_says_the_id_of_a_camera_with_a_key_gets_nothing_of_it_and_takes_nothing_away() {
    let world = World::new(true).await;
    let server = &world.server;
    let key = world.new_key(&["door"]);
    let camera = world.device("door", Some(&key), ID).await;
    world.title("door", json!("Front door")).await;
    let mut liar = world.device("liar", None, ID).await;
    let (door, lies) = (server.camera_status("door"), server.camera_status("liar"));
    assert_eq!((&door["title"], &lies["title"]), (&json!("Front door"), &json!("liar")));
    for camera in [&door, &lies] {
        assert!(codes(camera).contains(&"same_device"), "the owner hears it at both: {camera}");
    }
    let told = |camera: &Value| camera["device"]["diagnosis"][0]["text"].as_str().unwrap().to_owned();
    assert!(told(&door).contains("This one came first") && told(&lies).contains("Another one came first"));

    // It restarts all the time, it says.
    for uptime_ms in [50_000, 40_000, 30_000, 20_000, 10_000] {
        liar.tell(DeviceMessage::Telemetry(Telemetry { uptime_ms, free_heap: 1000, ..telemetry() })).await;
    }
    server.camera_until("liar", |camera| codes(camera).contains(&"restart_loop")).await;
    let door = server.camera_status("door");
    assert!(!codes(&door).contains(&"restart_loop") && !codes(&door).contains(&"low_heap"), "{door}");

    // The doctor's words are the diagnosis; and what one sees of the two does not name the other.
    assert!(!told(&door).contains("liar") && !told(&lies).contains("door"));

    // While the camera is away, it is not taken for it either.
    gone(server, "door", camera).await;
    let lies = server.camera_until("liar", |camera| codes(camera).contains(&"foreign_device")).await;
    assert_eq!(lies["title"], "liar");
    gone(server, "liar", liar).await;
    let again = world.device("liar", None, ID).await;
    let lies = server.camera_status("liar");
    assert!(lies["title"] == "liar" && codes(&lies).contains(&"foreign_device"), "{lies}");
    world.title("liar", json!("Mine")).await;
    assert_eq!(server.camera_status("door")["title"], "Front door");

    // Forgetting it forgets it alone.
    gone(server, "liar", again).await;
    let forget = ask("DELETE", "/api/cameras/liar").bearer(&world.admin);
    assert_eq!(forget.at_home(server).await.code, 204);
    let camera = world.device("door", Some(&key), ID).await;
    let door = server.camera_status("door");
    assert_eq!(door["title"], "Front door");
    assert!(!codes(&door).contains(&"same_device") && !codes(&door).contains(&"foreign_device"), "{door}");
    drop(camera);
}

#[tokio::test]
async fn after_a_restart_too_an_id_counts_only_with_the_key_of_the_camera_that_has_it() {
    let world = World::new(true).await;
    let key = world.new_key(&["door"]);
    let camera = world.device("door", Some(&key), ID).await;
    world.title("door", json!("Front door")).await;
    gone(&world.server, "door", camera).await;
    let admin = world.admin.clone();
    let (server, _folder) = world.restarted(|_| {}).await;
    let liar = device(&server, "liar", None, ID).await;
    let lies = server.camera_status("liar");
    assert!(lies["title"] == "liar" && codes(&lies).contains(&"foreign_device"), "{lies}");
    let _camera = device(&server, "door", Some(&key), ID).await;
    assert_eq!(server.camera_status("door")["title"], "Front door", "though the other came first");
    gone(&server, "liar", liar).await;
    let forget = ask("DELETE", "/api/cameras/liar").bearer(&admin).at_home(&server).await;
    assert_eq!((forget.code, server.camera_status("door")["title"].clone()), (204, json!("Front door")));
}

#[tokio::test]
async fn a_title_follows_its_device_to_another_name_when_the_device_may_be_both() {
    let world = World::new(true).await;
    let server = &world.server;
    let both = world.new_key(&["door", "back"]);
    let camera = world.device("door", Some(&both), ID).await;
    world.title("door", json!("Front door")).await;
    gone(server, "door", camera).await;
    let camera = world.device("back", Some(&both), ID).await;
    let back = server.camera_status("back");
    assert!(back["title"] == "Front door" && !codes(&back).contains(&"foreign_device"), "{back}");
    assert_eq!(server.camera_status("door")["title"], "door", "nothing is called the same twice");
    gone(server, "back", camera).await;
    // From a name without a key it follows as ever.
    let camera = world.device("shed", None, "another").await;
    world.title("shed", json!("The shed")).await;
    gone(server, "shed", camera).await;
    let _camera = world.device("barn", None, "another").await;
    assert_eq!(server.camera_status("barn")["title"], "The shed");
}

#[tokio::test]
async fn of_two_cameras_without_keys_that_say_the_same_the_first_is_believed_and_both_are_told() {
    let world = World::new(true).await;
    let server = &world.server;
    let first = world.device("one", None, ID).await;
    world.title("one", json!("The one")).await;
    let _second = world.device("two", None, ID).await;
    let titles = || ["one", "two"].map(|name| server.camera_status(name)["title"].clone());
    assert_eq!(titles(), [json!("The one"), json!("two")]);
    for name in ["one", "two"] {
        assert_eq!(codes(&server.camera_status(name))[0], "same_device");
    }
    gone(server, "one", first).await;
    server.camera_until("two", |camera| !codes(camera).contains(&"same_device")).await;
}
