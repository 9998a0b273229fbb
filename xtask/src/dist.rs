//! `cargo xtask dist`: what people install, made of the program as it is built for this computer: an archive and, where there
//! are Debian's tools, a package.
//!
//! The same sources, toolchain and place of building give the same bytes: names are sorted, owners are root, and every file
//! has the date of the commit.

mod check;
mod deb;
mod depends;
mod files;
mod licences;
pub(crate) mod spdx;

use crate::Result;
use crate::process::{self, Places, find, output};
use files::Files;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

/// The profile in Cargo.toml.
const PROFILE: &str = "dist";

/// The version of all our packages.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes the packages, or with `--check` tries what packages would do.
///
/// # Errors
/// An option that there is not; a step that fails.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    match options {
        [] => make(),
        ["--check"] => check::run(),
        _ => Err(format!("dist takes nothing but --check, not {:?}", options.join(" ")).into()),
    }
}

fn make() -> Result<()> {
    let places = Places::find()?;
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    // Where it was built is nobody's business, and would make every builder's bytes differ.
    let renamed = [(cargo_home.as_deref(), "cargo"), (Some(&places.root), "lenscast")];
    let flags = renamed.iter().filter_map(|(path, name)| {
        Some(format!("{:?}", format!("--remap-path-prefix={}=/{name}", path.as_ref()?.display())))
    });
    let flags = format!("build.rustflags=[{}]", flags.collect::<Vec<_>>().join(", "));
    let build = ["build", "--locked", "--package", "lenscast", "--profile", PROFILE, "--config", &flags];
    let mut build = places.cargo(&build);
    // The program knows when it was built.
    process::run(build.env("SOURCE_DATE_EPOCH", date(&places.root)?.to_string()))?;

    let release = Release::of(&places, places.lenscast(PROFILE)?)?;
    let folder = places.built.join("packages");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut made = vec![release.archive(&folder)?];
    match find("dpkg-deb") {
        Some(_) => made.push(deb::make(&release, &folder, deb::Compression::Small)?),
        None => println!("SKIPPED: the .deb: there is no dpkg-deb here"),
    }
    let names: Vec<&str> = made.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    let sums = Command::new("sha256sum").arg("--").args(&names).current_dir(&folder).output()?;
    if !sums.status.success() {
        return Err(format!("sha256sum: {}", String::from_utf8_lossy(&sums.stderr)).into());
    }
    fs::write(folder.join("SHA256SUMS"), sums.stdout)?;
    println!("\nIn {}:", folder.display());
    for path in &made {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!("{:>12.1} MB  {name}", fs::metadata(path)?.len() as f64 / 1e6);
    }
    println!("{:>12} SHA256SUMS", "");
    Ok(())
}

/// What becomes of one build of the program.
#[derive(Debug)]
struct Release {
    root: PathBuf,
    program: PathBuf,
    /// The computer's target, such as `x86_64-unknown-linux-gnu`.
    triple: String,
    /// The date of all files, in seconds since 1970.
    date: u64,
    third_party: licences::Notices,
    /// Those of Rust's standard library, as HTML.
    standard_library: Vec<u8>,
}

impl Release {
    fn of(places: &Places, program: PathBuf) -> Result<Self> {
        Ok(Self {
            root: places.root.clone(),
            program,
            triple: host()?,
            date: date(&places.root)?,
            third_party: licences::of_the_crates(places)?,
            standard_library: licences::of_the_standard_library(places)?,
        })
    }

    /// Writes the `.tar.gz` into a folder.
    fn archive(&self, folder: &Path) -> Result<PathBuf> {
        let name = format!("lenscast-{VERSION}-{}", self.triple);
        let mut files = Files::default();
        files.copy("lenscast", 0o755, &self.program)?;
        for plain in ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            files.copy(plain, 0o644, &self.root.join(plain))?;
        }
        self.documents(&mut files, "docs", "samples")?;
        let licences::Notices { list, texts } = &self.third_party;
        files.add(licences::TEXTS, 0o644, format!("{list}{texts}").as_bytes());
        files.add(licences::STD_NOTICES, 0o644, &self.standard_library);
        files.copy("lenscast.toml", 0o644, &self.root.join("docs/lenscast.toml"))?;
        files.copy("lenscast.service", 0o644, &self.root.join("packaging/lenscast.service"))?;
        let staged = folder.join(format!("{name}.staged"));
        files.write(&staged.join(&name))?;
        let path = folder.join(format!("{name}.tar.gz"));
        // A pipe of its own: `gzip` would note the time.
        let mut tar = Command::new("tar");
        tar.args(["--create", "--sort=name", "--format=gnu", "--numeric-owner", "--owner=0", "--group=0"])
            .args(["--use-compress-program=gzip -9 --no-name", &format!("--mtime=@{}", self.date)])
            .arg("--file")
            .arg(&path)
            .arg("--directory")
            .args([&staged, Path::new(&name)]);
        process::run(&mut tar)?;
        fs::remove_dir_all(&staged)?;
        Ok(path)
    }

    /// The documents into the folder `docs`, and the samples for proxies into the folder `samples`.
    fn documents(&self, files: &mut Files, docs: &str, samples: &str) -> Result<()> {
        for entry in fs::read_dir(self.root.join("docs"))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_file() {
                files.copy(&format!("{docs}/{name}"), 0o644, &path)?;
            }
        }
        for name in ["nginx.conf", "Caddyfile", "traefik.yml"] {
            files.copy(&format!("{samples}/{name}"), 0o644, &self.root.join("packaging").join(name))?;
        }
        Ok(())
    }
}

/// The target that this computer is.
fn host() -> Result<String> {
    let version = output("rustc", &["-vV"]).ok_or("rustc could not be started")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc -vV names no host")?.to_owned())
}

/// The date of what is packed: `SOURCE_DATE_EPOCH`, else that of the commit, else (outside of git) that of Cargo.lock.
fn date(root: &Path) -> Result<u64> {
    if let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") {
        return text
            .parse()
            .map_err(|_| format!("SOURCE_DATE_EPOCH={text:?} is no number of seconds").into());
    }
    let commit = output("git", &["-C", &root.to_string_lossy(), "log", "-1", "--format=%ct"]);
    match commit.and_then(|text| text.parse().ok()) {
        Some(seconds) => Ok(seconds),
        None => {
            let modified = fs::metadata(root.join("Cargo.lock"))?.modified()?;
            Ok(modified.duration_since(UNIX_EPOCH)?.as_secs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::find;
    use std::ops::Deref;

    /// A new folder of a test, which goes when the test ends.
    pub(super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("lenscast-dist-{}-{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Deref for Folder {
        type Target = Path;
        fn deref(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            #[expect(clippy::let_underscore_must_use, reason = "a folder that is left behind is only untidy")]
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A release of this repository's files whose program is `/bin/true`.
    pub(super) fn release() -> Release {
        let places = Places::find().unwrap();
        Release {
            root: places.root,
            program: find("true").unwrap(),
            triple: host().unwrap(),
            date: 1_699_963_200,
            third_party: licences::Notices {
                list: "What others made.\n".to_owned(),
                texts: "Their texts.\n".to_owned(),
            },
            standard_library: b"<html>".to_vec(),
        }
    }

    #[test]
    fn the_archive_has_everything_in_one_folder_and_is_the_same_each_time() {
        let folder = Folder::new("archive");
        let (release, name) = (release(), format!("lenscast-{VERSION}-{}", host().unwrap()));
        let first = release.archive(&folder.join("first")).unwrap();
        let second = release.archive(&folder.join("second")).unwrap();
        assert!(fs::read(&first).unwrap() == fs::read(&second).unwrap(), "twice the same");
        assert_eq!(first.file_name().unwrap().to_string_lossy(), format!("{name}.tar.gz"));
        assert_eq!(fs::read_dir(folder.join("first")).unwrap().count(), 1, "nothing else is left");

        let list = output("tar", &["--numeric-owner", "-tvzf", &first.to_string_lossy()]).unwrap();
        for line in list.lines() {
            assert!(line.contains(" 0/0 ") && line.contains("2023-11-1"), "{line}");
            assert!(line.contains(&format!(" {name}/")), "{line}");
        }
        let names: Vec<_> = list.lines().map(|line| line.split_whitespace().next_back()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for (mode, file) in [
            ("-rwxr-xr-x", "lenscast"),
            ("-rw-r--r--", "README.md"),
            ("-rw-r--r--", "LICENSE-MIT"),
            ("-rw-r--r--", "THIRD-PARTY.txt"),
            ("-rw-r--r--", "COPYRIGHT-library.html"),
            ("-rw-r--r--", "lenscast.toml"),
            ("-rw-r--r--", "lenscast.service"),
            ("-rw-r--r--", "samples/nginx.conf"),
            ("-rw-r--r--", "docs/install.md"),
        ] {
            let found = list.lines().find(|line| line.ends_with(&format!(" {name}/{file}")));
            assert!(found.is_some_and(|line| line.starts_with(mode)), "{file}: {found:?}");
        }
    }
}
