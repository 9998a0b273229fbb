//! Fuzz targets as plain functions: `cargo fuzz` drives them on a nightly compiler, and on a stable one
//! `cargo test -p lenscast-fuzz` runs them on the committed corpus and on seeded mutations of it.
//!
//! A new parser gets a function in [`targets`], a line in [`targets::TARGETS`], a file in `fuzz_targets/`, a `[[bin]]`
//! in `Cargo.toml`, and a folder of small inputs in `corpus/`. An input that once broke something stays in the corpus.

#![forbid(unsafe_code)]

pub mod mutation;
pub mod targets;

/// Runs `target` on every file named on the command line, to look at what a fuzzer found.
///
/// # Errors
/// When a file cannot be read.
pub fn run_on_files(target: targets::Target) -> std::io::Result<()> {
    for path in std::env::args_os().skip(1) {
        target(&std::fs::read(path)?);
    }
    Ok(())
}
