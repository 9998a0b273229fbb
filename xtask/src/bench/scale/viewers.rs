//! `cargo xtask bench --viewers`: one camera, many viewers at its full rate.

use super::crowd::{Crowd, latencies, two_percentiles};
use super::recording::Recording;
use super::{OPEN_DOORS, Sender, raise_limit, status};
use crate::Result;
use crate::bench::frames::Frames;
use crate::bench::server::Server;
use crate::bench::table::Table;
use crate::bench::viewer::Viewer;
use crate::bench::{machine, usage};
use crate::process::{self, Places};
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const CROWDS: [usize; 3] = [200, 500, 1000];
const FPS: u32 = 30;
/// How many different frames there are.
const CYCLE: u32 = FPS * 10;
/// Joining is over by then.
const SETTLE: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_secs(8);
/// How many of the viewers of this server note when each frame came.
const SAMPLED: usize = 5;
/// The interval cuts at both ends: some viewers just have read a message that others just have not.
const EDGE: u64 = 2;

/// What sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Limit,
    Ours,
    Library,
    LibrarySmall,
}

const SIDES: [(Side, &str); 4] = [
    (Side::Limit, "bare loop of writes"),
    (Side::Ours, "lenscast"),
    (Side::Library, "tokio-tungstenite"),
    (Side::LibrarySmall, "the same, small buffers"),
];

/// What was measured while the viewers watched.
#[derive(Clone, Debug)]
struct Held {
    /// In cores.
    cpu: f64,
    /// Resident memory with one viewer, if there was one before, and with all, in 10^6 bytes.
    memory: (f64, f64),
    messages_per_second: f64,
    megabytes_per_second: f64,
    /// Messages of the viewer that had fewest, and of the one that had most.
    fewest: u64,
    most: u64,
    skipped: Option<u64>,
    dropped: Option<u64>,
    latencies: Vec<f64>,
}

/// Runs it and prints the tables.
///
/// # Errors
/// Something could not be built or started, or a viewer was not let in.
pub(crate) fn run() -> Result<()> {
    let places = Places::find()?;
    process::run(&mut places.cargo(&["build", "--release", "--package", "lenscast"]))?;
    let program = places.lenscast("release")?;
    raise_limit()?;
    let folder = places.built.join("bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join("viewers.recording");

    println!("\n{}", machine());
    let frames = Arc::new(Frames::generate(FPS, CYCLE)?);
    println!("one viewer …");
    let (recording, alone) = record(&program, &frames)?;
    recording.write(&file)?;
    let kilobytes = recording.mean_bytes() as f64 / 1000.0;
    println!("access units of {kilobytes:.1} kB; camera, encoder and one viewer: {alone:.3} cores");

    let mut table = Table::new(&[
        "viewers",
        "CPU, cores",
        "of it fan-out",
        "× the loop",
        "RSS, MB",
        "kB a viewer",
        "messages/s",
        "MB/s",
        "messages a viewer",
        "skipped",
        "dropped",
        "latency p50 / p95, ms",
    ]);
    for viewers in CROWDS {
        let mut limit = None;
        for (side, name) in SIDES {
            println!("{viewers} viewers, {name} …");
            let held = measure(side, viewers, &program, &file, &frames)?;
            let fan_out = if side == Side::Ours { held.cpu - alone } else { held.cpu };
            let limit = *limit.get_or_insert(fan_out);
            table.row(&held.row(&format!("{viewers}, {name}"), viewers, fan_out, limit));
        }
    }
    println!("\n{table}");
    println!("memory of 1,000 viewers without a camera: {:.1} kB each", idle(&program)?);
    Ok(())
}

impl Held {
    fn row(&self, name: &str, viewers: usize, fan_out: f64, limit: f64) -> Vec<String> {
        let (before, after) = self.memory;
        let or_none = |count: Option<u64>| count.map_or("–".to_owned(), |count| count.to_string());
        vec![
            name.to_owned(),
            format!("{:.3}", self.cpu),
            format!("{fan_out:.3}"),
            format!("{:.2}", fan_out / limit),
            format!("{after:.1}"),
            format!("{:.1}", (after - before) * 1000.0 / (viewers - 1) as f64),
            format!("{:.0}", self.messages_per_second),
            format!("{:.0}", self.megabytes_per_second),
            if self.most - self.fewest <= EDGE {
                format!("{}, all", self.most)
            } else {
                format!("{}–{}", self.fewest, self.most)
            },
            or_none(self.skipped),
            or_none(self.dropped),
            if self.latencies.is_empty() { "–".to_owned() } else { two_percentiles(&self.latencies) },
        ]
    }
}

/// What one viewer of this server gets, and the CPU that this takes, in cores: what there is to do before anything is
/// fanned out.
fn record(program: &Path, frames: &Arc<Frames>) -> Result<(Recording, f64)> {
    let server = Server::start(program, &[])?;
    let viewer = Viewer::connect(server.address)?;
    let camera = Sender::start(server.address, "/ws/camera", frames.clone(), 0)?;
    thread::sleep(SETTLE);
    viewer.recording.take();
    let (start, before) = (Instant::now(), usage::cpu(server.pid())?);
    thread::sleep(INTERVAL);
    let cpu = (usage::cpu(server.pid())? - before).as_secs_f64() / start.elapsed().as_secs_f64();
    let chunks = viewer.recording.take();
    camera.end()?;
    let first = chunks.first().ok_or("the one viewer got nothing")?.0;
    let messages: Vec<_> = chunks.into_iter().map(|(at, bytes)| (at - first, bytes)).collect();
    if messages.len() < 2 {
        return Err("the one viewer got next to nothing".into());
    }
    Ok((Recording { messages }, cpu))
}

fn measure(
    side: Side,
    viewers: usize,
    program: &Path,
    recording: &Path,
    frames: &Arc<Frames>,
) -> Result<Held> {
    let kind = match side {
        Side::Ours => {
            let server = Server::start(program, &OPEN_DOORS)?;
            let camera = Sender::start(server.address, "/ws/camera", frames.clone(), 0)?;
            let held = hold(&server, viewers, Some(&camera));
            camera.end()?;
            return held;
        }
        Side::Limit => "limit",
        Side::Library => "library",
        Side::LibrarySmall => "library-small",
    };
    let mut command = Command::new(env::current_exe()?);
    command.args(["bench-child", kind]).arg(recording);
    hold(&Server::spawn(command)?, viewers, None)
}

/// Lets the viewers in and measures. `camera`: that of this server; the others say nothing about frames.
fn hold(server: &Server, viewers: usize, camera: Option<&Sender>) -> Result<Held> {
    let watched = |index: usize| match camera {
        Some(_) if index.is_multiple_of(viewers / SAMPLED) => "/ws/viewer?format=h264".to_owned(),
        _ => "/ws/viewer".to_owned(),
    };
    let paths: Vec<String> = (0..viewers).map(watched).collect();
    let counts = || camera.map(|_| status::counts(server.address, "default")).transpose();
    let _first = Crowd::join(server.address, &paths[..1])?;
    thread::sleep(SETTLE);
    let before = usage::memory(server.pid())?.now_mb;
    let crowd = Crowd::join(server.address, &paths[1..])?;
    thread::sleep(SETTLE);

    let sampled: Vec<usize> = (0..viewers - 1).filter(|index| paths[index + 1].contains("h264")).collect();
    sampled.iter().for_each(|&index| drop(crowd.take_seen(index)));
    let counted = counts()?;
    let (messages, bytes, cpu, start) =
        (crowd.messages(), crowd.bytes(), usage::cpu(server.pid())?, Instant::now());
    thread::sleep(INTERVAL);
    let (cpu, seconds) = (usage::cpu(server.pid())? - cpu, start.elapsed().as_secs_f64());
    let each: Vec<u64> =
        crowd.messages().iter().zip(&messages).map(|(after, before)| after - before).collect();
    let bytes = crowd.bytes() - bytes;
    let seen: Vec<_> = sampled.iter().flat_map(|&index| crowd.take_seen(index)).collect();
    let after = usage::memory(server.pid())?.now_mb;
    if crowd.over() > 0 {
        return Err(format!("{} of {viewers} viewers lost their connection", crowd.over()).into());
    }
    let since = |which: fn(&status::Counts) -> u64, now: Option<status::Counts>| {
        Some(which(&now?) - which(&counted?))
    };
    let now = counts()?;
    Ok(Held {
        cpu: cpu.as_secs_f64() / seconds,
        memory: (before, after),
        messages_per_second: each.iter().sum::<u64>() as f64 / seconds,
        megabytes_per_second: bytes as f64 / seconds / 1e6,
        fewest: each.iter().copied().min().unwrap_or(0),
        most: each.iter().copied().max().unwrap_or(0),
        skipped: since(|counts| counts.skipped, now),
        dropped: since(|counts| counts.dropped, now),
        latencies: camera.map(|camera| latencies(&camera.sent(), &seen)).unwrap_or_default(),
    })
}

/// Memory of a viewer that gets nothing, in kB.
fn idle(program: &Path) -> Result<f64> {
    const VIEWERS: usize = 1000;
    let server = Server::start(program, &OPEN_DOORS)?;
    let before = usage::memory(server.pid())?.now_mb;
    let _crowd = Crowd::join(server.address, &vec!["/ws/viewer".to_owned(); VIEWERS])?;
    thread::sleep(SETTLE);
    Ok((usage::memory(server.pid())?.now_mb - before) * 1000.0 / VIEWERS as f64)
}
