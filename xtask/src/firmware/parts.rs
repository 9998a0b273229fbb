//! What each part of an image takes, by the crate that a function or variable is of.

use super::{Chip, elf};
use std::collections::BTreeMap;
use std::fmt;

/// Parts as a reader knows them, each with the crates in it. What is in none of them is `other crates`; what is of no
/// crate is C.
const PARTS: [(&str, &[&str]); 7] = [
    ("lenscast: the device", &["lenscast_device", "lenscast_picture", "lenscast_protocol"]),
    ("lenscast: the runtime", &["lenscast_runtime"]),
    ("lenscast: the firmware", &["lenscast_firmware"]),
    ("network (smoltcp, embassy-net)", &["smoltcp", "embassy_net"]),
    ("chip and radio in Rust (esp-*, embassy)", &["esp_", "embassy_", "xtensa_lx", "riscv"]),
    ("settings (esp-nvs)", &["esp_nvs"]),
    ("Rust's own library", &["core", "alloc", "compiler_builtins"]),
];

const OTHER: &str = "other crates";
const C: &str = "the radio's program, and what else is C";
const HEAP: &str = "heap";
const STACK: &str = "stack of core 1";
const SLOTS: &str = "frames, the socket's buffers";

/// Bytes of each part: in flash that is mapped (code and constants), in IRAM, in DRAM.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<&'static str, [u64; 3]>);

impl Parts {
    pub(super) fn new(chip: &Chip, symbols: &[elf::Symbol]) -> Self {
        let mut parts = Self::default();
        let mut seen = std::collections::HashSet::new();
        for symbol in symbols {
            let place = if chip.iram.contains(&symbol.address) {
                1
            } else if chip.dram.contains(&symbol.address) {
                2
            } else if chip.mapped.iter().any(|range| range.contains(&symbol.address)) {
                0
            } else {
                continue;
            };
            // One place may have two names.
            if symbol.bytes > 0 && seen.insert(symbol.address) {
                parts.0.entry(part(symbol)).or_default()[place] += symbol.bytes;
            }
        }
        parts
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  | part | flash | IRAM | DRAM |")?;
        writeln!(f, "  |---|--:|--:|--:|")?;
        let mut parts: Vec<_> = self.0.iter().collect();
        parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.iter().sum::<u64>()));
        for (name, [flash, iram, dram]) in parts {
            writeln!(f, "  | {name} | {flash} | {iram} | {dram} |")?;
        }
        Ok(())
    }
}

fn part(symbol: &elf::Symbol) -> &'static str {
    // By far the largest variables are named after what they are, not after who declares them.
    if !symbol.function && symbol.bytes >= 2048 {
        for (end, name) in
            [("HEAP", HEAP), ("STACK", STACK), ("MEMORY", SLOTS), ("TO_SEND", SLOTS), ("RECEIVED", SLOTS)]
        {
            if symbol.name.trim_end_matches('_').ends_with(end) {
                return name;
            }
        }
    }
    let Some(first) = first_crate(&symbol.name) else { return C };
    let named = |(_, crates): &&(&str, &[&str])| {
        crates.iter().any(|of| if of.ends_with('_') { first.starts_with(of) } else { first == *of })
    };
    // The more exact ones first: `esp_nvs` is no `esp_`.
    let exact = PARTS.iter().find(|(_, crates)| crates.contains(&first));
    exact.or_else(|| PARTS.iter().find(named)).map_or(OTHER, |(name, _)| name)
}

/// The first crate in a name that Rust mangled: `Cs`, a number to tell crates apart, `_`, the length and the name
/// (RFC 2603). `_RNvNtCs8L1oBbWK2ow_4core3fmt` is of `core`.
fn first_crate(name: &str) -> Option<&str> {
    let mut rest = name.strip_prefix("_R")?;
    loop {
        let (_, behind) = rest.split_once("Cs")?;
        rest = behind;
        let Some((number, name)) = behind.split_once('_') else { continue };
        let length: String = name.chars().take_while(char::is_ascii_digit).collect();
        if number.chars().all(|letter| letter.is_ascii_alphanumeric())
            && let Ok(count) = length.parse::<usize>()
            && let Some(found) = name.get(length.len()..length.len() + count)
        {
            return Some(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str, address: u64, bytes: u64, function: bool) -> elf::Symbol {
        elf::Symbol { name: name.to_owned(), address, bytes, function }
    }

    #[test]
    fn a_function_belongs_to_the_first_crate_in_its_name() {
        assert_eq!(first_crate("_RNvNtCs8L1oBbWK2ow_4core3fmt"), Some("core"));
        let generic = "_RINvMs0_NtNtCsgiJNAuJViyR_15lenscast_device4jpeg7encoderINtB6_6StripsNtNtCs4EYEulu0Lyn_17\
                       lenscast_firmware6frames6FillerE5blockKj1_EB1o_";
        assert_eq!(first_crate(generic), Some("lenscast_device"));
        assert_eq!(first_crate("wpa_receive"), None);
    }

    #[test]
    fn bytes_are_counted_once_where_they_are() {
        let chip = super::super::ESP32S3;
        let heap = "_RNvNCNvNvNtCs4EYEulu0Lyn_17lenscast_firmware6___main04HEAP";
        let symbols = [
            symbol("_RNvNtCs4zPIqMidIYw_7esp_nvs3get", 0x4200_1000, 100, true),
            symbol("_RNvNtCs4zPIqMidIYw_7esp_hal3get", 0x4037_1000, 40, true),
            symbol("wpa_receive", 0x4200_2000, 300, true),
            symbol("wpa_receive_too", 0x4200_2000, 300, true),
            symbol(heap, 0x3fc9_0000, 98_304, false),
            symbol("rom_function", 0x4000_0000, 8, true),
        ];
        let parts = Parts::new(&chip, &symbols);
        let expected = BTreeMap::from([
            ("settings (esp-nvs)", [100, 0, 0]),
            ("chip and radio in Rust (esp-*, embassy)", [0, 40, 0]),
            (C, [300, 0, 0]),
            (HEAP, [0, 0, 98_304]),
        ]);
        assert_eq!(parts.0, expected);
    }
}
