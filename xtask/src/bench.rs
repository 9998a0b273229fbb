//! `cargo xtask bench`: this server beside the ffmpeg pipeline of the original one, in one run and one table.
//!
//! The parts are for other benchmarks too: [`frames`] and [`camera`] send, [`viewer`] watches, [`server`] runs the
//! program, [`usage`] reads what a process used, [`ts`] and [`shown`] say what was seen when. [`browser`] measures the pages.

pub(crate) mod browser;
pub(crate) mod camera;
pub(crate) mod frames;
pub(crate) mod jpeg;
pub(crate) mod measured;
mod ours;
pub(crate) mod scale;
pub(crate) mod server;
mod shown;
pub(crate) mod table;
mod theirs;
mod ts;
pub(crate) mod usage;
pub(crate) mod viewer;

use crate::Result;
use crate::process::{self, Places};
use frames::Frames;
use measured::{Measured, percentile};
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use table::Table;

/// How long frames are sent, at least.
const AT_LEAST: Duration = Duration::from_secs(24);
/// How many different frames there are at most, in seconds of video: they are kept in memory.
const CYCLE: u32 = 15;
const RATES: [u32; 2] = [30, 5];
/// What has just been started, or has just had its last frame, is left in peace this long.
const SETTLE: Duration = Duration::from_millis(300);

/// Runs it and prints the table.
///
/// # Errors
/// Something could not be built or started. Numbers that miss their target are no error.
pub(crate) fn run() -> Result<()> {
    let places = Places::find()?;
    process::run(&mut places.cargo(&["build", "--release", "--package", "lenscast"]))?;
    let program = places.lenscast("release")?;
    let videos = places.built.join("bench");
    fs::create_dir_all(&videos)?;
    let ffmpeg = process::find("ffmpeg").is_some();

    println!("\n{}", machine());
    let mut table = Table::new(&["", "lenscast", "ffmpeg", "ratio", "target"]);
    for fps in RATES {
        let frames = Arc::new(Frames::generate(fps, fps * CYCLE)?);
        let mut count = AT_LEAST.as_secs() as usize * fps as usize;
        let video = |side: &str| videos.join(format!("{side}-{fps}.ts"));
        let theirs = if ffmpeg {
            println!("{fps} fps, ffmpeg …");
            let run = theirs::run(&frames, AT_LEAST)?;
            // Both are given the same frames.
            count = run.sent.len();
            Some(run.measure(frames.len(), &video("ffmpeg"), ffmpeg)?)
        } else {
            None
        };
        println!("{fps} fps, lenscast …");
        let ours = ours::run(&program, &frames, count)?.measure(frames.len(), &video("lenscast"), ffmpeg)?;
        let kilobytes = frames.mean_bytes() as f64 / 1000.0;
        table.row(&[format!("**{fps} fps**, {count} frames of {kilobytes:.1} kB")]);
        add_rows(&mut table, &ours, theirs.as_ref());
    }
    println!("\n{table}");
    if !ffmpeg {
        println!(
            "ffmpeg is not installed: no comparison, and latency is told only when every frame was shown."
        );
    }
    Ok(())
}

/// What a number should be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    None,
    AtMost(f64),
    Ratio(f64),
}

fn add_rows(table: &mut Table, ours: &Measured, theirs: Option<&Measured>) {
    let mut row = |name: &str, number: &dyn Fn(&Measured) -> Option<f64>, decimals: usize, target: Target| {
        let (ours, other) = (number(ours), theirs.and_then(number));
        let ratio = ours.zip(other).map(|(ours, theirs)| ours / theirs);
        let text = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.decimals$}"));
        let their_text = if theirs.is_some() { text(other) } else { "not installed".to_owned() };
        let ratio_text = ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2} ×"));
        table.row(&[name.to_owned(), text(ours), their_text, ratio_text, verdict(target, ours, ratio)]);
    };
    row("CPU per frame, ms", &|m| Some(m.cpu_ms_per_frame), 2, Target::Ratio(0.8));
    row("latency p50, ms", &|m| percentile(&m.latencies, 50), 1, Target::None);
    row("latency p95, ms", &|m| percentile(&m.latencies, 95), 1, Target::None);
    row("first picture, ms", &|m| m.first_picture_ms, 0, Target::AtMost(150.0));
    row("joiner's first access unit p50, ms", &|m| percentile(&m.joins, 50), 1, Target::AtMost(100.0));
    row("joiner's first access unit p95, ms", &|m| percentile(&m.joins, 95), 1, Target::AtMost(100.0));
    row("memory (RSS) at the end, MB", &|m| Some(m.memory.now_mb), 1, Target::AtMost(40.0));
    row("memory (RSS) at most, MB", &|m| Some(m.memory.peak_mb), 1, Target::AtMost(40.0));
    let share = |m: &Measured| m.shown.map(|shown| 100.0 * shown as f64 / m.sent as f64);
    row("frames shown, %", &share, 1, Target::None);
}

/// The target, and whether it is kept.
fn verdict(target: Target, ours: Option<f64>, ratio: Option<f64>) -> String {
    let (text, value, limit) = match target {
        Target::None => return String::new(),
        Target::AtMost(limit) => (format!("≤ {limit:.0}"), ours, limit),
        Target::Ratio(limit) => (format!("≤ {limit} ×"), ratio, limit),
    };
    match value {
        Some(value) if value <= limit => format!("{text}: kept"),
        Some(_) => format!("{text}: MISSED"),
        None => text,
    }
}

/// On what this ran, and how busy it was with other things.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    format!("{cores} × {model}, load average before: {load}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_kept_up_to_its_limit() {
        assert_eq!(verdict(Target::AtMost(150.0), Some(150.0), None), "≤ 150: kept");
        assert_eq!(verdict(Target::AtMost(150.0), Some(150.5), Some(0.1)), "≤ 150: MISSED");
        assert_eq!(verdict(Target::Ratio(0.8), Some(9.0), Some(0.8)), "≤ 0.8 ×: kept");
        assert_eq!(verdict(Target::Ratio(0.8), Some(0.5), Some(0.81)), "≤ 0.8 ×: MISSED");
        assert_eq!(verdict(Target::Ratio(0.8), Some(1.0), None), "≤ 0.8 ×");
    }
}
