//! The power goes at every operation of the flash, and in the middle of it.

use super::flash::{Flash, Operation, Tear, tears};
use super::*;
use lenscast_device::settings::store::Finding;

/// What is saved next, on every board that came back.
fn next_changes() -> [Change; 2] {
    [Change::Wifi(Some(credentials("third network", "third password"))), Change::Auto(true)]
}

/// One save, and what it did to the flash.
struct Save {
    name: String,
    before: Flash,
    change: Change,
    operations: Vec<Operation>,
}

impl Save {
    /// `None` when there is nothing to save.
    fn record(name: &str, before: &Flash, change: &Change) -> Option<Self> {
        let mut before = open(before.clone()).0.into_platform();
        before.done.clear();
        let mut store = open(before.clone()).0;
        store.apply(change).unwrap();
        let operations = store.into_platform().done;
        let name = format!("{name}, {change:?}");
        (!operations.is_empty()).then(|| Self { name, before, change: change.clone(), operations })
    }

    fn erases(&self) -> bool {
        self.operations.iter().any(|it| matches!(it, Operation::Erase(_)))
    }

    /// Cuts it short everywhere.
    fn cut_everywhere(&self) {
        let old = load(&self.before);
        let new = changed(old.clone(), &self.change);
        let foreign = foreign(&self.before);
        let mut flash = self.before.clone();
        let mut settled = false;
        for (count, &operation) in self.operations.iter().enumerate() {
            for &tear in tears(operation) {
                let mut cut = flash.clone();
                cut.tear(operation, tear);
                let place = || format!("{}: operation {count} {operation:x?}, {tear:x?}", self.name);
                let found = came_back(&cut, &[&old, &new], &foreign, &place, |finding| {
                    matches!(finding, Finding::Finished(_)) || emptied(finding, tear)
                });
                // What was there once does not go away again.
                assert!(found == new || !settled, "{}: the new values were gone again", place());
                settled |= tear == Tear::Before && found == new;
            }
            flash.perform(operation);
        }
        assert_eq!(load(&flash), new, "{}", self.name);
    }

    /// Cuts it short in some places, and then the repair in all.
    fn cut_the_repair(&self, stride: usize) {
        let old = load(&self.before);
        let new = changed(old.clone(), &self.change);
        let foreign = foreign(&self.before);
        let mut flash = self.before.clone();
        for (count, &operation) in self.operations.iter().enumerate() {
            if count % stride == 0 || matches!(operation, Operation::Erase(_)) {
                for &tear in tears(operation) {
                    let mut cut = flash.clone();
                    cut.tear(operation, tear);
                    cut.done.clear();
                    let repaired = open(cut.clone()).0.into_platform();
                    for (step, &repair) in repaired.done.iter().enumerate() {
                        for &second in tears(repair) {
                            let mut again = cut.clone();
                            again.tear(repair, second);
                            let place = || {
                                let first = format!("operation {count} {operation:x?}, {tear:x?}");
                                format!("{}: {first}; then {step} {repair:x?}, {second:x?}", self.name)
                            };
                            came_back(&again, &[&old, &new], &foreign, &place, |finding| {
                                matches!(finding, Finding::Finished(_))
                                    || emptied(finding, tear)
                                    || emptied(finding, second)
                                    // Half marked as erased is marked as written: what was torn looks damaged.
                                    || matches!(finding, Finding::Damaged { .. })
                            });
                        }
                        cut.perform(repair);
                    }
                }
            }
            flash.perform(operation);
        }
    }
}

/// Starts again after the power went, and sees to it that nothing is lost but, perhaps, the change. Returns what is saved.
fn came_back(
    cut: &Flash,
    allowed: &[&Settings],
    others: &BTreeMap<String, Vec<u8>>,
    place: &dyn Fn() -> String,
    harmless: impl Fn(&Finding) -> bool,
) -> Settings {
    let (mut store, report) = open(cut.clone());
    let (found, doubts) = store.load();
    assert!(allowed.contains(&&found), "{}\n{report}\n{found:#?}", place());
    assert!(doubts.is_empty(), "{}: {doubts}", place());
    for finding in report.findings() {
        assert!(harmless(finding), "{}: {finding}", place());
    }
    let flash = store.into_platform();
    assert_eq!(&foreign(&flash), others, "{}", place());
    for (password, user) in [(OLD_PASSWORD, &found), (NEW_PASSWORD, &found)] {
        let in_use = user.wifi.as_ref().is_some_and(|wifi| wifi.password == password);
        assert_eq!(holds(&flash, password), in_use, "{}: {password}", place());
    }
    let (mut store, report) = open(flash);
    assert!(report.is_empty(), "{}: not all was repaired: {report}", place());
    for change in next_changes() {
        store.apply(&change).unwrap_or_else(|error| panic!("{}: {error}", place()));
    }
    let flash = store.into_platform();
    assert_eq!(load(&flash), next_changes().iter().fold(found.clone(), changed), "{}", place());
    assert_eq!(&foreign(&flash), others, "{}", place());
    found
}

/// What an erase that was cut short leaves behind can be taken for damage.
fn emptied(finding: &Finding, tear: Tear) -> bool {
    matches!((finding, tear), (Finding::Emptied(_), Tear::Noise(_)))
}

/// A board that was used for a while, so that this change takes the last room before a page must be cleaned up.
fn worn_until_it_compacts(change: &Change) -> Save {
    let mut flash = apply(with_foreign(Flash::blank()), &old_changes());
    for round in 0.. {
        let settled = apply(flash.clone(), &old_changes());
        if let Some(save) = Save::record("compacting", &settled, change)
            && save.erases()
        {
            return save;
        }
        let password = format!("password {round}");
        flash = apply(settled, &[Change::Wifi(Some(credentials("somewhere", &password)))]);
    }
    unreachable!("every flash is full once");
}

#[test]
fn a_board_fresh_from_the_shop_has_the_old_or_the_new_values_after_a_cut() {
    for change in old_changes() {
        Save::record("fresh", &Flash::blank(), &change).unwrap().cut_everywhere();
    }
}

#[test]
fn a_board_in_use_has_the_old_or_the_new_values_after_a_cut() {
    let flash = apply(with_foreign(Flash::blank()), &old_changes());
    for change in new_changes() {
        Save::record("in use", &flash, &change).unwrap().cut_everywhere();
    }
}

#[test]
fn a_board_that_ran_the_original_firmware_has_the_old_or_the_new_values_after_a_cut() {
    let flash = original::board();
    for change in new_changes() {
        if let Some(save) = Save::record("original", &flash, &change) {
            save.cut_everywhere();
        }
    }
}

#[test]
fn nothing_is_lost_when_the_power_goes_while_a_page_is_cleaned_up() {
    for change in new_changes() {
        worn_until_it_compacts(&change).cut_everywhere();
    }
}

#[test]
fn a_repair_that_is_cut_short_is_repaired() {
    let flash = apply(with_foreign(Flash::blank()), &old_changes());
    for change in [&new_changes()[0], &Change::ClearStream] {
        Save::record("in use", &flash, change).unwrap().cut_the_repair(25);
    }
    worn_until_it_compacts(&new_changes()[0]).cut_the_repair(usize::MAX);
}

#[test]
fn the_original_firmware_never_sees_a_new_network_with_an_old_password() {
    let flash = apply(Flash::blank(), &old_changes());
    let save = Save::record("in use", &flash, &new_changes()[0]).unwrap();
    let mut flash = save.before.clone();
    let mut seen = Vec::new();
    for operation in save.operations {
        for &tear in tears(operation) {
            let mut cut = flash.clone();
            cut.tear(operation, tear);
            let pair = original::wifi(&cut);
            if !seen.contains(&pair) {
                seen.push(pair);
            }
        }
        flash.perform(operation);
    }
    let pair = |ssid: &str, pass: &str| Some((ssid.to_string(), pass.to_string()));
    assert_eq!(seen, [pair("old network", OLD_PASSWORD), None, pair("new network", NEW_PASSWORD)]);
}

#[test]
fn a_flash_that_fails_in_a_save_is_used_again_by_the_next_one() {
    let flash = apply(with_foreign(Flash::blank()), &old_changes());
    let change = &new_changes()[0];
    let save = Save::record("in use", &flash, change).unwrap();
    let old = load(&save.before);
    for count in 0..save.operations.len() {
        let mut flash = save.before.clone();
        let mut store = open(flash.clone()).0;
        flash.left = count;
        let mut failing = open(flash).0;
        assert_eq!(failing.apply(change), Err(StoreError::Flash), "{count}");
        assert_eq!(store.load().0, old);
        let mut flash = failing.into_platform();
        (flash.dead, flash.left) = (false, usize::MAX);
        // No start in between.
        let mut working = Store::open(&mut flash, PARTITION_OFFSET, PARTITION_BYTES).unwrap().0;
        assert_eq!(working.apply(change), Ok(()), "{count}");
        assert_eq!(load(&flash), changed(old.clone(), change), "{count}");
    }
}
