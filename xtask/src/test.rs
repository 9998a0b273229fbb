//! `cargo xtask test`: everything that must pass, in one command.

pub(crate) mod browser;

use crate::Result;
use crate::guard;
use crate::process::{self, Places, output};
use crate::tools;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Whether the browser tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    /// They do.
    Yes,
    /// They are skipped, and a line says so.
    No,
}

/// What the device crates must build for. Any of these shows that they need no operating system.
const BARE_TARGETS: [&str; 4] = [
    "thumbv7em-none-eabi",
    "thumbv7em-none-eabihf",
    "riscv32imac-unknown-none-elf",
    "riscv32imc-unknown-none-elf",
];

/// Runs all of it.
///
/// # Errors
/// The first step that fails; the ones after it do not run.
pub(crate) fn run(browser: Browser) -> Result<()> {
    let places = Places::find()?;
    let cargo = |arguments: &[&str]| process::run(&mut places.cargo(arguments));
    let mut steps = Steps::default();

    steps.step("tools", || tools::ensure(browser == Browser::Yes))?;
    let mut python = PathBuf::new();
    steps.step("Python packages", || {
        python = tools::python::ensure(&places)?;
        Ok(())
    })?;
    // First of the checks, since it takes a second.
    steps.step("guard", || guard::run(&places))?;
    steps.step("formatting", || cargo(&["fmt", "--all", "--check"]))?;
    steps.step("clippy", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    steps.step("documentation", || {
        let mut doc = places.cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
        // A module says how its private parts work together; with private items documented, such links lead somewhere.
        process::run(doc.env("RUSTDOCFLAGS", "-Dwarnings -Arustdoc::private-intra-doc-links"))
    })?;
    steps.step("no operating system", || without_std(&places))?;
    // Apart from the next step, so that its time is the tests' own.
    steps.step("compilation", || cargo(&["test", "--workspace", "--no-run"]))?;
    steps.tests("tests", |failed| {
        // All of them, also when one has failed: what else is wrong is worth knowing.
        let mut test = places.cargo(&["test", "--workspace", "--no-fail-fast"]);
        let look = |line: &str| failed.extend(failed_in_rust(line));
        process::run_watched(test.env(tools::python::VARIABLE, &python), look)
    })?;
    match browser {
        Browser::Yes => steps.tests("browser tests", |failed| {
            browser::run(&places, |line| failed.extend(failed_in_node(line)))
        })?,
        Browser::No => println!("\n== browser tests: SKIPPED, as --no-browser asks for"),
    }
    steps.summary();
    Ok(())
}

/// What runs on a chip, without the standard library: on a bare target where one is installed.
fn without_std(places: &Places) -> Result<()> {
    let mut check = vec!["check", "--no-default-features"];
    for package in ["lenscast-protocol", "lenscast-picture", "lenscast-device", "lenscast-runtime"] {
        check.extend(["--package", package]);
    }
    match installed_bare_target() {
        Some(target) => {
            let mut check = places.cargo(&[&check[..], &["--target", target]].concat());
            // riscv32imc is the ESP32-C3, which cannot compare and exchange in one instruction. On the chip it is esp-hal that
            // tells the crate of atomics that there is one core only; here nobody else does.
            let flags = "CARGO_TARGET_RISCV32IMC_UNKNOWN_NONE_ELF_RUSTFLAGS";
            process::run(check.env(flags, "--cfg=portable_atomic_unsafe_assume_single_core"))
        }
        None => {
            println!(
                "SKIPPED for a bare target, because none is installed (rustup target add {})",
                BARE_TARGETS[0]
            );
            process::run(&mut places.cargo(&check))
        }
    }
}

fn installed_bare_target() -> Option<&'static str> {
    let sysroot = output("rustc", &["--print", "sysroot"])?;
    let targets = Path::new(&sysroot).join("lib/rustlib");
    BARE_TARGETS.into_iter().find(|target| targets.join(target).join("lib").is_dir())
}

/// The test that failed, when a line of Rust's test programs tells of one.
fn failed_in_rust(line: &str) -> Option<String> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED").map(str::to_owned)
}

/// The test that failed, when a line of Node.js's reporter tells of one: `✖ its name (12.3ms)`.
fn failed_in_node(line: &str) -> Option<String> {
    let (name, _) = line.trim().strip_prefix("✖ ")?.rsplit_once(" (")?;
    Some(name.to_owned())
}

/// The steps that are done, with their times.
#[derive(Debug, Default)]
struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    fn step(&mut self, name: &'static str, body: impl FnOnce() -> Result<()>) -> Result<()> {
        self.tests(name, |_| body())
    }

    /// A step that hands out the names of the tests that failed. When it fails, all is said once more, in short: what
    /// scrolled by meanwhile is long.
    fn tests(
        &mut self,
        name: &'static str,
        body: impl FnOnce(&mut BTreeSet<String>) -> Result<()>,
    ) -> Result<()> {
        println!("\n== {name}");
        let start = Instant::now();
        let mut failed = BTreeSet::new();
        let result = body(&mut failed);
        let time = start.elapsed();
        match result {
            Ok(()) => {
                println!("-- {name}: passed in {:.1} s", time.as_secs_f64());
                self.done.push((name, time));
                Ok(())
            }
            Err(error) => {
                print!("{}", self.in_short((name, time), &failed));
                Err(format!("the step \"{name}\" failed: {error}").into())
            }
        }
    }

    /// What passed, what did not, and which tests failed.
    fn in_short(&self, (name, time): (&str, Duration), failed: &BTreeSet<String>) -> String {
        let mut text = format!("\n== the step \"{name}\" FAILED; the ones after it did not run\n");
        for (name, time) in &self.done {
            text += &format!("{name:>20} {:>7.1} s  passed\n", time.as_secs_f64());
        }
        text += &format!("{name:>20} {:>7.1} s  FAILED\n", time.as_secs_f64());
        for test in failed {
            text += &format!("{:>20} {test}\n", "failed test:");
        }
        text
    }

    fn summary(&self) {
        println!("\n== all steps passed");
        for (name, time) in &self.done {
            println!("{name:>20} {:>7.1} s", time.as_secs_f64());
        }
        let total: Duration = self.done.iter().map(|(_, time)| *time).sum();
        println!("{:>20} {:>7.1} s", "in all", total.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_is_known_by_the_line_that_tells_of_it() {
        let rust = |line| failed_in_rust(line);
        assert_eq!(rust("test wire::a_hello ... FAILED").as_deref(), Some("wire::a_hello"));
        assert_eq!(
            rust("test src/lib.rs - run (line 3) ... FAILED").as_deref(),
            Some("src/lib.rs - run (line 3)")
        );
        assert_eq!(rust("test wire::a_hello ... ok"), None);
        assert_eq!(rust("test result: FAILED. 1 passed; 1 failed"), None);
        let node = |line| failed_in_node(line);
        assert_eq!(node("✖ jpeg is (not) live (5552.46ms)").as_deref(), Some("jpeg is (not) live"));
        assert_eq!(node("  ✖ inside another (1ms)").as_deref(), Some("inside another"));
        assert_eq!(node("✖ failing tests:"), None);
        assert_eq!(node("✔ jpeg is live (12ms)"), None);
    }

    #[test]
    fn a_step_that_fails_is_told_in_short_with_what_passed_and_which_tests_failed() {
        let mut steps = Steps::default();
        steps.step("guard", || Ok(())).unwrap();
        let error = steps.tests("tests", |_| Err("exit status: 101".into())).unwrap_err().to_string();
        assert_eq!(error, "the step \"tests\" failed: exit status: 101");
        let failed = ["b::two", "a::one"].map(str::to_owned).into();
        let text = steps.in_short(("tests", Duration::from_secs(2)), &failed);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines[1], "== the step \"tests\" FAILED; the ones after it did not run");
        assert!(lines[2].starts_with("guard") && lines[2].ends_with("passed"), "{text}");
        assert_eq!(lines[3..], ["tests     2.0 s  FAILED", "failed test: a::one", "failed test: b::two"]);
    }

    #[test]
    fn what_a_command_prints_is_seen_line_by_line_and_its_end_is_told() {
        let mut seen = Vec::new();
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let error = process::run_watched(&mut command, |line| seen.push(line.to_owned())).unwrap_err();
        assert_eq!(seen, ["one", "two"]);
        assert!(error.to_string().ends_with("failed (exit status: 3)"), "{error}");
    }
}
