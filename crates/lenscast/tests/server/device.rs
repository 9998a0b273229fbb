//! Devices that speak `lenscast.v1`: what they tell, what they can be asked, and that all others notice nothing of it.

use crate::harness::*;
use futures_util::StreamExt as _;
use lenscast_protocol::control::{DeviceMessage, Hello, PictureRequest, PictureState, Telemetry, to_text};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

impl Running {
    /// A camera whose device speaks `lenscast.v1`.
    async fn quiet_device(&self, path: &str) -> Client {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "lenscast.v1".parse().unwrap());
        let (socket, response) = within(tokio_tungstenite::connect_async(request)).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "lenscast.v1");
        Client { socket }
    }

    /// The same, and it has said who it is and how.
    pub async fn device(&self, path: &str, hello: Hello, telemetry: Telemetry) -> Client {
        let mut camera = self.quiet_device(path).await;
        camera.tell(DeviceMessage::Hello(hello)).await;
        camera.tell(DeviceMessage::Telemetry(telemetry)).await;
        camera
    }

    /// `PATCH /api/cameras/{name}` as a program on this computer sends it; gives the answer's code and body.
    pub async fn patch(&self, name: &str, body: &str) -> (u16, String) {
        self.ask("PATCH", &format!("/api/cameras/{name}"), body).await
    }

    async fn patch_with(&self, name: &str, body: &str, headers: &str) -> (u16, String) {
        self.ask_with("PATCH", &format!("/api/cameras/{name}"), body, headers).await
    }
}

impl Client {
    pub async fn tell(&mut self, message: DeviceMessage) {
        self.send(Message::text(to_text(&message))).await;
    }

    /// Everything but pings that comes until the answer to a ping of our own, after which nothing older can come.
    async fn until_pong(&mut self) -> Vec<Message> {
        self.send(Message::Ping(b"mine".to_vec().into())).await;
        let mut before = Vec::new();
        within(async {
            loop {
                match self.message().await {
                    Message::Pong(payload) if &payload[..] == b"mine" => return before,
                    Message::Ping(_) => {}
                    message => before.push(message),
                }
            }
        })
        .await
    }
}

pub fn hello(id: &str) -> Hello {
    Hello {
        device_id: id.into(),
        firmware: "0.1.0".into(),
        board: "atoms3r-cam".into(),
        sensor: "GC0308".into(),
        reset_reason: "power on".into(),
        max_width: 640,
        max_height: 480,
    }
}

pub fn telemetry() -> Telemetry {
    Telemetry {
        uptime_ms: 61_500,
        rssi: Some(-82),
        free_heap: 140_000,
        captured: 600,
        sent: 590,
        dropped: 10,
        camera_faults: 3,
        too_big: 1,
        connections: 2,
        picture: PictureState { width: 320, height: 240, quality: 80, fps: 15.0, reduced: 0 },
    }
}

fn device_of<'a>(status: &'a Value, name: &str) -> &'a Value {
    let cameras = status["cameras"].as_array().unwrap();
    cameras.iter().find(|camera| camera["name"] == name).map_or(&Value::Null, |camera| &camera["device"])
}

/// The head of the answer to an upgrade with these header lines, in lower case.
async fn upgrade(server: &Running, path: &str, lines: &str) -> String {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n",
        server.address
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(within(socket.read_u8()).await.unwrap());
    }
    String::from_utf8(answer).unwrap().to_lowercase()
}

#[tokio::test]
async fn the_subprotocol_is_accepted_exactly_when_a_camera_offers_it() {
    let server = start();
    let line = "sec-websocket-protocol: lenscast.v1\r\n";
    for offer in [
        "Sec-WebSocket-Protocol: lenscast.v1\r\n",
        "Sec-WebSocket-Protocol: chat, lenscast.v1\r\n",
        "sec-websocket-protocol:lenscast.v2 ,lenscast.v1,chat\r\n",
        "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: lenscast.v1\r\n",
    ] {
        let answer = upgrade(&server, "/ws/camera", offer).await;
        assert!(answer.starts_with("http/1.1 101"), "{answer}");
        assert_eq!(answer.matches("sec-websocket-protocol").count(), 1, "{offer}: {answer}");
        assert!(answer.contains(line), "{offer}: {answer}");
        // Who watches has nothing to negotiate.
        let answer = upgrade(&server, "/ws/viewer", offer).await;
        assert!(answer.starts_with("http/1.1 101") && !answer.contains("sec-websocket-protocol"), "{answer}");
    }
    for offer in [
        "",
        "Sec-WebSocket-Protocol: chat\r\n",
        "Sec-WebSocket-Protocol: lenscast.v2, lenscast.v1.1\r\n",
        "Sec-WebSocket-Protocol: LENSCAST.V1\r\n",
        "X-Protocol: lenscast.v1\r\n",
    ] {
        let answer = upgrade(&server, "/ws/camera", offer).await;
        assert!(
            answer.starts_with("http/1.1 101") && !answer.contains("sec-websocket-protocol"),
            "{offer}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_stock_camera_never_gets_a_text_and_its_own_texts_are_ignored() {
    let server = start();
    let mut stock = server.camera().await;
    let mut other = server.device("/ws/camera/other", hello("other"), telemetry()).await;
    stock.tell(DeviceMessage::Hello(hello("stock"))).await;
    stock.tell(DeviceMessage::Telemetry(telemetry())).await;
    stock.send(Message::text("{")).await;
    stock.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| !device_of(status, "other").is_null()).await;
    let (code, sentence) = server.patch("default", r#"{"quality":50}"#).await;
    assert_eq!(code, 409, "{sentence}");
    assert!(sentence.contains("default") && sentence.contains("firmware"), "{sentence}");
    assert_eq!(server.patch("other", r#"{"quality":50}"#).await.0, 202);
    assert_eq!(other.event().await["quality"], 50);
    assert_eq!(stock.until_pong().await, []);
    let status = server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    assert!(device_of(&status, "default").is_null(), "{status}");
    assert_eq!(status["cameras"][0]["quarantined"], json!({}));
}

#[tokio::test]
async fn what_a_device_tells_is_in_the_status_and_in_the_metrics() {
    let server = start();
    let mut camera = server.device("/ws/camera/door", hello("24:58:7c:01:02:03"), telemetry()).await;
    let status = server.status_until(|status| !device_of(status, "door")["rssi"].is_null()).await;
    let mut device = device_of(&status, "door").clone();
    let age = device["telemetry_age_ms"].take();
    assert!(age.as_u64().is_some_and(|age| age < 30_000), "{age}");
    let diagnosis = device["diagnosis"].take();
    assert_eq!(diagnosis[0]["code"], "weak_wifi");
    assert_eq!(diagnosis[0]["level"], "warning");
    assert!(diagnosis[0]["text"].as_str().unwrap().contains("−82 dBm"), "{diagnosis}");
    assert_eq!(diagnosis.as_array().unwrap().len(), 1);
    assert_eq!(
        device,
        json!({
            "id": "24:58:7c:01:02:03", "firmware": "0.1.0", "board": "atoms3r-cam", "sensor": "GC0308",
            "reset_reason": "power on", "max_width": 640, "max_height": 480, "uptime_s": 61, "rssi": -82,
            "free_heap": 140_000, "captured": 600, "sent": 590, "dropped": 10, "camera_faults": 3, "too_big": 1,
            "connections": 2, "telemetry_age_ms": null, "diagnosis": null,
            "picture": {"width": 320, "height": 240, "quality": 80, "fps": 15.0, "reduced": 0},
        })
    );
    let (_, _, body) = crate::http::get(&server, "/metrics").await;
    let text = String::from_utf8(body).unwrap();
    for line in [
        "lenscast_device_rssi_dbm{camera=\"door\"} -82",
        "lenscast_device_free_heap_bytes{camera=\"door\"} 140000",
        "lenscast_device_uptime_seconds{camera=\"door\"} 61.5",
        "lenscast_device_dropped{camera=\"door\"} 10",
    ] {
        assert!(text.lines().any(|got| got.trim_end_matches(".0") == line), "{line} is missing in\n{text}");
    }
    // The newest counts; without WiFi there is no signal.
    camera.tell(DeviceMessage::Telemetry(Telemetry { rssi: None, uptime_ms: 70_000, ..telemetry() })).await;
    let status = server.status_until(|status| device_of(status, "door")["uptime_s"] == 70).await;
    assert!(device_of(&status, "door")["rssi"].is_null());
}

#[tokio::test]
async fn what_a_later_firmware_adds_does_no_harm() {
    let server = start();
    let mut camera = server.quiet_device("/ws/camera").await;
    for text in [
        r#"{"type":"dance","steps":[1,2]}"#,
        r#"{"type":"hello","device_id":"a","mood":{"now":"fine"}}"#,
        r#"{"type":"telemetry","rssi":-50,"picture":{"zoom":2}}"#,
    ] {
        camera.send(Message::text(text)).await;
    }
    let status = server.status_until(|status| status["cameras"][0]["device"]["rssi"] == -50).await;
    assert_eq!(status["cameras"][0]["device"]["id"], "a");
    assert_eq!(status["cameras"][0]["quarantined"], json!({}));
}

#[tokio::test]
async fn a_malformed_text_is_counted_and_the_stream_goes_on() {
    let server = start();
    let mut camera = server.device("/ws/camera", hello("a"), telemetry()).await;
    let mut viewer = server.viewer("format=jpeg").await;
    for text in ["", "{", "[]", r#"{"type":"telemetry","rssi":"strong"}"#] {
        camera.send(Message::text(text)).await;
    }
    // Valid, but for its size.
    for bytes in [4097, 100_000] {
        let text = to_text(&DeviceMessage::Telemetry(Telemetry { rssi: Some(-1), ..telemetry() }));
        camera.send(Message::text(format!("{text}{}", " ".repeat(bytes - text.len())))).await;
    }
    camera.send_jpeg(&jpeg(1)).await;
    assert_eq!(viewer.framed().await.1, jpeg(1));
    let status = server.status();
    let stats = &status["cameras"][0];
    assert_eq!(stats["quarantined"], json!({"control_malformed": 4, "control_too_big": 2}));
    assert_eq!(stats["device"]["rssi"], -82, "what it told before still holds");
    assert_eq!((&stats["connected"], &stats["frames_in"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn a_request_reaches_its_device_and_no_other() {
    let server = start();
    let mut door = server.device("/ws/camera/door", hello("a"), telemetry()).await;
    let mut garden = server.device("/ws/camera/garden", hello("b"), telemetry()).await;
    let mut viewer = server.connect("/ws/viewer/door?format=jpeg").await;
    let both = |status: &Value| ["door", "garden"].iter().all(|name| !device_of(status, name).is_null());
    server.status_until(both).await;
    let (code, answer) = server.patch("door", r#"{"size":"qvga","quality":60,"fps":7.5}"#).await;
    assert_eq!(code, 202, "{answer}");
    let asked = json!({"size": "qvga", "quality": 60, "fps": 7.5});
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), asked);
    let text = loop {
        if let Message::Text(text) = door.message().await {
            break text;
        }
    };
    assert_eq!(text.as_str(), r#"{"type":"picture","size":"qvga","quality":60,"fps":7.5}"#);
    assert_eq!(server.patch("door", r#"{"fps":4}"#).await.0, 202);
    assert_eq!(door.event().await, json!({"type": "picture", "fps": 4.0}));
    assert_eq!(garden.until_pong().await, []);
    assert_eq!(viewer.until_pong().await, []);
}

#[tokio::test]
async fn a_device_that_is_asked_all_the_time_still_gets_its_pongs_and_the_newest_request() {
    let server = start();
    let mut camera = server.device("/ws/camera", hello("a"), telemetry()).await;
    server.status_until(|status| !status["cameras"][0]["device"].is_null()).await;
    let session = server.app.cameras.streams().get(&Default::default()).session().unwrap();
    let device = session.device.as_ref().unwrap();
    let mut got = Vec::new();
    for quality in 0..100 {
        for _ in 0..1000 {
            device.ask(PictureRequest { quality: Some(quality), ..PictureRequest::default() });
        }
        let before_pong = camera.until_pong().await;
        assert!(before_pong.len() <= 100, "{} messages came before the pong", before_pong.len());
        got.extend(before_pong);
    }
    let newest = Message::text(r#"{"type":"picture","quality":99}"#);
    while !got.contains(&newest) {
        got.push(camera.message().await);
    }
    assert_eq!(camera.until_pong().await, [], "nothing is left of a hundred thousand requests");
}

#[tokio::test]
async fn a_request_that_cannot_be_is_refused_in_words() {
    let server = start();
    let mut camera = server.device("/ws/camera", hello("a"), telemetry()).await;
    server.status_until(|status| !status["cameras"][0]["device"].is_null()).await;
    for (body, word) in [
        ("", "JSON"),
        ("quality=5", "JSON"),
        ("[]", "any of title, size, quality and fps"),
        ("{}", "any of title, size, quality and fps"),
        (r#"{"size":null}"#, "any of title, size, quality and fps"),
        (r#"{"quality":50,"colour":"red"}"#, "colour"),
        (r#"{"size":"gigantic"}"#, "qqvga, qvga, vga, svga, xga, uxga"),
        (r#"{"size":"VGA "}"#, "qqvga"),
        (r#"{"size":640}"#, "640"),
        (r#"{"size":"svga"}"#, "640 × 480 at most"),
        (r#"{"quality":0}"#, "1 (worst) to 100 (best)"),
        (r#"{"quality":101}"#, "1 (worst) to 100 (best)"),
        (r#"{"quality":-1}"#, "1 (worst) to 100 (best)"),
        (r#"{"quality":356}"#, "1 (worst) to 100 (best)"),
        (r#"{"quality":"best"}"#, "best"),
        (r#"{"fps":0}"#, "0.1 to 120"),
        (r#"{"fps":0.09}"#, "0.1 to 120"),
        (r#"{"fps":120.5}"#, "0.1 to 120"),
        (r#"{"fps":-5}"#, "0.1 to 120"),
        (r#"{"quality":50,"fps":121}"#, "0.1 to 120"),
    ] {
        let (code, sentence) = server.patch("default", body).await;
        assert_eq!(code, 400, "{body}: {sentence}");
        assert!(sentence.contains(word) && sentence.ends_with('.'), "{body}: {sentence}");
    }
    let (code, sentence) = server.patch("default", &format!("{{\"quality\":50{}}}", " ".repeat(5000))).await;
    assert_eq!(code, 413, "{sentence}");
    for name in ["nobody", "default-2"] {
        let (code, sentence) = server.patch(name, r#"{"quality":50}"#).await;
        assert_eq!(code, 404, "{sentence}");
        assert!(sentence.contains(name), "{sentence}");
    }
    assert_eq!(server.status()["cameras"].as_array().unwrap().len(), 1, "nothing is made by asking");
    let (head, _) = crate::http::request(
        &server,
        &format!("GET /api/cameras/default HTTP/1.1\r\nHost: {}", server.address),
    )
    .await;
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    assert_eq!(camera.until_pong().await, [], "none of it reached the device");
}

#[tokio::test]
async fn only_this_computer_and_its_own_pages_may_ask() {
    let server = start();
    let mut camera = server.device("/ws/camera", hello("a"), telemetry()).await;
    server.status_until(|status| !status["cameras"][0]["device"].is_null()).await;
    let address = server.address;
    let host = format!("Host: {address}");
    let own = format!("{host}\r\nOrigin: http://{address}\r\nSec-Fetch-Site: same-origin");
    for headers in [
        format!("{host}\r\nOrigin: http://evil.example"),
        format!("{host}\r\nOrigin: null"),
        format!("{host}\r\nSec-Fetch-Site: cross-site"),
        "Host: evil.example".to_owned(),
        "Host: evil.example\r\nOrigin: http://evil.example".to_owned(),
    ] {
        let (code, sentence) = server.patch_with("default", r#"{"quality":50}"#, &headers).await;
        assert!(matches!(code, 401 | 403), "{headers}: {code} {sentence}");
    }
    assert_eq!(camera.until_pong().await, []);
    let (code, sentence) = server.patch_with("default", r#"{"quality":50}"#, &own).await;
    assert_eq!(code, 202, "{sentence}");
    assert_eq!(camera.event().await["quality"], 50);
}

#[tokio::test]
async fn the_device_is_gone_with_its_camera_and_its_history_stays() {
    let server = start();
    for boot in 0..4 {
        let told = Telemetry { uptime_ms: 5000, connections: 1, rssi: Some(-50), too_big: 0, ..telemetry() };
        // Behind any name: it is the id that counts.
        let path = if boot == 2 { "/ws/camera/other" } else { "/ws/camera" };
        let camera = server.device(path, hello("loops"), told).await;
        let name = if boot == 2 { "other" } else { "default" };
        let status = server.status_until(|status| !device_of(status, name)["rssi"].is_null()).await;
        let diagnosis = &device_of(&status, name)["diagnosis"];
        match boot {
            3 => {
                assert_eq!(diagnosis[0]["code"], "restart_loop", "{status}");
                assert_eq!(diagnosis[0]["level"], "error");
            }
            _ => assert_eq!(diagnosis, &json!([]), "{boot}"),
        }
        camera.close().await;
        let status = server.status_until(|status| status["camera_clients"] == 0).await;
        assert!(device_of(&status, name).is_null(), "{status}");
    }
    let (_, _, body) = crate::http::get(&server, "/metrics").await;
    assert!(!String::from_utf8(body).unwrap().contains("device_rssi_dbm{"), "and from the metrics");
    // Another device on the same name is not blamed.
    let _other = server
        .device(
            "/ws/camera",
            hello("sound"),
            Telemetry { rssi: Some(-50), uptime_ms: 3_600_000, ..telemetry() },
        )
        .await;
    let status = server.status_until(|status| !device_of(status, "default")["rssi"].is_null()).await;
    assert_eq!(device_of(&status, "default")["diagnosis"], json!([]));
}

#[tokio::test]
async fn a_device_that_says_nothing_is_none_yet_but_can_be_asked() {
    let server = start();
    let mut camera = server.quiet_device("/ws/camera").await;
    let status = server.status_until(|status| status["camera_clients"] == 1).await;
    assert!(status["cameras"][0]["device"].is_null());
    assert_eq!(server.patch("default", r#"{"size":"uxga"}"#).await.0, 202);
    assert_eq!(camera.event().await, json!({"type": "picture", "size": "uxga"}));
    camera.tell(DeviceMessage::Hello(hello("a"))).await;
    let status = server.status_until(|status| !status["cameras"][0]["device"].is_null()).await;
    let device = &status["cameras"][0]["device"];
    assert_eq!(
        (&device["id"], &device["rssi"], &device["picture"]),
        (&json!("a"), &Value::Null, &Value::Null)
    );
    camera.send(Message::Close(None)).await;
    while camera.socket.next().await.is_some() {}
}

#[test]
fn the_sizes_that_can_be_asked_for_are_those_of_the_device() {
    use lenscast_device::camera::FrameSize;
    let device = FrameSize::NAMED.map(|(name, size)| (name, size.width, size.height));
    assert_eq!(lenscast_protocol::control::SIZES, device);
}
