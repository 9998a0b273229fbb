//! Says when the encoder will be slow: openh264's build leaves its assembly out without a word when nasm is missing.

use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    // Other processors' assembly is compiled by the C compiler.
    if arch != "x86_64" && arch != "x86" {
        return;
    }
    let found = Command::new("nasm").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        println!(
            "cargo::warning=nasm was not found: video encoding will take three times the CPU. Install it (apt install \
             nasm), then `cargo clean -p openh264-sys2` and build again."
        );
    }
}
