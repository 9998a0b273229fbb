//! `cargo xtask test`: everything that must pass, in one command.

pub(crate) mod browser;

use crate::Result;
use crate::guard;
use crate::process::{self, Places, output};
use crate::tools;
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
    steps.step("tests", || {
        let mut test = places.cargo(&["test", "--workspace"]);
        process::run(test.env(tools::python::VARIABLE, &python))
    })?;
    match browser {
        Browser::Yes => steps.step("browser tests", || browser::run(&places))?,
        Browser::No => println!("\n== browser tests: SKIPPED, as --no-browser asks for"),
    }
    steps.summary();
    Ok(())
}

/// What runs on a chip, without the standard library: on a bare target where one is installed.
fn without_std(places: &Places) -> Result<()> {
    let mut check = vec!["check", "--no-default-features"];
    for package in ["lenscast-protocol", "lenscast-device", "lenscast-runtime"] {
        check.extend(["--package", package]);
    }
    match installed_bare_target() {
        Some(target) => process::run(&mut places.cargo(&[&check[..], &["--target", target]].concat())),
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

/// The steps that are done, with their times.
#[derive(Debug, Default)]
struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    fn step(&mut self, name: &'static str, body: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n== {name}");
        let start = Instant::now();
        body().map_err(|error| format!("the step \"{name}\" failed: {error}"))?;
        let time = start.elapsed();
        println!("-- {name}: passed in {:.1} s", time.as_secs_f64());
        self.done.push((name, time));
        Ok(())
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
