//! The check of the disk: whether there is room for what the server keeps.

use crate::report::Finding;
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::path::{Path, PathBuf};

/// The bytes of a mebibyte.
const MIB: u64 = 1 << 20;

/// With less free room than this, in bytes, something will fail soon.
const FULL: u64 = 16 * MIB;

/// With less free room than this, in bytes, the log or another program may fill the disk.
const NARROW: u64 = 256 * MIB;

/// When fewer files than this can still be made, something will fail soon.
const FEW_FILES: u64 = 100;

/// The facts about the disk of the state directory.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// A directory on that disk.
    pub place: PathBuf,
    /// The bytes that can still be written.
    pub free: u64,
    /// The number of files that can still be made; `None` when this kind of disk does not count them.
    pub files: Option<u64>,
    /// Whether nothing can be written.
    pub read_only: bool,
}

impl Facts {
    /// Gathers the facts about the disk of an existing directory. `None` when the system does not tell.
    pub(crate) fn gather(place: &Path) -> Option<Self> {
        let told = statvfs(place).ok()?;
        Some(Self {
            place: place.to_owned(),
            free: told.f_bavail.saturating_mul(told.f_frsize),
            files: (told.f_files > 0).then_some(told.f_favail),
            read_only: told.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    }
}

/// The findings about the disk.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    let Facts { place, free, files, read_only } = facts;
    let (place, room) = (place.display(), size(*free));
    let lost = "Links, passwords and titles cannot be kept: the server forgets them when it ends.";
    let find = format!(
        "What fills it: df --human-readable {place}; sudo du --one-file-system --human-readable --max-depth=2 / | sort --human-numeric-sort"
    );
    let finding = if *read_only {
        Finding::wrong(format!("The disk of {place} can be read, and not written to."))
            .todo(lost)
            .todo(format!("Why it was mounted like that: findmnt --target {place}, and sudo dmesg. A card or disk that fails becomes read-only."))
    } else if *free < FULL {
        Finding::wrong(format!("The disk of {place} is full: {room} are left.")).todo(lost).todo(find)
    } else if files.is_some_and(|files| files < FEW_FILES) {
        Finding::wrong(format!("The disk of {place} has room, and takes no more files (no inodes are left)."))
            .todo(lost)
            .todo(format!("Which it is: df --inodes {place}"))
    } else if *free < NARROW {
        Finding::look(format!("The disk of {place} is almost full: {room} are left.")).todo(find)
    } else {
        Finding::fine(format!("The disk of {place} has room ({room})."))
    };
    vec![finding]
}

/// A number of bytes for people, such as `12 MiB`.
fn size(bytes: u64) -> String {
    let mib = bytes / MIB;
    if mib >= 10 * 1024 { format!("{} GiB", mib / 1024) } else { format!("{mib} MiB") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;

    #[test]
    fn a_disk_is_full_of_bytes_or_files_or_closed() {
        let facts =
            Facts { place: "/var/lib/lenscast".into(), free: 50_000 * MIB, files: None, read_only: false };
        let with = |change: fn(&mut Facts)| {
            let mut facts = facts.clone();
            change(&mut facts);
            let found = judge(&facts).remove(0);
            (found.mark, found.text)
        };
        for (change, mark, words) in [
            ((|_| {}) as fn(&mut Facts), Mark::Fine, "has room (48 GiB)"),
            (|facts| facts.files = Some(5_000_000), Mark::Fine, "has room"),
            (|facts| facts.free = 100 * MIB, Mark::Look, "almost full: 100 MiB are left"),
            (|facts| facts.free = MIB, Mark::Wrong, "is full: 1 MiB are left"),
            (|facts| facts.files = Some(3), Mark::Wrong, "no more files"),
            (|facts| facts.read_only = true, Mark::Wrong, "not written to"),
        ] {
            let (found, text) = with(change);
            assert!(found == mark && text.contains(words), "{found:?} {text}");
        }
    }

    #[test]
    fn the_disk_of_a_directory_is_known_and_of_none_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Facts::gather(folder.path()).is_some_and(|facts| facts.free > 0));
        assert!(Facts::gather(&folder.path().join("none")).is_none());
    }
}
