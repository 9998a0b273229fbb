//! `cargo xtask soak`: cameras and viewers that come, go and misbehave, beside a pair that must not notice.
//!
//! Everything happens on loopback and in bounded time. What misbehaves when is decided by a seed; what comes of it
//! also depends on how threads run, so that a seed repeats the kind of a run and not each of its steps.

mod cameras;
mod connection;
mod random;
mod verdict;
mod viewers;

use crate::Result;
use crate::bench::frames::Frames;
use crate::bench::machine;
use crate::bench::measured::percentile;
use crate::bench::scale::crowd::{Crowd, Seen, latencies, two_percentiles};
use crate::bench::scale::{OPEN_DOORS, Sender, raise_limit, status, unix_us};
use crate::bench::server::Server;
use crate::process::{self, Places};
use cameras::{MAX_MESSAGE, Material};
use connection::Tally;
use random::{Random, Stop};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use verdict::{History, Holds, Window};

const CAMERAS: u64 = 5;
const VIEWERS: u64 = 16;
const READERS: u64 = 3;
const FPS: u32 = 15;
/// A run has six windows at least.
const LONGEST_WINDOW: Duration = Duration::from_secs(10);
/// The steady pair alone, before anybody else comes.
const CALM: Duration = Duration::from_secs(3);
/// After that long the server has given up whoever it waits for.
const QUIET_AT_MOST: Duration = Duration::from_secs(40);

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Options {
    length: Duration,
    seed: Option<u64>,
}

/// Runs it, tells what it sees, and says at the end what is wrong.
///
/// # Errors
/// The server died, grew or slowed, or something could not be started.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let Options { length, seed } = Options::parse(options)?;
    let seed = seed.unwrap_or_else(unix_us);
    let places = Places::find()?;
    process::run(&mut places.cargo(&["build", "--release", "--package", "lenscast"]))?;
    let program = places.lenscast("release")?;
    raise_limit()?;
    println!("\n{}", machine());
    println!("{:.0} s, --seed {seed}", length.as_secs_f64());

    let log = places.built.join("soak.log");
    let server = start(&program, &log)?;
    let tally = Tally::default();
    let history = watch(&server, length, seed, &tally)?;
    let history = History { panics: panics(&fs::read_to_string(&log)?), ..history };

    let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
    println!(
        "{} camera connections, {} frames, {} bad messages; {} viewers, {} requests; {} connections were not taken",
        count(&tally.camera_connections),
        count(&tally.frames),
        count(&tally.bad_messages),
        count(&tally.viewers),
        count(&tally.requests),
        count(&tally.refused),
    );
    println!(
        "steady pair: {} frames sent, {} seen, skipped {} times; the server's log: {}",
        history.sent,
        history.shown,
        history.skipped,
        log.display()
    );
    let complaints = history.complaints();
    if complaints.is_empty() {
        println!("Nothing grew, nothing slowed.");
        return Ok(());
    }
    Err(format!("{} (--seed {seed})", complaints.join("; ")).into())
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self { length: Duration::from_secs(300), seed: None };
        for pair in words.chunks(2) {
            match pair {
                ["--minutes", minutes] => {
                    let minutes: f64 = minutes.parse().map_err(|_| format!("{minutes:?} are no minutes"))?;
                    if !(0.2..=10_000.0).contains(&minutes) {
                        return Err("a soak takes from 0.2 to 10,000 minutes".into());
                    }
                    options.length = Duration::from_secs_f64(minutes * 60.0);
                }
                ["--seed", seed] => {
                    options.seed = Some(seed.parse().map_err(|_| format!("{seed:?} is no seed"))?);
                }
                other => return Err(format!("{:?} is no option of soak", other.join(" ")).into()),
            }
        }
        Ok(options)
    }
}

/// The server with little patience, so that a short run too sees it run out.
fn start(program: &Path, log: &Path) -> Result<Server> {
    let mut command = Command::new(program);
    command.args(["--log", "warn", "serve", "--listen", "127.0.0.1:0"]).args(OPEN_DOORS);
    command.args(["--max-message-bytes", &MAX_MESSAGE.to_string()]);
    command.args(["--stall-timeout", "5", "--camera-timeout", "8", "--handshake-timeout", "5"]);
    command.stderr(File::create(log)?);
    Server::spawn(command)
}

/// Runs the steady pair and all that churns around it.
fn watch(server: &Server, length: Duration, seed: u64, tally: &Tally) -> Result<History> {
    let (address, pid) = (server.address, server.pid());
    let material = Material::new()?;
    let frames = Arc::new(Frames::generate(FPS, FPS * 10)?);
    let camera = Sender::start(address, "/ws/camera/steady", frames, 0)?;
    let viewer = Crowd::join(address, &["/ws/viewer/steady?format=h264".to_owned()])?;
    thread::sleep(CALM);
    let start = Holds::of(pid)?;
    viewer.take_seen(0);
    let sent = camera.count();

    let stop = Stop::default();
    let Sampled { windows, shown, skips } = thread::scope(|scope| {
        for number in 0..CAMERAS {
            let (random, material, stop) = (Random::new(seed, 1 + number), &material, &stop);
            scope.spawn(move || cameras::churn(address, material, random, stop, tally));
        }
        for number in 0..VIEWERS {
            let (random, stop) = (Random::new(seed, 101 + number), &stop);
            scope.spawn(move || viewers::churn(address, random, stop, tally));
        }
        for number in 0..READERS {
            let (random, stop) = (Random::new(seed, 201 + number), &stop);
            scope.spawn(move || viewers::ask(address, random, stop, tally));
        }
        let sampled = sample(pid, length, &camera, &viewer);
        stop.stop();
        sampled
    })?;
    let sent = (camera.count() - sent) as u64;
    let end = wait_for_quiet(pid, &start)?;
    let skipped = skips + skips_in(&viewer.take_seen(0));
    if viewer.over() > 0 {
        return Err("the steady viewer lost its connection".into());
    }
    // It answers, and in the way it should.
    status::status(address)?;
    camera.end()?;
    Ok(History { start, windows, end, sent, shown, skipped, panics: 0 })
}

/// What the windows saw, and the steady viewer in all of them: different frames, and how often it had skipped some.
struct Sampled {
    windows: Vec<Window>,
    shown: u64,
    skips: u64,
}

/// Prints and keeps what each window saw.
fn sample(pid: u32, length: Duration, camera: &Sender, viewer: &Crowd) -> Result<Sampled> {
    let window = LONGEST_WINDOW.min(length / 6);
    let start = Instant::now();
    let (mut windows, mut shown, mut skips) = (Vec::new(), 0, 0);
    while start.elapsed() + window / 2 < length {
        thread::sleep(window);
        let holds = Holds::of(pid)?;
        let mut seen = viewer.take_seen(0);
        // Who joins may get the newest frame again as a key frame, and so does everybody else.
        seen.dedup_by_key(|seen| seen.arrival);
        shown += seen.len() as u64;
        skips += skips_in(&seen);
        let latencies = latencies(&camera.sent(), &seen);
        println!(
            "{:5.0} s: {:5.1} MB, {:3} descriptors, {:2} threads; steady pair: {:3} frames, p50 / p95 {} ms",
            start.elapsed().as_secs_f64(),
            holds.rss_mb,
            holds.descriptors,
            holds.threads,
            seen.len(),
            two_percentiles(&latencies),
        );
        windows.push(Window { holds, latency_p95: percentile(&latencies, 95) });
    }
    Ok(Sampled { windows, shown, skips })
}

fn skips_in(seen: &[Seen]) -> u64 {
    seen.iter().filter(|seen| seen.lost_before).count() as u64
}

/// Waits until the server holds no more than at the start, and gives back what it holds at last.
fn wait_for_quiet(pid: u32, start: &Holds) -> Result<Holds> {
    let stopped = Instant::now();
    loop {
        let holds = Holds::of(pid)?;
        if holds.no_more_than(start) || stopped.elapsed() > QUIET_AT_MOST {
            let Holds { rss_mb, descriptors, threads } = holds;
            println!(
                "quiet after {:.0} s: {rss_mb:.1} MB, {descriptors} descriptors, {threads} threads; at the start {:.1} MB, {}, {}",
                stopped.elapsed().as_secs_f64(),
                start.rss_mb,
                start.descriptors,
                start.threads,
            );
            return Ok(holds);
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// How many lines of a log tell of a panic.
fn panics(log: &str) -> usize {
    log.lines().filter(|line| line.contains("panicked")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_in_any_order_and_have_bounds() {
        let options = |words: &[&str]| Options::parse(words).ok();
        let minutes = |minutes: u64, seed| Some(Options { length: Duration::from_secs(minutes * 60), seed });
        assert_eq!(options(&[]), minutes(5, None));
        assert_eq!(options(&["--seed", "7", "--minutes", "2"]), minutes(2, Some(7)));
        for wrong in
            [&["--minutes"][..], &["--minutes", "0"], &["--minutes", "NaN"], &["--seed", "x"], &["2"]]
        {
            assert_eq!(options(wrong), None, "{wrong:?}");
        }
    }
}
