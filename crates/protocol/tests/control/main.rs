//! Telemetry and control: the exact bytes of each version, and what its readers must put up with.

use lenscast_protocol::control::*;
use proptest::prelude::*;

/// A committed message: one line. What is on the wire since a version is never edited; a new version adds files.
macro_rules! on_the_wire {
    ($file:literal) => {
        include_str!(concat!("v1/", $file)).strip_suffix('\n').expect("one line")
    };
}

fn hello() -> Hello {
    Hello {
        device_id: "24:58:7c:01:02:03".into(),
        firmware: "0.1.0".into(),
        board: "atoms3r-cam".into(),
        sensor: "GC0308".into(),
        reset_reason: "power on".into(),
        max_width: 640,
        max_height: 480,
    }
}

fn telemetry() -> Telemetry {
    Telemetry {
        uptime_ms: 86_400_123,
        rssi: Some(-67),
        free_heap: 143_360,
        captured: 1_300_000,
        sent: 1_299_000,
        dropped: 1000,
        camera_faults: 12,
        too_big: 2,
        connections: 3,
        picture: PictureState { width: 320, height: 240, quality: 80, fps: 15.0, reduced: 1 },
    }
}

/// The largest numbers, and no WiFi.
fn largest() -> Telemetry {
    Telemetry {
        uptime_ms: u64::MAX,
        rssi: None,
        free_heap: u32::MAX,
        captured: u64::MAX,
        sent: u64::MAX,
        dropped: u64::MAX,
        camera_faults: u64::MAX,
        too_big: u64::MAX,
        connections: u64::MAX,
        picture: PictureState {
            width: u16::MAX,
            height: u16::MAX,
            quality: u8::MAX,
            fps: 0.1,
            reduced: u8::MAX,
        },
    }
}

#[test]
fn the_bytes_of_what_a_device_says_in_version_1_do_not_change() {
    for (message, bytes) in [
        (DeviceMessage::Hello(hello()), on_the_wire!("hello.json")),
        (DeviceMessage::Telemetry(telemetry()), on_the_wire!("telemetry.json")),
        (DeviceMessage::Telemetry(largest()), on_the_wire!("telemetry_largest_without_wifi.json")),
    ] {
        assert_eq!(to_text(&message), bytes);
        assert_eq!(device_message(bytes).unwrap(), message);
    }
    assert_eq!(SUBPROTOCOL, "lenscast.v1");
}

#[test]
fn the_bytes_of_what_a_server_says_in_version_1_do_not_change() {
    let all = PictureRequest { size: Some("vga".into()), quality: Some(60), fps: Some(7.5) };
    let one = PictureRequest { quality: Some(60), ..PictureRequest::default() };
    for (request, bytes) in
        [(all, on_the_wire!("picture.json")), (one, on_the_wire!("picture_quality_only.json"))]
    {
        let message = ServerMessage::Picture(request);
        assert_eq!(to_text(&message), bytes);
        assert_eq!(server_message(bytes).unwrap(), message);
    }
}

#[test]
fn what_a_later_version_adds_is_ignored_in_both_directions() {
    let bytes = on_the_wire!("telemetry.json");
    let more = bytes.replacen("\"rssi\"", "\"mood\":{\"now\":[1,null]},\"rssi\"", 1);
    let more = more.replacen("\"reduced\"", "\"colour\":true,\"reduced\"", 1);
    assert_eq!(device_message(&more).unwrap(), DeviceMessage::Telemetry(telemetry()));
    let more = on_the_wire!("picture_quality_only.json").replacen('{', "{\"lens\":\"wide\",", 1);
    let request = PictureRequest { quality: Some(60), ..PictureRequest::default() };
    assert_eq!(server_message(&more).unwrap(), ServerMessage::Picture(request));

    let unknown = r#"{"type":"smell","strength":[1,2],"hello":{}}"#;
    assert_eq!(device_message(unknown).unwrap(), DeviceMessage::Unknown);
    assert_eq!(server_message(unknown).unwrap(), ServerMessage::Unknown);
    // Each direction has types of its own.
    assert_eq!(device_message(on_the_wire!("picture.json")).unwrap(), DeviceMessage::Unknown);
    assert_eq!(server_message(on_the_wire!("hello.json")).unwrap(), ServerMessage::Unknown);
}

#[test]
fn what_an_earlier_version_leaves_out_has_its_default() {
    assert_eq!(device_message(r#"{"type":"hello"}"#).unwrap(), DeviceMessage::Hello(Hello::default()));
    let DeviceMessage::Telemetry(told) =
        device_message(r#"{"rssi":-50,"picture":{"fps":4},"type":"telemetry"}"#).unwrap()
    else {
        panic!("telemetry, although its type comes last");
    };
    let picture = PictureState { fps: 4.0, ..PictureState::default() };
    assert_eq!(told, Telemetry { rssi: Some(-50), picture, ..Telemetry::default() });
    assert_eq!(
        server_message(r#"{"type":"picture"}"#).unwrap(),
        ServerMessage::Picture(PictureRequest::default())
    );
}

#[test]
fn what_is_no_message_is_an_error_that_says_where() {
    for bad in [
        "",
        "hello",
        "[]",
        "{}",
        "null",
        r#"{"type":"hello""#,
        r#"{"type":"hello"} {"type":"hello"}"#,
        r#"{"type":"telemetry","rssi":-200}"#,
        r#"{"type":"telemetry","uptime_ms":-1}"#,
        r#"{"type":"telemetry","captured":1.5}"#,
        r#"{"type":"telemetry","picture":7}"#,
        r#"{"type":"hello","device_id":7}"#,
        "\u{FEFF}{\"type\":\"hello\"}",
    ] {
        assert!(device_message(bad).is_err(), "{bad:?}");
    }
    for bad in
        ["", r#"{"size":"vga"}"#, r#"{"type":"picture","quality":256}"#, r#"{"type":"picture","fps":"7"}"#]
    {
        assert!(server_message(bad).is_err(), "{bad:?}");
    }
    let error = device_message(r#"{"type":"hello","firmware":"unended"#).unwrap_err().to_string();
    assert!(error.contains("line 1 column"), "{error}");
}

#[test]
fn a_message_may_have_4096_bytes_and_no_more() {
    let padded = |message: &str, bytes: usize| format!("{message}{}", " ".repeat(bytes - message.len()));
    let [hello, picture] = [on_the_wire!("hello.json"), on_the_wire!("picture.json")];
    assert!(device_message(&padded(hello, 4096)).is_ok());
    assert!(server_message(&padded(picture, 4096)).is_ok());
    let error = device_message(&padded(hello, 4097)).unwrap_err().to_string();
    assert!(error.contains("4097 bytes") && error.contains("4096"), "{error}");
    assert!(server_message(&padded(picture, 4097)).is_err());
}

#[test]
fn a_number_that_fits_its_field_is_left_to_who_acts_on_it() {
    let ServerMessage::Picture(request) =
        server_message(r#"{"type":"picture","size":"gigantic","quality":0,"fps":-1e9}"#).unwrap()
    else {
        panic!("a request");
    };
    assert_eq!(request, PictureRequest { size: Some("gigantic".into()), quality: Some(0), fps: Some(-1e9) });
}

proptest! {
    #[test]
    fn what_is_said_is_what_is_heard(
        id in ".{0,40}", reason in ".{0,40}", max_width: u16, uptime_ms: u64, rssi: Option<i8>, sent: u64,
        milli_fps in 0u32..200_000, quality: Option<u8>, size in proptest::option::of(".{0,20}"),
    ) {
        // Thousandths: what a device can be set to.
        let fps = f64::from(milli_fps) / 1000.0;
        let hello = Hello { device_id: id, reset_reason: reason, max_width, ..hello() };
        let message = DeviceMessage::Hello(hello);
        prop_assert_eq!(device_message(&to_text(&message)).unwrap(), message);
        let picture = PictureState { fps, ..PictureState::default() };
        let message = DeviceMessage::Telemetry(Telemetry { uptime_ms, rssi, sent, picture, ..telemetry() });
        prop_assert_eq!(device_message(&to_text(&message)).unwrap(), message);
        let message = ServerMessage::Picture(PictureRequest { size, quality, fps: quality.map(|_| fps) });
        prop_assert_eq!(server_message(&to_text(&message)).unwrap(), message);
    }

    /// Damaged in one byte, it is read or refused, and nothing else.
    #[test]
    fn damage_is_survived(at in 0usize..250, byte: u8) {
        for text in [on_the_wire!("telemetry.json"), on_the_wire!("picture.json"), on_the_wire!("hello.json")] {
            let mut bytes = text.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let text = String::from_utf8_lossy(&bytes);
            #[expect(clippy::let_underscore_must_use, reason = "what is looked for is a panic")]
            let _ = (device_message(&text), server_message(&text));
        }
    }
}
