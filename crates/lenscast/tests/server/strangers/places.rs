//! One address that takes as many connections as it can, and lets none of them get anywhere.

use super::world::*;
use crate::harness::*;
use lenscast_http::ended::Cause;
use lenscast_settings::config::{Plain, Tls};
use lenscast_tls::Certificate;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What a connection of an attack says before it falls silent.
const NOTHING: &[u8] = b"";
const HALF_A_HEAD: &[u8] = b"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";
const HALF_A_BODY: &[u8] =
    b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
    Content-Length: 200\r\n\r\n{\"password\":";
const HALF_A_HANDSHAKE: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3];

/// Opens connections that say this and no more.
async fn flood(from: Ipv4Addr, to: SocketAddr, count: usize, says: &[u8]) -> Vec<TcpStream> {
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        let mut socket = connect_from(from, to).await;
        // It may be pushed out before it has spoken.
        #[expect(clippy::let_underscore_must_use, reason = "a connection that was closed says nothing")]
        let _ = socket.write_all(says).await;
        open.push(socket);
    }
    open
}

/// Attacks a server, and looks after the household meanwhile.
async fn attacked_with(says: &[u8], by_tls: bool) {
    let count = as_many_as_possible();
    let state = tempfile::tempdir().unwrap();
    let server = start_with(|config| {
        // Nothing goes by itself while the test runs.
        config.limits.handshake_timeout = 10 * PATIENCE;
        if by_tls {
            let listen = "127.0.0.1:0".parse().unwrap();
            config.state_dir = Some(state.path().into());
            config.tls = Some(Tls { certificate: Certificate::SelfSigned, listen, plain: Plain::All });
        }
    });
    let target = if by_tls { server.app.places.listening().tls.unwrap() } else { server.address };
    let mut household = Household::at(HOME, server.address).await;
    let attack = flood(ATTACKER, target, count, says).await;
    household.is_well("during").await;
    let (connections, newcomers) = server.app.serving.crowd().counts();
    let most = server.app.program.config().limits.max_newcomers;
    assert!(
        newcomers <= most && connections <= most + 10,
        "{connections} connections, {newcomers} newcomers"
    );
    let pushed_out = server.app.serving.ended().of(Cause::PushedOut);
    assert!(pushed_out as usize >= count.saturating_sub(most), "{pushed_out} of {count}");
    assert_eq!(server.app.serving.ended().of(Cause::Full), 0, "nobody was turned away");
    drop(attack);
    within(async {
        while server.app.serving.crowd().counts().1 > 10 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    household.is_well("after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_keep_nobody_out() {
    attacked_with(NOTHING, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_never_end_keep_nobody_out() {
    attacked_with(HALF_A_HEAD, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_never_end_keep_nobody_out() {
    attacked_with(HALF_A_BODY, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_never_end_keep_nobody_out() {
    attacked_with(HALF_A_HANDSHAKE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attack_from_the_very_address_of_a_household_keeps_it_not_out() {
    let server = start_with(|config| {
        config.limits.handshake_timeout = 10 * PATIENCE;
        config.limits.max_newcomers = 64;
    });
    let mut household = Household::at(HOME, server.address).await;
    let _attack = flood(HOME, server.address, 500, HALF_A_BODY).await;
    household.is_well("during").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_addresses_share_what_newcomers_may_have() {
    let server = start_with(|config| {
        config.limits.handshake_timeout = 10 * PATIENCE;
        config.limits.max_newcomers = 32;
    });
    let mut household = Household::at(HOME, server.address).await;
    let mut attack = Vec::new();
    for host in 2..100 {
        let from = Ipv4Addr::new(127, 0, 1, host);
        attack.extend(flood(from, server.address, 3, HALF_A_HEAD).await);
    }
    household.is_well("during").await;
    assert!(server.app.serving.crowd().counts().1 <= 32);
}

#[tokio::test]
async fn all_that_watch_leave_places_for_cameras_health_checks_and_this_computer() {
    let server = start_with(|config| {
        config.limits.max_connections = 40;
        config.limits.reserved_connections = 8;
        config.limits.max_viewers_per_address = 100;
    });
    // This computer itself: 36 of 40 places, of which cameras get 2 more.
    let mut viewers = Vec::new();
    for _ in 0..36 {
        viewers.push(web_socket_from(HOME, server.address, "/ws/viewer").await);
    }
    let url = format!("ws://{}/ws/viewer", server.address);
    let (code, why) = refusal(tokio_tungstenite::connect_async(&url).await.unwrap_err());
    assert_eq!(code, 503);
    assert!(why.contains("--max-connections"), "{why}");
    is_healthy(HOME, server.address).await;
    let mut camera = server.connect("/ws/camera/front").await;
    camera.send_jpeg(&jpeg_of(1, 64, 48)).await;
    server.camera_until("front", |camera| camera["frames_in"] == 1).await;
    is_healthy(HOME, server.address).await;
    assert!(server.app.serving.ended().of(Cause::Full) >= 1);
    viewers.pop();
    within(async {
        while tokio_tungstenite::connect_async(&url).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn pages_that_listen_are_counted_by_address_as_viewers_are() {
    let server = start_with(|config| config.limits.max_viewers_per_address = 2);
    let listen = async || {
        let mut socket = connect_from(HOME, server.address).await;
        let request = format!("GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut code = [0; 12];
        within(socket.read_exact(&mut code)).await.unwrap();
        (String::from_utf8_lossy(&code[9..]).into_owned(), socket)
    };
    let (first, second, third) = (listen().await, listen().await, listen().await);
    assert_eq!([&first.0, &second.0, &third.0], ["200", "200", "429"]);
    let _viewer = server.viewer("").await;
    drop(second);
    within(async {
        while listen().await.0 != "200" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn fewer_open_files_than_connections_are_taken_into_account() {
    let server = start_with(|config| config.limits.max_connections = usize::MAX);
    let files = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap().0;
    let places = server.app.serving.places().connections as u64;
    assert!(places < files && places > 0, "{places} places, {files} files");
}

/// Runs the test of this name again, in a network of its own whose loopback interface has these addresses, too. Whether
/// this is that run. Where no such network can be had, the test says so, and passes.
fn has_network_of_its_own(test: &str, addresses: &[&str]) -> bool {
    const MARK: &str = "LENSCAST_TEST_NETWORK";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let run = |script: &str, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-rn", "sh", "-c", script, "sh"]).args(arguments).env(MARK, "1").output()
    };
    let adding = addresses.iter().map(|address| format!(" && ip address add {address} dev lo"));
    let network = format!("ip link set lo up{}", adding.collect::<String>());
    match run(&network, &[]) {
        Ok(output) if output.status.success() => {}
        other => {
            println!("skipped: a network of its own is not possible here: {other:?}");
            return false;
        }
    }
    let program = std::env::current_exe().unwrap();
    let output =
        run(&format!("{network} && exec \"$@\""), &[program.to_str().unwrap(), "--exact", test]).unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_of_the_network_has_its_share_and_no_more() {
    let name = "strangers::places::one_address_of_the_network_has_its_share_and_no_more";
    if !has_network_of_its_own(name, &["10.77.0.1/32", "10.77.0.2/32", "10.77.0.3/32"]) {
        return;
    }
    let [here, attacker, home] = [1, 2, 3].map(|host| Ipv4Addr::new(10, 77, 0, host));
    let server = start_with(|config| {
        config.listen = SocketAddr::new(here.into(), 0);
        config.access.open_view = true;
        config.limits.handshake_timeout = 10 * PATIENCE;
        config.limits.max_connections_per_address = 20;
        config.limits.max_viewers_per_address = 100;
    });
    let mut household = Household::at(home, server.address).await;
    let attack = flood(attacker, server.address, 1000, HALF_A_HEAD).await;
    household.is_well("during").await;
    let (connections, _) = server.app.serving.crowd().counts();
    assert!(connections <= 20 + 10, "{connections}");
    drop(attack);

    // Those that watch are not pushed out, and there are no more of them.
    let mut viewers = Vec::new();
    for _ in 0..20 {
        viewers.push(web_socket_from(attacker, server.address, "/ws/viewer").await);
    }
    let mut one_more = connect_from(attacker, server.address).await;
    one_more.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").await.unwrap();
    let told = rest(&mut one_more).await;
    assert!(told.starts_with("HTTP/1.1 503") && told.contains("--max-connections-per-address"), "{told}");
    assert!(server.app.serving.ended().of(Cause::AddressFull) >= 1);
    household.is_well("after").await;
    // A proxy that is trusted speaks for many.
    let mut config = (*server.app.program.config()).clone();
    config.proxy.trusted_proxies = vec![IpAddr::from(attacker).into()];
    server.app.program.in_force().set(config);
    is_healthy(attacker, server.address).await;
}
