//! Cameras: too many, of too many names, that come and go, with messages that never end.

use super::Hostile;
use crate::{beside, wire};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

/// As many as a server takes by default.
const MAX_CAMERAS: usize = 32;
/// The largest message that a server takes by default, in bytes.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

const NAMES: usize = 12_000;

pub(super) async fn names(hostile: Hostile) -> Result<(), String> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let next = next.clone();
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed) % NAMES;
                let path = format!("/ws/camera/name-{number}");
                match wire::web_socket(hostile.from, hostile.server, &path).await {
                    Ok(mut camera) => {
                        #[expect(clippy::let_underscore_must_use, reason = "it goes anyway")]
                        let _ = camera.write_all(&wire::frame(wire::BINARY, b"x")).await;
                    }
                    Err(_) => sleep(Duration::from_millis(10)).await,
                }
            }
        });
    }
    sleep_until(hostile.until.into()).await;
    tasks.shutdown().await;
    Ok(())
}

pub(super) async fn probe(hostile: Hostile) -> Result<(), String> {
    let (together, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..150 {
        let (together, most) = (together.clone(), most.clone());
        tasks.spawn(async move {
            loop {
                if let Ok(mut camera) =
                    wire::web_socket(hostile.from, hostile.server, "/ws/camera/wanted").await
                {
                    let now = together.fetch_add(1, Ordering::Relaxed) + 1;
                    most.fetch_max(now, Ordering::Relaxed);
                    // It answers no ping, and holds half a message.
                    let mut message = wire::frame(wire::BINARY, &vec![0; MAX_MESSAGE]);
                    message.truncate(MAX_MESSAGE - 1);
                    #[expect(clippy::let_underscore_must_use, reason = "it may have been thrown out")]
                    let _ = camera.write_all(&message).await;
                    // Until the server ends it.
                    while wire::next(&mut camera).await.is_ok() {}
                    together.fetch_sub(1, Ordering::Relaxed);
                }
                sleep(Duration::from_millis(50)).await;
            }
        });
    }
    sleep_until(hostile.until.into()).await;
    tasks.shutdown().await;
    match most.load(Ordering::Relaxed) {
        // An end that is under way may still count here.
        few if few <= MAX_CAMERAS + 4 => Ok(()),
        many => Err(format!("{many} cameras at once, of {MAX_CAMERAS} that may be")),
    }
}

pub(super) async fn fragments(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        let path = format!("/ws/camera/part-{}", number % 48);
        let Ok(mut camera) = wire::web_socket(hostile.from, hostile.server, &path).await else {
            return;
        };
        // A third sends parts without a byte in them, which no limit of bytes ends.
        let part = vec![0xff; if number.is_multiple_of(3) { 0 } else { 60_000 }];
        let mut frame = wire::frame(wire::BINARY_GOES_ON, &part);
        while camera.write_all(&frame).await.is_ok() {
            frame = wire::frame(wire::GOES_ON, &part);
            sleep(Duration::from_millis(10)).await;
        }
    };
    hostile.swarm(96, one).await;
    Ok(())
}

pub(super) async fn slow_frames(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        let path = format!("/ws/camera/slow-{number}");
        let Ok(mut camera) = wire::web_socket(hostile.from, hostile.server, &path).await else {
            return;
        };
        let message = wire::frame(wire::BINARY, &vec![0; MAX_MESSAGE]);
        let most = message.len() - 1000;
        if camera.write_all(&message[..most]).await.is_err() {
            return;
        }
        for byte in message[most..].chunks(1) {
            if camera.write_all(byte).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    hostile.swarm(64, one).await;
    Ok(())
}

pub(super) async fn flapping(hostile: Hostile) -> Result<(), String> {
    let frames = beside::frames().map_err(|error| error.to_string())?;
    let picture = wire::frame(wire::BINARY, &frames[0]);
    let mut tasks = JoinSet::new();
    for number in 0..4 {
        let picture = picture.clone();
        tasks.spawn(async move {
            let path = format!("/ws/camera/flapping-{number}");
            loop {
                match wire::web_socket(hostile.from, hostile.server, &path).await {
                    Ok(mut camera) => {
                        #[expect(clippy::let_underscore_must_use, reason = "it goes anyway")]
                        let _ = timeout(wire::PATIENCE, camera.write_all(&picture)).await;
                    }
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            }
        });
    }
    sleep_until(hostile.until.into()).await;
    tasks.shutdown().await;
    Ok(())
}
