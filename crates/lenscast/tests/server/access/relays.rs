//! Forwarders that pass connections on as they are: with a header that tells whose they are (PROXY protocol), and without.

use super::world::*;
use crate::harness::*;
use crate::tls::Trust;
use lenscast_base::proxy_protocol::{MAX_V2, SIGNATURE};
use lenscast_http::ended::Cause;
use lenscast_settings::config::{Access, Local, Plain, Tls};
use lenscast_tls::Certificate;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The header of version 2 for a client, and what more there is to tell.
fn v2(client: &str, more: &[u8]) -> Vec<u8> {
    let client: IpAddr = client.parse().unwrap();
    let (family, addresses) = match client {
        IpAddr::V4(v4) => (0x11, [&v4.octets()[..], &[192, 0, 2, 1]].concat()),
        IpAddr::V6(v6) => (0x21, [&v6.octets()[..], &[0; 16]].concat()),
    };
    let rest = [&addresses[..], &[0x12, 0x67, 0, 80], more].concat();
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[0x21, family], &length, &rest].concat()
}

/// The header of version 1.
fn v1(client: &str) -> Vec<u8> {
    let (family, to) = if client.contains(':') { ("TCP6", "::1") } else { ("TCP4", "192.0.2.1") };
    format!("PROXY {family} {client} {to} 4711 80\r\n").into_bytes()
}

/// A forwarder that says so about itself.
fn local() -> Vec<u8> {
    [&SIGNATURE[..], &[0x20, 0, 0, 0]].concat()
}

impl World {
    /// A connection that begins with these bytes.
    async fn relayed(&self, header: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(self.server.address).await.unwrap();
        socket.write_all(header).await.unwrap();
        socket
    }

    async fn ask_relayed(&self, header: &[u8], ask: Ask) -> Answer {
        ask.over(self.relayed(header).await).await
    }
}

fn status() -> Ask {
    ask("GET", "/status").header("Host", "192.168.1.2")
}

/// What the server says to bytes, until it closes.
async fn said(world: &World, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(world.server.address).await.unwrap();
    #[expect(clippy::let_underscore_must_use, reason = "the server may have hung up, as it should")]
    let _ = socket.write_all(bytes).await;
    let mut said = Vec::new();
    #[expect(clippy::let_underscore_must_use, reason = "what was read before an error counts")]
    let _ = within(socket.read_to_end(&mut said)).await;
    String::from_utf8_lossy(&said).into_owned()
}

async fn open_view(behind_proxy: bool) -> World {
    World::with(behind_proxy, |config| {
        config.access = Access { open_view: true, ..Access::default() };
        config.limits.handshake_timeout = Duration::from_millis(300);
    })
    .await
}

#[tokio::test]
async fn who_speaks_is_whom_a_trusted_forwarder_names() {
    let world = open_view(true).await;
    for (client, code) in [
        ("192.168.1.7", 200),
        ("fd00::7", 200),
        ("::ffff:192.168.1.7", 200),
        ("203.0.113.5", 401),
        ("2001:db8::5", 401),
        ("8.8.8.8", 401),
        // The forwarder itself is nobody of whom anything is known, and never this computer.
        ("127.0.0.1", 401),
        ("::1", 200),
        ("0.0.0.0", 401),
    ] {
        let v1 = v1(client);
        for header in [v2(client, &[]), v2(client, &[4, 0, 1, 0]), v1] {
            let answer = world.ask_relayed(&header, status()).await;
            assert_eq!(answer.code, code, "{client}: {answer:?}");
            let admin = ask("GET", "/api/access").header("Host", "localhost");
            assert_eq!(world.ask_relayed(&header, admin).await.code, 401, "{client}");
            let known = status().bearer(&world.view);
            assert_eq!(
                world.ask_relayed(&header, known).await.code,
                200,
                "{client}: a token is good from everywhere"
            );
        }
    }
    for nobody in [local(), b"PROXY UNKNOWN\r\n".to_vec()] {
        assert_eq!(world.ask_relayed(&nobody, status()).await.code, 401);
        let health = ask("GET", "/healthz").header("Host", "x");
        assert_eq!(world.ask_relayed(&nobody, health).await.code, 200, "to see whether we are well");
    }
    // A camera is named with its own address.
    let header = v2("192.168.1.23", &[]);
    let mut socket = world.relayed(&header).await;
    let knock = "GET /ws/camera/back HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(knock.as_bytes()).await.unwrap();
    let camera = world.server.camera_until("back", |camera| camera["connected"] == true).await;
    assert!(camera["peer"].as_str().unwrap_or_default().starts_with("192.168.1.23"), "{camera}");
}

#[tokio::test]
async fn what_a_client_writes_behind_a_forwarder_gives_it_nothing() {
    let world = open_view(true).await;
    let foreign = v2("203.0.113.5", &[]);
    for header in ["X-Forwarded-For: 192.168.1.7", "X-Real-IP: 127.0.0.1", "Forwarded: for=192.168.1.7"] {
        let (name, value) = header.split_once(": ").unwrap();
        assert_eq!(world.ask_relayed(&foreign, status().header(name, value)).await.code, 401, "{header}");
        // And a proxy at home that nobody trusts hides who asks.
        let answer = world.ask_relayed(&v2("192.168.1.9", &[]), status().header(name, value)).await;
        assert_eq!(answer.code, 401, "{header}");
    }
    // A header after the header is the client's own.
    for second in [v2("192.168.1.7", &[]), v1("192.168.1.7")] {
        let twice = [&foreign[..], &second, b"GET /status HTTP/1.1\r\nHost: 192.168.1.2\r\n\r\n"].concat();
        let said = said(&world, &twice).await;
        assert!(!said.contains(" 200 ") && !said.contains("cameras"), "{said}");
    }
    // A proxy that is trusted, behind a forwarder, tells by headers as before.
    let chain =
        world.ask_relayed(&v2("127.0.0.1", &[]), status().header("X-Forwarded-For", "203.0.113.5")).await;
    assert_eq!(chain.code, 401);
}

#[tokio::test]
async fn a_header_of_whom_nobody_trusts_is_refused_and_so_is_a_broken_one() {
    let world = open_view(false).await;
    let request = b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for header in [
        v2("192.168.1.7", &[]),
        v1("127.0.0.1"),
        v2("127.0.0.1", &[]),
        local(),
        b"PROXY UNKNOWN\r\n".to_vec(),
    ] {
        let said = said(&world, &[&header[..], request].concat()).await;
        assert_eq!(said, "", "not a word");
    }
    assert_eq!(world.server.app.serving.ended().of(Cause::StrangeHeader), 5);
    let trusting = open_view(true).await;
    for broken in [
        [&SIGNATURE[..], &[0x31, 0x11, 0, 12], &[192; 12]].concat(),
        [&SIGNATURE[..], &[0x21, 0x11, 0, 4], &[192; 4]].concat(),
        [&SIGNATURE[..], &[0x21, 0x00, 0xFF, 0xFF], &[0; 3000]].concat(),
        b"PROXY TCP4 nobody\r\n".to_vec(),
        format!("PROXY TCP4 {}\r\n", "1".repeat(200)).into_bytes(),
        [&SIGNATURE[..5], b"GET "].concat(),
    ] {
        let said = said(&trusting, &[&broken[..], request].concat()).await;
        assert!(!said.contains(" 200 ") && !said.contains("cameras"), "{broken:?}: {said}");
    }
    assert_eq!(
        trusting.server.app.serving.ended().of(Cause::BrokenHeader),
        5,
        "all but the one that begins as none"
    );
    // What never ends is ended.
    for endless in [&SIGNATURE[..], b"PROXY TCP4 192.168", &v2("192.168.1.7", &[0; MAX_V2 - 100])[..200]] {
        assert_eq!(said(&trusting, endless).await, "", "{endless:?}");
    }
    // Without a header, a trusted proxy is what it was: one that tells by headers.
    let plain = status().header("X-Forwarded-For", "192.168.1.7");
    assert_eq!(plain.send(&trusting.server).await.code, 200);
    assert_eq!(status().send(&trusting.server).await.code, 401, "and that tells nothing");
}

#[tokio::test]
async fn limits_go_by_who_speaks_and_not_by_who_passes_it_on() {
    let world = World::with(true, |config| config.limits.max_connections_per_address = 3).await;
    let ended = |cause| world.server.app.serving.ended().of(cause);
    let mut crowd = Vec::new();
    for _ in 0..8 {
        let mut socket = world.relayed(&v2("203.0.113.5", &[])).await;
        socket.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
        crowd.push(socket);
    }
    within(async {
        while ended(Cause::PushedOut) < 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // Others come by the same forwarder as if that one were not there.
    let health = || ask("GET", "/healthz").header("Host", "x");
    let mut others = Vec::new();
    for client in ["203.0.113.6", "203.0.113.7", "192.168.1.7", "2001:db8::7"] {
        for _ in 0..3 {
            let mut socket = world.relayed(&v2(client, &[])).await;
            assert_eq!(health().over(&mut socket).await.code, 200, "{client}");
            others.push(socket);
        }
    }
    assert_eq!(ended(Cause::PushedOut), 5, "nobody else had to go");
    // Three of the first are still there, and are answered.
    let mut answered = 0;
    for socket in &mut crowd {
        let mut read = [0; 12];
        let rest = socket.write_all(b"Host: x\r\n\r\n").await;
        let is_answered = rest.is_ok() && within(socket.read_exact(&mut read)).await.is_ok();
        answered += usize::from(is_answered && read == *b"HTTP/1.1 200");
    }
    assert_eq!(answered, 3);
}

#[tokio::test]
async fn a_header_comes_before_tls() {
    let tls = |config: &mut lenscast_settings::config::Config| {
        let listen = "127.0.0.1:0".parse().unwrap();
        config.tls = Some(Tls { certificate: Certificate::SelfSigned, listen, plain: Plain::Cameras });
        config.access = Access { open_view: true, ..Access::default() };
    };
    let world = World::with(true, tls).await;
    let at = world.server.app.places.listening().tls.unwrap();
    let trust: Trust = world.trust();
    for (client, code) in [("192.168.1.7", 200), ("203.0.113.5", 401)] {
        for header in [v2(client, &[]), v1(client)] {
            let mut socket = TcpStream::connect(at).await.unwrap();
            socket.write_all(&header).await.unwrap();
            let stream = trust.agree(socket, "127.0.0.1").await.unwrap();
            let answer = status().over(stream).await;
            assert_eq!(answer.code, code, "{client}: {answer:?}");
        }
    }
    // A forwarder that has TLS itself says so, and what comes by it is not sent to TLS once more.
    let secure = v2("192.168.1.7", &[0x20, 0, 5, 1, 0, 0, 0, 0]);
    let answer =
        world.ask_relayed(&secure, ask("GET", "/").token(&world.view).header("Host", "cam.lan")).await;
    assert_eq!(answer.code, 200);
    assert!(answer.header("set-cookie").unwrap().contains("Secure"), "{answer:?}");
    let untrusting = World::with(false, tls).await;
    let at = untrusting.server.app.places.listening().tls.unwrap();
    let mut socket = TcpStream::connect(at).await.unwrap();
    socket.write_all(&v2("192.168.1.7", &[])).await.unwrap();
    assert!(untrusting.trust().agree(socket, "127.0.0.1").await.is_err());
}

#[tokio::test]
async fn this_computer_may_do_what_its_owner_set_and_whatever_comes_by_it() {
    for (local, watches, changes) in
        [(Local::Admin, 200, 200), (Local::View, 200, 401), (Local::Nothing, 401, 401)]
    {
        for open_view in [false, true] {
            let access = Access { local, open_view, ..Access::default() };
            let world = World::with(false, |config| config.access = access).await;
            let here = |ask: Ask| ask.from(Place::Here, &world.server);
            let code = async |ask: Ask| ask.send(&world.server).await.code;
            assert_eq!(code(here(ask("GET", "/status"))).await, watches, "{local:?}");
            assert_eq!(code(here(ask("GET", "/api/access"))).await, changes, "{local:?}");
            assert_eq!(code(here(ask("GET", "/status").bearer(&world.view))).await, 200, "{local:?}");
            assert_eq!(code(here(ask("GET", "/api/access").bearer(&world.admin))).await, 200, "{local:?}");
            assert_eq!(code(here(ask("GET", "/healthz"))).await, 200, "{local:?}");
            // Commands come by the control socket.
            assert_eq!(ask("GET", "/api/access").by_control_socket(&world).await.code, 200, "{local:?}");
            // What a forwarder brings from the internet, by the name or address that people use there.
            for host in ["203.0.113.9", "nas", "cam.local:8080"] {
                let forwarded = ask("GET", "/status").header("Host", host);
                let wanted = if local == Local::Admin { if open_view { 200 } else { 401 } } else { watches };
                assert_eq!(code(forwarded).await, wanted, "{local:?} {host}");
            }
            let camera = code(here(ask("GET", "/ws/camera/back").upgrade())).await;
            assert_eq!(camera, if local == Local::Admin { 101 } else { 401 }, "{local:?}");
            if local == Local::Nothing {
                let answer = here(ask("GET", "/status")).send(&world.server).await;
                assert!(answer.body.contains("as the owner set (local)"), "{answer:?}");
            }
        }
    }
}
