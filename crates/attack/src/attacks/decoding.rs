//! Pictures that cost more than they weigh.

use super::Hostile;
use crate::{bomb, wire};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

/// Side and scans of each: what was seen to take 0.8 s and 240 MB.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| wire::frame(wire::BINARY, &bomb::progressive(4000, 99)));
/// Smaller ones, below any limit of pixels that a server may have for such pictures, and many scans in each.
static SMALL_BOMB: LazyLock<Vec<u8>> =
    LazyLock::new(|| wire::frame(wire::BINARY, &bomb::progressive(1600, 64)));

const CONNECTIONS: usize = 64;

pub(super) async fn of_one_name(hostile: Hostile) -> Result<(), String> {
    both(hostile, |_| "bomb".into()).await
}

pub(super) async fn of_many_names(hostile: Hostile) -> Result<(), String> {
    both(hostile, |number| format!("bomb-{number}")).await
}

/// Half of them watch nothing: the first few names have viewers, since only what is watched is decoded.
async fn both(hostile: Hostile, name: fn(usize) -> String) -> Result<(), String> {
    let bombs = hostile.swarm(CONNECTIONS, move |hostile, number| async move {
        let path = format!("/ws/camera/{}", name(number));
        let Ok(mut camera) = wire::web_socket(hostile.from, hostile.server, &path).await else {
            return;
        };
        let bomb = if number % 4 == 3 { &*SMALL_BOMB } else { &*BOMB };
        for _ in 0..4 {
            if camera.write_all(bomb).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    });
    let viewers = hostile.swarm(8, move |hostile, number| async move {
        let path = format!("/ws/viewer/{}?format=h264", name(number * 7));
        if let Ok(mut viewer) = wire::web_socket(hostile.from, hostile.server, &path).await {
            while wire::next(&mut viewer).await.is_ok() {}
        }
    });
    tokio::join!(bombs, viewers);
    Ok(())
}
