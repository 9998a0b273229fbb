//! Cameras as libraries make them, each with the `Origin` that it sends by default, and what their owner is told when
//! one is refused.

use super::world::*;
use crate::harness::*;
use crate::program::Program;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_settings::config::Access;
use serde_json::Value;
use std::fs::File;
use std::process::Stdio;
use tokio::process::Command;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const ELECTRON: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Electron/28.0.0 Safari/537.36";
const WEB_VIEW: &str = "Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0";

/// `Origin` (`HOST` is the server's host without its port) and `User-Agent` of cameras that are to be let in.
const CAMERAS: [(Option<&str>, Option<&str>); 19] = [
    // Links2004/arduinoWebSockets.
    (Some("file://"), Some("arduino-WebSocket-Client")),
    // gilmaimon/ArduinoWebsockets.
    (Some("https://github.com/gilmaimon/TinyWebsockets"), Some("TinyWebsockets Client")),
    // Espressif's esp_websocket_client, websockets (Python), websocket-sharp, OkHttp.
    (None, Some("ESP32 Websocket Client")),
    (None, Some("Python/3.12 websockets/12.0")),
    (None, Some("websocket-sharp/1.0")),
    // websocket-client (Python), IXWebSocket, React Native now and long ago.
    (Some("http://HOST:PORT"), None),
    (Some("http://HOST:PORT"), Some("okhttp/4.12.0")),
    (Some("https://HOST:PORT"), None),
    (Some("http://HOST:PORT/"), Some("okhttp/3.6.0")),
    (Some("http://HOST/"), Some("okhttp/3.6.0")),
    (Some("http://HOST"), Some("IXWebSocket/11.4")),
    (Some("ws://HOST:PORT"), None),
    (Some("ws://HOST"), None),
    (Some("HOST:PORT"), None),
    (Some(""), None),
    // Phones, and what is made of pages.
    (Some("null"), None),
    (Some("null"), Some(ELECTRON)),
    (Some("file://"), Some(WEB_VIEW)),
    (
        Some("capacitor://localhost"),
        Some("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15"),
    ),
];

/// What a page of a stranger makes a browser send.
const PAGES: [(&str, Option<&str>); 8] = [
    ("http://evil.example", Some(FIREFOX)),
    ("https://evil.example:8443", Some(ELECTRON)),
    ("http://evil.example", None),
    ("http://HOST:1", Some(FIREFOX)),
    ("http://HOST", Some(FIREFOX)),
    ("null", Some(FIREFOX)),
    ("http://HOST.evil.example:PORT", None),
    ("http://a!.evil.example", Some(FIREFOX)),
];

/// A server at which many cameras may be at once: those of these tests leave without a word.
async fn crowded(behind_proxy: bool, access: Access) -> World {
    World::with(behind_proxy, |config| {
        config.access = access;
        config.limits.max_cameras = 10_000;
    })
    .await
}

/// A camera that knocks, with these headers.
fn knock(server: &Running, path: &str, origin: Option<&str>, agent: Option<&str>) -> Ask {
    let (host, port) = (server.address.ip().to_string(), server.address.port().to_string());
    let mut knock = ask("GET", path).upgrade();
    if let Some(origin) = origin {
        knock = knock.header("Origin", origin.replace("HOST", &host).replace("PORT", &port));
    }
    agent.map_or(knock.clone(), |agent| knock.header("User-Agent", agent))
}

#[tokio::test]
async fn every_library_connects_with_and_without_a_key_and_on_an_open_server() {
    for (open, behind_proxy) in [(false, false), (false, true), (true, false), (true, true)] {
        let access = Access { open, ..Access::default() };
        let world = crowded(behind_proxy, access).await;
        let place = if behind_proxy { Place::Home } else { Place::Here };
        for (origin, agent) in CAMERAS {
            let come = |path, change: fn(&World, Ask) -> Ask| {
                let knock = knock(&world.server, path, origin, agent);
                change(&world, knock).from(place, &world.server).send(&world.server)
            };
            let shown = format!("{origin:?} {agent:?} open: {open} {place:?}");
            assert_eq!(come("/ws/camera/back", |_, ask| ask).await.code, 101, "{shown}");
            assert_eq!(
                come("/ws/camera/front", |world, ask| ask.bearer(&world.front_key)).await.code,
                101,
                "{shown}"
            );
            assert_eq!(
                come("/ws/camera/front", |world, ask| ask.token(&world.front_key)).await.code,
                101,
                "{shown}"
            );
            if behind_proxy && !open {
                let refused = come("/ws/camera/front", |_, ask| ask).await;
                assert!(
                    refused.code == 401 && refused.body.contains("stream set key"),
                    "{shown}: {refused:?}"
                );
            }
            // What is no page's for a camera is still no page of ours for people.
            let watches = ["/ws/viewer/back"].map(|path| knock(&world.server, path, origin, agent));
            for watch in watches {
                let code = watch
                    .cookie(&world.owner_session)
                    .from(place, &world.server)
                    .send(&world.server)
                    .await
                    .code;
                // A proxy that does not tell whether the browser speaks TLS may have either.
                let secure = behind_proxy && origin == Some("https://HOST:PORT");
                let is_ours = secure || origin.is_none_or(|origin| origin == "http://HOST:PORT");
                assert_eq!(code, if is_ours { 101 } else { 403 }, "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_a_stranger_stays_out_unless_it_knows_a_key() {
    for (open, behind_proxy) in [(false, false), (false, true), (true, false), (true, true)] {
        let access = Access { open, ..Access::default() };
        let world = crowded(behind_proxy, access).await;
        let place = if behind_proxy { Place::Home } else { Place::Here };
        for (origin, agent) in PAGES {
            let come = |change: &dyn Fn(Ask) -> Ask| {
                let knock = change(knock(&world.server, "/ws/camera/front", Some(origin), agent));
                knock.from(place, &world.server).send(&world.server)
            };
            let shown = format!("{origin} {agent:?} open: {open} {place:?}");
            for refused in [
                come(&|ask| ask).await,
                come(&|ask| ask.cookie(&world.owner_session)).await,
                come(&|ask| ask.basic(OWNER)).await,
                // Pages show pictures by such a link, and may not send any.
                come(&|ask| ask.token(&world.view)).await,
                come(&|ask| ask.token(&world.front_share)).await,
            ] {
                assert_eq!(refused.code, 403, "{shown}: {refused:?}");
            }
            for key in [&world.front_key, &world.admin] {
                assert_eq!(come(&|ask| ask.token(key)).await.code, 101, "{shown}");
                assert_eq!(come(&|ask| ask.bearer(key)).await.code, 101, "{shown}");
            }
            assert_eq!(
                come(&|ask| ask.basic(("camera", world.front_key.expose()))).await.code,
                101,
                "{shown}"
            );
            if behind_proxy {
                // From addresses of which each guesses once.
                let wrong = Secret::generate(Kind::Camera);
                assert_eq!(come(&|ask| ask.bearer(&wrong)).await.code, 403, "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn two_origins_are_those_of_a_page_if_one_of_them_is() {
    let world = World::new(true).await;
    for (first, second, code) in [
        ("file://", "null", 101),
        ("file://", "http://evil.example", 403),
        ("http://evil.example", "file://", 403),
        ("file://\u{fc}", "file://", 403),
    ] {
        let knock = knock(&world.server, "/ws/camera/back", Some(first), None).header("Origin", second);
        assert_eq!(knock.at_home(&world.server).await.code, code, "{first} {second}");
    }
    let marked =
        knock(&world.server, "/ws/camera/back", Some("file://"), None).header("Sec-Fetch-Site", "cross-site");
    assert_eq!(marked.at_home(&world.server).await.code, 403, "only browsers say so");
}

impl World {
    /// The cameras of which `/api/server` says that they were refused.
    async fn refused(&self) -> Vec<Value> {
        let server = ask("GET", "/api/server").bearer(&self.admin).at_home(&self.server).await.json();
        server["refused_cameras"].as_array().unwrap().clone()
    }

    /// A camera from there.
    async fn knock_from(&self, address: &str, path: &str, change: impl FnOnce(Ask) -> Ask) -> u16 {
        let ask = change(ask("GET", path).upgrade()).header("Host", self.server.address.to_string());
        ask.header("X-Forwarded-For", address).send(&self.server).await.code
    }
}

#[tokio::test]
async fn why_a_camera_was_refused_is_told_to_who_may_change_something() {
    let world = World::with(true, |config| config.limits.max_cameras = 1).await;
    let wrong = Secret::generate(Kind::Camera);
    let refusals = [
        ("192.168.1.1", "/ws/camera/back", "page", "(Origin: http://evil.example)"),
        ("192.168.1.2", "/ws/camera/front", "no_key", "the camera front needs one"),
        ("192.168.1.3", "/ws/camera/front", "wrong_key", "is not, or no longer, good for the camera front"),
        ("203.0.113.4", "/ws/camera/back", "elsewhere", "outside of the home network"),
        ("192.168.1.5", "/ws/camera/NO", "name", "a camera's name is 1 to 63"),
        ("192.168.1.6", "/ws/camera/back", "handshake", "WebSocket version 13"),
        ("192.168.1.7", "/ws/camera/front", "wrong_key", "good for the camera front"),
    ];
    for (address, path, cause, words) in refusals {
        let code = world
            .knock_from(address, path, |knock| match (cause, address) {
                ("page", _) => knock.header("Origin", "http://evil.example"),
                ("wrong_key", "192.168.1.3") => knock.bearer(&wrong),
                ("wrong_key", _) => knock.bearer(&world.view),
                ("handshake", _) => ask("GET", path).header("Upgrade", "websocket"),
                _ => knock,
            })
            .await;
        assert!((400..500).contains(&code), "{address}: {code}");
        let newest = world.refused().await.remove(0);
        assert_eq!((&newest["address"], &newest["cause"]), (&address.into(), &cause.into()), "{newest}");
        let text = newest["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("A camera at {address} was refused: ")), "{text}");
        assert!(text.contains(words), "{words}: {text}");
        assert!(newest["todo"].as_str().unwrap().contains("If it is your camera"), "{newest}");
    }
    let taken =
        ask("GET", "/ws/camera/only").upgrade().from(Place::Home, &world.server).open(&world.server).await;
    world.server.status_until(|status| status["camera_clients"] == 1).await;
    assert_eq!(world.knock_from("192.168.1.8", "/ws/camera/back", |knock| knock).await, 503);
    assert_eq!(world.refused().await[0]["cause"], "full");
    drop(taken);
    let metrics = ask("GET", "/metrics").bearer(&world.view).at_home(&world.server).await.body;
    for (cause, count) in [("page", 1), ("wrong_key", 2), ("full", 1), ("hidden", 0)] {
        let line = format!("lenscast_cameras_refused_total{{cause=\"{cause}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    assert!(!metrics.contains("192.168.1."), "numbers name nobody");
    // Whoever only watches is told nothing of it.
    let text = ask("GET", "/api/events").bearer(&world.view).from(Place::Home, &world.server);
    let text = text.read_until(&world.server, "event: status").await;
    assert!(!text.contains("event: refused"), "{text}");
    let text = ask("GET", "/api/events").bearer(&world.admin).from(Place::Home, &world.server);
    let text = text.read_until(&world.server, "event: refused").await;
    assert!(text.contains("A camera at 192.168.1.8 was refused"), "{text}");
    assert_eq!(ask("GET", "/api/server").bearer(&world.view).at_home(&world.server).await.code, 403);
}

#[tokio::test]
async fn a_camera_that_is_let_in_later_is_no_longer_told_of() {
    let world = World::new(true).await;
    assert_eq!(world.knock_from("192.168.1.1", "/ws/camera/front", |knock| knock).await, 401);
    assert_eq!(world.knock_from("192.168.1.1", "/ws/camera/back", |knock| knock).await, 101, "another one");
    assert_eq!(world.refused().await.len(), 1);
    assert_eq!(
        world.knock_from("192.168.1.1", "/ws/camera/front", |knock| knock.bearer(&world.front_key)).await,
        101
    );
    assert_eq!(world.refused().await, [Value::Null; 0]);
}

#[tokio::test]
async fn what_only_looks_at_a_cameras_path_is_no_camera() {
    let world = World::new(true).await;
    for path in ["/ws/camera", "/ws/camera/front"] {
        assert!(ask("GET", path).at_home(&world.server).await.code >= 400, "{path}");
        assert!(
            ask("GET", path).header("Origin", "http://evil.example").at_home(&world.server).await.code >= 400
        );
    }
    assert_eq!(ask("GET", "/ws/viewer/front").upgrade().at_home(&world.server).await.code, 401);
    assert_eq!(world.refused().await, [Value::Null; 0]);
}

#[tokio::test]
async fn thousands_of_refused_cameras_are_some_lines_in_the_log_and_some_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenscast"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1"]);
    command.env("LENSCAST_STATE_DIR", folder.path().join("state")).env("LENSCAST_CONFIG", "/dev/null");
    let mut program = Program::spawn_with(&mut command, Stdio::from(File::create(&log).unwrap()));
    let address = program.address().await;
    let knock = async |from: String, path: &str| {
        let socket = tokio::net::TcpStream::connect(&address).await.unwrap();
        let ask = ask("GET", path).upgrade().header("Host", &address).header("X-Forwarded-For", from);
        ask.header("Origin", "http://evil.example").over(socket).await.code
    };
    for _ in 0..200 {
        assert_eq!(knock("192.168.1.23".into(), "/ws/camera/front").await, 403);
    }
    for number in 0..600 {
        let [high, low] = u16::to_be_bytes(number);
        assert_eq!(knock(format!("10.0.{high}.{low}"), "/ws/camera").await, 403);
    }
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("a camera is refused")).collect();
    let of_one: Vec<&&str> = lines.iter().filter(|line| line.contains("192.168.1.23")).collect();
    let [line] = of_one.as_slice() else { panic!("one line for one address: {of_one:#?}") };
    assert!(line.contains("WARN") && line.contains("(Origin: http://evil.example)"), "{line}");
    assert!(line.contains("lenscast access new camera front"), "what to do: {line}");
    assert!((2..40).contains(&lines.len()), "{}: {lines:#?}", lines.len());
    assert!(text.len() < 40_000, "{}", text.len());
}
