//! `cargo xtask bench --cameras`: several cameras, each with a viewer.

use super::crowd::{Crowd, latencies, two_percentiles};
use super::{Sender, status};
use crate::Result;
use crate::bench::frames::Frames;
use crate::bench::server::Server;
use crate::bench::table::Table;
use crate::bench::{machine, usage};
use crate::process::{self, Places};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const CAMERAS: [u32; 3] = [1, 4, 8];
const FPS: u32 = 15;
const CYCLE: u32 = FPS * 10;
const SETTLE: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_secs(8);

/// Runs it and prints the table.
///
/// # Errors
/// Something could not be built or started, or a connection broke.
pub(crate) fn run() -> Result<()> {
    let places = Places::find()?;
    process::run(&mut places.cargo(&["build", "--release", "--package", "lenscast"]))?;
    let program = places.lenscast("release")?;
    println!("\n{}", machine());
    let frames = Arc::new(Frames::generate(FPS, CYCLE)?);
    let mut table = Table::new(&[
        "cameras of 15 fps VGA",
        "CPU, cores",
        "RSS, MB",
        "frames sent",
        "shown",
        "dropped",
        "latency p50 / p95, ms",
    ]);
    for cameras in CAMERAS {
        println!("{cameras} cameras …");
        table.row(&measure(&program, cameras, &frames)?);
    }
    println!("\n{table}");
    Ok(())
}

fn measure(program: &Path, cameras: u32, frames: &Arc<Frames>) -> Result<Vec<String>> {
    let server = Server::start(program, &[])?;
    let names: Vec<String> = (1..=cameras).map(|number| format!("camera-{number}")).collect();
    let mut senders = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let path = format!("/ws/camera/{name}");
        senders.push(Sender::start(server.address, &path, frames.clone(), number * 7)?);
        // Cameras are not in step.
        thread::sleep(Duration::from_secs(1) / FPS / cameras);
    }
    let paths: Vec<String> = names.iter().map(|name| format!("/ws/viewer/{name}?format=h264")).collect();
    let crowd = Crowd::join(server.address, &paths)?;
    thread::sleep(SETTLE);

    let dropped = || -> Result<u64> {
        let counts = names.iter().map(|name| Ok(status::counts(server.address, name)?.dropped));
        counts.sum()
    };
    let sent = || senders.iter().map(Sender::count).sum::<usize>();
    let shown = || crowd.messages().iter().sum::<u64>();
    (0..paths.len()).for_each(|index| drop(crowd.take_seen(index)));
    let (dropped_before, sent_before, shown_before) = (dropped()?, sent(), shown());
    let (cpu, start) = (usage::cpu(server.pid())?, Instant::now());
    thread::sleep(INTERVAL);
    let (cpu, seconds) = (usage::cpu(server.pid())? - cpu, start.elapsed().as_secs_f64());
    let (sent, shown, dropped) = (sent() - sent_before, shown() - shown_before, dropped()? - dropped_before);
    let memory = usage::memory(server.pid())?.now_mb;
    let mut all: Vec<f64> = senders
        .iter()
        .enumerate()
        .flat_map(|(index, sender)| latencies(&sender.sent(), &crowd.take_seen(index)))
        .collect();
    all.sort_by(f64::total_cmp);
    for sender in senders {
        sender.end()?;
    }
    Ok(vec![
        cameras.to_string(),
        format!("{:.3}", cpu.as_secs_f64() / seconds),
        format!("{memory:.1}"),
        sent.to_string(),
        shown.to_string(),
        dropped.to_string(),
        two_percentiles(&all),
    ])
}
