//! A cargo that can build for a chip, and getting one.

use crate::Result;
use crate::process::{find, output, run};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages of Debian that build for any target: a compiler, the library's source, cargo and a linker.
const DEBIAN: [&str; 4] = ["rustc-web", "rust-web-src", "cargo-web", "lld"];

/// A cargo that builds for `target`, without its arguments. `None`, with a line that says so: there is none here, and
/// none can be had.
///
/// # Errors
/// Something that is there does not work.
pub(super) fn cargo(target: &str) -> Result<Option<Command>> {
    if target.starts_with("xtensa") { Ok(espressif()) } else { upstream(target) }
}

/// Espressif's toolchain, which espup installs under the name `esp`.
fn espressif() -> Option<Command> {
    let installed = output("rustup", &["toolchain", "list"])
        .is_some_and(|list| list.lines().any(|line| line.split_whitespace().next() == Some("esp")));
    if !installed {
        println!(
            "SKIPPED: building for Xtensa takes Espressif's toolchain (cargo install espup --locked && espup install); \
             what can be done without is checking the types"
        );
        return None;
    }
    let mut command = Command::new("rustup");
    command.args(["run", "esp", "cargo"]);
    // What the cargo that runs this has set for its own toolchain.
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(name);
    }
    Some(command)
}

/// The toolchain that runs this, with the target's library; else Debian's compiler, which builds the library itself.
fn upstream(target: &str) -> Result<Option<Command>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    if has(target) {
        return Ok(Some(Command::new(cargo)));
    }
    if find("rustup").is_some() {
        match run(Command::new("rustup").args(["target", "add", target])) {
            Ok(()) if has(target) => return Ok(Some(Command::new(cargo))),
            Ok(()) => {}
            Err(error) => println!("{error}"),
        }
    }
    debian(target)
}

/// Whether this toolchain has the library of `target`.
fn has(target: &str) -> bool {
    output("rustc", &["--print", "sysroot"])
        .is_some_and(|sysroot| Path::new(&sysroot).join("lib/rustlib").join(target).join("lib").is_dir())
}

fn debian(target: &str) -> Result<Option<Command>> {
    let there =
        || Path::new("/usr/bin/cargo").is_file() && Path::new("/usr/lib/rustlib/src/rust/library").is_dir();
    if !(there() && linker().is_some())
        && find("apt-get").is_some()
        && output("id", &["-u"]).as_deref() == Some("0")
    {
        let apt_get = |arguments: &[&str]| {
            run(Command::new("apt-get").arg("-qq").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
        };
        let install = [&["install", "-y", "--no-install-recommends"][..], &DEBIAN].concat();
        if let Err(error) = apt_get(&["update"]).and_then(|()| apt_get(&install)) {
            println!("{error}");
        }
    }
    let (true, Some(linker)) = (there(), linker()) else {
        println!(
            "SKIPPED: there is no library for {target} (rustup target add {target}), nor a compiler that builds it \
             (Debian's packages {})",
            DEBIAN.join(", ")
        );
        return Ok(None);
    };
    let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    let mut command = Command::new("/usr/bin/cargo");
    command
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_UNSTABLE_BUILD_STD", "core,alloc")
        .env(variable, linker);
    Ok(Some(command))
}

/// The linker that lies in every toolchain of rustup's, else Debian's.
fn linker() -> Option<PathBuf> {
    let rustup = || {
        let sysroot = output("rustc", &["--print", "sysroot"])?;
        let host = output("rustc", &["--print", "host-tuple"])?;
        let path = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
        path.is_file().then_some(path)
    };
    rustup().or_else(|| find("ld.lld"))
}
