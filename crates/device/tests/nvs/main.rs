//! The settings store: what it shares with the original firmware and with Espressif's own tools, and what survives when
//! the power goes, the flash is damaged or full.

mod corruption;
mod flash;
mod full;
mod oracle;
mod original;
mod power_cut;
mod wear;

use esp_nvs::{Get, ItemType, Key, Nvs};
use flash::Flash;
use lenscast_device::camera::{Exposure, FrameRate, FrameSize, Picture};
use lenscast_device::settings::store::{PARTITION_BYTES, PARTITION_OFFSET, Report, Store, StoreError};
use lenscast_device::settings::{Change, Credentials, Settings, Target};
use std::collections::BTreeMap;

const OLD_PASSWORD: &str = "old password, kept long enough";
const NEW_PASSWORD: &str = "new password, and longer than it was";

fn open(flash: Flash) -> (Store<Flash>, Report) {
    Store::open(flash, PARTITION_OFFSET, PARTITION_BYTES).expect("the partition lies in the flash")
}

/// What is saved, by a fresh start.
fn load(flash: &Flash) -> Settings {
    open(flash.clone()).0.load().0
}

fn apply(flash: Flash, changes: &[Change]) -> Flash {
    let mut store = open(flash).0;
    for change in changes {
        store.apply(change).unwrap_or_else(|error| panic!("{change:?}: {error}"));
    }
    store.into_platform()
}

/// `esp-nvs` by itself, as the one who wrote what is not ours.
fn nvs(flash: Flash) -> Nvs<Flash> {
    Nvs::new(PARTITION_OFFSET, PARTITION_BYTES, flash).expect("the partition can be read")
}

/// All that is not ours, as bytes.
fn foreign(flash: &Flash) -> BTreeMap<String, Vec<u8>> {
    let mut nvs = nvs(flash.clone());
    let entries: Vec<_> = nvs.typed_entries().collect::<Result<_, _>>().unwrap();
    let ours = ["wifi", "stream", "cam"].map(Key::from_str);
    let entries = entries.into_iter().filter(|(namespace, ..)| !ours.contains(namespace));
    let entries = entries.map(|(namespace, key, kind)| {
        let bytes = match kind {
            ItemType::BlobIndex | ItemType::Blob => nvs.get(&namespace, &key).unwrap(),
            ItemType::Sized => Get::<String>::get(&mut nvs, &namespace, &key).unwrap().into_bytes(),
            ItemType::U32 => Get::<u32>::get(&mut nvs, &namespace, &key).unwrap().to_le_bytes().to_vec(),
            other => panic!("the tests write no {other}"),
        };
        (format!("{namespace}/{key}"), bytes)
    });
    entries.collect()
}

/// What ESP-IDF itself keeps beside the original firmware's settings.
fn with_foreign(flash: Flash) -> Flash {
    let mut nvs = nvs(flash);
    let calibration: Vec<u8> = (0..1904_u32).map(|index| (index * 7) as u8).collect();
    let (phy, net) = (Key::from_str("phy"), Key::from_str("nvs.net80211"));
    nvs.set(&phy, &Key::from_str("cal_data"), &calibration[..]).unwrap();
    nvs.set(&phy, &Key::from_str("cal_version"), 5_u32).unwrap();
    nvs.set(&net, &Key::from_str("sta.apinfo"), &calibration[..700]).unwrap();
    nvs.set(&net, &Key::from_str("country"), "DE").unwrap();
    nvs.into_inner()
}

fn credentials(ssid: &str, password: &str) -> Credentials {
    Credentials { ssid: ssid.into(), password: password.into() }
}

/// Settings of every kind, none of them the default.
fn old_changes() -> [Change; 4] {
    [
        Change::Wifi(Some(credentials("old network", OLD_PASSWORD))),
        Change::Target(Target {
            host: Some("old.example".into()),
            port: 8081,
            path: Some("/ws/camera/old".into()),
            key: Some("old-key-of-this-camera".into()),
        }),
        Change::Auto(true),
        Change::Picture(Picture {
            size: Some(FrameSize::VGA),
            quality: 60,
            rate: FrameRate::from_milli(7_500).unwrap(),
            adaptive: false,
            flip: Some(true),
            mirror: Some(false),
            brightness: Some(-2),
            exposure: Exposure::Lines(300),
        }),
    ]
}

/// Every kind of change, from those above.
fn new_changes() -> Vec<Change> {
    vec![
        Change::Wifi(Some(credentials("new network", NEW_PASSWORD))),
        Change::Wifi(Some(credentials("old network", NEW_PASSWORD))),
        Change::Wifi(None),
        Change::Target(Target { host: Some("203.0.113.7".into()), port: 9000, path: None, key: None }),
        Change::Target(Target::default()),
        Change::Auto(false),
        Change::Picture(Picture::default()),
        Change::Picture(Picture {
            size: Some(FrameSize::UXGA),
            exposure: Exposure::Lines(1200),
            ..Picture::default()
        }),
        Change::ClearStream,
    ]
}

/// What a change makes of settings.
fn changed(mut settings: Settings, change: &Change) -> Settings {
    match change.clone() {
        Change::Wifi(wifi) => settings.wifi = wifi,
        Change::Target(target) => settings.target = target,
        Change::Auto(auto) => settings.auto = auto,
        Change::Picture(picture) => settings.picture = picture,
        Change::ClearStream => {
            settings.target = Target::default();
            settings.auto = false;
        }
    }
    settings
}

fn holds(flash: &Flash, needle: &str) -> bool {
    flash.partition().windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn what_is_saved_is_there_after_a_restart() {
    let mut flash = apply(Flash::blank(), &old_changes());
    let mut settings = old_changes().iter().fold(Settings::default(), changed);
    assert_eq!(load(&flash), settings);
    for change in new_changes() {
        flash = apply(flash, std::slice::from_ref(&change));
        settings = changed(settings, &change);
        assert_eq!(load(&flash), settings, "{change:?}");
    }
    let (mut store, found) = open(flash);
    assert!(found.is_empty(), "{found}");
    assert!(store.load().1.is_empty());
}
