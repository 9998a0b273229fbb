//! The power goes at every operation of the flash, and in the middle of it.

use super::flash::{Flash, Operation, SECTOR, Tear, tears};
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

    /// Whether it moves what a page holds to another one: it is marked so, and erased in the end.
    fn compacts(&self) -> bool {
        let freeing = |it: &Operation| matches!(it, Operation::Write(at, [0xF8, 0xFF, 0xFF, 0xFF]) if at.is_multiple_of(SECTOR));
        self.operations.iter().any(freeing)
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

    /// Cuts it short in every `stride`th place, and then the repair in every `second_stride`th; and in every erase.
    fn cut_the_repair(&self, stride: usize, second_stride: usize) {
        let chosen = |count: usize, operation, stride| {
            count.is_multiple_of(stride) || matches!(operation, Operation::Erase(_))
        };
        let old = load(&self.before);
        let new = changed(old.clone(), &self.change);
        let foreign = foreign(&self.before);
        let mut flash = self.before.clone();
        for (count, &operation) in self.operations.iter().enumerate() {
            if chosen(count, operation, stride) {
                for &tear in tears(operation) {
                    let mut cut = flash.clone();
                    cut.tear(operation, tear);
                    cut.done.clear();
                    let repaired = open(cut.clone()).0.into_platform();
                    for (step, &repair) in repaired.done.iter().enumerate() {
                        let seconds = if chosen(step, repair, second_stride) { tears(repair) } else { &[] };
                        for &second in seconds {
                            let mut again = cut.clone();
                            again.tear(repair, second);
                            let place = || {
                                let first = format!("operation {count} {operation:x?}, {tear:x?}");
                                format!("{}: {first}; then {step} {repair:x?}, {second:x?}", self.name)
                            };
                            came_back(&again, &[&old, &new], &foreign, &place, |finding| {
                                // What was cut short twice can look like damage: half marked as erased is marked as
                                // written, and half erased twice is like nothing else.
                                matches!(
                                    finding,
                                    Finding::Finished(_) | Finding::Damaged { .. } | Finding::Emptied(_)
                                )
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

/// A board that was used for a while, with something of others on every page, so that this change takes the last room
/// before a page must be cleaned up.
fn worn_until_it_compacts(change: &Change) -> Save {
    let mut flash = apply(with_foreign(Flash::blank()), &old_changes());
    for round in 0..1000_u32 {
        let settled = apply(flash.clone(), &old_changes());
        if let Some(save) = Save::record("compacting", &settled, change)
            && save.compacts()
        {
            return save;
        }
        let mut others = nvs(settled);
        let keep = |name: &str| Key::from_str(&format!("{name}{}", round % 40));
        let (app, number, blob) = (Key::from_str("app"), keep("number"), keep("blob"));
        others.set(&app, &number, round % 40).unwrap();
        others.set(&app, &blob, &[round as u8 % 40; 50][..]).unwrap();
        let password = format!("password {round}");
        flash = apply(others.into_inner(), &[Change::Wifi(Some(credentials("somewhere", &password)))]);
    }
    panic!("no page was ever cleaned up");
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
        Save::record("in use", &flash, change).unwrap().cut_the_repair(25, 1);
    }
    worn_until_it_compacts(&new_changes()[0]).cut_the_repair(50, 25);
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
fn a_flash_that_failed_is_used_again_by_the_next_operation() {
    let before = apply(with_foreign(Flash::blank()), &old_changes());
    let change = &new_changes()[0];
    let save = Save::record("in use", &before, change).unwrap();
    let (old, others) = (load(&save.before), foreign(&save.before));
    let new = changed(old.clone(), change);
    for count in 0..save.operations.len() {
        let mut flash = save.before.clone();
        flash.fails_after = Some(count);
        let mut store = open(flash).0;
        assert_eq!(store.apply(change), Err(StoreError::Flash), "{count}");
        let (found, doubts) = store.load();
        assert!([&old, &new].contains(&&found) && doubts.is_empty(), "{count}: {found:?} {doubts}");
        assert_eq!(store.apply(change), Ok(()), "{count}");
        assert_eq!(store.load(), (new.clone(), Report::default()), "{count}");
        assert_eq!(foreign(&store.into_platform()), others, "{count}");
    }
}

#[test]
fn a_change_after_one_that_failed_half_way_leaves_that_one_whole() {
    let before = open(apply(Flash::blank(), &old_changes())).0.into_platform();
    let (target, auto) = (&new_changes()[3], Change::Auto(false));
    let save = Save::record("in use", &before, target).unwrap();
    let old = changed(load(&before), &auto);
    let new = changed(old.clone(), target);
    let mut outcomes = [0; 2];
    for count in 0..save.operations.len() {
        let mut flash = save.before.clone();
        flash.fails_after = Some(count);
        let mut store = open(flash).0;
        assert_eq!(store.apply(target), Err(StoreError::Flash), "{count}");
        let found = store.load().0;
        assert_eq!(store.apply(&auto), Ok(()), "{count}");
        assert_eq!(store.load().0, changed(found, &auto), "{count}");
        let (mut store, report) = open(store.into_platform());
        assert!(report.is_empty(), "{count}: {report}");
        let found = store.load().0;
        assert!([&old, &new].contains(&&found), "{count}: {found:?}");
        outcomes[usize::from(found == new)] += 1;
    }
    assert!(outcomes.iter().all(|&count| count > 10), "{outcomes:?}");
}

#[test]
fn a_flash_that_could_not_be_read_at_the_start_is_read_later() {
    let flash = apply(Flash::blank(), &old_changes());
    let settings = load(&flash);
    for count in 0..12 {
        let mut flash = flash.clone();
        flash.fails_to_read_after = Some(count);
        let (mut store, report) = open(flash);
        assert_eq!(report.findings(), [Finding::Flash], "{count}");
        assert_eq!(store.load(), (settings.clone(), Report::default()), "{count}");
        assert_eq!(store.apply(&new_changes()[0]), Ok(()), "{count}");
    }
    let mut store = open(flash).0;
    let mut flash = store.into_platform();
    flash.fails_to_read_after = Some(30);
    store = open(flash).0;
    let (found, report) = store.load();
    assert_eq!((found, report.findings()), (Settings::default(), &[Finding::Flash][..]));
    assert_eq!(store.load(), (settings, Report::default()));
}
