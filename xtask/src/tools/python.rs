//! The Python packages that judge our tests, in an environment of their own under cargo's folder.

use crate::Result;
use crate::process::{self, Places, output};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The variable by which tests are told of the interpreter.
pub(crate) const VARIABLE: &str = "LENSCAST_PYTHON";

/// The interpreter that has what `tests/python/requirements.txt` names, which is installed when it is not there yet.
/// Tests find it in the variable [`VARIABLE`], or by themselves at the same place.
///
/// # Errors
/// Python is missing, or pip could not install a package.
pub(crate) fn ensure(places: &Places) -> Result<PathBuf> {
    let requirements = places.root.join("tests/python/requirements.txt");
    let wanted = fs::read(&requirements)?;
    let folder = places.built.join("python");
    let python = folder.join("bin/python");
    // In the folder that is emptied first, and written last: what was interrupted is done again.
    let stamp = folder.join("installed-for.txt");
    // A Python that was upgraded leaves environments behind that start no more.
    let starts = || output(&python.to_string_lossy(), &["-c", ""]).is_some();
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) && starts() {
        println!("Every Python package that is needed is there.");
        return Ok(python);
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    process::run(Command::new(&python).args(pip).arg(&requirements))?;
    fs::write(stamp, wanted)?;
    Ok(python)
}
