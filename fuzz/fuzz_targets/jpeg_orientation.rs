//! `cargo fuzz run jpeg_orientation`, or with a stable compiler the same on the files named on the command line.

#![cfg_attr(fuzzing, no_main)]
// Set by cargo-fuzz.
#![allow(unexpected_cfgs)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lenscast_fuzz::targets::jpeg_orientation(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    lenscast_fuzz::run_on_files(lenscast_fuzz::targets::jpeg_orientation)
}
