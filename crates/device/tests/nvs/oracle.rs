//! Espressif's own generator of NVS partitions judges what is read and written here. `cargo xtask test` installs it.

use super::flash::SECTOR;
use super::*;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const HEAD_BYTES: usize = 32;
const ENTRY_BYTES: usize = 32;
const ENTRIES: usize = 126;

/// What `settings.csv` has beside settings.
fn calibration() -> Vec<u8> {
    (0..131_u32).map(|index| (index * 7) as u8).collect()
}

#[test]
fn what_espressifs_generator_wrote_is_read() {
    let Some(python) = python() else { return };
    let (mut store, report) = open(generated(&python, "settings.csv"));
    assert!(report.is_empty(), "{report}");
    let settings = old_changes().iter().fold(Settings::default(), changed);
    assert_eq!(store.load(), (settings, Report::default()));
    let mut flash = apply(store.into_platform(), &old_changes());
    assert_eq!(flash.done, [], "what is saved there is saved");

    let others = foreign(&flash);
    assert_eq!(others["phy/cal_data"], calibration());
    assert_eq!(others["phy/cal_version"], 5_u32.to_le_bytes());
    for change in new_changes() {
        let old = load(&flash);
        flash = apply(flash, std::slice::from_ref(&change));
        assert_eq!(load(&flash), changed(old, &change), "{change:?}");
    }
    assert_eq!(foreign(&flash), others);
}

#[test]
fn what_the_original_firmware_saves_is_read_from_an_image_of_espressifs_generator() {
    let Some(python) = python() else { return };
    let (mut store, report) = open(generated(&python, "original.csv"));
    assert!(report.is_empty(), "{report}");
    let wifi = Some(credentials("Sam's \"guest\", 2.4 GHz", "p@ss word;\\n"));
    let target = Target { host: Some("camera-server.example".into()), port: 65535, ..Target::default() };
    assert_eq!(store.load(), (Settings { wifi, target, ..Settings::default() }, Report::default()));
}

#[test]
fn every_item_saved_here_is_byte_for_byte_as_espressifs_generator_writes_it() {
    let Some(python) = python() else { return };
    let theirs = generated(&python, "settings.csv");
    // By way of other values, so that most of it was written more than once.
    let flash = apply(Flash::blank(), &new_changes());
    let mut others = nvs(apply(flash, &old_changes()));
    let phy = Key::from_str("phy");
    others.set(&phy, &Key::from_str("cal_data"), &calibration()[..]).unwrap();
    others.set(&phy, &Key::from_str("cal_version"), 5_u32).unwrap();
    let ours = others.into_inner();

    let expected = items(theirs.partition());
    // Namespaces, settings, and a blob that is two items.
    assert_eq!(expected.len(), 4 + 2 + 5 + 9 + 3);
    assert_eq!(items(ours.partition()), expected);
    assert_eq!(ours.partition()[..HEAD_BYTES], theirs.partition()[..HEAD_BYTES]);
}

/// Every item that is marked as written, by its namespace, chunk and key, with all of its bytes; read by nobody's code
/// but this.
fn items(partition: &[u8]) -> BTreeMap<(u8, u8, String), Vec<u8>> {
    let mut items = BTreeMap::new();
    for page in partition.chunks(SECTOR) {
        let (states, entries) = (&page[HEAD_BYTES..2 * HEAD_BYTES], &page[2 * HEAD_BYTES..]);
        let mut first = 0;
        while first < ENTRIES {
            let entry = &entries[first * ENTRY_BYTES..];
            if states[first / 4] >> (first % 4 * 2) & 0b11 != 0b10 {
                first += 1;
                continue;
            }
            let span = usize::from(entry[2]);
            let key = String::from_utf8(entry[8..24].to_vec()).unwrap();
            let before = items.insert((entry[0], entry[3], key), entry[..span * ENTRY_BYTES].to_vec());
            assert_eq!(before, None, "twice");
            first += span;
        }
    }
    items
}

/// An image that the generator made of a file beside this one.
fn generated(python: &Path, csv: &str) -> Flash {
    let csv = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nvs").join(csv);
    let folder = new_folder(csv.file_stem().unwrap().to_str().unwrap());
    let output = Command::new(python)
        .args(["-m", "esp_idf_nvs_partition_gen", "generate"])
        .arg(&csv)
        .args(["image.bin", &format!("{PARTITION_BYTES:#x}"), "--outdir"])
        .arg(&folder)
        .output()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", python.display()));
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let image = fs::read(folder.join("image.bin")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    Flash::holding(&image)
}

/// A new folder for one test, and one process.
fn new_folder(name: &str) -> PathBuf {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main").replace("::", "-");
    let folder = env::temp_dir().join(format!("lenscast-nvs-{}-{test}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The interpreter that has the generator; the tests are skipped where there is none and nobody named one.
fn python() -> Option<PathBuf> {
    if let Some(named) = env::var_os("LENSCAST_PYTHON") {
        return Some(named.into());
    }
    // Cargo's folder holds `debug/deps/` and this program.
    let program = env::current_exe().unwrap();
    let installed = program.ancestors().nth(3).unwrap().join("python/bin/python");
    if installed.is_file() {
        return Some(installed);
    }
    let why = "SKIPPED, as Espressif's generator is not installed: `cargo xtask test` does that";
    let line = format!("{why} (in {})\n", installed.display());
    // Not by a macro: the output of those is not shown for tests that pass.
    io::stderr().write_all(line.as_bytes()).unwrap();
    None
}
