//! `GET /api/events`: who listens is told, and nobody has to ask.

use crate::device::{hello, telemetry};
use crate::harness::*;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// One who listens.
struct Listener {
    lines: BufReader<TcpStream>,
    /// What was read of the next event.
    text: String,
}

/// An event as it came.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    data: String,
}

impl Event {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

impl Running {
    async fn listen(&self) -> Listener {
        self.listen_with(&format!("Host: {}", self.address)).await
    }

    async fn listen_with(&self, headers: &str) -> Listener {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET /api/events HTTP/1.1\r\n{headers}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut listener = Listener { lines: BufReader::new(socket), text: String::new() };
        let head = listener.head().await.to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        listener
    }
}

impl Listener {
    async fn line(&mut self) -> String {
        let mut line = String::new();
        let count = within(self.lines.read_line(&mut line)).await.unwrap();
        assert!(count > 0, "it ended: {:?}", self.text);
        line
    }

    async fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head += &self.line().await;
        }
        head
    }

    /// Lines up to an empty one, out of the chunks in which they come.
    async fn paragraph(&mut self) -> String {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end + 2);
                return std::mem::replace(&mut self.text, rest);
            }
            let length = usize::from_str_radix(self.line().await.trim(), 16).unwrap();
            assert!(length > 0, "it ended: {:?}", self.text);
            let mut chunk = vec![0; length + 2];
            within(self.lines.read_exact(&mut chunk)).await.unwrap();
            self.text += str::from_utf8(&chunk[..length]).unwrap();
        }
    }

    async fn next(&mut self) -> Event {
        let text = self.paragraph().await;
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_else(|| panic!("no {name} in {text:?}")).to_owned()
        };
        Event { name: field("event"), data: field("data") }
    }

    /// Reads on until a status says what is wanted, and gives that event.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Event {
        within(async {
            loop {
                let event = self.next().await;
                if event.name == "status" && wanted(&event.json()) {
                    return event;
                }
            }
        })
        .await
    }
}

#[tokio::test]
async fn a_listener_hears_a_camera_come_and_go_without_asking() {
    let server = start();
    let mut listener = server.listen().await;
    let first = listener.paragraph().await;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        first,
        format!("retry: 1000\nevent: hello\ndata: {{\"admin\":true,\"version\":\"{version}\"}}\n\n")
    );
    let status = listener.next().await;
    assert_eq!((status.name.as_str(), &status.json()["cameras"]), ("status", &json!([])));

    let state = |wanted: &'static str| move |status: &Value| camera_in(status, "door")["state"] == wanted;
    let mut camera = server.device("/ws/camera/door", hello("a"), telemetry()).await;
    let door = camera_in(&listener.until(state("no_frame")).await.json(), "door");
    assert_eq!((&door["connected"], &door["title"]), (&json!(true), &json!("door")));
    assert!(door["since_ms"].is_u64(), "{door}");
    listener.until(|status| camera_in(status, "door")["device"]["id"] == "a").await;
    camera.send_jpeg(&jpeg(1)).await;
    let door = camera_in(&listener.until(state("live")).await.json(), "door");
    assert_eq!((&door["width"], &door["virtual"]), (&json!(320), &json!(false)));
    assert_eq!(server.patch("door", r#"{"title":"Front door"}"#).await.0, 200);
    listener.until(|status| camera_in(status, "door")["title"] == "Front door").await;
    camera.close().await;
    let door = camera_in(&listener.until(state("waiting")).await.json(), "door");
    assert_eq!((&door["connected"], &door["title"]), (&json!(false), &json!("Front door")));
    assert!(door["since_ms"].is_u64(), "{door}");
    assert_eq!(server.ask("DELETE", "/api/cameras/door", "").await.0, 204);
    listener.until(|status| status["cameras"] == json!([])).await;
}

#[tokio::test]
async fn the_status_that_is_told_is_the_one_that_can_be_asked_for() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    let mut told = server.listen().await.until(|_| true).await.json();
    let mut asked = server.get_json("/status").await;
    for status in [&mut told, &mut asked] {
        status["uptime_s"].take();
        for age in ["since_ms", "newest_frame_age_ms"] {
            assert!(status["cameras"][0][age].take().is_u64(), "{age}");
        }
        for rate in ["fps", "bitrate"] {
            assert!(status["cameras"][0][rate].take().is_number(), "{rate}");
        }
    }
    assert_eq!(told, asked);
}

#[tokio::test]
async fn all_listeners_get_the_same_bytes() {
    let server = start();
    let mut camera = server.camera().await;
    // Its ages make every status another one.
    camera.send_jpeg(&jpeg(1)).await;
    let mut listeners = Vec::new();
    for _ in 0..20 {
        listeners.push(server.listen().await);
    }
    assert_eq!(server.app.events.listeners(), 20);
    server.patch("default", r#"{"title":"The same"}"#).await;
    let mut events = Vec::new();
    for listener in &mut listeners {
        events.push(listener.until(|status| camera_in(status, "default")["title"] == "The same").await);
    }
    assert!(events.iter().all(|event| *event == events[0]), "{events:?}");
}

#[tokio::test]
async fn while_nobody_listens_no_status_is_made() {
    let server = start();
    let come_and_go = async |number: u32| {
        for path in ["/ws/camera/a", "/ws/camera/b"] {
            let mut camera = server.connect(path).await;
            camera.send_jpeg(&jpeg(number)).await;
            server.camera_until(&path[11..], |camera| camera["state"] == "live").await;
            camera.close().await;
        }
        server.status_until(|status| status["streaming"] == false).await;
    };
    come_and_go(1).await;
    let mut listener = server.listen().await;
    listener.until(|_| true).await;
    assert_eq!(server.app.events.made(), 1, "the newcomer's");
    drop(listener);
    // That it is gone is noticed when something is to be told.
    let gone = async {
        while server.app.events.listeners() > 0 {
            tokio::task::yield_now().await;
        }
    };
    within(gone).await;
    let before = server.app.events.made();
    come_and_go(2).await;
    server.listen().await.until(|_| true).await;
    assert_eq!(server.app.events.made(), before + 1);
}

#[tokio::test]
async fn what_only_time_changes_is_told_too() {
    let server = start_with(|config| config.limits.silent_after = std::time::Duration::from_millis(300));
    let mut listener = server.listen().await;
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    let silent = listener.until(|status| camera_in(status, "default")["state"] == "silent").await;
    let silent = camera_in(&silent.json(), "default");
    assert_eq!(silent["since_ms"], silent["newest_frame_age_ms"], "{silent}");
}

#[tokio::test]
async fn there_are_no_more_listeners_than_viewers_may_be() {
    let server = start_with(|config| config.limits.max_viewers = 2);
    let mut both = [server.listen().await, server.listen().await];
    for listener in &mut both {
        listener.until(|_| true).await;
    }
    let (code, sentence) = server.ask("GET", "/api/events", "").await;
    assert_eq!(code, 503);
    assert!(sentence.contains("--max-viewers"), "{sentence}");
    // Who watches is not kept out by who listens.
    server.viewer("").await;
}

#[tokio::test]
async fn the_hello_says_whether_its_caller_may_change_something() {
    let server = start();
    let host = format!("Host: {}", server.address);
    for headers in [host.clone(), format!("{host}\r\nSec-Fetch-Site: same-origin")] {
        let event = server.listen_with(&headers).await.next().await;
        assert_eq!((event.name.as_str(), &event.json()["admin"]), ("hello", &json!(true)), "{headers}");
        let (code, _) = server.ask_with("PATCH", "/api/cameras/a", r#"{"title":"A"}"#, &headers).await;
        assert_eq!(code, 200, "and that is what comes: {headers}");
    }
    // A page of another site hears nothing at all.
    for headers in
        [format!("{host}\r\nSec-Fetch-Site: cross-site"), format!("{host}\r\nOrigin: http://evil.example")]
    {
        for (method, path) in [("GET", "/api/events"), ("PATCH", "/api/cameras/a")] {
            let (code, _) = server.ask_with(method, path, r#"{"title":"A"}"#, &headers).await;
            assert_eq!(code, 403, "{method} {headers}");
        }
    }
}

#[tokio::test]
async fn a_listener_that_does_not_read_holds_nobody_up() {
    let server = start();
    let deaf = server.listen().await;
    let mut camera = server.camera().await;
    let mut listener = server.listen().await;
    for number in 0..200 {
        server.patch("default", &format!(r#"{{"title":"Number {number}"}}"#)).await;
    }
    listener.until(|status| camera_in(status, "default")["title"] == "Number 199").await;
    camera.send_jpeg(&jpeg(1)).await;
    listener.until(|status| camera_in(status, "default")["state"] == "live").await;
    drop(deaf);
}

#[tokio::test]
async fn the_events_end_with_the_server() {
    let server = start();
    let mut listener = server.listen().await;
    listener.until(|_| true).await;
    server.end().await;
    let mut rest = Vec::new();
    within(listener.lines.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.ends_with(b"\n\n\r\n0\r\n\r\n") || rest == b"0\r\n\r\n", "and not within an event");
}
