//! Where things are, and running other programs.

use crate::Result;
use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folders of this repository.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds: it holds `debug` and `release`. What these commands make goes here too.
    pub(crate) built: PathBuf,
}

impl Places {
    /// Finds them by what cargo told this program.
    pub(crate) fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR").ok_or("start this as `cargo xtask`")?;
        let root = Path::new(&package).parent().ok_or("the package xtask lies in no workspace")?;
        // This program is `debug/xtask` in there, whatever named the folder: a variable, a flag, a configuration file.
        let program = env::current_exe()?;
        let built = program.ancestors().nth(2).ok_or("this program lies in no target folder")?;
        Ok(Self { root: root.to_owned(), built: built.to_owned() })
    }

    /// `cargo` with these arguments, in the root of the repository.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(&self.root);
        // A relative one is meant from where the user stands.
        if let Some(Ok(folder)) = env::var_os("CARGO_TARGET_DIR").map(std::path::absolute) {
            command.env("CARGO_TARGET_DIR", folder);
        }
        command
    }

    /// The program `lenscast` that cargo built in this profile's folder (`debug` or `release`).
    pub(crate) fn lenscast(&self, profile: &str) -> Result<PathBuf> {
        let path = self.built.join(profile).join("lenscast");
        if path.is_file() { Ok(path) } else { Err(format!("cargo built no {}", path.display()).into()) }
    }
}

/// Runs a command whose output people see.
///
/// # Errors
/// It could not be started, or failed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let status = command.status().map_err(|error| format!("`{line}` could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})").into()) }
}

/// As [`run`], and each line that the command prints to standard output is also given to `look`.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_watched(command: &mut Command, mut look: impl FnMut(&str)) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let started = command.stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| format!("`{line}` could not be started: {error}"))?;
    let printed = child.stdout.take().ok_or("standard output was asked for")?;
    for printed in BufReader::new(printed).split(b'\n') {
        let printed = printed?;
        let printed = String::from_utf8_lossy(&printed);
        println!("{printed}");
        look(&printed);
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})").into()) }
}

/// What a command prints to standard output, without white space around it; `None` when it fails.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where the shell would find a program.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
