//! Viewers that read nothing, or say too much.

use super::Hostile;
use crate::wire;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

pub(super) async fn slow(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        let path = match number % 4 {
            0 => "/stream/steady.mjpg",
            1 => "/stream/steady.ts",
            2 => "/api/events",
            _ => "/ws/viewer/steady?format=jpeg",
        };
        // The kernel rounds it up to the least that it takes.
        let small = |socket: &tokio::net::TcpSocket| socket.set_recv_buffer_size(1);
        let Ok(mut stream) = wire::connect_with(hostile.from, hostile.server, small).await else {
            return;
        };
        let upgrade = if number % 4 == 3 {
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        } else {
            ""
        };
        let request = format!("{}{upgrade}\r\n", wire::head("GET", hostile.server, path));
        if stream.write_all(request.as_bytes()).await.is_ok() {
            // It reads nothing for as long as it is let.
            sleep(Duration::from_secs(60)).await;
        }
    };
    hostile.swarm(400, one).await;
    Ok(())
}

pub(super) async fn pings(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        let path =
            if number.is_multiple_of(2) { "/ws/viewer/steady?format=h264" } else { "/ws/camera/pinging" };
        let Ok(mut stream) = wire::web_socket(hostile.from, hostile.server, path).await else {
            return;
        };
        // The longest that there are, many at once, and no answer is read.
        let flood = wire::frame(wire::PING, &[b'p'; 125]).repeat(64);
        while stream.write_all(&flood).await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    hostile.swarm(32, one).await;
    Ok(())
}
