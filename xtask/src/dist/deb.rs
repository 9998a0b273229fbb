//! The Debian package: which files go where, what dpkg is told about them, and `dpkg-deb` to put them together.

use super::files::Files;
use super::{Release, VERSION, depends, licences};
use crate::Result;
use crate::process;
use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the package is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// As dpkg does it.
    Small,
    /// Not at all, for what is unpacked at once.
    None,
}

/// The file that an administrator may change, and upgrades leave as it is.
pub(crate) const CONFIGURATION: &str = "etc/lenscast/lenscast.toml";

/// The systemd unit.
pub(crate) const UNIT: &str = "usr/lib/systemd/system/lenscast.service";

const DOCUMENTS: &str = "usr/share/doc/lenscast";

const SYNOPSIS: &str = "See an ESP32-class camera live, from one binary";

const DESCRIPTION: &str = "\
Cameras such as the M5Stack AtomS3R-CAM send JPEGs over a WebSocket; lenscast
makes H.264 video of them and shows it in any browser or player, live and at
real speed. It encodes only while somebody watches.

The package sets up a systemd service that runs as a user of its own, with
access to nothing but its own state.";

/// Writes `lenscast_VERSION_ARCHITECTURE.deb` into a folder.
///
/// # Errors
/// A file is missing; Debian has no name for this computer's architecture; dpkg-deb fails.
pub(crate) fn make(release: &Release, folder: &Path, compression: Compression) -> Result<PathBuf> {
    let architecture = architecture(&release.triple)?;
    // What comes before a release sorts before it.
    let version = VERSION.replace('-', "~");
    let files = files(release, &version)?;
    let staged = folder.join("deb.staged");
    files.write(&staged)?;
    control(release, &files, &version, architecture)?.write(&staged.join("DEBIAN"))?;

    let path = folder.join(format!("lenscast_{version}_{architecture}.deb"));
    let mut dpkg_deb = Command::new("dpkg-deb");
    dpkg_deb.arg("--root-owner-group");
    if compression == Compression::None {
        dpkg_deb.arg("-Znone");
    }
    dpkg_deb.arg("--build").args([&staged, &path]).env("SOURCE_DATE_EPOCH", release.date.to_string());
    process::run(dpkg_deb.stdout(Stdio::null()))?;
    fs::remove_dir_all(&staged)?;
    Ok(path)
}

fn files(release: &Release, version: &str) -> Result<Files> {
    let mut files = Files::default();
    let from = |name: &str| release.root.join(name);
    files.copy("usr/bin/lenscast", 0o755, &release.program)?;
    files.copy(UNIT, 0o644, &from("packaging/lenscast.service"))?;
    files.copy(CONFIGURATION, 0o644, &from("docs/lenscast.toml"))?;
    files.copy(&format!("{DOCUMENTS}/README.md"), 0o644, &from("README.md"))?;
    files.copy(&format!("{DOCUMENTS}/SECURITY.md"), 0o644, &from("SECURITY.md"))?;
    release.documents(&mut files, &format!("{DOCUMENTS}/docs"), &format!("{DOCUMENTS}/examples"))?;
    let changes = fs::read(from("CHANGELOG.md"))?;
    files.add(&format!("{DOCUMENTS}/CHANGELOG.md.gz"), 0o644, &gzip(&changes)?);
    let changelog = format!(
        "lenscast ({version}) unstable; urgency=medium\n\n  * What changed: CHANGELOG.md.gz beside this file.\n\n -- {}  {}\n",
        maintainer(),
        rfc_2822(release.date)?
    );
    files.add(&format!("{DOCUMENTS}/changelog.gz"), 0o644, &gzip(changelog.as_bytes())?);
    files.add(&format!("{DOCUMENTS}/copyright"), 0o644, copyright(release)?.as_bytes());
    let standard_library = format!("{DOCUMENTS}/{}.gz", licences::STD_NOTICES);
    files.add(&standard_library, 0o644, &gzip(&release.standard_library)?);
    let texts = format!("{DOCUMENTS}/{}.gz", licences::TEXTS);
    files.add(&texts, 0o644, &gzip(release.third_party.texts.as_bytes())?);
    Ok(files)
}

/// What lies in `DEBIAN`.
fn control(release: &Release, files: &Files, version: &str, architecture: &str) -> Result<Files> {
    let fields = format!(
        "Package: lenscast\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: {}\nInstalled-Size: {}\n\
         Depends: {}\nSuggests: ffmpeg\nSection: video\nPriority: optional\nDescription: {SYNOPSIS}\n {}\n",
        maintainer(),
        installed_size(files),
        depends::of(&release.program)?,
        // Further lines of a field are indented, and an empty one is a point.
        DESCRIPTION.replace("\n\n", "\n.\n").replace('\n', "\n "),
    );
    let mut sums = String::new();
    for (path, content) in files.iter().filter(|(path, _)| *path != CONFIGURATION) {
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(sums, "{}  {path}", md5(content)?);
    }
    let mut control = Files::default();
    control.add("control", 0o644, fields.as_bytes());
    control.add("conffiles", 0o644, format!("/{CONFIGURATION}\n").as_bytes());
    control.add("md5sums", 0o644, sums.as_bytes());
    for script in ["postinst", "prerm", "postrm"] {
        control.copy(script, 0o755, &release.root.join("packaging/deb").join(script))?;
    }
    Ok(control)
}

/// Debian's name of an architecture.
fn architecture(triple: &str) -> Result<&'static str> {
    let mut parts = triple.split('-');
    let (processor, system) = (parts.next().unwrap_or(""), parts.nth(1).unwrap_or(""));
    let name = match processor {
        _ if system != "linux" => None,
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        "armv7" => Some("armhf"),
        "i686" => Some("i386"),
        "riscv64gc" => Some("riscv64"),
        "powerpc64le" => Some("ppc64el"),
        "s390x" => Some("s390x"),
        "loongarch64" => Some("loong64"),
        _ => None,
    };
    name.ok_or_else(|| format!("Debian has no architecture for {triple}").into())
}

/// Who stands for the package: as Debian's tools have it, by `DEBFULLNAME` and `DEBEMAIL`.
fn maintainer() -> String {
    let variable = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let name = variable("DEBFULLNAME", "The lenscast authors");
    format!("{name} <{}>", variable("DEBEMAIL", "maintainers@lenscast.invalid"))
}

/// What the files take on a disk, as Debian reckons: whole KiB a file, and one a folder.
fn installed_size(files: &Files) -> u64 {
    let folders: BTreeSet<&Path> =
        files.iter().flat_map(|(path, _)| Path::new(path).ancestors().skip(1)).collect();
    let contents: u64 = files.iter().map(|(_, content)| (content.len() as u64).div_ceil(1024)).sum();
    contents + folders.len() as u64
}

/// Our licences, and which the others have. Their texts are beside it: Debian wants the Apache License but once on a system.
fn copyright(release: &Release) -> Result<String> {
    let mit = fs::read_to_string(release.root.join("LICENSE-MIT"))?;
    Ok(format!(
        "lenscast may be used under the terms of the MIT licence or of the Apache License, version 2.0, at your choice.\n\
         The latter is in /usr/share/common-licenses/Apache-2.0; this is the former:\n\n{mit}\n\
         H.264 is patented in some countries. This build carries no licence of patents.\n\n{}",
        release.third_party.list
    ))
}

fn rfc_2822(date: u64) -> Result<String> {
    let at = format!("@{date}");
    process::output("date", &["--utc", "--rfc-email", "--date", &at])
        .ok_or_else(|| "date (of coreutils) failed".into())
}

fn md5(content: &[u8]) -> Result<String> {
    let output = through(Command::new("md5sum"), content)?;
    Ok(String::from_utf8_lossy(&output).split_whitespace().next().unwrap_or_default().to_owned())
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = Command::new("gzip");
    gzip.args(["-9", "--no-name"]);
    through(gzip, content)
}

/// What a filter makes of `content`.
fn through(mut command: Command, content: &[u8]) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{name} could not be started: {error}"))?;
    let mut input = child.stdin.take().ok_or("a child has no standard input")?;
    // Apart, because a filter may write before it has read everything.
    let output = std::thread::scope(|scope| {
        let writing = scope.spawn(move || input.write_all(content));
        let output = child.wait_with_output()?;
        writing.join().map_err(|_| "writing panicked")??;
        Ok::<_, Box<dyn std::error::Error>>(output)
    })?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("{name} failed ({})", output.status).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::tests::{Folder, release};
    use crate::process::{find, output};

    #[test]
    fn debian_has_other_names_for_architectures() {
        assert_eq!(architecture("x86_64-unknown-linux-gnu").unwrap(), "amd64");
        assert_eq!(architecture("aarch64-unknown-linux-gnu").unwrap(), "arm64");
        assert_eq!(architecture("armv7-unknown-linux-gnueabihf").unwrap(), "armhf");
        assert!(architecture("aarch64-apple-darwin").is_err());
        assert!(architecture("m68k-unknown-linux-gnu").is_err());
    }

    #[test]
    fn dpkg_reads_the_package_as_it_was_meant() {
        if find("dpkg-deb").is_none() {
            println!("SKIPPED: there is no dpkg-deb");
            return;
        }
        let folder = Folder::new("deb");
        let (release, first, second) = (release(), folder.join("first"), folder.join("second"));
        fs::create_dir(&first).unwrap();
        let path = make(&release, &first, Compression::None).unwrap();
        let again = make(&release, &second, Compression::None);
        assert!(
            again.is_ok_and(|again| fs::read(&again).unwrap() == fs::read(&path).unwrap()),
            "twice the same"
        );

        let dpkg_deb = |option: &str, more: &[&str]| {
            output("dpkg-deb", &[&[option, &*path.to_string_lossy()], more].concat()).unwrap()
        };
        let field = |name: &str| dpkg_deb("--field", &[name]);
        assert_eq!(field("Version"), VERSION.replace('-', "~"));
        assert_eq!(Some(field("Architecture")), output("dpkg", &["--print-architecture"]));
        assert!(field("Depends").starts_with("libc6 (>= 2."), "{}", field("Depends"));
        assert_eq!(field("Description").lines().next(), Some(SYNOPSIS));
        assert_eq!(dpkg_deb("--info", &["conffiles"]), "/etc/lenscast/lenscast.toml");

        let list = dpkg_deb("--contents", &[]);
        // The date of the release, whatever the date is today.
        let fixed = |line: &str| line.contains(" root/root ") && line.contains(" 2023-11-1");
        assert!(list.lines().all(fixed), "{list}");
        let mode = |path: &str| {
            let line = list.lines().find(|line| line.ends_with(&format!(" ./{path}")));
            line.unwrap_or_else(|| panic!("{path} is not in\n{list}"))[..10].to_owned()
        };
        assert_eq!(mode("usr/bin/lenscast"), "-rwxr-xr-x");
        assert_eq!(mode("usr/share/doc/lenscast/"), "drwxr-xr-x");
        for path in
            [UNIT, CONFIGURATION, "usr/share/doc/lenscast/copyright", "usr/share/doc/lenscast/changelog.gz"]
        {
            assert_eq!(mode(path), "-rw-r--r--", "{path}");
        }

        let root = folder.join("root");
        assert!(output("dpkg-deb", &["-x", &path.to_string_lossy(), &root.to_string_lossy()]).is_some());
        fs::write(root.join("md5sums"), format!("{}\n", dpkg_deb("--info", &["md5sums"]))).unwrap();
        let mut md5sum = Command::new("md5sum");
        let checked = md5sum.args(["--check", "--strict", "md5sums"]).current_dir(&root).output().unwrap();
        assert!(checked.status.success(), "{checked:?}");
        let copyright = fs::read_to_string(root.join("usr/share/doc/lenscast/copyright")).unwrap();
        assert!(copyright.contains("MIT License") && copyright.contains("What others made."), "{copyright}");
    }

    #[test]
    fn the_size_is_that_of_whole_blocks_and_of_folders() {
        let mut files = Files::default();
        files.add("usr/bin/a", 0o755, &[0; 1025]);
        files.add("usr/bin/b", 0o755, &[0; 1]);
        // "", usr and usr/bin; two blocks and one.
        assert_eq!(installed_size(&files), 6);
    }

    #[test]
    fn a_filter_gets_more_than_a_pipe_holds() {
        let long = vec![7; 1 << 20];
        assert_eq!(through(Command::new("cat"), &long).unwrap(), long);
        assert!(through(Command::new("false"), b"").is_err());
    }
}
