//! The files of a package, before they are on the disk.

use crate::Result;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Files by their path in the package, such as `usr/bin/lenscast`.
#[derive(Debug, Default)]
pub(crate) struct Files {
    files: BTreeMap<String, File>,
}

#[derive(Debug)]
struct File {
    mode: u32,
    content: Vec<u8>,
}

impl Files {
    /// Adds a file with this content.
    pub(crate) fn add(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.files.insert(path.to_owned(), File { mode, content: content.to_vec() });
    }

    /// Adds a file of this computer.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn copy(&mut self, path: &str, mode: u32, from: &Path) -> Result<()> {
        let content = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
        self.files.insert(path.to_owned(), File { mode, content });
        Ok(())
    }

    /// Paths and contents, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, file)| (&**path, &*file.content))
    }

    /// Writes them into a new folder, with their modes whatever the umask is.
    ///
    /// # Errors
    /// The folder is there already, or cannot be written to.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            return Err(format!("{} is there already", folder.display()).into());
        }
        for (path, file) in &self.files {
            let to = folder.join(path);
            fs::create_dir_all(to.parent().unwrap_or(folder))?;
            let parents = to.ancestors().skip(1).take_while(|parent| parent.starts_with(folder));
            for parent in parents {
                fs::set_permissions(parent, Permissions::from_mode(0o755))?;
            }
            fs::write(&to, &file.content)?;
            fs::set_permissions(&to, Permissions::from_mode(file.mode))?;
        }
        Ok(())
    }
}
