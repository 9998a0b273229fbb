//! Clients that come to the port for TLS and speak something else, slowly, or nothing.

use super::*;
use lenscast_http::ended::Cause;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// How often a handshake failed for that cause, as `/metrics` has it.
async fn failures(world: &World, server: &Running, cause: &str) -> u64 {
    let metrics = world.trust_own().ask(server, ask("GET", "/metrics")).await.body;
    let line = format!("lenscast_tls_failures_total{{cause=\"{cause}\"}} ");
    let count = metrics.lines().find_map(|known| known.strip_prefix(&line));
    count.unwrap_or_else(|| panic!("no {line} in {metrics}")).parse().unwrap()
}

async fn until_failed(world: &World, server: &Running, cause: &str, wanted: u64) {
    within(async {
        while failures(world, server, cause).await < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_forgets_the_s_of_https_is_sent_there() {
    let world = World::new();
    let server = world.start(Certificate::SelfSigned, Plain::All);
    let host = tls_address(&server).to_string();
    let open = async || TcpStream::connect(tls_address(&server)).await.unwrap();
    let answer = ask("GET", "/camera/front").header("Host", &host).over(open().await).await;
    let wanted = format!("https://{host}/camera/front");
    assert_eq!((answer.code, answer.header("location")), (307, Some(wanted.as_str())));
    // Cameras, too: this port is for TLS.
    let answer = ask("GET", "/ws/camera").upgrade().header("Host", &host).over(open().await).await;
    assert_eq!(answer.code, 403);
}

#[tokio::test]
async fn one_that_says_nothing_or_half_of_it_is_dropped_in_time_and_nobody_waits_for_it() {
    let world = World::new();
    let server = start_with(|config| {
        *config = world.config(Certificate::SelfSigned, Plain::Cameras);
        config.limits.handshake_timeout = Duration::from_millis(300);
    });
    let mut silent = TcpStream::connect(tls_address(&server)).await.unwrap();
    let mut slow = TcpStream::connect(tls_address(&server)).await.unwrap();
    // The head of a record that never comes.
    slow.write_all(&[0x16, 3, 1, 2, 0]).await.unwrap();
    assert_eq!(world.trust_own().ask(&server, ask("GET", "/healthz")).await.code, 200);
    for socket in [&mut silent, &mut slow] {
        assert!(matches!(within(socket.read(&mut [0; 64])).await, Ok(0) | Err(_)));
    }
    until_failed(&world, &server, "timeout", 2).await;
}

#[tokio::test]
async fn what_goes_wrong_is_counted_by_cause() {
    let world = World::new();
    let server = world.own();
    // Nobody told this client to trust it.
    Issued::new(&["localhost"]).trust().connect(&server, "localhost").await.unwrap_err();
    until_failed(&world, &server, "certificate", 1).await;
    let mut nonsense = TcpStream::connect(tls_address(&server)).await.unwrap();
    nonsense.write_all(&[0x16; 2000]).await.unwrap();
    until_failed(&world, &server, "protocol", 1).await;
    drop(TcpStream::connect(tls_address(&server)).await.unwrap());
    until_failed(&world, &server, "gone", 1).await;
    assert_eq!(failures(&world, &server, "timeout").await, 0);
}

#[tokio::test]
async fn connections_with_tls_count_as_all_others_do_and_end_with_the_server() {
    let world = World::new();
    let server = start_with(|config| {
        *config = world.config(Certificate::SelfSigned, Plain::Cameras);
        config.limits.max_connections = 2;
    });
    let trust = world.trust_own();
    let mut silent = TcpStream::connect(tls_address(&server)).await.unwrap();
    let mut asking = trust.connect(&server, "localhost").await.unwrap();
    // The newest gets a place, and the oldest that has not spoken loses its own.
    let mut newest = trust.connect(&server, "localhost").await.unwrap();
    assert!(matches!(within(silent.read(&mut [0; 64])).await, Ok(0) | Err(_)));
    assert_eq!(server.app.serving.ended().of(Cause::PushedOut), 1);
    assert!(server.app.serving.crowd().counts().0 <= 2);
    server.end().await;
    for open in [&mut asking, &mut newest] {
        assert!(matches!(within(open.read(&mut [0; 64])).await, Ok(0) | Err(_)));
    }
}
