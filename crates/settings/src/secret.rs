//! Secrets in settings. A secret stands in the setting itself, or in a file that the setting names as `file:PATH`.

use lenscast_auth::secret::Secret;
use std::fs;
use std::path::Path;

/// The word that is shown in place of a secret.
pub const HIDDEN: &str = "(secret)";

/// The first characters of a reference to a file.
const FILE: &str = "file:";

/// Reads a password or key, given as the value of a setting.
///
/// # Errors
/// A sentence when the text is empty, which nobody means.
pub fn secret(text: &str) -> Result<Secret, String> {
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(Secret::new(text.to_owned())) }
}

/// Whether a text has the form `file:PATH`.
pub(crate) fn is_reference(text: &str) -> bool {
    text.starts_with(FILE)
}

/// A secret after its file was read, if it named one.
pub(crate) struct Resolved {
    /// The secret itself.
    pub text: String,
    /// A warning about the file, such as that others can read it.
    pub warning: Option<String>,
}

/// Reads the secret that `file:PATH` names: the first line of that file. Every other text is the secret itself. A
/// relative path begins at `base`.
///
/// # Errors
/// A sentence when the file cannot be read or has no first line. It quotes nothing of the secret.
pub(crate) fn resolve(text: &str, base: Option<&Path>) -> Result<Resolved, String> {
    let Some(path) = text.strip_prefix(FILE) else {
        return Ok(Resolved { text: text.to_owned(), warning: None });
    };
    let path = base.map_or_else(|| path.into(), |base| base.join(path));
    let shown = path.display();
    let content = fs::read(&path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let content = String::from_utf8(content).map_err(|_| format!("{shown} is no text"))?;
    match content.lines().next() {
        None | Some("") => Err(format!("the first line of {shown} is empty")),
        Some(line) => Ok(Resolved { text: line.to_owned(), warning: loose(&path) }),
    }
}

/// A warning when other users of this computer can read or change the file; `None` when they cannot.
#[cfg(unix)]
pub(crate) fn loose(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    // That the file's group may read it is no fault: packages make a secret readable for the service's group.
    let shown = path.display();
    (mode & 0o027 != 0)
        .then(|| format!("other users may read or change {shown} (mode {mode:04o}); chmod 600 {shown}"))
}

#[cfg(not(unix))]
pub(crate) fn loose(_: &Path) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(folder.path().join("s"), text).unwrap();
        let read = |text: &str| resolve(text, Some(folder.path())).map(|resolved| resolved.text);
        for text in ["hunter2", "hunter2\n", "hunter2\r\n", "hunter2\nmore\n"] {
            write(text);
            assert_eq!(read("file:s"), Ok("hunter2".to_owned()), "{text:?}");
        }
        write(" a b \n");
        assert_eq!(read("file:s"), Ok(" a b ".to_owned()), "spaces belong to it");
        for text in ["", "\n", "\nhunter2\n"] {
            write(text);
            assert!(read("file:s").unwrap_err().contains("is empty"), "{text:?}");
        }
        assert!(read("file:none").unwrap_err().starts_with("cannot read"));
        assert_eq!(read("files:s"), Ok("files:s".to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_a_warning() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        fs::write(&path, "hunter2\n").unwrap();
        let warning = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            resolve("file:s", Some(folder.path())).unwrap().warning
        };
        for tight in [0o600, 0o400, 0o640, 0o440] {
            assert_eq!(warning(tight), None, "{tight:o}");
        }
        for wide in [0o644, 0o604, 0o660, 0o666, 0o602] {
            let warning = warning(wide).unwrap_or_else(|| panic!("{wide:o}"));
            assert!(warning.contains(&format!("{wide:04o}")) && !warning.contains("hunter2"), "{warning}");
        }
    }
}
