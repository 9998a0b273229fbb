//! Flash wears out: nothing is written twice, and pages are erased seldom.

use super::*;

#[test]
fn saving_what_is_saved_and_starting_again_write_nothing() {
    let flash = apply(with_foreign(Flash::blank()), &old_changes());
    let mut flash = open(flash).0.into_platform();
    flash.done.clear();
    let mut store = open(flash).0;
    for _ in 0..3 {
        for change in old_changes() {
            store.apply(&change).unwrap();
        }
        store.load();
    }
    let flash = store.into_platform();
    assert_eq!(flash.done, []);

    let cleared = [Change::Wifi(None), Change::ClearStream];
    let mut flash = apply(flash, &cleared);
    flash.done.clear();
    assert_eq!(apply(flash, &cleared).done, []);
}

#[test]
fn ten_thousand_saves_erase_each_page_a_few_hundred_times() {
    let mut flash = apply(with_foreign(Flash::blank()), &old_changes());
    flash.done.clear();
    let mut store = open(flash).0;
    for round in 0..10_000 {
        let change = Change::Wifi(Some(credentials(&format!("network {round}"), OLD_PASSWORD)));
        store.apply(&change).unwrap();
    }
    let erases = store.into_platform().erases();
    // Flash lasts for 100,000.
    assert!((10..6 * 300).contains(&erases), "{erases}");
}
