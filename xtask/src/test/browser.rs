//! The browser tests of `web/test`, in a copy: `node_modules` never lies in the source tree.

use crate::Result;
use crate::process::{self, Places, output};
use crate::tools;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest that has `node --test --test-concurrency`; Debian 12 has it.
const OLDEST_NODE: (u32, u32) = (18, 19);
const MODULES: &str = "node_modules";

/// Runs the tests against the program that `cargo test` built; each line that they print is also given to `look`.
///
/// # Errors
/// A tool is missing or too old, or a test failed.
pub(crate) fn run(places: &Places, look: impl FnMut(&str)) -> Result<()> {
    let tests = prepare(places)?;
    let mut node = node(places, &tests, "debug")?;
    node.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]).args(test_files(&tests)?);
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        node.env("SCREENSHOTS", std::path::absolute(folder)?);
    }
    process::run_watched(&mut node, look)
}

/// Copies `web` and fetches what its tests need when that changed. Gives back the folder of the tests in the copy.
///
/// # Errors
/// Node.js or npm is missing or too old, or nothing could be fetched.
pub(crate) fn prepare(places: &Places) -> Result<PathBuf> {
    let version = output("node", &["--version"]).ok_or("node is missing")?;
    if node_version(&version).is_none_or(|version| version < OLDEST_NODE) {
        let (major, minor) = OLDEST_NODE;
        return Err(format!("node is {version}, but the browser tests need {major}.{minor} or newer").into());
    }
    // The whole of it, for the tests import modules of the pages.
    let copy = places.built.join("browser").join("web");
    mirror(&places.root.join("web"), &copy)?;
    let tests = copy.join("test");
    fetch_modules(&tests)?;
    Ok(tests)
}

/// Node.js in the folder of the tests, told where the browser is, and the program of this profile (`debug` or `release`).
///
/// # Errors
/// The program was not built.
pub(crate) fn node(places: &Places, tests: &Path, profile: &str) -> Result<Command> {
    let mut node = Command::new("node");
    node.current_dir(tests).env("LENSCAST_BIN", places.lenscast(profile)?);
    if let Some(browser) = tools::browser() {
        node.env("CHROMIUM", browser);
    }
    Ok(node)
}

/// `npm ci`, when package-lock.json is not the one that it ran for last.
fn fetch_modules(tests: &Path) -> Result<()> {
    let wanted = fs::read(tests.join("package-lock.json"))?;
    // In the folder that `npm ci` empties first, and written last: what was interrupted is done again.
    let stamp = tests.join(MODULES).join("fetched-for.json");
    if fs::read(&stamp).is_ok_and(|fetched| fetched == wanted) {
        return Ok(());
    }
    process::run(
        Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(tests),
    )?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// `*.test.js`, sorted.
fn test_files(tests: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(tests)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.js") {
            files.push(name);
        }
    }
    files.sort();
    if files.is_empty() { Err("web/test holds no *.test.js".into()) } else { Ok(files) }
}

/// Makes `to` the same as `from`, except for `node_modules`, which is left as it is there.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let modules = OsStr::new(MODULES);
    for entry in fs::read_dir(to)? {
        let (name, path) = {
            let entry = entry?;
            (entry.file_name(), entry.path())
        };
        if name == modules || path.is_dir() && from.join(&name).is_dir() {
            continue;
        }
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true if entry.file_name() == modules => {}
            true => mirror(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

/// `v18.20.4` is (18, 20).
fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_of_debian_12_will_do_and_the_one_of_ubuntu_22_will_not() {
        assert!(node_version("v18.20.4").unwrap() >= OLDEST_NODE);
        assert!(node_version("v20.20.2").unwrap() >= OLDEST_NODE);
        assert!(node_version("v12.22.9").unwrap() < OLDEST_NODE);
        assert_eq!(node_version("18"), None);
    }

    #[test]
    fn a_mirror_follows_its_source_and_keeps_what_npm_fetched() {
        let folder = std::env::temp_dir().join(format!("xtask-mirror-{}", std::process::id()));
        let (from, to) = (folder.join("from"), folder.join("to"));
        let write = |path: std::path::PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(from.join("page.js"), "new");
        write(from.join("test/a.test.js"), "a");
        write(from.join("test/node_modules/stray"), "not copied");
        write(to.join("page.js"), "old");
        write(to.join("gone.js"), "gone");
        write(to.join("gone/too.js"), "gone");
        write(to.join("test/node_modules/kept"), "kept");
        mirror(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("page.js")).unwrap(), "new");
        assert_eq!(test_files(&to.join("test")).unwrap(), ["a.test.js"]);
        assert!(!to.join("gone.js").exists() && !to.join("gone").exists());
        let modules = to.join("test/node_modules");
        assert!(modules.join("kept").exists() && !modules.join("stray").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
