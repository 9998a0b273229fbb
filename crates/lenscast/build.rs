//! Says when the encoder will be slow: openh264's build leaves its assembly out without a word when nasm is missing. And notes
//! for `lenscast doctor` whether it was, and when this was built.

use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    // Other processors' assembly is compiled by the C compiler.
    let needed = arch == "x86_64" || arch == "x86";
    let missing = needed && !has_nasm();
    if missing {
        println!(
            "cargo::warning=nasm was not found: video encoding will take three times the CPU. Install it (apt install \
             nasm), then `cargo clean -p openh264-sys2` and build again."
        );
    }
    println!("cargo::rustc-env=LENSCAST_NASM={}", if missing { "missing" } else { "fine" });
    println!("cargo::rustc-env=LENSCAST_BUILT={}", built());
}

fn has_nasm() -> bool {
    let found = Command::new("nasm").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// In seconds since the Unix epoch; what who builds the same program twice says instead.
fn built() -> u64 {
    let said = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    said.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
