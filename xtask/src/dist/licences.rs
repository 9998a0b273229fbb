//! The licences of other people's code in the program: which crates are in it, whether their licences may be, and their texts.

use super::spdx;
use crate::Result;
use crate::process::Places;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates that come without the text of their licence, or (openh264-sys2) with that of a part only; and which of the licences
/// that they offer is taken. Its text is that of everybody who uses it.
const WITHOUT_TEXT: [(&str, &str); 5] = [
    ("asn1-rs-impl", "Apache-2.0"),
    ("embedded-storage", "Apache-2.0"),
    ("esp-nvs", "Apache-2.0"),
    ("openh264", "BSD-2-Clause"),
    ("openh264-sys2", "BSD-2-Clause"),
];

/// What the notices of the standard library are called, in a toolchain and in our packages.
pub(crate) const STD_NOTICES: &str = "COPYRIGHT-library.html";

/// What the file with the texts is called in our packages.
pub(crate) const TEXTS: &str = "THIRD-PARTY.txt";

/// Characters of a line in the file with the texts, where that is for us to decide.
const WIDTH: usize = 100;

/// A crate of somebody else that the program was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    licence: String,
    authors: Vec<String>,
    folder: PathBuf,
}

/// What has to go with the program because of other people's code in it.
#[derive(Clone, Debug)]
pub(crate) struct Notices {
    /// Which crates are linked into it or were used to build it, and their licences.
    pub(crate) list: String,
    /// The texts of these licences, and what else came with the crates to be passed on, each once.
    pub(crate) texts: String,
}

/// The notices of `lenscast` as it is built on this computer.
///
/// # Errors
/// A crate has a licence that `deny.toml` does not allow, or none, or does not bring its text.
pub(crate) fn of_the_crates(places: &Places) -> Result<Notices> {
    let crates = crates(places)?;
    let texts = gather(&crates, &allowed(&places.root)?, &places.root)?;
    Ok(Notices { list: list(&crates), texts: texts.render() })
}

/// The notices of Rust's standard library, as the toolchain brings them.
///
/// # Errors
/// It does not: it is not one of rustup's.
pub(crate) fn of_the_standard_library(places: &Places) -> Result<Vec<u8>> {
    let sysroot = read(Command::new("rustc").args(["--print", "sysroot"]).current_dir(&places.root))?;
    let path = Path::new(sysroot.trim()).join("share/doc/rust").join(STD_NOTICES);
    fs::read(&path).map_err(|error| {
        format!("{}: {error}; it comes with rustup's toolchains from 1.85 on", path.display()).into()
    })
}

/// The licences that `deny.toml` allows.
fn allowed(root: &Path) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Deny {
        licenses: Licences,
    }
    #[derive(Deserialize)]
    struct Licences {
        allow: Vec<String>,
    }
    let deny: Deny = toml::from_str(&fs::read_to_string(root.join("deny.toml"))?)?;
    Ok(deny.licenses.allow)
}

/// What `lenscast` is made of with its default features on this computer, but our own crates.
fn crates(places: &Places) -> Result<Vec<Crate>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        license: Option<String>,
        authors: Vec<String>,
        source: Option<String>,
        manifest_path: PathBuf,
    }
    let tree = ["tree", "--locked", "--package", "lenscast", "--edges", "normal,build", "--prefix", "none"];
    // The metadata of a workspace has what its tests and tools use, too; the tree has what this package uses.
    let tree = read(places.cargo(&tree).args(["--format", "{p}"]))?;
    let used: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let host = super::host()?;
    let metadata = ["metadata", "--locked", "--format-version", "1", "--filter-platform", &host];
    let metadata: Metadata = serde_json::from_str(&read(&mut places.cargo(&metadata))?)?;
    let mut crates = Vec::new();
    for package in metadata.packages {
        if package.source.is_none() || !used.contains(&(&*package.name, &*package.version)) {
            continue;
        }
        let Package { name, version, authors, .. } = package;
        let licence = package.license.ok_or_else(|| format!("{name} {version} names no licence"))?;
        let folder = package.manifest_path.parent().ok_or("a package lies in no folder")?.to_owned();
        crates.push(Crate { name, version, licence, authors, folder });
    }
    crates.sort();
    Ok(crates)
}

/// The texts of these crates, all of whose licences are allowed.
fn gather(crates: &[Crate], allowed: &[String], root: &Path) -> Result<Texts> {
    let mut texts = Texts::default();
    for one in crates {
        let label = one.label();
        match spdx::is_allowed(&one.licence, allowed) {
            Ok(true) => texts.add(&label, one.notices(root)?),
            Ok(false) => {
                let licence = &one.licence;
                return Err(
                    format!("{label} has the licence {licence}, which deny.toml does not allow").into()
                );
            }
            Err(error) => return Err(format!("{label}: {error}").into()),
        }
    }
    Ok(texts)
}

impl Crate {
    fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The texts that come with it: of its own licences, and of what it contains.
    fn notices(&self, root: &Path) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        find(&self.folder, &mut paths)?;
        paths.sort();
        let mut notices = Vec::new();
        for path in paths {
            notices.push(String::from_utf8_lossy(&fs::read(path)?).into_owned());
        }
        match WITHOUT_TEXT.iter().find(|(name, _)| *name == self.name) {
            Some((_, "Apache-2.0")) => notices.push(fs::read_to_string(root.join("LICENSE-APACHE"))?),
            Some((_, licence)) => {
                let text = fs::read_to_string(root.join(format!("packaging/licences/{licence}.txt")))?;
                let authors = self.authors.join(", ");
                notices.push(format!("Copyright (c) {authors}\n\n{text}"));
            }
            None => {}
        }
        match notices.is_empty() {
            true => Err(format!(
                "{} ({}) brings no text of its licence: say in xtask/src/dist/licences.rs which to take",
                self.label(),
                self.licence
            )
            .into()),
            false => Ok(notices),
        }
    }
}

/// The files that hold licences and notices, in this folder and below.
fn find(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if entry.file_type()?.is_dir() {
            find(&entry.path(), found)?;
        } else if ["license", "licence", "unlicense", "copying", "copyright", "notice"]
            .iter()
            .any(|start| name.starts_with(start))
            && !name.ends_with(".rs")
        {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Every text once, with the crates that it came with.
#[derive(Debug, Default)]
struct Texts {
    /// By the words alone: files differ in line ends and margins.
    by_words: BTreeMap<String, Text>,
}

#[derive(Debug)]
struct Text {
    content: String,
    crates: BTreeSet<String>,
}

impl Texts {
    fn add(&mut self, label: &str, notices: Vec<String>) {
        for content in notices {
            let words = content.split_whitespace().collect::<Vec<_>>().join(" ");
            let text =
                self.by_words.entry(words).or_insert_with(|| Text { content, crates: BTreeSet::default() });
            text.crates.insert(label.to_owned());
        }
    }

    fn render(&self) -> String {
        let mut out = String::new();
        let mut texts: Vec<&Text> = self.by_words.values().collect();
        texts.sort_by_key(|text| &text.crates);
        for Text { content, crates } in texts {
            let names = wrapped(crates);
            let lines = content.trim_matches(['\n', '\r', '\u{feff}']).lines().map(str::trim_end);
            let lines = lines.collect::<Vec<_>>().join("\n");
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = write!(out, "\n{}\n{names}:\n\n{lines}\n", "-".repeat(WIDTH));
        }
        out
    }
}

/// Names in lines that are not too long.
fn wrapped(names: &BTreeSet<String>) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for name in names {
        if column > 0 {
            out.push(',');
            let space = if column + name.len() + 3 > WIDTH { '\n' } else { ' ' };
            column = if space == '\n' { 0 } else { column + 2 };
            out.push(space);
        }
        out.push_str(name);
        column += name.len();
    }
    out
}

fn list(crates: &[Crate]) -> String {
    let mut out = format!(
        "lenscast contains the work of others, or was built with it. The Rust standard library is in it under MIT or\n\
         Apache-2.0; its notices are in {STD_NOTICES}. The H.264 encoder is OpenH264 of Cisco Systems, built\n\
         from source. This software is based in part on the work of the Independent JPEG Group. These are the crates and\n\
         their licences, whose texts are in {TEXTS}:\n\n"
    );
    for one in crates {
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(out, "  {:<36} {}", one.label(), one.licence);
    }
    out
}

/// What a command prints; what it complains about is shown.
fn read(command: &mut Command) -> Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(format!("{:?} failed ({})", command.get_program(), output.status).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(folder: &Path, name: &str, licence: &str) -> Crate {
        Crate {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: licence.to_owned(),
            authors: vec!["Somebody".to_owned()],
            folder: folder.to_owned(),
        }
    }

    #[test]
    fn everything_that_is_linked_has_a_licence_that_is_allowed_and_its_text() {
        let Notices { list, texts } = of_the_crates(&Places::find().unwrap()).unwrap();
        for part in ["Copyright (c) 2013, Cisco Systems", "Copyright (c) Ralf Biedert", "Brian Smith"] {
            assert!(texts.contains(part), "{part:?} is missing");
        }
        // Its licence asks for these words.
        assert!(list.contains("is based in part on the work of the Independent JPEG Group"));
        for name in ["  openh264-sys2 ", "  ring ", "  tokio ", "  rustls "] {
            assert!(list.contains(name), "{name:?} is missing");
        }
        for other in ["  lenscast", "  proptest ", "  windows-sys "] {
            assert!(!list.contains(other), "{other:?} is not linked");
        }
    }

    #[test]
    fn a_crate_without_the_text_of_its_licence_is_refused() {
        let folder = crate::dist::tests::Folder::new("licences");
        fs::write(folder.join("lib.rs"), "").unwrap();
        let error = example(&folder, "new", "MIT").notices(&folder).unwrap_err().to_string();
        assert!(error.starts_with("new 1.0.0 (MIT) brings no text"), "{error}");
        fs::create_dir(folder.join("upstream")).unwrap();
        fs::write(folder.join("upstream/LICENSE.txt"), "the text").unwrap();
        assert_eq!(example(&folder, "new", "MIT").notices(&folder).unwrap(), ["the text"]);
    }

    #[test]
    fn a_licence_that_deny_toml_does_not_allow_is_refused() {
        let folder = crate::dist::tests::Folder::new("refused");
        fs::write(folder.join("LICENSE"), "the text").unwrap();
        let allowed = allowed(&Places::find().unwrap().root).unwrap();
        let gather = |licence: &str| gather(&[example(&folder, "new", licence)], &allowed, &folder);
        assert!(gather("MIT").is_ok());
        let error = gather("GPL-3.0-only").unwrap_err().to_string();
        assert_eq!(error, "new 1.0.0 has the licence GPL-3.0-only, which deny.toml does not allow");
        assert!(gather("MIT and more").is_err());
    }

    #[test]
    fn long_lists_of_names_are_wrapped() {
        let names: BTreeSet<String> = (100..150).map(|number| format!("crate {number}")).collect();
        let text = wrapped(&names);
        assert!(text.lines().count() > 4 && text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()).count(), 50);
    }

    #[test]
    fn a_text_that_many_share_is_printed_once_with_their_names() {
        let mut texts = Texts::default();
        texts.add("a 1", vec!["Be  nice.\r\n".to_owned()]);
        texts.add("b 1", vec![" Be nice.\n".to_owned(), "Be kind.".to_owned()]);
        let text = texts.render();
        assert_eq!(text.matches("nice").count(), 1);
        assert!(
            text.contains("\na 1, b 1:\n\nBe  nice.\n") && text.contains("\nb 1:\n\nBe kind.\n"),
            "{text}"
        );
    }
}
