//! What is diagnosed from what a device told.

use super::history::{MAX_RESTARTS, WINDOW};
use super::*;
use lenscast_protocol::control::PictureState;

/// Telemetry of a device that is well, `seconds` after it started.
fn well(seconds: u64) -> Telemetry {
    Telemetry {
        uptime_ms: seconds * 1000,
        rssi: Some(-60),
        free_heap: 150_000,
        captured: seconds * 10,
        sent: seconds * 10,
        connections: 1,
        picture: PictureState { width: 640, height: 480, quality: 80, fps: 10.0, reduced: 0 },
        ..Telemetry::default()
    }
}

fn at(seconds: u64) -> Micros {
    Micros(seconds * 1_000_000)
}

fn started(reason: &str) -> Hello {
    Hello { reset_reason: reason.into(), ..Hello::default() }
}

/// A device that has run for an hour when the server starts, and tells every five seconds for two minutes;
/// `change` gets the seconds since the server's start.
fn running(change: impl Fn(&mut Telemetry, u64)) -> (History, Micros) {
    let mut history = History::default();
    history.connected();
    for second in (0..=120).step_by(5) {
        let mut telemetry = well(3600 + second);
        change(&mut telemetry, second);
        history.telemetry(telemetry, at(second));
    }
    (history, at(120))
}

/// A device that starts every `every` seconds, `times` in all, and tells each time 5 s after its start.
fn restarting(every: u64, times: u64) -> (History, Micros) {
    let mut history = History::default();
    for start in 0..times {
        history.connected();
        history.telemetry(well(5), at(start * every + 5));
    }
    (history, at((times - 1) * every + 5))
}

fn codes((hello, (history, now)): (Hello, (History, Micros))) -> Vec<(&'static str, Level)> {
    diagnose(&hello, &history, now).into_iter().map(|finding| (finding.code, finding.level)).collect()
}

#[test]
fn each_trouble_has_its_code_and_a_healthy_device_has_none() {
    use Level::{Error, Warning};
    let fine = || started("power on");
    let with = |change: fn(&mut Telemetry, u64)| (fine(), running(change));
    let young = |reason: &str| (started(reason), running(|told, second| told.uptime_ms = second * 1000 + 1));
    type Case = (&'static str, (Hello, (History, Micros)), &'static [(&'static str, Level)]);
    let cases: Vec<Case> = vec![
        ("well", with(|_, _| {}), &[]),
        ("nothing told yet", (fine(), (History::default(), at(5))), &[]),
        ("-75 dBm", with(|told, _| told.rssi = Some(-75)), &[]),
        ("-76 dBm", with(|told, _| told.rssi = Some(-76)), &[("weak_wifi", Warning)]),
        ("-86 dBm", with(|told, _| told.rssi = Some(-86)), &[("weak_wifi", Error)]),
        ("once -90 dBm", with(|told, second| told.rssi = Some(if second == 120 { -90 } else { -60 })), &[]),
        ("weak long ago", with(|told, second| told.rssi = Some(if second < 100 { -90 } else { -60 })), &[]),
        ("a cable", with(|told, _| told.rssi = None), &[]),
        ("brown-out", young("brown-out"), &[("brown_out", Error)]),
        ("brown-out in other words", young("Brownout reset"), &[("brown_out", Error)]),
        (
            "brown-out, only just",
            (started("brown-out"), (History::default(), at(5))),
            &[("brown_out", Error)],
        ),
        ("watchdog", young("task watchdog"), &[("watchdog", Warning)]),
        ("watchdog, as our firmware says", young("restart: the camera task hung"), &[("watchdog", Warning)]),
        ("panic, as our firmware says", young("restart: panic: src/net.rs:7: index"), &[("panic", Warning)]),
        ("watchdog, as ESP-IDF says", young("TASK_WDT"), &[("watchdog", Warning)]),
        ("panic", young("panic"), &[("panic", Warning)]),
        ("an unknown reason", young("deep sleep"), &[]),
        (
            "a brown-out of the day before yesterday",
            (started("brown-out"), running(|told, _| told.uptime_ms += 86_400_000)),
            &[],
        ),
        ("two restarts", (fine(), restarting(30, 3)), &[]),
        ("three restarts", (fine(), restarting(30, 4)), &[("restart_loop", Error)]),
        ("a loop of brown-outs", (started("brown-out"), restarting(30, 4)), &[("brown_out", Error)]),
        ("a loop of the watchdog", (started("watchdog"), restarting(30, 4)), &[("watchdog", Error)]),
        ("three restarts in an hour", (fine(), restarting(1200, 4)), &[]),
        ("memory enough", with(|told, _| told.free_heap = 20 * 1024), &[]),
        ("little memory", with(|told, _| told.free_heap = 20 * 1024 - 1), &[("low_heap", Warning)]),
        ("memory untold", with(|told, _| told.free_heap = 0), &[]),
        ("reduced", with(|told, _| told.picture.reduced = 1), &[("slow_network", Warning)]),
        ("reduced a while ago", with(|told, second| told.picture.reduced = u8::from(second < 100)), &[]),
        (
            "frames too big",
            with(|told, second| (told.too_big, told.camera_faults) = (second / 60, second / 60)),
            &[("frame_buffer_too_small", Warning)],
        ),
        (
            "frames too big, before",
            with(|told, second| (told.too_big, told.camera_faults) = (second.min(50), second.min(50))),
            &[],
        ),
        ("frames too big, before this server", with(|told, _| told.too_big = 1000), &[]),
        ("many faults", with(|told, second| told.camera_faults = second), &[("camera_faults", Warning)]),
        ("few faults", with(|told, second| told.camera_faults = second / 3), &[]),
        (
            "no frame at all",
            with(|told, second| (told.captured, told.camera_faults) = (7, second)),
            &[("camera_faults", Warning)],
        ),
        (
            "everything at once",
            (
                started("panic"),
                running(|told, second| {
                    *told = Telemetry {
                        rssi: Some(-80),
                        free_heap: 1,
                        too_big: second,
                        camera_faults: second * 10,
                        ..well(second)
                    };
                    told.picture.reduced = 2;
                }),
            ),
            &[
                ("panic", Warning),
                ("low_heap", Warning),
                ("camera_faults", Warning),
                ("frame_buffer_too_small", Warning),
                ("weak_wifi", Warning),
                ("slow_network", Warning),
            ],
        ),
    ];
    for (what, case, expected) in cases {
        assert_eq!(codes(case), expected, "{what}");
    }
}

#[test]
fn the_sentences_say_how_bad_it_is_and_what_to_do() {
    let says = |hello: &Hello, (history, now): (History, Micros), words: &[&str]| {
        let findings = diagnose(hello, &history, now);
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        for word in words {
            assert!(finding.text.contains(word), "{word:?} is missing in {:?}", finding.text);
        }
        assert!(!finding.text.contains("  "), "{:?}", finding.text);
    };
    let fine = Hello::default();
    says(&fine, running(|told, _| told.rssi = Some(-82)), &["−82 dBm", "weak", "closer"]);
    let loops = ["4 times in the last 10 minutes", "power supply", "cable"];
    says(&started("brown-out"), restarting(60, 5), &loops);
    says(&fine, restarting(60, 5), &["4 times in the last 10 minutes", "power supply", "cable"]);
    says(&started("watchdog"), restarting(60, 2), &["watchdog", "firmware"]);
    says(&started("panic"), restarting(60, 2), &["crashed", "firmware"]);
    says(&fine, running(|told, _| told.free_heap = 9 * 1024 + 1), &["10 KB", "smaller"]);
    says(
        &fine,
        running(|told, second| told.too_big = second / 60),
        &["1 picture did not fit", "Lower the quality or the size"],
    );
    says(
        &fine,
        running(|told, second| (told.captured, told.camera_faults) = (second * 3, second)),
        &["60 damaged pictures", "25 %", "ribbon cable", "XCLK"],
    );
    let reduced = |told: &mut Telemetry, _| {
        told.picture = PictureState { width: 320, height: 240, quality: 60, fps: 7.5, reduced: 2 };
    };
    says(&fine, running(reduced), &["320 × 240", "quality 60", "7.5 frames a second", "network"]);
}

#[test]
fn a_restart_is_told_from_a_reconnect() {
    let mut history = History::default();
    let mut now = 0;
    // (uptime, connections, whether it connected anew before, restarts by then)
    for (uptime, connections, connected, restarts) in [
        (100, 1, true, 0),
        (200, 1, false, 0),
        (300, 2, true, 0),
        (310, 2, false, 0),
        (5, 1, true, 1),
        // It was away longer than it had run before, but counts anew.
        (50, 1, true, 2),
        // A network that delays telemetry is no restart.
        (50, 1, false, 2),
        (60, 1, false, 2),
        // It does not count its connections.
        (70, 0, true, 2),
        (80, 0, true, 2),
        (75, 0, true, 3),
    ] {
        if connected {
            history.connected();
        }
        now += 10;
        history.telemetry(Telemetry { connections, ..well(uptime) }, at(now));
        assert_eq!(history.restarts(at(now)), restarts, "{uptime} s");
    }
    assert_eq!(history.restarts(at(now + 600)), 0, "they are forgotten after ten minutes");
}

#[test]
fn what_happened_while_a_device_was_away_is_not_of_the_last_minute() {
    let (mut history, now) = running(|_, _| {});
    history.connected();
    history.telemetry(Telemetry { too_big: 5000, connections: 2, ..well(9000) }, at(5400));
    assert_eq!(diagnose(&Hello::default(), &history, now), []);
    history.telemetry(Telemetry { too_big: 5002, connections: 2, ..well(9005) }, at(5405));
    let text = &diagnose(&Hello::default(), &history, at(5405))[0].text;
    assert!(text.starts_with("2 pictures did not fit"), "{text}");
}

#[test]
fn a_device_that_tells_all_the_time_costs_no_more_memory() {
    let mut history = History::default();
    for tick in 0..100_000_u64 {
        let told = Telemetry { uptime_ms: 3_600_000 + tick, too_big: tick, ..well(0) };
        history.telemetry(told, Micros(tick * 1000));
        assert!(history.samples.len() <= 2 * WINDOW.as_secs() as usize + 2);
    }
    let minute = history.rise(|told| told.too_big);
    assert!((60_000..=61_000).contains(&minute), "{minute} in the last minute");
    for tick in 0..1000 {
        history.connected();
        history.telemetry(well(1), at(100 + tick));
    }
    assert_eq!(history.restarts.len(), MAX_RESTARTS);
}
