//! What the console answers.

use crate::bench::{Bench, network, ready, set_up};
use crate::server::Server;
use lenscast_device::camera::{CameraEvent, CameraInfo, FrameSize};
use lenscast_device::console::parse;
use lenscast_device::settings::store::StoreError;
use lenscast_device::settings::{Change, Settings};
use lenscast_device::wifi::{Auth, WifiEvent};
use std::time::Duration;

#[test]
fn the_originals_answers_are_the_same() {
    let mut bench = Bench::new();
    for (line, answer) in [
        ("wifi status", "state=IDLE ssid=- saved=no runtime=no reason=0 ip=-\n"),
        ("wifi set home secret-password save", "credentials set (ssid=home, saved)\n"),
        ("wifi set --ssid home --pass secret-password --save", "credentials set (ssid=home, saved)\n"),
        ("wifi disconnect", "disconnect requested\n"),
        ("stream set port 9000", "stream set port: set host first\n"),
        ("stream set host 10.0.0.5 save", "stream target set (host=10.0.0.5 port=8080, saved)\n"),
        ("stream set port 9000 save", "stream port set (port=9000, saved)\n"),
        ("stream set host server 80 save", "stream target set (host=server port=80, saved)\n"),
        ("stream stop", "stream stopped\n"),
        ("stream clear", "cleared saved stream target\n"),
        ("wifi clear", "cleared saved+runtime credentials\n"),
        ("cam power 0", "camera power set to 0\n"),
        ("psram status", "psram init=no size=0 free=0 largest=0 internal_free=0 internal_largest=0\n"),
        (
            "wifi scan",
            "found 3 networks (showing up to 20):\n  0: ch=6 rssi=-51 auth=WPA2 ssid=home\n  \
             1: ch=6 rssi=-60 auth=WPA3 ssid=<hidden>\n  2: ch=6 rssi=-80 auth=OPEN ssid=far\n",
        ),
        ("wifi scan 1", "found 3 networks (showing up to 1):\n  0: ch=6 rssi=-51 auth=WPA2 ssid=home\n"),
    ] {
        assert_eq!(bench.enter(line), answer, "{line}");
    }
    let status = bench.enter("stream status");
    let first = status.lines().next();
    assert_eq!(first, Some("host=- port=8080 saved=no runtime=no streaming=off ws=down"), "{status}");
}

#[test]
fn wifi_status_tells_the_address_and_the_signal() {
    let mut bench = Bench::with(set_up());
    assert_eq!(
        bench.enter("wifi status"),
        "state=CONNECTED ssid=home saved=yes runtime=yes reason=0 ip=10.0.0.7\nsignal: -58 dBm (good)\n"
    );
}

#[test]
fn wifi_status_tells_the_trouble_in_words() {
    let mut bench = Bench::with(set_up());
    bench.wifi(WifiEvent::Disconnected { reason: 202 });
    let status = bench.enter("wifi status");
    assert!(
        status.starts_with("state=CONNECTING ssid=home saved=yes runtime=yes reason=202 ip=-\n"),
        "{status}"
    );
    let sentence = "the network refused the password; to set another: wifi set home <password> save";
    assert!(status.contains(&format!("{sentence} (attempt 1, next in 1 s)\n")), "{status}");
}

#[test]
fn what_is_not_saved_says_so_and_counts_nevertheless() {
    let mut bench = Bench::new();
    for (line, answer) in [
        ("wifi set home secret-password", "credentials set (ssid=home, not saved: add save)\n"),
        ("stream set host server", "stream target set (host=server port=8080, not saved: add save)\n"),
        ("stream set port 81", "stream port set (port=81, not saved: add save)\n"),
        ("stream set path /x", "stream path set (path=/x, not saved: add save)\n"),
        ("stream set key abc", "stream key set (not saved: add save)\n"),
        ("cam size qqvga", "camera size=qqvga (not saved: add save)\n"),
        ("cam quality 30", "camera quality=30 (not saved: add save)\n"),
        ("cam fps 0.5", "camera fps=0.5 (not saved: add save)\n"),
        ("cam adaptive off", "camera adaptive=off (not saved: add save)\n"),
        ("cam flip 1", "camera flip=1 (not saved: add save)\n"),
        ("cam mirror 0", "camera mirror=0 (not saved: add save)\n"),
        ("cam brightness -2", "camera brightness=-2 (not saved: add save)\n"),
        ("cam exposure 300", "camera exposure=300 (not saved: add save)\n"),
    ] {
        assert_eq!(bench.enter(line), answer, "{line}");
    }
    assert_eq!(bench.changes, []);
    let plan = bench.plan.expect("the camera has a plan");
    assert_eq!((plan.size, plan.quality, plan.rate.as_milli()), (FrameSize::QQVGA, 30, 500));
    assert_eq!((plan.picture.flip, plan.picture.mirror), (Some(true), Some(false)));
    let status = bench.enter("cam status");
    assert!(status.contains("size=qqvga quality=30 fps=0.5 adaptive=off\n"), "{status}");
    assert!(status.contains("not all of this is saved: type it again with save at the end"), "{status}");
}

#[test]
fn only_what_is_said_to_be_saved_is_saved() {
    let mut bench = Bench::new();
    bench.enter("cam quality 30");
    bench.enter("cam fps 5 save");
    bench.enter("stream set path /x");
    bench.enter("stream set host server save");
    let [Change::Picture(picture), Change::Target(target)] = &bench.changes[..] else {
        panic!("{:?}", bench.changes)
    };
    assert_eq!((picture.quality, picture.rate.as_milli()), (80, 5000));
    assert_eq!((target.host.as_deref(), &target.path), (Some("server"), &None));
}

#[test]
fn start_save_begins_streaming_at_every_boot() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.enter("stream start"),
        "stream start requested\nno server is set yet: stream set host <host> [port] [save]\n"
    );
    bench.enter("stream set host server save");
    assert_eq!(
        bench.enter("stream start save"),
        "stream start requested, at every boot too (saved)\n\
         it begins as soon as there is WiFi; wifi status says what is missing\n"
    );
    assert_eq!(bench.changes.last(), Some(&Change::Auto(true)));
    assert_eq!(bench.enter("stream stop"), "stream stopped; it starts again at the next boot: add save\n");
    assert_eq!(bench.enter("stream stop save"), "stream stopped, at every boot too (saved)\n");
    assert_eq!(bench.changes.last(), Some(&Change::Auto(false)));
}

#[test]
fn what_cannot_be_saved_says_so_and_counts_until_the_next_start() {
    let mut bench = Bench::new();
    bench.store = Err(StoreError::Full);
    let answer = bench.enter("stream set host server save");
    assert!(answer.starts_with("not saved: "), "{answer}");
    assert!(answer.ends_with("; it counts until the next start\n"), "{answer}");
    let status = bench.enter("stream status");
    assert!(status.starts_with("host=server port=8080 saved=no runtime=yes"), "{status}");
}

#[test]
fn a_wrong_command_prints_what_was_wrong_and_the_usage_of_what_was_begun() {
    let mut bench = Bench::new();
    for (line, wrong, usage) in [
        ("wifi sacn", "sacn", "wifi scan"),
        ("stream set port 0", "port", "stream set port <port> [save]"),
        ("cam quality 101", "from 1 to 100", "cam quality <1-100>"),
        ("psram", "psram", "psram status"),
        ("frobnicate", "frobnicate", "help"),
    ] {
        let answer = bench.enter(line);
        assert!(answer.contains(wrong) && answer.contains(usage), "{line}: {answer}");
    }
}

#[test]
fn a_line_that_is_too_long_says_so_and_nothing_of_it_is_done() {
    let mut bench = Bench::new();
    // Cut at 256 bytes it would be a command.
    bench.keys(&format!("cam ir 1{}x\r", " ".repeat(300)));
    let answer = bench.printed();
    assert!(
        answer.contains("that was too long, and nothing of it was done: a line has at most 256 bytes"),
        "{answer}"
    );
    assert!(!bench.plan.expect("the camera has a plan").ir);
    bench.keys("cam ir 1\r");
    assert!(bench.plan.expect("the camera has a plan").ir, "the next line is a new one");

    // So does what was typed while a command ran.
    bench.scans = false;
    bench.keys(&format!("wifi scan\rcam ir 0{}x\r", " ".repeat(300)));
    bench.wifi(WifiEvent::ScanDone(Ok(vec![])));
    bench.keys("\r");
    let answer = bench.printed();
    assert!(answer.contains("too long") && answer.contains("at most 256 keys are kept"), "{answer}");
    assert!(bench.plan.expect("the camera has a plan").ir);
}

#[test]
fn a_network_cannot_write_lines_of_its_own() {
    let mut bench = Bench::new();
    bench.scans = false;
    bench.keys("wifi scan\r");
    let forged = network("x\nI (1) wifi: connected\x1b[2J", -50, Auth::Open);
    bench.wifi(WifiEvent::ScanDone(Ok(vec![forged])));
    let answer = bench.printed();
    assert!(answer.contains("ssid=x?I (1) wifi: connected?[2J"), "{answer}");
}

#[test]
fn secrets_are_never_printed_back() {
    let mut bench = Bench::new();
    let mut answers = String::new();
    for line in [
        "wifi set home hush-hush save",
        "wifi set home hush-hush save please",
        "stream set key hush-hush save",
        "stream set key hush-hush surplus words",
        "wifi status",
        "stream status",
        "wifi connect",
    ] {
        answers += &bench.enter(line);
    }
    assert!(!answers.contains("hush-hush"), "{answers}");
    for debug in [
        format!("{:?}", bench.device),
        format!("{:?}", bench.changes),
        format!("{:?}", parse("stream set key hush-hush save")),
        format!("{:?}", parse("wifi set home hush-hush save")),
    ] {
        assert!(!debug.contains("hush-hush"), "{debug}");
    }
}

#[test]
fn a_size_beyond_the_sensor_is_refused_with_its_maximum() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.enter("cam size uxga save"),
        "uxga is 1600x1200 pixels; the GC0308 has at most 640x480\n"
    );
    assert_eq!(bench.changes, []);
    assert_eq!(bench.plan.map(|plan| plan.size), Some(FrameSize::QVGA));
}

#[test]
fn a_saved_size_beyond_another_sensor_becomes_its_maximum() {
    let mut saved = Settings::default();
    saved.picture.size = Some(FrameSize::UXGA);
    let bench = Bench::with(saved);
    assert_eq!(bench.plan.map(|plan| plan.size), Some(FrameSize::VGA));
}

#[test]
fn a_camera_that_is_not_there_is_told_in_its_status() {
    let mut bench = Bench::new();
    bench.camera(CameraEvent::Failed("no sensor answers at 0x21 or 0x3c".into()));
    let status = bench.enter("cam status");
    assert!(status.starts_with("sensor=- no sensor answers at 0x21 or 0x3c\n"), "{status}");
    assert_eq!(bench.enter("version").lines().count(), 2, "the console lives");
}

#[test]
fn a_dump_is_printed_when_the_camera_has_written_it() {
    let mut bench = Bench::new();
    assert_eq!(bench.enter("cam dump"), "00: 9b\n");
    assert_eq!(bench.dumps, 1);
}

#[test]
fn test_bars_are_shown_instead_of_the_picture_and_never_saved() {
    let mut bench = Bench::new();
    assert!(!bench.plan.expect("the camera has a plan").test_bar);
    let answer = bench.enter("cam testbar 1");
    assert!(answer.starts_with("test bars set to 1\nclean bars: "), "{answer}");
    assert!(bench.plan.expect("the camera has a plan").test_bar);
    let status = bench.enter("cam status");
    assert!(status.contains("testbar=1: coloured bars are shown, not the picture\n"), "{status}");
    assert_eq!(bench.enter("cam testbar 0"), "test bars set to 0\n");
    assert!(!bench.plan.expect("the camera has a plan").test_bar);
    assert!(!bench.enter("cam status").contains("testbar"));
    assert_eq!(bench.changes, []);
    assert!(bench.enter("cam testbar 1 save").starts_with("too many words"));
}

#[test]
fn a_sensor_without_test_bars_says_so() {
    let mut bench = Bench::new();
    bench.enter("cam testbar 1");
    let CameraEvent::Ready(info) = ready() else { panic!("the sensor is not ready") };
    bench.camera(CameraEvent::Ready(CameraInfo { sensor: "OTHER".into(), test_bar: false, ..info }));
    assert!(!bench.plan.expect("the camera has a plan").test_bar, "it came after the command");
    assert!(!bench.enter("cam status").contains("testbar"));
    assert_eq!(bench.enter("cam testbar 1"), "the OTHER has no test bars\n");
    assert_eq!(bench.enter("cam testbar 0"), "test bars set to 0\n");
}

#[test]
fn what_is_typed_while_a_command_runs_is_read_after_it() {
    let mut bench = Bench::new();
    bench.scans = false;
    bench.keys("wifi scan\rcam ir 1\r");
    assert!(!bench.plan.expect("the camera has a plan").ir, "the scan is still running");
    bench.wifi(WifiEvent::ScanDone(Ok(vec![])));
    assert!(bench.plan.expect("the camera has a plan").ir);
    let printed = bench.printed();
    let (scan, light) = (printed.find("found 0 networks"), printed.find("infrared light set to 1"));
    assert!(scan.is_some() && scan < light, "{printed}");
}

#[test]
fn ctrl_c_gives_the_console_back_while_a_scan_runs() {
    let mut bench = Bench::new();
    bench.scans = false;
    bench.keys("wifi scan\r");
    bench.printed();
    bench.keys("\x03");
    assert_eq!(bench.printed(), "^C\r\ncam> ");
    bench.wifi(WifiEvent::ScanDone(Ok(vec![])));
    assert_eq!(bench.printed(), "", "nobody asks for it any more");
    assert!(bench.enter("version").contains("lenscast 1.2.3 on bench"));
}

#[test]
fn ctrl_c_does_not_lose_what_is_being_saved() {
    let mut bench = Bench::new();
    bench.stores = false;
    bench.keys("stream set host server save\r\x03");
    bench.stores = true;
    bench.stored();
    assert!(bench.printed().contains("stream target set (host=server port=8080, saved)"));
    assert!(bench.enter("stream status").contains("saved=yes"));
}

#[test]
fn wifi_clear_leaves_the_network() {
    let mut bench = Bench::with(set_up());
    assert_eq!(bench.enter("wifi clear"), "cleared saved+runtime credentials\n");
    let status = bench.enter("wifi status");
    assert_eq!(status, "state=IDLE ssid=- saved=no runtime=no reason=0 ip=-\n");
}

#[test]
fn a_networks_name_cannot_steer_the_terminal() {
    let mut bench = Bench::new();
    bench.scans = false;
    bench.keys("wifi scan\r");
    let evil = network("\x1b[2Jgone", -50, Auth::Open);
    bench.wifi(WifiEvent::ScanDone(Ok(vec![evil])));
    let printed = bench.printed();
    assert!(printed.contains("ssid=?[2Jgone"), "{printed:?}");
}

#[test]
fn log_lines_follow_the_level_that_is_set() {
    let mut bench = Bench::new();
    assert_eq!(bench.enter("log level error"), "log level set to error\n");
    bench.enter("wifi set home secret-password");
    bench.enter("wifi connect");
    assert!(!bench.printed().contains("wifi: connected"));
    bench.enter("log level info");
    let answer = bench.enter("wifi connect");
    assert!(answer.contains("I (0) wifi: connected, address 10.0.0.7"), "{answer}");
}

#[test]
fn a_console_that_nobody_reads_costs_no_memory() {
    let mut bench = Bench::streaming(Server::plain());
    for number in 0..5_000 {
        bench.device.log(bench.now, lenscast_device::log::Level::Info, &format!("line {number}"));
        bench.device.console_input(bench.now, b"version\r");
    }
    let printed = bench.printed();
    assert!(printed.len() <= 16 * 1024, "{} bytes", printed.len());
    bench.device.log(bench.now, lenscast_device::log::Level::Info, "now somebody reads");
    let printed = bench.printed();
    assert!(printed.contains("lines were not printed: nobody read them"), "{printed}");
}

#[test]
fn reboot_says_good_bye_to_the_server_first() {
    let mut bench = Bench::streaming(Server::plain());
    let answer = bench.enter("reboot");
    assert!(answer.starts_with("rebooting\n"), "{answer}");
    bench.pass(Duration::from_secs(2));
    assert!(bench.rebooted);
    assert_eq!(bench.server.and_then(|server| server.closed), Some(1000));
}

#[test]
fn the_banner_names_the_device_and_why_it_started() {
    let mut bench = Bench::new();
    let printed = bench.printed();
    assert!(printed.contains("lenscast 1.2.3 on bench, device aa:bb:cc:dd:ee:ff"), "{printed}");
    assert!(printed.contains("last start: power on"), "{printed}");
}

#[test]
fn an_answer_without_room_is_left_out_whole_and_the_next_short_one_is_not() {
    let mut bench = Bench::new();
    for _ in 0..40 {
        bench.keys("help\r");
    }
    bench.keys("cam fps 7\r");
    let printed = bench.printed();
    assert!(printed.len() > 10_000 && printed.len() <= 16 * 1024, "{} bytes", printed.len());
    assert!(printed.contains("camera fps=7 (not saved: add save)"), "{}", &printed[printed.len() - 300..]);
    assert!(printed.ends_with("cam> "));
    // How much is missing is told with the next line of the log.
    bench.wifi(WifiEvent::Failed("no radio".into()));
    let printed = bench.printed();
    assert!(printed.contains("lines were not printed: nobody read them"), "{printed}");
}
