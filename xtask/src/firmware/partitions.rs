//! Partition tables in ESP-IDF's CSV form.

use crate::Result;
use std::fs;
use std::path::Path;

/// Where the application may begin: pages of the flash's mapping into memory.
const APP_ALIGNMENT: u64 = 64 * 1024;

/// Where anything may begin: sectors of the flash.
const ALIGNMENT: u64 = 4096;

/// The bootloader and the table itself lie before this.
const FIRST: u64 = 0x9000;

/// One line of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Partition {
    name: String,
    kind: String,
    sub_kind: String,
    offset: u64,
    bytes: u64,
}

/// Reads a table.
///
/// # Errors
/// The file cannot be read, or a line of it cannot.
pub(super) fn read(file: &Path) -> Result<Vec<Partition>> {
    parse(&fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?)
}

fn parse(table: &str) -> Result<Vec<Partition>> {
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let words: Vec<_> = line.split(',').map(str::trim).collect();
            let [name, kind, sub_kind, offset, bytes] = words[..] else {
                return Err(format!("{line:?} is not `name, type, subtype, offset, size`").into());
            };
            let number = |word: &str| {
                let digits = word.strip_prefix("0x").ok_or(format!("{word:?} does not begin with 0x"))?;
                u64::from_str_radix(digits, 16).map_err(|error| format!("{word:?}: {error}"))
            };
            let [name, kind, sub_kind] = [name, kind, sub_kind].map(String::from);
            Ok(Partition { name, kind, sub_kind, offset: number(offset)?, bytes: number(bytes)? })
        })
        .collect()
}

/// Checks what must be true of every table of ours, and returns the bytes of an app slot.
///
/// # Errors
/// What is not true.
pub(super) fn check(table: &[Partition], flash_bytes: u64) -> Result<u64> {
    let mut free = FIRST;
    for Partition { name, kind, offset, bytes, .. } in table {
        let alignment = if kind == "app" { APP_ALIGNMENT } else { ALIGNMENT };
        if !offset.is_multiple_of(alignment) || !bytes.is_multiple_of(ALIGNMENT) {
            return Err(format!("partition {name} does not begin or end where it may").into());
        }
        if *offset < free {
            return Err(format!("partition {name} overlaps what is before it").into());
        }
        free = offset + bytes;
    }
    if free > flash_bytes {
        return Err(format!("the partitions end at {free:#x}, and the flash at {flash_bytes:#x}").into());
    }
    let one = |sub_kind: &str| {
        let found = table.iter().find(|partition| partition.sub_kind == sub_kind);
        found.ok_or_else(|| format!("there is no partition {sub_kind}"))
    };
    let nvs = one("nvs")?;
    // Where the original firmware has its settings.
    if (nvs.offset, nvs.bytes) != (0x9000, 0x6000) {
        return Err("nvs is not where the original firmware has it".into());
    }
    one("phy")?;
    if one("ota")?.bytes != 2 * ALIGNMENT {
        return Err("otadata has not the two sectors that the bootloader wants".into());
    }
    let slots = [one("ota_0")?.bytes, one("ota_1")?.bytes];
    if slots[0] != slots[1] {
        return Err("the two app slots are not alike".into());
    }
    Ok(slots[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(name: &str) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware").join(name);
        fs::read_to_string(file).expect("the table is committed")
    }

    fn slot(table: &str, flash_bytes: u64) -> Result<u64> {
        check(&parse(table)?, flash_bytes)
    }

    #[test]
    fn the_boards_tables_are_sound_and_the_slots_are_as_large_as_told() {
        assert_eq!(slot(&committed("partitions.csv"), 8 << 20).expect("a sound table"), 0x3e_0000);
        assert_eq!(slot(&committed("partitions-4mb.csv"), 4 << 20).expect("a sound table"), 0x1e_0000);
    }

    #[test]
    fn a_table_that_would_lose_the_settings_or_not_boot_is_refused() {
        let table = committed("partitions.csv");
        for (from, to, expected) in [
            ("0x9000, ", "0xa000, ", "phy_init overlaps"),
            ("0x6000", "0x5000", "nvs is not where"),
            ("0x3f0000", "0x3e0000", "ota_1 overlaps"),
            ("0x10000, ", "0x11000, ", "ota_0 does not begin"),
            ("0x2000", "0x1800", "otadata does not begin or end"),
            ("ota_1,   0x3f0000, 0x3e0000", "ota_1, 0x3f0000, 0x3d0000", "not alike"),
            ("otadata", "#", "no partition ota"),
            ("0x2000", "0x1000", "otadata has not"),
        ] {
            let broken = table.replacen(from, to, 1);
            assert_ne!(broken, table, "{from} is not in the table");
            let error = slot(&broken, 8 << 20).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error:?} does not tell {expected:?}");
        }
        assert!(slot(&table, 4 << 20).is_err(), "a flash that is too small was not noticed");
        assert!(slot("nvs, data, nvs, 36864, 24576", 8 << 20).is_err(), "a number of another form");
    }
}
