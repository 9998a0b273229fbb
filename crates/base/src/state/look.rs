//! A look at a state directory that changes nothing in it: no file is made, written or moved.

use super::StateDir;
use rustix::fs::{Access, access};
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// At most this many entries are looked at. A server makes a handful.
const MAX_ENTRIES: usize = 100;

/// What a look at a state directory found.
#[derive(Debug)]
pub struct Look {
    /// The path of the directory.
    pub place: PathBuf,
    /// What there is at that path.
    pub found: Found,
    /// The files in it, sorted by name. Empty when this process may not see them.
    pub entries: Vec<Entry>,
}

/// What there is at the path where the directory should be.
#[derive(Debug)]
pub enum Found {
    /// The directory.
    Folder {
        /// Its mode, owner and age. The name is empty.
        entry: Entry,
        /// Whether this process may make and remove files in it.
        writable: bool,
    },
    /// Nothing; a server that starts makes the directory.
    Nothing {
        /// The nearest directory above that exists, in which the first missing one would be made.
        above: PathBuf,
        /// Whether this process may make directories there.
        writable: bool,
    },
    /// A file, or something else that is no directory, at this path: the state directory's own or one above.
    NoFolder(PathBuf),
    /// Something that this process may not look at, with the system's error.
    Hidden(io::Error),
}

/// One file or directory, with what the system says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without the path.
    pub name: String,
    /// The rights to the file: the lower twelve bits of its mode, such as `0o600`.
    pub mode: u32,
    /// The number of the user who owns it.
    pub owner: u32,
    /// When it was last changed, in seconds since the Unix epoch.
    pub modified: u64,
}

/// The state directory, or a file in it, that other users of this computer may read or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The path.
    pub path: PathBuf,
    /// The mode that it has, such as `0o755`.
    pub mode: u32,
    /// The mode that it should have, such as `0o700`.
    pub wanted: u32,
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, mode, wanted } = self;
        let path = path.display();
        let may = if mode & 0o022 == 0 { "read" } else { "read and change" };
        write!(
            f,
            "other users may {may} {path} (mode {mode:04o}), and let themselves in: chmod {wanted:o} {path}"
        )
    }
}

impl Look {
    /// What other users of this computer may read or change: of the directory itself, and of the files in it with these
    /// names.
    #[must_use]
    pub fn exposed(&self, files: &[&str]) -> Vec<Exposed> {
        let of = |path: PathBuf, mode: u32, wanted: u32| {
            (mode & 0o077 != 0).then_some(Exposed { path, mode: mode & 0o777, wanted })
        };
        let folder = match &self.found {
            Found::Folder { entry, .. } => of(self.place.clone(), entry.mode, 0o700),
            Found::Nothing { .. } | Found::NoFolder(_) | Found::Hidden(_) => None,
        };
        let files = self.entries.iter().filter(|entry| files.contains(&entry.name.as_str()));
        let files = files.filter_map(|entry| of(self.place.join(&entry.name), entry.mode, 0o600));
        folder.into_iter().chain(files).collect()
    }
}

impl Entry {
    fn new(name: String, metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Self {
            name,
            mode: metadata.mode() & 0o7777,
            owner: metadata.uid(),
            modified: modified.map_or(0, |since| since.as_secs()),
        }
    }
}

impl StateDir {
    /// A directory that is only read, never made or written. Nothing is looked at yet.
    #[must_use]
    pub fn to_read(place: &Path) -> Self {
        Self { place: Some(place.to_owned()), ..Self::default() }
    }

    /// Looks at the directory of this path, and changes nothing.
    #[must_use]
    pub fn look(place: &Path) -> Look {
        let found = match fs::metadata(place) {
            Ok(metadata) if metadata.is_dir() => {
                Found::Folder { entry: Entry::new(String::new(), &metadata), writable: may_write(place) }
            }
            Ok(_) => Found::NoFolder(place.to_owned()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                nearest(place)
            }
            Err(error) => Found::Hidden(error),
        };
        let listed = fs::read_dir(place).into_iter().flatten().flatten().take(MAX_ENTRIES);
        let entry = |entry: fs::DirEntry| {
            Some(Entry::new(entry.file_name().to_string_lossy().into_owned(), &entry.metadata().ok()?))
        };
        let mut entries: Vec<Entry> = listed.filter_map(entry).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Look { place: place.to_owned(), found, entries }
    }
}

/// The nearest directory above a path that does not exist.
fn nearest(place: &Path) -> Found {
    let above =
        place.ancestors().skip(1).map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    for path in above {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Found::Nothing { above: path.to_owned(), writable: may_write(path) };
            }
            Ok(_) => return Found::NoFolder(path.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Found::Hidden(error),
            Err(_) => {}
        }
    }
    Found::NoFolder(place.to_owned())
}

fn may_write(path: &Path) -> bool {
    access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("not/there");
        let look = StateDir::look(&place);
        assert!(
            matches!(&look.found, Found::Nothing { above, writable: true } if above == folder.path()),
            "{look:?}"
        );
        assert!(StateDir::to_read(&place).read("a").unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_others_may_use_is_told_with_what_to_type() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        let state = StateDir::open(&place).unwrap();
        for name in ["secret", "other", "tight"] {
            state.write(name, b"x").unwrap();
        }
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let said = || {
            let exposed = StateDir::look(&place).exposed(&["secret", "tight"]);
            exposed.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(said(), [""; 0]);
        set(&place.join("other"), 0o644);
        assert_eq!(said(), [""; 0], "what is no secret may be read");
        for (mode, may) in
            [(0o755, "read"), (0o710, "read"), (0o770, "read and change"), (0o702, "read and change")]
        {
            set(&place, mode);
            let place = place.display();
            let wanted = format!(
                "other users may {may} {place} (mode {mode:04o}), and let themselves in: chmod 700 {place}"
            );
            assert_eq!(said(), [wanted]);
        }
        set(&place, 0o700);
        for (mode, may) in [(0o640, "read"), (0o604, "read"), (0o622, "read and change")] {
            set(&place.join("secret"), mode);
            let said = said();
            assert_eq!(said.len(), 1);
            assert!(
                said[0].contains(&format!("may {may} ")) && said[0].contains("/secret (mode"),
                "{said:?}"
            );
            assert!(said[0].contains("chmod 600 ") && said[0].ends_with("/secret"), "{said:?}");
        }
        assert_eq!(StateDir::look(&place.join("none")).exposed(&["secret"]), []);
    }

    #[test]
    fn what_is_there_is_told_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        StateDir::open(&place).unwrap().write("a", b"x").unwrap();
        let look = StateDir::look(&place);
        assert!(
            matches!(&look.found, Found::Folder { entry, writable: true } if entry.mode == 0o700),
            "{look:?}"
        );
        assert_eq!(look.entries.len(), 1);
        assert_eq!((look.entries[0].name.as_str(), look.entries[0].mode), ("a", 0o600));
        let look = StateDir::look(&place.join("a/below"));
        assert!(matches!(&look.found, Found::NoFolder(path) if *path == place.join("a")), "{look:?}");
    }
}
