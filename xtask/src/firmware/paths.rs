//! Folders of the builder, which no image is to hold: a panic names the file that it is in.

use super::elf;
use crate::Result;
use std::env;
use std::path::{Path, PathBuf};

/// A folder, and what stands for it in an image.
pub(super) type Folder = (PathBuf, &'static str);

/// The folders that sources lie in. Where one lies in another, the inner one comes later.
pub(super) fn folders(root: &Path, built: &Path) -> Vec<Folder> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let tools = |variable: &str, name: &str| {
        env::var_os(variable).map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(name)))
    };
    let mut folders = vec![
        (home.clone(), "~"),
        (tools("CARGO_HOME", ".cargo"), "cargo"),
        (tools("RUSTUP_HOME", ".rustup"), "rustup"),
        (Some(root.to_owned()), "lenscast"),
        (Some(built.to_owned()), "built"),
    ];
    // `/` is the home of some users, and the beginning of every path.
    folders.retain(|(folder, _)| folder.as_ref().is_some_and(|folder| folder.components().count() > 1));
    let mut folders: Vec<_> =
        folders.into_iter().filter_map(|(folder, name)| Some((folder?, name))).collect();
    folders.sort_by_key(|(folder, _)| folder.components().count());
    folders
}

/// What cargo is told so that the compiler replaces them, beside what `firmware/.cargo/config.toml` tells it: of several
/// that fit, the compiler takes the last one. Names are mangled so that they tell of which task and crate a function is.
pub(super) fn config(target: &str, folders: &[Folder]) -> String {
    let flag = |(folder, name): &Folder| format!("--remap-path-prefix={}={name}", folder.display());
    let flags = ["-Csymbol-mangling-version=v0".to_owned()].into_iter().chain(folders.iter().map(flag));
    // Rust's quotes and escapes are TOML's, for what folders are called.
    let flags: Vec<_> = flags.map(|flag| format!("{flag:?}")).collect();
    format!("target.{target}.rustflags=[{}]", flags.join(","))
}

/// Refuses an image in which one of them is left.
///
/// # Errors
/// The folder, and the text around it.
pub(super) fn check(file: &[u8], folders: &[Folder]) -> Result<()> {
    for section in elf::sections(file)? {
        let content = section.content(file);
        for (folder, _) in folders {
            let name = folder.as_os_str().as_encoded_bytes();
            let Some(at) = content.windows(name.len()).position(|window| window == name) else { continue };
            let text = String::from_utf8_lossy(&content[at..content.len().min(at + 120)]).into_owned();
            return Err(format!("{} of the image has a folder of this computer: {text}", section.name).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inner_folder_comes_last_since_the_last_one_counts() {
        let folders =
            folders(Path::new("/srv/a/lenscast"), Path::new("/srv/a/lenscast/target/firmware/build"));
        let place = |name| folders.iter().position(|folder| folder.1 == name);
        assert!(place("lenscast") < place("built"));
        assert!(place("~") < place("cargo"));
    }

    #[test]
    fn cargo_is_told_in_its_own_words() {
        let folders = [(PathBuf::from("/home/a \"b\""), "~"), (PathBuf::from("/srv/c"), "lenscast")];
        let config = config("riscv32imc-unknown-none-elf", &folders);
        let parsed: toml::Table = config.parse().expect("TOML");
        let flags = parsed["target"]["riscv32imc-unknown-none-elf"]["rustflags"].as_array().expect("a list");
        let flags: Vec<_> = flags.iter().filter_map(toml::Value::as_str).collect();
        let remapped = ["--remap-path-prefix=/home/a \"b\"=~", "--remap-path-prefix=/srv/c=lenscast"];
        assert_eq!(flags[1..], remapped);
    }
}
