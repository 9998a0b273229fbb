//! One attack, from the calm before it to the quiet after it, and what was measured.

use crate::attacks::{Attack, Hostile};
use crate::bounds::Bounds;
use crate::measured::Measured;
use crate::place::Place;
use crate::server::{Server, Usage};
use crate::{Result, beside, wire};
use beside::{Seen, Span};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime;
use tokio::time::sleep;

/// How often it is looked at what the server uses.
const SAMPLE: Duration = Duration::from_millis(20);
/// How long the first picture may take before anything is measured.
const FIRST: Duration = Duration::from_secs(30);
/// When a camera comes, of the whole length of an attack.
const MIDDLE: f64 = 0.3;
/// After this long nobody waits any more until everything is back, or until the new camera is in: a slow machine takes its
/// time, and what never comes is told apart from what is late.
const LATEST: Duration = Duration::from_secs(40);

/// An attack that is to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// The program `lenscast`.
    pub program: &'a Path,
    /// Where it happens.
    pub place: Place,
    /// How long it lasts.
    pub length: Duration,
    /// How long those who do no harm are alone before.
    pub calm: Duration,
    /// What it may cost; what is back at the end goes by it.
    pub bounds: Bounds,
}

impl Trial<'_> {
    /// Starts a server, attacks it, and tells what that cost.
    ///
    /// # Errors
    /// The server did not start, or showed no picture before the attack.
    pub fn run(&self, attack: &Attack) -> Result<Measured> {
        // Attackers hold thousands of connections, and the server, which inherits this, its thousands.
        rlimit::increase_nofile_limit(1 << 20)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let server = runtime.block_on(Server::start(self.program, &self.place))?;
        let (seen, ends, middle) = (Seen::default(), AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            // What is measured does not wait for what attacks.
            scope.spawn(|| self.beside(&server, &seen, &ends, &middle));
            // Also when this panics: the scope waits for the other thread.
            let _end = End(&ends);
            runtime.block_on(self.attacked(attack, &server, &seen, &middle))
        })
    }

    /// The life of those who do no harm, until it ends.
    fn beside(&self, server: &Server, seen: &Seen, ends: &AtomicBool, middle: &AtomicBool) {
        let life = async {
            let frames = beside::frames()?;
            let until = async |flag: &AtomicBool| {
                while !flag.load(Ordering::Relaxed) {
                    sleep(SAMPLE).await;
                }
            };
            let newcomer = async {
                until(middle).await;
                beside::newcomer(self.place, server.address, &frames, seen).await;
            };
            tokio::select! {
                () = until(ends) => {}
                () = beside::camera(self.place.camera(), server.address, "steady", &frames) => {}
                () = beside::viewer(self.place.viewer(), server.address, "steady", seen) => {}
                () = beside::health(self.place, server.address, seen) => {}
                () = newcomer => {}
            }
            Result::Ok(())
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        if let Err(error) = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(life)) {
            // Nothing is seen then, and that is what the trial says.
            eprintln!("those who do no harm could not live: {error}");
        }
    }

    async fn attacked(
        &self,
        attack: &Attack,
        server: &Server,
        seen: &Seen,
        middle: &AtomicBool,
    ) -> Result<Measured> {
        let start = Instant::now();
        while seen.frames() < beside::FPS as usize {
            if start.elapsed() > FIRST {
                return Err(format!("the viewer saw nothing before the attack:\n{}", server.log()).into());
            }
            sleep(SAMPLE).await;
        }
        sleep(self.calm).await;
        let before = server.usage()?;
        let (log, state) = (server.log_bytes(), server.state_bytes());

        let (from, to) = (Instant::now(), Instant::now() + self.length);
        let hostile = Hostile {
            server: server.address,
            tls: server.tls,
            from: self.place.hostile(),
            place: self.place,
            until: to,
        };
        let mut most = before;
        let mut died = false;
        let watch = async {
            while Instant::now() < to {
                sleep(SAMPLE).await;
                match server.usage() {
                    Ok(usage) => most = most.with(usage),
                    Err(_) => died = true,
                }
                if from.elapsed() >= self.length.mul_f64(MIDDLE) {
                    middle.store(true, Ordering::Relaxed);
                }
            }
        };
        // Whatever the attack holds open is closed when it is dropped at the end.
        let (complaint, ()) = tokio::join!(attack.run(hostile), watch);
        let to = Instant::now();
        // One that had to wait until the attack ended is late, and in.
        while !died && seen.newcomer().is_none() && to.elapsed() < LATEST {
            sleep(SAMPLE).await;
            died |= server.usage().is_err();
        }
        let mut measured = Measured { complaint: complaint.err(), died, ..Measured::default() };
        // The camera that came in stays, with its thread and its connection.
        measured.left = self.until_back(server, before, to, &mut measured.back, &mut most).await;
        let Span { rate, worst_gap, healthz } = seen.between(from, to);
        let log = server.log_bytes().saturating_sub(log);
        let written = server.usage().map_or(0, |usage| usage.written.saturating_sub(before.written));
        Ok(Measured {
            rss_before_mb: before.rss_mb,
            rss_mb: most.peak_mb.max(most.rss_mb),
            threads: most.threads,
            rate,
            worst_gap,
            healthz,
            newcomer: seen.newcomer(),
            log,
            state: server.state_bytes().saturating_sub(state),
            written: written.saturating_sub(log),
            ..measured
        })
    }

    /// Waits until the server uses about what it used before, and tells what is left.
    async fn until_back(
        &self,
        server: &Server,
        before: Usage,
        end: Instant,
        back: &mut Option<Duration>,
        most: &mut Usage,
    ) -> String {
        loop {
            let Ok(now) = server.usage() else {
                return "it is gone".into();
            };
            *most = most.with(now);
            let more = |now: u64, before: u64| now.saturating_sub(before);
            let (threads, descriptors) =
                (more(now.threads, before.threads), more(now.descriptors, before.descriptors));
            let memory = now.rss_mb - before.rss_mb;
            let Bounds { rss_after_mb, left, .. } = self.bounds;
            if memory <= rss_after_mb && threads <= left && descriptors <= left {
                *back = Some(end.elapsed());
                return String::new();
            }
            if end.elapsed() > LATEST {
                return format!("{memory:.0} MB, {threads} threads and {descriptors} descriptors more");
            }
            sleep(wire::PATIENCE / 50).await;
        }
    }
}

/// Says that those who do no harm may go, when it is dropped.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Usage {
    /// The most of both.
    fn with(self, other: Self) -> Self {
        Self {
            rss_mb: self.rss_mb.max(other.rss_mb),
            peak_mb: self.peak_mb.max(other.peak_mb),
            threads: self.threads.max(other.threads),
            descriptors: self.descriptors.max(other.descriptors),
            written: self.written.max(other.written),
        }
    }
}
