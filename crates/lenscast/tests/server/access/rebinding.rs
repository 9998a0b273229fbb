//! A page whose own name was made to point to this server (DNS rebinding), and who has no name for it at all.

use super::world::*;
use crate::http::request;
use lenscast_settings::config::Access;
use serde_json::json;

/// Names that a stranger can register, or that are none.
const FOREIGN: [&str; 6] = [
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "",
    "cam.home.evil.example.",
];

fn open() -> Access {
    Access { open: true, host_names: vec!["cams.example.org".into()], ..Access::default() }
}

#[tokio::test]
async fn not_even_an_open_server_does_anything_for_a_name_that_may_be_a_strangers() {
    for behind_proxy in [false, true] {
        let world = World::with(behind_proxy, |config| config.access = open()).await;
        for host in FOREIGN {
            let origin = format!("http://{host}");
            let from = |ask: Ask| {
                let ask = ask.header("Host", host);
                if behind_proxy { ask.header("X-Forwarded-For", "192.168.1.7") } else { ask }
            };
            for asked in [
                ask("POST", "/api/access/tokens").json(json!({"kind": "admin"})),
                ask("POST", "/api/access/users")
                    .json(json!({"name": "eve", "password": "long enough", "role": "admin"})),
                ask("POST", "/api/access/shares").json(json!({"camera": null, "for_s": 60})),
                ask("PATCH", "/api/cameras/front").json(json!({"title": "Mine"})),
                ask("DELETE", "/api/cameras/front"),
                ask("POST", "/api/demo").json("{}"),
                ask("POST", "/api/reload"),
                ask("GET", "/"),
                ask("GET", "/status"),
                ask("GET", "/metrics"),
                ask("GET", "/snapshot.jpg"),
                ask("GET", "/stream.mjpg"),
                ask("GET", "/api/events"),
                ask("GET", "/api/server"),
                ask("GET", "/api/access"),
                ask("GET", "/ws/viewer").upgrade(),
                ask("GET", "/ws/camera").upgrade(),
                ask("GET", "/ws/camera/front").upgrade(),
            ] {
                let shown = format!("{host:?} {asked:?}");
                // As a browser asks for a page of that name: with its origin, or for it to read, without.
                let is_reading = shown.contains("\"GET\"") && !shown.contains("Upgrade");
                let as_page = from(asked.clone()).header("Origin", &origin).send(&world.server).await;
                assert!(matches!(as_page.code, 401 | 403), "{shown}: {as_page:?}");
                if is_reading {
                    let silent =
                        from(asked).header("Sec-Fetch-Site", "same-origin").send(&world.server).await;
                    assert_eq!(silent.code, 401, "{shown}: {silent:?}");
                    assert!(silent.body.contains("does not know that it is called"), "{shown}: {silent:?}");
                    assert!(silent.body.contains("host_names"), "{shown}: {silent:?}");
                }
            }
        }
        let kept = world.server.app.gate.auth().store().list(lenscast_base::time::now());
        assert_eq!(
            (kept.tokens.len(), kept.users.len(), kept.shares.len()),
            (3, 2, 1),
            "what was there before"
        );
    }
}

#[tokio::test]
async fn real_names_of_an_open_server_go_on() {
    let world = World::with(false, |config| config.access = open()).await;
    for host in [
        "localhost",
        "127.0.0.1:9",
        "192.168.1.2",
        "203.0.113.9:8080",
        "[fd00::1]:8080",
        "[2001:db8::1]",
        "cam.local",
        "CAM.lan:8080",
        "nas",
        "cam.fritz.box",
        "cams.example.org",
        "Cams.Example.org.:8080",
    ] {
        for path in ["/status", "/api/server", "/"] {
            let code = ask("GET", path).header("Host", host).send(&world.server).await.code;
            assert_eq!(code, 200, "{host} {path}");
        }
        let change = ask("POST", "/api/access/shares").json(json!({"camera": null, "for_s": 60}));
        let change = change.header("Host", host).header("Origin", format!("http://{host}"));
        assert_eq!(change.send(&world.server).await.code, 201, "{host}");
    }
    // A credential does under every name: no page of a stranger knows one.
    let closed = World::new(true).await;
    let status = ask("GET", "/status").bearer(&closed.view).from(Place::ReboundHome, &closed.server);
    assert_eq!(status.send(&closed.server).await.code, 200);
}

#[tokio::test]
async fn a_camera_calls_an_open_server_as_it_likes() {
    let world = World::with(false, |config| {
        config.access = open();
        config.limits.max_cameras = 1000;
    })
    .await;
    for host in FOREIGN {
        for origin in [None, Some("file://"), Some("https://github.com/gilmaimon/TinyWebsockets")] {
            let knock = ask("GET", "/ws/camera/back").upgrade().header("Host", host);
            let knock = origin.map_or(knock.clone(), |origin| knock.header("Origin", origin));
            assert_eq!(knock.send(&world.server).await.code, 101, "{host:?} {origin:?}");
        }
    }
    let nameless = ask("GET", "/ws/camera/back").upgrade();
    assert_eq!(nameless.send(&world.server).await.code, 101, "no Host at all");
}

#[tokio::test]
async fn who_is_kept_out_by_the_form_of_his_request_is_told_so() {
    let access = Access { open_view: true, ..Access::default() };
    let world = World::with(true, |config| config.access = access).await;
    let host = world.server.address;
    let other_port = format!("{}:9", host.ip());
    let home = "X-Forwarded-For: 192.168.1.7";
    for (line, headers, code, words) in [
        ("GET /status HTTP/1.1", format!("Host: {host}\r\n{home}"), 200, ""),
        ("GET /status HTTP/1.1", format!("Host: {other_port}\r\n{home}"), 200, ""),
        ("GET /status HTTP/1.1", home.to_owned(), 401, "names no host"),
        ("GET /status HTTP/1.1", format!("Host: {host}\r\nHost: {host}\r\n{home}"), 401, "names no host"),
        ("GET /status HTTP/1.1", format!("Host: evil.example\r\n{home}"), 401, "called \"evil.example\""),
        (
            "GET http://evil.example/status HTTP/1.1",
            format!("Host: {host}\r\n{home}"),
            401,
            "called \"evil.example\"",
        ),
        ("GET http://192.168.1.2/status HTTP/1.1", format!("Host: evil.example\r\n{home}"), 200, ""),
        // The trusted proxy speaks so, and tells who asks.
        ("GET /status HTTP/1.0", format!("Host: {host}\r\n{home}"), 200, ""),
        ("GET /status HTTP/1.0", home.to_owned(), 401, "names no host"),
        (
            "GET /status HTTP/1.1",
            format!("Host: {host}\r\nX-Forwarded-For: 203.0.113.5"),
            401,
            "This needs a login",
        ),
    ] {
        let (head, body) = request(&world.server, &format!("{line}\r\n{headers}")).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(head[9..12], code.to_string(), "{line} {headers}: {head}{body}");
        assert!(body.contains(words), "{line} {headers}: {body}");
        if words.starts_with("This") {
            assert!(!body.contains("host") && !body.contains("proxy"), "there is no other reason: {body}");
        }
    }
    let alone = World::with(false, |config| {
        config.access = Access { open_view: true, ..Access::default() };
    })
    .await;
    for (line, headers, words) in [
        ("GET /status HTTP/1.0", "Host: 192.168.1.2".to_owned(), "HTTP/1.0"),
        ("GET /status HTTP/1.0", format!("Host: {}", alone.server.address), "HTTP/1.0"),
        ("GET /status HTTP/1.0", "User-Agent: old".to_owned(), "HTTP/1.0"),
        (
            "GET /status HTTP/1.1",
            "Host: localhost\r\nX-Forwarded-For: 192.168.1.7".to_owned(),
            "trusted_proxies",
        ),
        ("GET /status HTTP/1.1", "Host: localhost\r\nVia: 1.1 proxy".to_owned(), "trusted_proxies"),
    ] {
        let (head, body) = request(&alone.server, &format!("{line}\r\n{headers}")).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(head[9..12] == *"401" && body.contains(words), "{line} {headers}: {head}{body}");
    }
    let (_, page) = request(&alone.server, "GET / HTTP/1.1\r\nHost: evil\"><script>.example").await;
    let page = String::from_utf8_lossy(&page).into_owned();
    assert!(page.contains("<meta name=\"reason\" content=\"This server does not know"), "{page}");
    assert!(!page.contains("<script>"), "{page}");
}
