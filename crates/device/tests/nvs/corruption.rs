//! Flash that is damaged, or that holds something else.

use super::flash::{Operation, Random, SECTOR, tears};
use super::*;
use esp_nvs::platform::software_crc32;
use lenscast_device::settings::store::Finding;

const HEAD_BYTES: usize = 32;
const ENTRY_BYTES: usize = 32;

/// Opens it, and sees to it that saving works then. Returns what was saved before, and what was reported.
fn survives(flash: Flash, place: &dyn Fn() -> String) -> (Settings, Report, Flash) {
    survives_with(flash, place, &[])
}

/// The same, where this is still found afterwards.
fn survives_with(flash: Flash, place: &dyn Fn() -> String, lasting: &[Finding]) -> (Settings, Report, Flash) {
    let (mut store, report) = open(flash);
    let (settings, _) = store.load();
    let opened = store.into_platform();
    let mut store = open(opened.clone()).0;
    for change in old_changes() {
        store.apply(&change).unwrap_or_else(|error| panic!("{}: {error}\n{report}", place()));
    }
    let (mut store, again) = open(store.into_platform());
    assert_eq!(again.findings(), lasting, "{}", place());
    let expected = (old_changes().iter().fold(Settings::default(), changed), Report::default());
    assert_eq!(store.load(), expected, "{}", place());
    (settings, report, opened)
}

/// A board with settings on two pages.
fn board() -> Flash {
    let mut flash = with_foreign(apply(with_foreign(Flash::blank()), &old_changes()[..2]));
    let calibration = vec![7_u8; 1500];
    let mut others = nvs(flash);
    others.set(&Key::from_str("other"), &Key::from_str("blob"), &calibration[..]).unwrap();
    flash = apply(others.into_inner(), &old_changes()[2..]);
    open(flash).0.into_platform()
}

/// Which settings a damaged byte can touch: namespace and key of the item whose entries or states it is in.
fn items_at(partition: &[u8], at: usize) -> Vec<(u8, String)> {
    let page = &partition[at / SECTOR * SECTOR..][..SECTOR];
    let state = |entry: usize| page[HEAD_BYTES + entry / 4] >> (entry % 4 * 2) & 3;
    let touched = match at % SECTOR {
        0..32 => return Vec::new(),
        byte @ 32..64 => (byte - 32) * 4..((byte - 32) * 4 + 4).min(126),
        byte => (byte - 64) / ENTRY_BYTES..(byte - 64) / ENTRY_BYTES + 1,
    };
    let mut items = Vec::new();
    let mut first = 0;
    while first < 126 {
        if state(first) != 0b10 {
            first += 1;
            continue;
        }
        let entry = &page[64 + first * ENTRY_BYTES..][..ENTRY_BYTES];
        let end = first + usize::from(entry[2]);
        if touched.start < end && first < touched.end {
            let key = String::from_utf8_lossy(&entry[8..24]).trim_end_matches('\0').to_owned();
            items.push((entry[0], key));
        }
        first = end;
    }
    items
}

/// Numbers of the namespaces of ours.
fn namespaces(partition: &[u8]) -> BTreeMap<String, u8> {
    let entries = partition.chunks(SECTOR).flat_map(|page| page[64..].chunks(ENTRY_BYTES));
    let names = entries.filter(|entry| entry[0] == 0 && entry[1] == 1 && entry[2] == 1);
    names.map(|it| (String::from_utf8_lossy(&it[8..24]).trim_end_matches('\0').to_owned(), it[24])).collect()
}

/// The settings by name, so that they can be compared one by one.
fn parts(settings: &Settings) -> Vec<(&'static str, &'static [&'static str], String)> {
    let Settings { wifi, target, auto, picture } = settings;
    let wifi = wifi.as_ref().map(|it| (it.ssid.clone(), it.password.clone()));
    vec![
        ("wifi", &["ssid", "pass"], format!("{wifi:?}")),
        ("stream", &["host"], format!("{:?}", target.host)),
        ("stream", &["port"], format!("{:?}", target.port)),
        ("stream", &["path"], format!("{:?}", target.path)),
        ("stream", &["key"], format!("{:?}", target.key)),
        ("stream", &["auto"], format!("{auto:?}")),
        ("cam", &["width", "height"], format!("{:?}", picture.size)),
        ("cam", &["quality"], format!("{:?}", picture.quality)),
        ("cam", &["rate"], format!("{:?}", picture.rate)),
        ("cam", &["adaptive"], format!("{:?}", picture.adaptive)),
        ("cam", &["flip"], format!("{:?}", picture.flip)),
        ("cam", &["mirror"], format!("{:?}", picture.mirror)),
        ("cam", &["bright"], format!("{:?}", picture.brightness)),
        ("cam", &["expo"], format!("{:?}", picture.exposure)),
    ]
}

#[test]
fn a_damaged_byte_costs_the_value_that_it_is_in_at_most() {
    let sound = board();
    let partition = sound.partition().to_vec();
    let expected = load(&sound);
    let namespaces = namespaces(&partition);
    let used = partition.len() - partition.iter().rev().take_while(|&&byte| byte == 0xFF).count();
    assert!((SECTOR..3 * SECTOR).contains(&used), "{used}");
    let mut lost = 0;
    // And a page that is not in use.
    let unused = used.next_multiple_of(SECTOR)..used.next_multiple_of(SECTOR) + SECTOR;
    for at in (0..used).chain(unused.step_by(7)) {
        for flip in [0xFF, 1 << (at % 8)] {
            let mut damaged = partition.clone();
            damaged[at] ^= flip;
            let place = || format!("byte {at:#x}, {flip:#x}");
            let (settings, report, _) = survives(Flash::holding(&damaged), &place);
            let touched = items_at(&partition, at);
            for ((namespace, keys, now), (.., before)) in parts(&settings).iter().zip(parts(&expected)) {
                let number = namespaces[*namespace];
                let may_be_lost = touched.iter().any(|(area, key)| {
                    (*area == number && keys.contains(&key.as_str())) || (*area == 0 && key == namespace)
                });
                assert!(
                    *now == before || may_be_lost,
                    "{}: {namespace}/{keys:?} is {now}, was {before}\n{report}",
                    place()
                );
                lost += usize::from(*now != before);
            }
        }
    }
    assert!(lost > 100, "{lost}");
}

#[test]
fn what_others_keep_on_a_page_with_a_damaged_head_stays() {
    let sound = board();
    let others = foreign(&sound);
    for page in 0..2 {
        for at in 0..HEAD_BYTES {
            let mut damaged = sound.partition().to_vec();
            damaged[page * SECTOR + at] ^= 0xFF;
            let (mut store, report) = open(Flash::holding(&damaged));
            assert_eq!(report.findings(), [Finding::Mended(page + 1)], "{page}, {at}");
            assert!(store.load().1.is_empty());
            let flash = store.into_platform();
            assert_eq!(foreign(&flash), others, "{page}, {at}");
            assert_eq!(load(&flash), load(&sound), "{page}, {at}");
            assert!(open(flash).1.is_empty(), "{page}, {at}");
        }
    }
}

#[test]
fn nothing_is_lost_when_the_power_goes_while_a_damaged_page_is_repaired() {
    let sound = board();
    let (settings, others) = (load(&sound), foreign(&sound));
    for page in 0..2 {
        let mut damaged = sound.partition().to_vec();
        damaged[page * SECTOR] ^= 0xFF;
        let mut flash = Flash::holding(&damaged);
        let repaired = open(flash.clone()).0.into_platform();
        assert!(repaired.erases() > 0);
        for (count, operation) in repaired.done.into_iter().enumerate() {
            let chosen = count.is_multiple_of(7) || matches!(operation, Operation::Erase(_));
            for &tear in if chosen { tears(operation) } else { &[] } {
                let mut cut = flash.clone();
                cut.tear(operation, tear);
                let (mut store, report) = open(cut);
                let place = format!("page {page}, operation {count} {operation:x?}, {tear:x?}: {report}");
                let about_the_page = |it: &Finding| matches!(it, Finding::Mended(_) | Finding::Emptied(_));
                assert!(report.findings().iter().all(about_the_page), "{place}");
                assert_eq!(store.load(), (settings.clone(), Report::default()), "{place}");
                assert_eq!(foreign(&store.into_platform()), others, "{place}");
            }
            flash.perform(operation);
        }
    }
}

#[test]
fn a_partition_of_which_nothing_can_be_read_is_emptied_and_used() {
    let mut random = Random(4);
    let noise: Vec<u8> = (0..PARTITION_BYTES).map(|_| random.next() as u8).collect();
    let mut cut_off = noise.clone();
    cut_off[5000..].fill(0xFF);
    let text = b"This is no partition of settings. ".repeat(PARTITION_BYTES);
    let cases = [
        ("zeros", vec![0; PARTITION_BYTES]),
        ("noise", noise),
        ("the beginning of noise", cut_off),
        ("text", text[..PARTITION_BYTES].to_vec()),
        ("encrypted", encrypted(board().partition())),
    ];
    for (name, partition) in cases {
        let (settings, report, opened) = survives(Flash::holding(&partition), &|| name.into());
        assert_eq!(report.findings(), [Finding::Formatted], "{name}");
        assert_eq!(settings, Settings::default(), "{name}");
        assert!(opened.partition().iter().all(|&byte| byte == 0xFF), "{name}");
    }
}

/// As ESP-IDF does with keys of the partition's own: heads and states stay as they are, and each entry is encrypted.
fn encrypted(partition: &[u8]) -> Vec<u8> {
    let mut random = Random(5);
    let mut encrypted = partition.to_vec();
    for page in encrypted.chunks_mut(SECTOR).filter(|page| page[0] != 0xFF) {
        page[64..].iter_mut().for_each(|byte| *byte ^= random.next() as u8);
    }
    encrypted
}

#[test]
fn a_blank_partition_is_nothing_to_report() {
    let (settings, report, _) = survives(Flash::blank(), &|| "blank".into());
    assert!(report.is_empty(), "{report}");
    assert_eq!(settings, Settings::default());
}

#[test]
fn pages_of_a_newer_version_are_read_as_far_as_they_are_known() {
    let sound = board();
    let mut partition = sound.partition().to_vec();
    partition[8] = 0xFD;
    let crc = software_crc32(u32::MAX, &partition[4..28]);
    partition[28..32].copy_from_slice(&crc.to_le_bytes());
    let place = || "newer".into();
    let (settings, report, _) = survives_with(Flash::holding(&partition), &place, &[Finding::Newer(1)]);
    assert_eq!(report.findings(), [Finding::Newer(1)]);
    assert_eq!(settings, load(&sound));
}

#[test]
fn a_page_that_is_lost_costs_only_what_is_on_it() {
    let sound = board();
    let expected = load(&sound);
    let mut random = Random(6);
    let mut partition = sound.partition().to_vec();
    partition[..SECTOR].iter_mut().for_each(|byte| *byte = random.next() as u8);
    let (settings, report, _) = survives(Flash::holding(&partition), &|| "first page".into());
    assert_eq!(report.findings(), [Finding::Emptied(1)]);
    // These were saved last; their namespaces are of the second page.
    assert_eq!(settings.picture, expected.picture);
    assert_eq!(settings.wifi, None);
}

#[test]
fn damage_all_over_the_partition_is_survived() {
    let boards = [board(), full_of_pages()];
    for seed in 0..4000 {
        let mut random = Random(seed);
        let mut partition = boards[random.below(boards.len())].partition().to_vec();
        for _ in 0..1 << random.below(10) {
            let at = random.below(partition.len());
            // Heads and states are few, and matter most.
            let at = if random.below(2) == 0 { at / SECTOR * SECTOR + at % 64 } else { at };
            partition[at] = match random.below(4) {
                0 => 0,
                1 => 0xFF,
                2 => partition[at] ^ 1 << random.below(8),
                _ => random.next() as u8,
            };
        }
        survives(Flash::holding(&partition), &|| format!("seed {seed}"));
    }
}

/// A board that was used until all of its pages are.
fn full_of_pages() -> Flash {
    let mut flash = board();
    for round in 0.. {
        flash.done.clear();
        let change = Change::Wifi(Some(credentials("somewhere", &format!("password {round}"))));
        flash = apply(flash, &[change]);
        if flash.erases() > 0 {
            break;
        }
    }
    apply(flash, &old_changes())
}
