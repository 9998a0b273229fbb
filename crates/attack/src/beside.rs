//! Those who do no harm, and must notice nothing: a camera, a viewer, a health check, and a camera that comes in the
//! middle of an attack. They are measured, so they have a thread of their own.

use crate::Result;
use crate::place::Place;
use crate::wire::{self, Heard};
use lenscast_picture::jpeg::{self, Sampling};
use lenscast_picture::pattern::Scene;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Frames a second of the camera that does no harm.
pub(crate) const FPS: u32 = 15;
/// From one health check to the next.
const CHECK: Duration = Duration::from_millis(250);
/// How often it is looked at whether the new camera is seen.
const LOOK: Duration = Duration::from_millis(100);
const AGAIN: Duration = Duration::from_millis(200);

/// What they saw. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// When each frame reached the viewer.
    frames: Vec<Instant>,
    /// When each health check began, and how long it took; a check without a good answer took as long as one waits.
    checks: Vec<(Instant, Duration)>,
    /// How long the camera that came in the middle took until others saw it.
    newcomer: Option<Duration>,
}

/// What they saw in a span of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Frames that reached the viewer, of those that the camera should have sent.
    pub(crate) rate: f64,
    /// The longest time without a frame at the viewer.
    pub(crate) worst_gap: Duration,
    /// The slowest health check.
    pub(crate) healthz: Duration,
}

impl Seen {
    /// What was seen between two moments.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Span {
        let inner = self.lock();
        let within: Vec<Instant> =
            inner.frames.iter().copied().filter(|at| (from..=to).contains(at)).collect();
        let expected = (to - from).as_secs_f64() * f64::from(FPS);
        let edges =
            std::iter::once(from).chain(within.iter().copied()).zip(within.iter().copied().chain([to]));
        let healthz =
            inner.checks.iter().filter(|(at, _)| (from..=to).contains(at)).map(|(_, took)| *took).max();
        Span {
            rate: within.len() as f64 / expected,
            worst_gap: edges.map(|(one, next)| next - one).max().unwrap_or(to - from),
            // One that began in this span and has no answer yet is one that waits.
            healthz: healthz.unwrap_or(wire::PATIENCE),
        }
    }

    /// Frames that the viewer saw so far.
    pub(crate) fn frames(&self) -> usize {
        self.lock().frames.len()
    }

    /// How long the camera that came in the middle took until others saw it; `None` while nobody does.
    pub(crate) fn newcomer(&self) -> Option<Duration> {
        self.lock().newcomer
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A few frames of the test scene, small enough that many fit through anything.
pub(crate) fn frames() -> Result<Vec<Vec<u8>>> {
    (0..FPS)
        .map(|frame| {
            let clock_ms = 1000 + u64::from(frame) * 1000 / u64::from(FPS);
            let scene = Scene { width: 320, height: 240, frame, clock_ms };
            let mut out = Vec::new();
            jpeg::encode(&scene.painter(), 80, Sampling::Yuv422, &mut out)?;
            Ok(out)
        })
        .collect()
}

/// The camera that does no harm: it sends, and comes back when its connection ends.
pub(crate) async fn camera(from: IpAddr, server: SocketAddr, name: &str, frames: &[Vec<u8>]) {
    let path = format!("/ws/camera/{name}");
    loop {
        if let Ok(stream) = wire::web_socket(from, server, &path).await {
            let (mut reader, writer) = stream.into_split();
            let writer = tokio::sync::Mutex::new(writer);
            let send = async {
                let mut ticks = interval(Duration::from_secs(1) / FPS);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
                for frame in frames.iter().cycle() {
                    ticks.tick().await;
                    let sent = writer.lock().await.write_all(&wire::frame(wire::BINARY, frame)).await;
                    if sent.is_err() {
                        return;
                    }
                }
            };
            let hear = async {
                while let Ok(heard) = wire::next(&mut reader).await {
                    if let Heard::Ping(payload) = heard
                        && writer.lock().await.write_all(&wire::pong(&payload)).await.is_err()
                    {
                        return;
                    }
                }
            };
            tokio::select! {
                () = send => {}
                () = hear => {}
            }
        }
        sleep(AGAIN).await;
    }
}

/// The viewer that does no harm: it notes when frames come, and comes back when its connection ends.
pub(crate) async fn viewer(from: IpAddr, server: SocketAddr, name: &str, seen: &Seen) {
    let path = format!("/ws/viewer/{name}?format=h264");
    loop {
        if let Ok(stream) = wire::web_socket(from, server, &path).await {
            let (mut reader, mut writer) = stream.into_split();
            while let Ok(heard) = wire::next(&mut reader).await {
                match heard {
                    Heard::Data { binary } if binary => seen.lock().frames.push(Instant::now()),
                    Heard::Data { .. } => {}
                    Heard::Ping(payload) => {
                        if writer.write_all(&wire::pong(&payload)).await.is_err() {
                            break;
                        }
                    }
                }
            }
        }
        sleep(AGAIN).await;
    }
}

/// Asks whether the server is well, again and again.
pub(crate) async fn health(place: Place, server: SocketAddr, seen: &Seen) {
    loop {
        let begun = Instant::now();
        let took = match wire::get(place.health(), server, "/healthz").await {
            Ok(_) => begun.elapsed(),
            Err(_) => wire::PATIENCE,
        };
        seen.lock().checks.push((begun, took));
        sleep(CHECK).await;
    }
}

/// A camera that comes now, and how long it takes until others see its picture.
pub(crate) async fn newcomer(place: Place, server: SocketAddr, frames: &[Vec<u8>], seen: &Seen) {
    let begun = Instant::now();
    let see = async {
        while wire::get(place.health(), server, "/snapshot/newcomer.jpg").await.is_err() {
            sleep(LOOK).await;
        }
        seen.lock().newcomer = Some(begun.elapsed());
        // It stays until all is over.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = camera(place.newcomer(), server, "newcomer", frames) => {}
        () = see => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_gap_are_those_of_the_span() {
        let seen = Seen::default();
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        // Ten frames a second, with a hole from 2,000 to 2,900 ms.
        seen.lock().frames.extend((0..50).map(|n| n * 100).filter(|ms| !(2001..2900).contains(ms)).map(at));
        seen.lock()
            .checks
            .extend([(at(100), Duration::from_millis(7)), (at(2500), Duration::from_millis(90))]);
        let span = seen.between(at(0), at(2000));
        assert!(
            (span.rate - 21.0 / 30.0).abs() < 0.01 && span.worst_gap == Duration::from_millis(100),
            "{span:?}"
        );
        assert_eq!(span.healthz, Duration::from_millis(7));
        let span = seen.between(at(1000), at(4000));
        assert_eq!((span.worst_gap, span.healthz), (Duration::from_millis(900), Duration::from_millis(90)));
        let nothing = seen.between(at(6000), at(7000));
        assert_eq!((nothing.rate, nothing.worst_gap), (0.0, Duration::from_secs(1)));
        assert_eq!(nothing.healthz, wire::PATIENCE, "who got no answer waits");
    }
}
