//! `cargo xtask guard`: what must hold between our crates, and between the modules inside each.
//!
//! - A crate imports only what its row in ARCHITECTURE.md's table allows ([`table`], [`crates`]).
//! - No module of a crate imports itself by way of others ([`modules`], [`names`], [`circles`](mod@circles)).
//! - Nothing in a graph of dependencies asks a computer for more than cargo and a C compiler ([`needs`]).
//! - Other people's code has licences that may be, comes from where it may, and is not what is forbidden ([`deny`]).
//! - No crate is most of the code, and the picture in ARCHITECTURE.md is that of today ([`picture`]).
//!
//! None of this compiles anything. Only cargo asks a network, for the manifests of packages that are not there yet.

mod circles;
mod crates;
mod deny;
mod modules;
mod names;
mod needs;
mod picture;
mod table;

use crate::Result;
use crate::process::Places;
use circles::{circles, largest_knot};
use crates::Crate;
use modules::{Evidence, Imports, Modules};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the table and the picture stand.
const DOCUMENT: &str = "ARCHITECTURE.md";

/// No crate holds more than this share of all lines of code.
const LARGEST_SHARE: f64 = 0.2;

/// So many circles of one crate are told in full.
const MOST_TOLD: usize = 20;

/// `cargo xtask guard`, with its options.
///
/// # Errors
/// Something does not hold, or the options are none.
pub(crate) fn command(options: &[&str]) -> Result<()> {
    let places = Places::find()?;
    match options {
        [] => run(&places),
        ["--picture"] => {
            let crates = crates::read(&places.root, &workspaces(&places.root)?, || places.cargo(&[]))?;
            let drawn = picture::put(&document(&places.root)?, &picture::mermaid(&crates))?;
            fs::write(places.root.join(DOCUMENT), drawn)?;
            println!("{DOCUMENT} holds the picture of today.");
            Ok(())
        }
        _ => Err(format!("{:?} is no option of guard", options.join(" ")).into()),
    }
}

/// Checks all of it, and tells everything that is wrong at once.
///
/// # Errors
/// Something does not hold. The message says what.
pub(crate) fn run(places: &Places) -> Result<()> {
    let mut found = check(&places.root, || places.cargo(&[]))?;
    print!("{}", found.picture);
    found.faults.extend(deny::Rules::read(&places.root)?.of_packages(&places.root, || places.cargo(&[]))?);
    if found.faults.is_empty() { Ok(()) } else { Err(found.faults.join("\n").into()) }
}

/// What was found in a repository.
#[derive(Debug, Default)]
struct Found {
    faults: Vec<String>,
    /// Who imports whom, in text.
    picture: String,
}

/// Looks at the repository in this folder.
fn check(root: &Path, cargo: impl Fn() -> Command) -> Result<Found> {
    let document = document(root)?;
    let workspaces = workspaces(root)?;
    let crates = crates::read(root, &workspaces, cargo)?;
    let mut found = Found::default();
    found.faults.extend(table::faults(&table::read(&document)?, &crates));
    let mut lines = BTreeMap::new();
    for one in &crates {
        let (its_lines, circles) = inside(one)?;
        lines.insert(one.folder.clone(), its_lines);
        found.faults.extend(circles.map(|circles| format!("{} has {circles}", one.folder)));
    }
    let rules = deny::Rules::read(root)?;
    for workspace in &workspaces {
        let path = workspace.join("Cargo.lock");
        let shown = path.strip_prefix(root).unwrap_or(&path).display();
        let text = fs::read_to_string(&path).map_err(|error| format!("{shown}: {error}"))?;
        let faults = needs::faults(&text).and_then(|needs| Ok([needs, rules.of_lock(&text)?].concat()));
        let faults = faults.map_err(|error| format!("{shown}: {error}"))?;
        found.faults.extend(faults.into_iter().map(|fault| format!("{shown}: {fault}")));
    }
    found.picture = picture::text(&crates, &lines);
    found.faults.extend(too_large(&lines));
    if picture::put(&document, &picture::mermaid(&crates))? != document {
        let told = format!("the picture in {DOCUMENT} is old; `cargo xtask guard --picture` draws it anew");
        found.faults.push(told);
    }
    Ok(found)
}

fn document(root: &Path) -> Result<String> {
    Ok(fs::read_to_string(root.join(DOCUMENT))?)
}

/// The folders of our workspaces: the main one, and those that it leaves out.
fn workspaces(root: &Path) -> Result<Vec<PathBuf>> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root.join("Cargo.toml"))?)?;
    let excluded = manifest.get("workspace").and_then(|workspace| workspace.get("exclude")?.as_array());
    let excluded = excluded.into_iter().flatten().filter_map(|folder| folder.as_str());
    Ok(std::iter::once(root.to_owned()).chain(excluded.map(|folder| root.join(folder))).collect())
}

/// The crates that hold more than their share of all lines.
fn too_large(lines: &BTreeMap<String, usize>) -> Vec<String> {
    let all = lines.values().sum::<usize>() as f64;
    let large = lines.iter().filter(|(_, lines)| **lines as f64 > LARGEST_SHARE * all);
    let told = large.map(|(folder, lines)| {
        let (share, most) = (100.0 * *lines as f64 / all, 100.0 * LARGEST_SHARE);
        format!("{folder} holds {share:.1} % of all lines of code; {most:.0} % are the most that a crate may")
    });
    told.collect()
}

/// Looks into a crate: its lines of code without its tests, and its circles in words, when there are some.
fn inside(one: &Crate) -> Result<(usize, Option<String>)> {
    let mut lines = 0;
    let mut told = None;
    for root in &one.roots {
        let modules = Modules::read(root)?;
        for file in &modules.files {
            lines += fs::read_to_string(file)?.lines().count();
        }
        let folder = root.parent().unwrap_or(Path::new(""));
        told = told.or(in_words(&modules, folder));
    }
    Ok((lines, told))
}

/// All circles of a target, the shortest first, each with the lines that make it.
fn in_words(modules: &Modules, folder: &Path) -> Option<String> {
    let imports = modules.imports();
    let graph = modules::graph(&imports);
    let circles = circles(&graph);
    if circles.is_empty() {
        return None;
    }
    let knot = largest_knot(&graph).len();
    let mut told = format!("{} circles of modules (the largest knot: {knot} modules)", circles.len());
    for circle in circles.iter().take(MOST_TOLD) {
        told += &format!("\n    {}", circle_in_words(circle, &imports, modules, folder));
    }
    if circles.len() > MOST_TOLD {
        told += &format!("\n    and {} more", circles.len() - MOST_TOLD);
    }
    Some(told)
}

/// `a → b (a.rs:3: crate::b::B) → a (b/part.rs:7: crate::a::A)`: how each imports the next.
fn circle_in_words(circle: &[usize], imports: &Imports, modules: &Modules, folder: &Path) -> String {
    let next = circle.iter().cycle().skip(1);
    let steps = circle.iter().zip(next).map(|(&from, &to)| {
        let Evidence { file, line, path } = &imports[&(from, to)];
        let file = &modules.files[*file];
        let file = file.strip_prefix(folder).unwrap_or(file).display();
        format!(" → {} ({file}:{line}: {path})", modules.name(to))
    });
    modules.name(circle[0]) + &steps.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// Of what a repository consists: path and text of each file.
    type Files = BTreeMap<&'static str, String>;

    const B: &str = "[package]\nname = \"b\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

    /// A small repository in which all is well: `b` imports `a`, and `board`, of another workspace, imports nothing.
    fn repository() -> Files {
        let table = "| crate | what it is | knows nothing about | may import |\n|---|---|---|---|\n\
                     | `board` | a board | | nothing of ours |\n\
                     | `crates/a` | a leaf | all | nothing of ours |\n\
                     | `crates/b` | its user | | `a` |\n\n";
        let places = picture::put(&format!("{}{}", picture::BEGIN, picture::END), "").unwrap();
        let crates = [("board", &[][..]), ("crates/a", &[]), ("crates/b", &["crates/a"])];
        let crates = crates.map(|(folder, imports)| Crate {
            folder: folder.to_owned(),
            roots: Vec::new(),
            edges: imports
                .iter()
                .map(|to: &&str| crates::Edge { to: (*to).to_owned(), for_tests: false })
                .collect(),
        });
        let document = picture::put(&(table.to_owned() + &places), &picture::mermaid(&crates)).unwrap();
        let package = |name: &str| B.replace("\"b\"", &format!("\"{name}\""));
        let workspace = "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"board\"]\nresolver = \"3\"\n";
        Files::from([
            ("ARCHITECTURE.md", document),
            ("Cargo.toml", workspace.to_owned()),
            ("Cargo.lock", "version = 4\n".to_owned()),
            ("deny.toml", include_str!("../../deny.toml").to_owned()),
            ("crates/a/Cargo.toml", package("a")),
            ("crates/a/src/lib.rs", "mod one;\nmod two;\n".to_owned()),
            ("crates/a/src/one.rs", "use crate::two::Two;\n".to_owned()),
            ("crates/a/src/two.rs", "pub struct Two;\n".to_owned()),
            ("crates/b/Cargo.toml", format!("{B}[dependencies]\na = {{ path = \"../a\" }}\n")),
            ("crates/b/src/lib.rs", String::new()),
            ("board/Cargo.toml", package("board") + "[workspace]\n"),
            ("board/Cargo.lock", "version = 4\n".to_owned()),
            ("board/src/main.rs", "fn main() {}\n".to_owned()),
        ])
    }

    fn checked(files: &Files) -> Found {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let cargo = || Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let mut found = check(folder.path(), cargo).unwrap();
        // Of a handful of lines, one crate has always more than a fifth.
        found.faults.retain(|told| !told.contains("of all lines of code"));
        found
    }

    #[test]
    fn a_repository_in_which_all_is_well_passes() {
        assert_eq!(checked(&repository()).faults, Vec::<String>::new());
    }

    #[test]
    fn a_planted_edge_between_crates_fails_it() {
        let mut files = repository();
        let document = files["ARCHITECTURE.md"].replace("| `a` |", "| nothing of ours |");
        files.insert("ARCHITECTURE.md", document);
        let expected =
            "crates/b imports crates/a, which its row in ARCHITECTURE.md's table of crates does not allow";
        assert_eq!(checked(&files).faults, [expected]);
    }

    #[test]
    fn a_planted_circle_of_modules_fails_it_and_is_told_in_full() {
        let mut files = repository();
        files.insert("crates/a/src/two.rs", "pub struct Two;\npub fn f() { super::one::f() }\n".to_owned());
        let expected = "crates/a has 1 circles of modules (the largest knot: 2 modules)\n    \
                        one → two (one.rs:1: crate::two::Two) → one (two.rs:2: super::one::f)";
        assert_eq!(checked(&files).faults, [expected]);
    }

    #[test]
    fn a_planted_aws_lc_sys_fails_it_in_each_workspace() {
        for lock in ["Cargo.lock", "board/Cargo.lock"] {
            let mut files = repository();
            let text = "version = 4\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\ndependencies = [\"aws-lc-sys\"]\n\
                        [[package]]\nname = \"aws-lc-sys\"\nversion = \"0.42.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
            files.insert(lock, text.to_owned());
            let faults = checked(&files).faults;
            assert_eq!(faults.len(), 1);
            assert!(faults[0].starts_with(&format!("{lock}: aws-lc-sys needs")), "{faults:?}");
            assert!(faults[0].ends_with(": b → aws-lc-sys"), "{faults:?}");
        }
    }

    #[test]
    fn a_planted_package_of_elsewhere_fails_it_in_each_workspace() {
        for lock in ["Cargo.lock", "board/Cargo.lock"] {
            let mut files = repository();
            let text = "version = 4\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\n\
                        source = \"git+https://forge.example/serde#0123\"\n";
            files.insert(lock, text.to_owned());
            let faults = checked(&files).faults;
            assert!(
                faults.len() == 1 && faults[0].starts_with(&format!("{lock}: serde 1.0.0 comes from git+"))
            );
        }
    }

    #[test]
    fn an_old_picture_fails_it() {
        let mut files = repository();
        let document = files["ARCHITECTURE.md"].replace("b --> a", "a --> b");
        files.insert("ARCHITECTURE.md", document);
        assert!(checked(&files).faults[0].starts_with("the picture in ARCHITECTURE.md is old"));
    }

    #[test]
    fn a_crate_of_more_than_a_fifth_of_all_lines_is_told() {
        let lines = [("a", 20), ("b", 21), ("c", 19), ("d", 20), ("e", 20)];
        let lines = lines.map(|(folder, lines)| (folder.to_owned(), lines)).into();
        let expected = "b holds 21.0 % of all lines of code; 20 % are the most that a crate may";
        assert_eq!(too_large(&lines), [expected]);
    }
}
