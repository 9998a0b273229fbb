//! What is wrong with a device, in plain language: from what it told to what to do about it. Pure.
//!
//! Each finding has a code that does not change, for machines; the sentences may.

mod history;

pub use history::History;

use lenscast_media::time::Micros;
use lenscast_protocol::control::{Hello, Telemetry};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// So many restarts in ten minutes are a loop.
const LOOP: usize = 3;
/// Why a device started is worth telling for this long.
const RESET_IS_NEWS: Duration = Duration::from_secs(24 * 3600);

/// A signal below this is weak, in dBm, and below the second hardly usable.
const WEAK: i32 = -75;
const VERY_WEAK: i32 = -85;
/// Free bytes of the heap that WiFi and a connection need to be safe.
const LOW_HEAP: u32 = 20 * 1024;
/// Damaged pictures in the window that are too many: at least so many, and one in so many of all. A sound camera has up
/// to one in 300.
const MANY_FAULTS: u64 = 5;
const MANY_FAULTS_OF: u64 = 20;

/// Something that a person should know about a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// A word for machines, which does not change. More may come.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// Sentences for people: what is wrong, and what to do.
    pub text: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It works, but not as well as it could.
    Warning,
    /// It fails now and then, or will.
    Error,
}

/// What is wrong with a device, what is to be mended first at first.
#[must_use]
pub fn diagnose(hello: &Hello, history: &History, now: Micros) -> Vec<Finding> {
    let mut findings = Vec::from_iter(restarts(hello, history, now));
    if let Some(newest) = history.newest() {
        let checks = [
            low_heap(newest),
            camera_faults(history),
            frame_buffer(history),
            weak_wifi(history),
            slow_network(newest),
        ];
        findings.extend(checks.into_iter().flatten());
    }
    findings
}

/// What a device says about who it is, beside what others say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// How many cameras that are connected say that they are this device, this one included.
    pub by: usize,
    /// Whether this one is believed.
    pub is_believed: bool,
}

/// What is wrong with what a device says about who it is. It names no other camera: whoever may watch this one may not see
/// that one.
#[must_use]
pub fn doubt(Claim { by, is_believed }: Claim) -> Option<Finding> {
    if by > 1 {
        let believed = if is_believed {
            "This one came first and is believed."
        } else {
            "Another one came first and is believed."
        };
        let text = format!(
            "{by} cameras that are connected say that they are this device. {believed} Unless a device was set up twice or \
             copied, somebody passes for it: give your cameras keys (lenscast access new camera NAME)."
        );
        return Some(Finding { code: "same_device", level: Level::Error, text });
    }
    (!is_believed).then(|| {
        let text = "The camera says that it is the device of another camera, and has not shown that one's key. It is not \
                    believed, and has a title of its own."
            .to_owned();
        Finding { code: "foreign_device", level: Level::Warning, text }
    })
}

fn restarts(hello: &Hello, history: &History, now: Micros) -> Option<Finding> {
    use Level::{Error, Warning};
    let count = history.restarts(now);
    let often = if count >= LOOP { format!(", {count} times in the last 10 minutes") } else { String::new() };
    // `brown-out`, `Brownout`, `task watchdog`, `WDT`, `the camera task hung`: each firmware has words of its own.
    let reason: String =
        hello.reset_reason.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let because = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    let uptime = history.newest().map_or(Duration::ZERO, |newest| Duration::from_millis(newest.uptime_ms));
    let is_news = uptime < RESET_IS_NEWS;
    let level = if count >= LOOP { Error } else { Warning };
    if is_news && because(&["brownout"]) {
        let text = format!(
            "The camera restarted because its voltage dropped{often}. Use another power supply (5 V, at least 1 A) and a \
             short, thick USB cable."
        );
        return Some(Finding { code: "brown_out", level: Error, text });
    }
    if is_news && because(&["watchdog", "wdt", "hung"]) {
        let text = format!(
            "The camera hung, and its watchdog restarted it{often}. Should that go on, update its firmware; until then a \
             smaller picture or a lower rate may help."
        );
        return Some(Finding { code: "watchdog", level, text });
    }
    if is_news && because(&["panic", "exception", "crash", "abort"]) {
        let text = format!(
            "The camera's firmware crashed and restarted{often}. Update it, and report what its console prints when that \
             happens again."
        );
        return Some(Finding { code: "panic", level, text });
    }
    (count >= LOOP).then(|| {
        let text = format!(
            "The camera restarted {count} times in the last 10 minutes. Unless somebody did that, change its power \
             supply or its USB cable first."
        );
        Finding { code: "restart_loop", level: Error, text }
    })
}

fn low_heap(newest: &Telemetry) -> Option<Finding> {
    // Zero: it does not tell.
    (1..LOW_HEAP).contains(&newest.free_heap).then(|| {
        let kb = newest.free_heap.div_ceil(1024);
        let text = format!(
            "The camera has only {kb} KB of memory left and may restart. Choose a smaller picture, or update its firmware."
        );
        Finding { code: "low_heap", level: Level::Warning, text }
    })
}

fn camera_faults(history: &History) -> Option<Finding> {
    let faults = history.rise(|told| told.camera_faults.saturating_sub(told.too_big));
    let all = faults.saturating_add(history.rise(|told| told.captured));
    (faults >= MANY_FAULTS && faults.saturating_mul(MANY_FAULTS_OF) >= all).then(|| {
        let percent = faults.saturating_mul(100) / all;
        let text = format!(
            "The camera's sensor delivered {faults} damaged pictures in the last minute, {percent} % of all. Check that its \
             ribbon cable sits firmly; on a board of your own, try a slower clock (XCLK)."
        );
        Finding { code: "camera_faults", level: Level::Warning, text }
    })
}

fn frame_buffer(history: &History) -> Option<Finding> {
    let too_big = history.rise(|told| told.too_big);
    (too_big > 0).then(|| {
        let pictures = if too_big == 1 { "1 picture".to_owned() } else { format!("{too_big} pictures") };
        let text = format!(
            "{pictures} did not fit the camera's frame buffer in the last minute. Lower the quality or the size of the picture."
        );
        Finding { code: "frame_buffer_too_small", level: Level::Warning, text }
    })
}

fn weak_wifi(history: &History) -> Option<Finding> {
    // The mean of the newest three: a single one jumps by several dB.
    let newest: Vec<i32> = history
        .samples
        .iter()
        .rev()
        .filter_map(|sample| sample.telemetry.rssi)
        .take(3)
        .map(i32::from)
        .collect();
    let rssi = newest.iter().sum::<i32>().checked_div(newest.len() as i32)?;
    (rssi < WEAK).then(|| {
        let (level, weak) =
            if rssi < VERY_WEAK { (Level::Error, "very weak") } else { (Level::Warning, "weak") };
        let text = format!(
            "The camera's WiFi signal is {weak} (−{} dBm). Bring camera and access point closer together, turn the camera, \
             or put a repeater between them; −67 dBm or better is good.",
            rssi.abs()
        );
        Finding { code: "weak_wifi", level, text }
    })
}

fn slow_network(newest: &Telemetry) -> Option<Finding> {
    let picture = &newest.picture;
    (picture.reduced > 0).then(|| {
        let text = format!(
            "The camera reduced its picture, since the network does not carry more. It sends {} × {} at quality {}, up to \
             {} frames a second, and goes up again by itself.",
            picture.width,
            picture.height,
            picture.quality,
            (picture.fps * 10.0).round() / 10.0
        );
        Finding { code: "slow_network", level: Level::Warning, text }
    })
}

#[cfg(test)]
mod tests;
