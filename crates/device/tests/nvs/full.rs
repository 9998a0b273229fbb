//! A partition that others have filled.

use super::*;
use esp_nvs::error::Error;
use lenscast_device::settings::store::Finding;

fn filler(index: usize) -> (Key, Key) {
    (Key::from_str("filler"), Key::from_str(&format!("key{index}")))
}

/// With as many keys of others as there is room for, after the settings. Returns how many.
fn full(flash: Flash) -> (Flash, usize) {
    let mut nvs = nvs(flash);
    let mut count = 0;
    loop {
        let (namespace, key) = filler(count);
        match nvs.set(&namespace, &key, count as u32) {
            Ok(()) => count += 1,
            Err(Error::FlashFull) => return (nvs.into_inner(), count),
            Err(error) => panic!("{error}"),
        }
    }
}

fn without_fillers(flash: Flash, indices: impl Iterator<Item = usize>) -> Flash {
    let mut nvs = nvs(flash);
    for index in indices {
        let (namespace, key) = filler(index);
        nvs.delete(&namespace, &key).unwrap();
    }
    nvs.into_inner()
}

#[test]
fn a_full_partition_says_so_and_keeps_everything() {
    let (flash, count) = full(apply(with_foreign(Flash::blank()), &old_changes()));
    assert!(count > 450, "{count}");
    let others = foreign(&flash);
    for change in new_changes() {
        let mut store = open(flash.clone()).0;
        let old = store.load().0;
        let result = store.apply(&change);
        let flash = store.into_platform();
        let clears = matches!(change, Change::Wifi(None) | Change::ClearStream);
        let now = load(&flash);
        // What clears needs no room.
        assert_eq!(result, if clears { Ok(()) } else { Err(StoreError::Full) }, "{change:?}");
        assert_eq!(now, if clears { changed(old, &change) } else { old }, "{change:?}");
        assert_eq!(foreign(&flash), others, "{change:?}");
        assert!(StoreError::Full.to_string().contains("is full"));
    }
}

#[test]
fn saving_works_again_once_there_is_room() {
    let (flash, count) = full(apply(with_foreign(Flash::blank()), &old_changes()));
    for step in [1, 10] {
        let mut flash = without_fillers(flash.clone(), (0..count).step_by(step).take(60));
        for change in new_changes() {
            let old = load(&flash);
            flash = apply(flash, std::slice::from_ref(&change));
            assert_eq!(load(&flash), changed(old, &change), "{change:?}");
        }
    }
}

#[test]
fn however_little_room_there_is_the_old_or_the_new_values_count() {
    let (flash, count) = full(apply(with_foreign(Flash::blank()), &old_changes()));
    let mut outcomes = [0; 2];
    for room in 0..40 {
        let flash = without_fillers(flash.clone(), count - room..count);
        let others = foreign(&flash);
        for change in new_changes() {
            let mut store = open(flash.clone()).0;
            let old = store.load().0;
            let result = store.apply(&change);
            assert!(matches!(result, Ok(()) | Err(StoreError::Full)), "{room}, {change:?}: {result:?}");
            let expected = if result.is_ok() { changed(old, &change) } else { old };
            assert_eq!(store.load().0, expected, "{room}, {change:?}");
            let (mut store, report) = open(store.into_platform());
            assert_eq!(store.load().0, expected, "{room}, {change:?}");
            assert_eq!(foreign(&store.into_platform()), others, "{room}, {change:?}");
            assert!(
                report.findings().iter().all(|it| matches!(it, Finding::NoRoom(_) | Finding::Finished(_))),
                "{report}"
            );
            outcomes[usize::from(result.is_ok())] += 1;
        }
    }
    assert!(outcomes.iter().all(|&count| count > 20), "{outcomes:?}");
}
