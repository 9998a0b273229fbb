//! The programs that tests need beside cargo: finding them, and installing them where apt-get is there.

pub(crate) mod python;

use crate::Result;
use crate::process::{find, output, run};
use std::env;
use std::path::PathBuf;
use std::process::Command;

/// A program of somebody else.
#[derive(Debug)]
struct Tool {
    /// Any of these will do; the first is what the package brings.
    commands: &'static [&'static str],
    /// Its name in Debian.
    package: &'static str,
    what_for: &'static str,
    need: Need,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Without it things only take longer.
    Optional,
    Always,
    BrowserTests,
}

const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const TOOLS: [Tool; 7] = [
    Tool {
        commands: &["nasm"],
        package: "nasm",
        what_for: "makes the H.264 encoder three times faster",
        need: Need::Optional,
    },
    Tool { commands: &["ffmpeg"], package: "ffmpeg", what_for: "judges the video", need: Need::Always },
    Tool { commands: &["ffprobe"], package: "ffmpeg", what_for: "judges the video", need: Need::Always },
    Tool {
        commands: &["python3"],
        package: "python3-venv",
        what_for: "runs Espressif's generator and a foreign WebSocket server, in an environment of their own",
        need: Need::Always,
    },
    Tool {
        commands: BROWSERS,
        package: "chromium",
        what_for: "shows the pages (another browser of its family can be named in CHROMIUM)",
        need: Need::BrowserTests,
    },
    Tool {
        commands: &["node"],
        package: "nodejs",
        what_for: "runs the browser tests",
        need: Need::BrowserTests,
    },
    Tool {
        commands: &["npm"],
        package: "npm",
        what_for: "fetches what the browser tests are written with",
        need: Need::BrowserTests,
    },
];

/// Sees to it that everything is there; `browser`: what the browser tests need too.
///
/// # Errors
/// Something is missing that cannot be done without. The message names it.
pub(crate) fn ensure(browser: bool) -> Result<()> {
    let wanted = |tool: &&Tool| browser || tool.need != Need::BrowserTests;
    let missing = || TOOLS.iter().filter(wanted).filter(|tool| !tool.is_there()).collect::<Vec<_>>();
    if !missing().is_empty() {
        // What apt-get cannot do may still not matter: see below.
        match root() {
            Some(prefix) => install(prefix, &missing()).unwrap_or_else(|error| println!("{error}")),
            None => println!("There is no apt-get here, or no right to use it: nothing is installed."),
        }
    }
    let missing = missing();
    for tool in &missing {
        println!(
            "missing: {}, which {} (Debian's package {})",
            tool.commands[0], tool.what_for, tool.package
        );
    }
    let needed = missing.iter().filter(|tool| tool.need != Need::Optional);
    let needed: Vec<_> = needed.map(|tool| tool.commands[0]).collect();
    if needed.is_empty() {
        println!("Every tool that is needed is there.");
        return Ok(());
    }
    let without = if browser { ", or leave the browser tests out with --no-browser" } else { "" };
    Err(format!("install what is missing ({}){without}", needed.join(", ")).into())
}

/// The browser for the tests: what `CHROMIUM` names, else the first that is installed.
pub(crate) fn browser() -> Option<PathBuf> {
    let named = env::var_os("CHROMIUM").map(PathBuf::from);
    named.or_else(|| BROWSERS.iter().find_map(|program| find(program)))
}

impl Tool {
    fn is_there(&self) -> bool {
        match self.package {
            "chromium" => browser().is_some(),
            // Debian has python3 without it.
            "python3-venv" => output("python3", &["-c", "import ensurepip, venv"]).is_some(),
            _ => self.commands.iter().any(|program| find(program).is_some()),
        }
    }
}

/// What to put before `apt-get` so that it may install, if there is a way.
fn root() -> Option<&'static [&'static str]> {
    find("apt-get")?;
    if output("id", &["-u"])? == "0" {
        return Some(&[]);
    }
    output("sudo", &["-n", "true"]).map(|_| &["sudo", "-n"][..])
}

fn install(prefix: &[&str], tools: &[&Tool]) -> Result<()> {
    let mut packages: Vec<_> = tools.iter().map(|tool| tool.package).collect();
    packages.dedup();
    let apt_get = |arguments: &[&str]| {
        // `env`, because sudo does not hand variables on.
        let fixed = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
        let words = [prefix, &fixed, arguments].concat();
        run(Command::new(words[0]).args(&words[1..]))
    };
    apt_get(&["update"])?;
    apt_get(&[&["install", "-y", "--no-install-recommends"], &packages[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_where_the_shell_finds_it() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("no-program-has-this-name"), None);
    }
}
