//! The settings of the original firmware, as its own code writes and reads them.

use super::*;
use esp_nvs::error::Error;
use lenscast_device::settings::store::{Fault, Finding};

/// A board whose owner used the original firmware, and changed the password once.
pub fn board() -> Flash {
    let mut nvs = nvs(with_foreign(Flash::blank()));
    let (wifi, stream) = (Key::from_str("wifi"), Key::from_str("stream"));
    nvs.set(&wifi, &Key::from_str("ssid"), "old network").unwrap();
    nvs.set(&wifi, &Key::from_str("pass"), "a password from before").unwrap();
    nvs.set(&wifi, &Key::from_str("pass"), OLD_PASSWORD).unwrap();
    nvs.set(&stream, &Key::from_str("host"), "192.0.2.10").unwrap();
    nvs.set(&stream, &Key::from_str("port"), 8090_u16).unwrap();
    nvs.into_inner()
}

/// The network as the original reads it: it is saved when there is an SSID.
pub fn wifi(flash: &Flash) -> Option<(String, String)> {
    let mut nvs = nvs(flash.clone());
    let mut text = |key| match nvs.get(&Key::from_str("wifi"), &Key::from_str(key)) {
        Ok(text) => Some(text),
        Err(Error::KeyNotFound | Error::NamespaceNotFound) => None,
        Err(error) => panic!("{key}: {error}"),
    };
    text("ssid").map(|ssid: String| (ssid, text("pass").unwrap_or_default()))
}

#[test]
fn a_board_that_ran_the_original_firmware_keeps_its_settings() {
    let (mut store, report) = open(board());
    assert!(report.is_empty(), "{report}");
    let (settings, report) = store.load();
    assert!(report.is_empty(), "{report}");
    let target = Target { host: Some("192.0.2.10".into()), port: 8090, ..Target::default() };
    let wifi = Some(credentials("old network", OLD_PASSWORD));
    assert_eq!(settings, Settings { wifi, target, ..Settings::default() });
}

#[test]
fn the_original_firmware_finds_what_is_saved_here() {
    let flash = apply(board(), &old_changes()[1..]);
    let flash = apply(flash, &new_changes()[..1]);
    assert_eq!(wifi(&flash), Some(("new network".into(), NEW_PASSWORD.into())));
    let mut nvs = nvs(flash.clone());
    let stream = Key::from_str("stream");
    assert_eq!(Get::<String>::get(&mut nvs, &stream, &Key::from_str("host")).unwrap(), "old.example");
    assert_eq!(Get::<u16>::get(&mut nvs, &stream, &Key::from_str("port")).unwrap(), 8081);

    let flash = apply(flash, &[Change::Wifi(None), Change::ClearStream]);
    let mut nvs = super::nvs(flash);
    let keys: Vec<_> = nvs.keys().map(|it| it.unwrap()).collect();
    assert!(keys.iter().all(|(namespace, _)| !["wifi", "stream"].contains(&namespace.as_str())), "{keys:?}");
}

#[test]
fn keys_of_others_stay() {
    let before = foreign(&board());
    assert_eq!(before.len(), 4);
    let flash = apply(board(), &old_changes());
    assert_eq!(foreign(&apply(flash, &new_changes())), before);
}

#[test]
fn passwords_that_were_replaced_or_cleared_are_gone_from_the_flash() {
    assert!(holds(&board(), "a password from before"));
    let flash = open(board()).0.into_platform();
    assert!(!holds(&flash, "a password from before"));
    assert!(holds(&flash, OLD_PASSWORD));
    let flash = apply(flash, &new_changes()[..1]);
    assert!(!holds(&flash, OLD_PASSWORD));
    assert!(holds(&flash, NEW_PASSWORD));
    let flash = apply(flash, &[Change::Wifi(None)]);
    assert!(!holds(&flash, NEW_PASSWORD));
}

#[test]
fn a_value_that_cannot_be_taken_is_named_and_the_others_count() {
    let mut nvs = nvs(apply(Flash::blank(), &old_changes()));
    nvs.set(&Key::from_str("stream"), &Key::from_str("port"), 8081_u32).unwrap();
    nvs.set(&Key::from_str("stream"), &Key::from_str("key"), "a key with spaces").unwrap();
    nvs.set(&Key::from_str("cam"), &Key::from_str("quality"), 0_u8).unwrap();
    nvs.set(&Key::from_str("cam"), &Key::from_str("expo"), 1201_u16).unwrap();
    nvs.set(&Key::from_str("cam"), &Key::from_str("bright"), 3_i8).unwrap();
    nvs.delete(&Key::from_str("cam"), &Key::from_str("height")).unwrap();
    nvs.delete(&Key::from_str("wifi"), &Key::from_str("pass")).unwrap();
    let (settings, report) = open(nvs.into_inner()).0.load();

    let mut expected = old_changes().iter().fold(Settings::default(), changed);
    expected.wifi = Some(credentials("old network", ""));
    expected.target.port = Target::default().port;
    expected.target.key = None;
    expected.picture.size = None;
    expected.picture.quality = Picture::DEFAULT_QUALITY;
    expected.picture.exposure = Exposure::Auto;
    expected.picture.brightness = None;
    assert_eq!(settings, expected);

    let setting = |name, fault| Finding::Setting { name, fault };
    let findings = [
        Finding::NoPassword,
        setting("stream/port", Fault::Type),
        setting("stream/key", Fault::Range),
        setting("cam/width", Fault::Half),
        setting("cam/quality", Fault::Range),
        setting("cam/bright", Fault::Range),
        setting("cam/expo", Fault::Range),
    ];
    assert_eq!(report.findings(), findings);
    let lines = report.to_string();
    assert!(
        lines.contains("\nthe saved stream/port is of another type than expected: the default is used\n")
    );
    assert_eq!(lines.lines().count(), findings.len());
}

#[test]
fn a_value_of_another_type_is_replaced() {
    let mut nvs = nvs(apply(Flash::blank(), &old_changes()));
    nvs.set(&Key::from_str("stream"), &Key::from_str("port"), "8081").unwrap();
    nvs.set(&Key::from_str("wifi"), &Key::from_str("ssid"), &[1_u8, 2, 3][..]).unwrap();
    let flash = apply(nvs.into_inner(), &old_changes());
    let (mut store, report) = open(flash);
    assert!(report.is_empty(), "{report}");
    assert_eq!(store.load(), (old_changes().iter().fold(Settings::default(), changed), Report::default()));
}

#[test]
fn what_could_not_be_read_back_is_not_saved() {
    let mut store = open(apply(Flash::blank(), &old_changes())).0;
    let before = store.load();
    let target = Target::default;
    let picture = Picture::default;
    let unfit = [
        ("wifi/ssid", Change::Wifi(Some(credentials("", "password")))),
        ("wifi/ssid", Change::Wifi(Some(credentials(&"x".repeat(33), "password")))),
        ("wifi/ssid", Change::Wifi(Some(credentials("a\0b", "password")))),
        ("wifi/pass", Change::Wifi(Some(credentials("network", &"x".repeat(65))))),
        ("stream/host", Change::Target(Target { host: Some("x".repeat(64)), ..target() })),
        ("stream/port", Change::Target(Target { port: 0, ..target() })),
        ("stream/path", Change::Target(Target { path: Some("camera".into()), ..target() })),
        ("stream/key", Change::Target(Target { key: Some("k\u{e9}y".into()), ..target() })),
        ("cam/quality", Change::Picture(Picture { quality: 101, ..picture() })),
        ("cam/bright", Change::Picture(Picture { brightness: Some(3), ..picture() })),
        ("cam/expo", Change::Picture(Picture { exposure: Exposure::Lines(1201), ..picture() })),
        ("cam/expo", Change::Picture(Picture { exposure: Exposure::Lines(0xFFFF), ..picture() })),
    ];
    for (name, change) in unfit {
        assert_eq!(store.apply(&change), Err(StoreError::Unfit(name)), "{change:?}");
    }
    assert_eq!(store.load(), before);
}

#[test]
fn the_longest_and_the_shortest_values_are_kept() {
    let longest = [
        Change::Wifi(Some(credentials(&"\u{1}".repeat(32), &"\"".repeat(64)))),
        Change::Target(Target {
            host: Some("h".repeat(63)),
            port: 65535,
            path: Some(format!("/{}", "p".repeat(127))),
            key: Some("\\".repeat(128)),
        }),
    ];
    let shortest = [
        Change::Wifi(Some(credentials("n", ""))),
        Change::Target(Target {
            host: Some("h".into()),
            port: 1,
            path: Some("/".into()),
            key: Some("k".into()),
        }),
    ];
    let mut flash = Flash::blank();
    for changes in [longest, shortest] {
        flash = apply(flash, &changes);
        let expected = changes.iter().fold(Settings::default(), changed);
        assert_eq!(open(flash.clone()).0.load(), (expected, Report::default()));
    }
}

#[test]
fn a_key_of_others_with_the_name_of_ours_stays() {
    let mut nvs = nvs(board());
    for text in ["none of your business", "[1]", "null"] {
        nvs.set(&Key::from_str("stream"), &Key::from_str("pending"), text).unwrap();
        let mut store = open(nvs.into_inner()).0;
        store.apply(&Change::Auto(true)).unwrap();
        assert_eq!(store.load().0.target.port, 8090);
        nvs = super::nvs(store.into_platform());
        let kept: String = nvs.get(&Key::from_str("stream"), &Key::from_str("pending")).unwrap();
        assert_eq!(kept, text);
    }
    let flash = apply(nvs.into_inner(), &old_changes());
    assert_eq!(load(&flash), old_changes().iter().fold(Settings::default(), changed));
}

#[test]
fn a_partition_that_cannot_be_one_is_refused() {
    let layouts = [
        (PARTITION_OFFSET + 1, PARTITION_BYTES),
        (PARTITION_OFFSET, PARTITION_BYTES + 1),
        (PARTITION_OFFSET, 4096),
        (PARTITION_OFFSET, 0),
        (PARTITION_OFFSET, PARTITION_BYTES + 2 * 4096),
        (usize::MAX - 4095, PARTITION_BYTES),
    ];
    for (offset, bytes) in layouts {
        assert_eq!(Store::open(Flash::blank(), offset, bytes).err(), Some(StoreError::Layout), "{offset:#x}");
    }
    let next_to_nothing = Store::open(Flash::blank(), PARTITION_OFFSET, 2 * 4096);
    assert_eq!(next_to_nothing.unwrap().0.apply(&old_changes()[0]), Ok(()));
}
