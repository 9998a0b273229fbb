//! Streaming: what the device does by itself.

use crate::bench::{Bench, ready, set_up};
use crate::server::Server;
use lenscast_device::camera::{CameraEvent, FrameSize};
use lenscast_device::log::Level;
use lenscast_device::wifi::WifiEvent;
use lenscast_protocol::control::{DeviceMessage, device_message};
use std::time::Duration;

const JPEG: &[u8] = b"\xff\xd8 a picture \xff\xd9";

#[test]
fn a_board_fresh_from_the_shop_streams_after_four_commands() {
    let mut bench = Bench::new();
    bench.server = Some(Server::plain());
    bench.enter("wifi set home secret-password save");
    bench.enter("wifi connect");
    bench.enter("stream set host 10.0.0.5 save");
    assert_eq!(bench.dials, [], "streaming is off until it is started");
    assert!(!bench.plan.expect("the camera has a plan").capture);
    bench.enter("stream start");
    assert_eq!(bench.dials, [("10.0.0.5".to_string(), 8080)]);
    assert!(bench.plan.expect("the camera has a plan").capture);
    bench.frame(JPEG);
    let server = bench.server.expect("it was put there");
    assert_eq!(server.frames, [JPEG]);
    assert!(server.requests[0].starts_with("GET /ws/camera HTTP/1.1\r\n"), "{}", server.requests[0]);
}

#[test]
fn a_device_that_is_set_up_streams_by_itself() {
    let mut bench = Bench::streaming(Server::plain());
    bench.frame(JPEG);
    assert_eq!(bench.server.as_ref().map(|server| server.frames.len()), Some(1));
    let status = bench.enter("stream status");
    assert!(
        status.starts_with("host=server port=8080 saved=yes runtime=yes streaming=on ws=up\n"),
        "{status}"
    );
    assert!(status.contains("since start: captured=1 sent=1 dropped=0 lost=0 connections=1\n"), "{status}");
}

#[test]
fn nothing_is_captured_while_there_is_nobody_to_send_it_to() {
    let mut bench = Bench::streaming(Server::plain());
    bench.server = None;
    bench.cut();
    assert!(!bench.plan.expect("the camera has a plan").capture);
    bench.server = Some(Server::plain());
    bench.pass(Duration::from_secs(30));
    assert!(bench.plan.expect("the camera has a plan").capture, "it came back");
    bench.wifi(WifiEvent::Disconnected { reason: 200 });
    assert!(!bench.plan.expect("the camera has a plan").capture);
    bench.pass(Duration::from_secs(30));
    assert!(bench.plan.expect("the camera has a plan").capture, "it came back");
}

#[test]
fn a_server_that_is_not_there_is_logged_once_in_five_seconds_and_in_the_status() {
    let mut bench = Bench::with(set_up());
    bench.pass(Duration::from_secs(300));
    let printed = bench.printed();
    let lines = printed.matches("server:8080/ws/camera: cannot reach the server: connection refused").count();
    assert!(bench.dials.len() > 30, "{} dials", bench.dials.len());
    assert!((10..=60).contains(&lines), "{lines} lines in 300 s: {printed}");
    assert!(bench.enter("stream status").contains("last: server:8080/ws/camera: cannot reach the server"));
    assert_eq!(bench.device.stats().failures, bench.dials.len() as u64);
}

#[test]
fn every_five_seconds_it_logs_what_it_did() {
    let mut bench = Bench::streaming(Server::plain());
    for _ in 0..50 {
        bench.pass(Duration::from_millis(100));
        bench.frame(JPEG);
    }
    bench.pass(Duration::from_secs(5));
    let printed = bench.printed();
    let frames: usize = printed
        .split("stream: frames=")
        .skip(1)
        .map(|rest| rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0usize))
        .sum();
    assert_eq!(frames, 50, "{printed}");
}

/// Captures frames of 10,000 bytes as the plan says, over a network that takes so many bytes in a ms.
fn stream_over(bench: &mut Bench, bytes_per_ms: usize, seconds: u64) {
    bench.network = Some(bytes_per_ms);
    let end = bench.now + Duration::from_secs(seconds);
    while bench.now < end {
        bench.frame(&[7; 10_000]);
        let plan = bench.plan.expect("the camera has a plan");
        bench.pass(plan.rate.interval());
    }
}

#[test]
fn a_slow_network_makes_the_picture_smaller_and_a_quick_one_makes_it_whole_again() {
    let mut bench = Bench::streaming(Server::plain());
    let wished = bench.plan.expect("the camera has a plan");
    stream_over(&mut bench, 1000, 10);
    assert_eq!(bench.plan, Some(wished), "there is room");
    stream_over(&mut bench, 50, 20);
    let reduced = bench.plan.expect("the camera has a plan");
    assert!(reduced.quality < wished.quality && reduced.rate < wished.rate, "{reduced:?}");
    assert!(bench.device.is_connected());
    let status = bench.enter("cam status");
    assert!(status.contains("the network is slow"), "{status}");
    stream_over(&mut bench, 1000, 600);
    assert_eq!(bench.plan, Some(wished));
}

#[test]
fn a_new_wish_starts_without_what_the_old_one_had_yielded() {
    let mut bench = Bench::streaming(Server::plain());
    stream_over(&mut bench, 50, 20);
    bench.enter("cam quality 70");
    let plan = bench.plan.expect("the camera has a plan");
    assert_eq!((plan.size, plan.quality, plan.rate.as_milli()), (FrameSize::QVGA, 70, 15_000));
}

#[test]
fn a_frame_that_misses_its_deadline_makes_the_next_ones_smaller() {
    let mut bench = Bench::streaming(Server::plain());
    let wished = bench.plan.expect("the camera has a plan");
    bench.network = Some(1);
    bench.frame(&[7; 10_000]);
    bench.pass(Duration::from_secs(5));
    assert!(bench.printed().contains("a frame could not be sent within 4.0 s"));
    bench.network = None;
    bench.pass(Duration::from_secs(10));
    assert!(bench.device.is_connected(), "it came back");
    let plan = bench.plan.expect("the camera has a plan");
    assert!(plan.quality < wished.quality && plan.rate < wished.rate, "{plan:?}");
}

#[test]
fn the_owners_word_is_kept_when_adaptive_is_off() {
    let mut bench = Bench::streaming(Server::plain());
    bench.enter("cam adaptive off");
    let wished = bench.plan;
    stream_over(&mut bench, 50, 20);
    assert_eq!(bench.plan, wished);
}

#[test]
fn a_camera_slower_than_its_plan_is_not_taken_for_a_slow_network() {
    let mut bench = Bench::streaming(Server::plain());
    let wished = bench.plan;
    // 100 ms a frame to send, where 15 frames a second are wished; but the camera makes only 4.
    bench.network = Some(100);
    for _ in 0..200 {
        bench.frame(&[7; 10_000]);
        bench.pass(Duration::from_millis(250));
    }
    assert_eq!(bench.plan, wished);
}

#[test]
fn a_server_of_ours_gets_a_hello_and_telemetry() {
    let mut bench = Bench::streaming(Server::extended());
    bench.frame(JPEG);
    bench.camera(CameraEvent::FrameLost("too_big"));
    bench.pass(Duration::from_secs(6));
    let texts = bench.server.expect("it was put there").texts;
    let Ok(DeviceMessage::Hello(hello)) = device_message(&texts[0]) else { panic!("{texts:?}") };
    assert_eq!((&*hello.device_id, &*hello.sensor, hello.max_width), ("aa:bb:cc:dd:ee:ff", "GC0308", 640));
    assert_eq!((&*hello.firmware, &*hello.reset_reason), ("1.2.3", "power on"));
    let last = device_message(texts.last().expect("there are some"));
    let Ok(DeviceMessage::Telemetry(telemetry)) = last else { panic!("{texts:?}") };
    assert_eq!((telemetry.rssi, telemetry.sent, telemetry.too_big), (Some(-58), 1, 1));
    assert_eq!((telemetry.picture.width, telemetry.picture.fps), (320, 15.0));
}

/// The sensors that the server was told of, one for each hello.
fn sensors_told(bench: &Bench) -> Vec<String> {
    let texts = &bench.server.as_ref().expect("it was put there").texts;
    let told = texts.iter().enumerate().filter_map(|(at, text)| match device_message(text) {
        Ok(DeviceMessage::Hello(hello)) => Some(hello.sensor),
        other => {
            assert_ne!(at, 0, "a hello comes first: {other:?}");
            None
        }
    });
    told.collect()
}

#[test]
fn a_hello_waits_for_a_sensor_that_is_slower_than_the_network() {
    let mut bench = Bench::without_camera(Server::extended());
    bench.pass(Duration::from_millis(2900));
    assert_eq!(sensors_told(&bench), Vec::<String>::new());
    bench.camera(ready());
    bench.pass(Duration::from_secs(10));
    assert_eq!(sensors_told(&bench), ["GC0308"]);
}

#[test]
fn a_hello_does_not_wait_for_a_sensor_that_failed_or_says_nothing() {
    let mut bench = Bench::without_camera(Server::extended());
    bench.camera(CameraEvent::Failed("no sensor answers".into()));
    assert_eq!(sensors_told(&bench), [""]);

    let mut bench = Bench::without_camera(Server::extended());
    bench.pass(Duration::from_millis(3100));
    assert_eq!(sensors_told(&bench), [""]);
    bench.camera(ready());
    assert_eq!(sensors_told(&bench), ["", "GC0308"], "a sensor that comes later is told");
}

#[test]
fn a_hello_that_waits_for_the_network_is_not_lost_to_telemetry() {
    let mut bench = Bench::streaming(Server::extended());
    let hellos = |bench: &Bench| {
        let texts = &bench.server.as_ref().expect("it was put there").texts;
        texts.iter().filter(|text| matches!(device_message(text), Ok(DeviceMessage::Hello(_)))).count()
    };
    assert_eq!(hellos(&bench), 1);
    bench.network = Some(0);
    bench.camera(ready());
    bench.pass(Duration::from_secs(6));
    bench.network = None;
    bench.drain();
    assert_eq!(hellos(&bench), 2, "a sensor that comes later is told");
}

#[test]
fn a_foreign_server_gets_frames_and_nothing_else() {
    let mut bench = Bench::streaming(Server::plain());
    for _ in 0..100 {
        bench.frame(JPEG);
        bench.pass(Duration::from_secs(1));
    }
    bench.camera(CameraEvent::Failed("gone".into()));
    let server = bench.server.as_ref().expect("it was put there");
    assert_eq!((server.frames.len(), server.texts.len()), (100, 0));
    // And what it says is not obeyed.
    let before = bench.plan;
    bench.server.as_mut().expect("it was put there").say(r#"{"type":"picture","quality":10}"#);
    bench.drain();
    assert_eq!(bench.plan, before);
}

#[test]
fn a_server_of_ours_may_ask_for_another_picture_until_the_next_start() {
    let mut bench = Bench::streaming(Server::extended());
    let say = |bench: &mut Bench, text: &str| {
        bench.server.as_mut().expect("it was put there").say(text);
        bench.drain();
        bench.printed()
    };
    let printed = say(&mut bench, r#"{"type":"picture","size":"vga","quality":42,"fps":2.5,"new":1}"#);
    let plan = bench.plan.expect("the camera has a plan");
    assert_eq!((plan.size, plan.quality, plan.rate.as_milli()), (FrameSize::VGA, 42, 2500));
    assert!(printed.contains("the server asks for"), "{printed}");
    assert_eq!(bench.changes, [], "nothing is saved");

    for wrong in [
        r#"{"type":"picture","size":"uxga","quality":1}"#,
        r#"{"type":"picture","size":"huge"}"#,
        r#"{"type":"picture","quality":0}"#,
        r#"{"type":"picture","fps":0.01}"#,
        r#"{"type":"picture","fps":1e300}"#,
        r#"{"type":"surprise"}"#,
        "not even JSON",
    ] {
        bench.pass(Duration::from_secs(6));
        say(&mut bench, wrong);
        assert_eq!(bench.plan, Some(plan), "{wrong}");
        assert!(bench.device.is_connected(), "{wrong}");
    }
}

#[test]
fn a_clock_that_jumps_or_stands_still_breaks_nothing() {
    let mut bench = Bench::streaming(Server::extended());
    bench.pass(Duration::from_secs(100_000));
    bench.frame(JPEG);
    let late = bench.now;
    bench.now = lenscast_device::time::Instant::START;
    bench.frame(JPEG);
    bench.device.handle_timeout(bench.now);
    bench.printed();
    bench.device.log(bench.now, Level::Info, "the clock went back");
    let line = bench.printed();
    assert!(!line.contains("I (0)"), "time went back: {line}");
    bench.now = late;
    bench.pass(Duration::from_secs(60));
    assert!(bench.device.is_connected());
    bench.frame(JPEG);
    let stats = bench.device.stats();
    assert_eq!(stats.captured, stats.sent + stats.dropped);
}
