//! The state directory: small files that a server keeps across restarts (titles, credentials, certificates).
//!
//! Only this module touches the directory. A file in it is either as it was before a write or as it is after the write,
//! even when the power fails in between.
//!
//! File names are constants of this program: nothing of a request ever becomes part of a path.

pub mod look;

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The name of the control socket's file in the state directory. A running server listens there for programs of this
/// computer.
pub const CONTROL_SOCKET: &str = "control.sock";

/// The ending of a file's name while it is being written.
const UNFINISHED: &str = "unfinished";

/// A directory of small files. Each file is replaced as a whole, never changed in place.
#[derive(Debug, Default)]
pub struct StateDir {
    /// The directory; `None` when nothing is kept.
    place: Option<PathBuf>,
    /// Held while a file is written, since two writers would share the unfinished file.
    writing: Mutex<()>,
}

/// The file of a Unix socket. Dropping this removes the file.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl SocketFile {
    /// The path of the socket's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        #[expect(
            clippy::let_underscore_must_use,
            reason = "nothing is lost when this fails: the next server replaces a socket at which nobody listens"
        )]
        let _ = fs::remove_file(&self.0);
    }
}

/// Why the state directory, or a file in it, cannot be used. The text names the path.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system did not let it be read or written.
    #[error("cannot {doing} {path}: {source}", path = .path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`, `make` …
        doing: &'static str,
        /// The file or directory with which it was tried.
        path: PathBuf,
        /// The system's own error.
        source: io::Error,
    },
    /// A file holds something else than this program writes.
    #[error("{path} is damaged: {reason}. Mend or remove it", path = .path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// What is wrong with the file. The text never quotes the file's content, which may hold secrets.
        reason: String,
    },
}

impl StateDir {
    /// A directory that keeps nothing: a read finds no file, and a write is forgotten without an error.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// Opens a directory, and makes it when it is missing. A directory that is made is for its owner alone (mode 0700).
    ///
    /// # Errors
    /// [`StateError::Io`] when the directory cannot be made, or no file can be written into it.
    pub fn open(place: &Path) -> Result<Self, StateError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(place).map_err(error("make", place))?;
        let probe = place.join(format!("probe.{UNFINISHED}"));
        create(&probe).map_err(error("write to", place))?;
        fs::remove_file(&probe).map_err(error("write to", place))?;
        Ok(Self { place: Some(place.to_owned()), writing: Mutex::default() })
    }

    /// The directory where state is kept unless the owner names another: `$STATE_DIRECTORY` (systemd), else
    /// `$XDG_STATE_HOME/lenscast`, else `~/.local/state/lenscast`. `None` when none of these is known.
    #[must_use]
    pub fn default_place() -> Option<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        // systemd separates several directories by colons; the unit names one.
        let systemd = variable("STATE_DIRECTORY")
            .and_then(|value| std::env::split_paths(&value).next().filter(|path| path.is_absolute()));
        // XDG: a relative path is to be ignored.
        let xdg = || variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || variable("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        systemd.or_else(|| xdg().or_else(home).map(|base| base.join("lenscast")))
    }

    /// Moves a file that cannot be used out of the way, to a name that ends in `.damaged`, and gives the new path.
    ///
    /// # Errors
    /// [`StateError::Io`] when the file cannot be moved.
    pub fn set_aside(&self, name: &'static str) -> Result<PathBuf, StateError> {
        let Some(path) = self.path(name) else {
            return Ok(PathBuf::new());
        };
        let aside = path.with_file_name(format!("{name}.damaged"));
        fs::rename(&path, &aside).map_err(error("set aside", &path))?;
        Ok(aside)
    }

    /// The path of this directory; `None` when nothing is kept.
    #[must_use]
    pub fn place(&self) -> Option<&Path> {
        self.place.as_deref()
    }

    /// The content of a file; `None` when there is no such file.
    ///
    /// # Errors
    /// [`StateError::Io`] when the file cannot be read.
    pub fn read(&self, name: &'static str) -> Result<Option<Vec<u8>>, StateError> {
        let Some(path) = self.path(name) else {
            return Ok(None);
        };
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(error("read", &path)(source)),
        }
    }

    /// Replaces a file as a whole, readable for its owner alone (mode 0600). When this returns, the content is on the
    /// disk.
    ///
    /// # Errors
    /// [`StateError::Io`] when the file cannot be written. Then the file is as it was before.
    pub fn write(&self, name: &'static str, bytes: &[u8]) -> Result<(), StateError> {
        let Some(place) = &self.place else {
            return Ok(());
        };
        let (path, unfinished) = (place.join(name), place.join(format!("{name}.{UNFINISHED}")));
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let replace = || {
            // For example, `credentials.json.unfinished` is written and brought to the disk; only then it gets the name
            // `credentials.json`. Whoever reads meanwhile, or after a power cut, finds the old file or the new one.
            let mut file = create(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            // The new name is on the disk only when the directory is.
            File::open(place)?.sync_all()
        };
        replace().map_err(error("write", &path))
    }

    /// The content of a JSON file; `None` when there is no such file.
    ///
    /// # Errors
    /// [`StateError`] when the file cannot be read, or does not hold JSON of the type `T`.
    pub fn read_json<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>, StateError> {
        let Some(bytes) = self.read(name)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| StateError::Damaged {
            path: self.path(name).unwrap_or_default(),
            // The whole error quotes the content.
            reason: format!(
                "line {} column {} is not as this program writes it",
                error.line(),
                error.column()
            ),
        })
    }

    /// Replaces a file by a value as JSON.
    ///
    /// # Errors
    /// As for [`StateDir::write`].
    ///
    /// # Panics
    /// When `value` has no JSON, as a map whose keys are no texts.
    pub fn write_json<T: Serialize>(&self, name: &'static str, value: &T) -> Result<(), StateError> {
        let mut bytes = serde_json::to_vec_pretty(value).expect("state is plain data");
        bytes.push(b'\n');
        self.write(name, &bytes)
    }

    /// Opens a Unix socket whose file only its owner can open (mode 0600). A file that an ended server left behind is
    /// replaced.
    ///
    /// # Errors
    /// [`StateError::Io`] when a server already listens there, or when the socket cannot be made.
    pub fn socket(&self, name: &'static str) -> Result<(UnixListener, SocketFile), StateError> {
        let path = self.path(name).unwrap_or_default();
        let failed = |source| error("listen at", &path)(source);
        if UnixStream::connect(&path).is_ok() {
            let in_use = io::Error::new(io::ErrorKind::AddrInUse, "another server uses this directory");
            return Err(failed(in_use));
        }
        // A new socket's file is open to others until its mode is set. So the socket is made inside a directory that is
        // for its owner alone (`control.sock.unfinished/s`), gets its mode there, and is then moved to its place.
        let hidden = path.with_file_name(format!("{name}.{UNFINISHED}"));
        let make = || {
            match fs::remove_dir_all(&hidden) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            std::os::unix::fs::DirBuilderExt::mode(&mut DirBuilder::new(), 0o700).create(&hidden)?;
            let listener = UnixListener::bind(hidden.join("s"))?;
            fs::set_permissions(hidden.join("s"), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            listener.set_nonblocking(true)?;
            fs::rename(hidden.join("s"), &path)?;
            fs::remove_dir(&hidden)?;
            Ok(listener)
        };
        let listener = make().map_err(failed)?;
        Ok((listener, SocketFile(path.clone())))
    }

    fn path(&self, name: &'static str) -> Option<PathBuf> {
        self.place.as_ref().map(|place| place.join(name))
    }
}

/// An empty file for its owner alone, in place of what a power cut left.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    // `create_new` refuses to write through a link that somebody has put there.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { doing, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("not/there/yet");
        let state = StateDir::open(&place).unwrap();
        assert!(state.read("a.json").unwrap().is_none());
        state.write_json("a.json", &["one"]).unwrap();
        state.write_json("a.json", &["two"]).unwrap();
        let names: Vec<String> = StateDir::open(&place).unwrap().read_json("a.json").unwrap().unwrap();
        assert_eq!(names, ["two"]);
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn who_reads_a_file_while_it_is_replaced_reads_it_as_it_was() {
        use std::io::Read as _;
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        state.write("a", b"before").unwrap();
        let mut reader = File::open(folder.path().join("a")).unwrap();
        state.write("a", b"after").unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "before");
        assert_eq!(state.read("a").unwrap().unwrap(), b"after");
    }

    #[test]
    fn a_file_that_is_set_aside_is_out_of_the_way_and_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        state.write("a", b"x").unwrap();
        let aside = state.set_aside("a").unwrap();
        assert!(state.read("a").unwrap().is_none());
        assert_eq!(fs::read(aside).unwrap(), b"x");
        state.set_aside("a").unwrap_err();
    }

    #[test]
    fn what_a_power_cut_left_unfinished_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        state.write_json("a.json", &1).unwrap();
        fs::write(folder.path().join("a.json.unfinished"), "[2").unwrap();
        assert_eq!(state.read_json::<i32>("a.json").unwrap(), Some(1));
        state.write_json("a.json", &3).unwrap();
        assert_eq!(state.read_json::<i32>("a.json").unwrap(), Some(3));
    }

    #[test]
    fn a_damaged_file_is_named_and_its_content_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        state.write("a.json", b"{\"secret-word\": ").unwrap();
        let error = state.read_json::<Vec<i32>>("a.json").unwrap_err().to_string();
        assert!(error.contains("a.json is damaged") && !error.contains("secret-word"), "{error}");
        state.write("a.json", b"\"secret-word\"").unwrap();
        let error = state.read_json::<Vec<i32>>("a.json").unwrap_err().to_string();
        assert!(!error.contains("secret-word"), "{error}");
    }

    #[test]
    fn a_place_that_cannot_be_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = StateDir::open(&file.join("below")).unwrap_err().to_string();
        assert!(error.starts_with("cannot make"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        StateDir::open(&place).unwrap().write("a", b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place), 0o700);
        assert_eq!(mode(&place.join("a")), 0o600);
    }

    #[test]
    fn without_a_place_nothing_is_kept_and_nothing_fails() {
        let state = StateDir::nowhere();
        state.write("a", b"x").unwrap();
        assert!(state.read("a").unwrap().is_none());
    }
}
