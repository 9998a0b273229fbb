//! What a server with TLS still serves without it.

use super::*;
use crate::access::world::Place;
use futures_util::StreamExt as _;
use lenscast::demo;
use lenscast_auth::secret::Kind;
use lenscast_protocol::CameraName;

/// A request of another computer, as far as that can be told from this one: by a name, or by way of a proxy.
fn from_elsewhere(request: Ask) -> Ask {
    request.header("Host", "cam.lan:8080")
}

#[tokio::test]
async fn cameras_and_health_checks_are_served_and_all_others_are_sent_to_https() {
    let world = World::new();
    let server = world.own();
    let port = tls_address(&server).port();
    for path in [
        "/",
        "/camera/front",
        "/mjpeg",
        "/stream.ts",
        "/snapshot/front.jpg",
        "/status",
        "/metrics",
        "/api/me",
        "/assets/viewer.js",
        "/nothing",
    ] {
        for method in ["GET", "HEAD"] {
            let answer = from_elsewhere(ask(method, path)).send(&server).await;
            let wanted = format!("https://cam.lan:{port}{path}");
            assert_eq!(
                (answer.code, answer.header("location")),
                (307, Some(wanted.as_str())),
                "{method} {path}"
            );
        }
    }
    for request in [
        ask("GET", "/ws/viewer").upgrade(),
        ask("POST", "/api/login").json("{\"password\": \"x\"}"),
        ask("DELETE", "/api/access/0123456789"),
        ask("OPTIONS", "/api/me")
            .header("Origin", "https://home.example")
            .header("Access-Control-Request-Method", "GET"),
    ] {
        let answer = from_elsewhere(request.clone()).send(&server).await;
        assert_eq!((answer.code, answer.header("location")), (403, None), "{request:?}");
        assert!(answer.body.contains(&format!("https://cam.lan:{port}/")), "{}", answer.body);
    }
    for path in ["/ws/camera", "/ws/camera/front"] {
        assert_eq!(from_elsewhere(ask("GET", path).upgrade()).send(&server).await.code, 101, "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(from_elsewhere(ask("GET", path)).send(&server).await.code, 200, "{path}");
    }
}

#[tokio::test]
async fn a_link_that_was_opened_without_tls_logs_nobody_in_before_it_has_tls() {
    let world = World::new();
    let server = world.own();
    let store = server.app.gate.auth().store();
    let (id, token) = store.add_token(Kind::View, "", None, None, lenscast_base::time::now()).unwrap();
    let answer = from_elsewhere(ask("GET", "/camera/front?x=1").token(&token)).send(&server).await;
    let location = answer.header("location").unwrap();
    assert!(location.ends_with(&format!("/camera/front?x=1&token={}", token.expose())), "{location}");
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let listed = serde_json::to_value(store.list(lenscast_base::time::now())).unwrap();
    let used = listed["tokens"].as_array().unwrap().iter().find(|token| token["id"] == id.as_str()).unwrap();
    assert!(used["last_used"].is_null(), "{used}");
}

#[tokio::test]
async fn this_computer_is_served_without_and_what_only_seems_to_be_it_is_not() {
    let world = World::new();
    let server = world.own();
    assert_eq!(ask("GET", "/").from(Place::Here, &server).send(&server).await.code, 200);
    assert_eq!(ask("GET", "/").from(Place::Rebound, &server).send(&server).await.code, 307);
    assert_eq!(ask("GET", "/").from(Place::StrangeProxy, &server).send(&server).await.code, 307);
}

#[tokio::test]
async fn behind_a_proxy_that_is_trusted_the_proxy_decides() {
    let world = World::new();
    let server = start_with(|config| {
        *config = world.config(Certificate::SelfSigned, Plain::Cameras);
        config.proxy.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    assert_eq!(ask("GET", "/").from(Place::Home, &server).send(&server).await.code, 401);
    let by_tls = ask("GET", "/").from(Place::Home, &server).header("X-Forwarded-Proto", "https");
    assert_eq!(by_tls.send(&server).await.code, 401);
}

#[tokio::test]
async fn no_header_gets_out_of_the_address_that_somebody_is_sent_to() {
    let world = World::new();
    let server = world.own();
    let port = tls_address(&server).port();
    for host in
        ["evil.example/\"><b>", "a@evil.example", "evil.example\\", "a b", "[::1", "%0d%0aSet-Cookie:x", ""]
    {
        let answer = ask("GET", "/x").header("Host", host).send(&server).await;
        let wanted = format!("https://127.0.0.1:{port}/x");
        let there = answer.header("location");
        assert!(answer.code == 400 || there == Some(wanted.as_str()), "{host}: {}", answer.head);
    }
    for path in ["//evil.example/", "/\\evil.example", "/x?%0d%0aSet-Cookie:x", "http://evil.example/"] {
        let answer = from_elsewhere(ask("GET", path)).send(&server).await;
        let there = answer.header("location").unwrap_or("https://cam.lan");
        let own = ["cam.lan", "evil.example"].map(|name| format!("https://{name}:{port}/"));
        // Who names another host in the request line has meant that one.
        assert!(
            answer.code == 400 || own.iter().any(|own| there.starts_with(own)),
            "{path}: {}",
            answer.head
        );
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn plain_all_serves_everything_and_plain_off_opens_no_port() {
    let world = World::new();
    let server = world.start(Certificate::SelfSigned, Plain::All);
    assert_eq!(from_elsewhere(ask("GET", "/")).send(&server).await.code, 401);
    server.end().await;

    // Somebody else may have it.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = start_with(|config| {
        *config = world.config(Certificate::SelfSigned, Plain::Off);
        config.listen = taken.local_addr().unwrap();
    });
    assert_eq!(server.app.places.listening().plain, None);
    let banner = world.bind_plain_off().banner();
    assert!(!banner.contains("http://") && banner.contains("Only cameras with TLS"), "{banner}");
    // The server's own virtual cameras come all the same.
    let name = CameraName::new("demo").unwrap();
    server.app.demos.start(name.clone(), demo::picture()).unwrap();
    server.camera_until("demo", |camera| camera["state"] == "live" && camera["virtual"] == true).await;
    let mut viewer = world.trust_own().web_socket(&server, "/ws/viewer/demo").await.unwrap();
    within(viewer.next()).await.unwrap().unwrap();
    assert!(server.app.demos.stop(&name).await);
}

#[tokio::test]
async fn on_an_address_of_the_network_the_same_is_true() {
    let others = other_addresses();
    if others.is_empty() {
        println!("SKIPPED: this computer has no address but loopback");
    }
    for (address, is_home) in others {
        let world = World::new();
        let here = SocketAddr::new(address, 0);
        let server = start_with(|config| {
            *config = world.config(Certificate::SelfSigned, Plain::Cameras);
            config.listen = here;
            config.tls.as_mut().unwrap().listen = here;
        });
        let host = server.address.to_string();
        let code = async |request: Ask| request.header("Host", &host).send(&server).await.code;
        assert_eq!(code(ask("GET", "/")).await, 307, "{address}");
        assert_eq!(
            code(ask("GET", "/ws/camera").upgrade()).await,
            if is_home { 101 } else { 401 },
            "{address}"
        );
        let trust = world.trust_own();
        let stream = trust.connect(&server, &address.to_string()).await.unwrap();
        let answer = ask("GET", "/").header("Host", tls_address(&server).to_string()).over(stream).await;
        assert_eq!(answer.code, 401, "{address}: TLS alone is no right");
        // From this computer to its own address in the network is not from this computer to itself.
        let stream = trust.connect(&server, &address.to_string()).await.unwrap();
        let answer = ask("GET", "/api/access").header("Host", "localhost").over(stream).await;
        assert_eq!(answer.code, 401, "{address}");
    }
}

impl World {
    fn bind_plain_off(&self) -> Server {
        let config = self.config(Certificate::SelfSigned, Plain::Off);
        Server::bind(config, CancellationToken::new()).unwrap()
    }
}
