//! Our crates, as cargo knows them: where they are, and what their manifests name of each other.

use crate::Result;
use crate::process::line;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crate {
    /// Its folder, as from the root of the repository: `crates/media`, `firmware`. By this the table names it.
    pub(crate) folder: String,
    /// The first source files of its library and its programs.
    pub(crate) roots: Vec<PathBuf>,
    /// The crates of ours that it names.
    pub(crate) edges: Vec<Edge>,
}

/// A dependency of one of our crates on another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    /// The folder of the other one.
    pub(crate) to: String,
    /// Whether only tests, examples and benchmarks have it: it stands in `[dev-dependencies]`.
    pub(crate) for_tests: bool,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    /// `None`, `"dev"` or `"build"`.
    kind: Option<String>,
    /// There is one for what lies in this repository.
    path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

/// The crates of the workspaces in these folders, as `cargo metadata` tells them. It asks no network and needs no lock file.
///
/// What only one system or one feature needs counts as everything else does.
///
/// # Errors
/// cargo does not understand a manifest; what it says is shown.
pub(crate) fn read(root: &Path, workspaces: &[PathBuf], cargo: impl Fn() -> Command) -> Result<Vec<Crate>> {
    let mut crates = Vec::new();
    for workspace in workspaces {
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(workspace);
        let output = command.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`{}` in {} failed:\n{said}", line(&command), workspace.display()).into());
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
        for package in metadata.packages {
            crates.push(package.understood(root)?);
        }
    }
    crates.sort_by(|one, other| one.folder.cmp(&other.folder));
    Ok(crates)
}

impl Package {
    fn understood(self, root: &Path) -> Result<Crate> {
        let root = root.canonicalize()?;
        let folder = |path: &Path| -> Result<String> {
            let path = path.canonicalize()?;
            let inside =
                path.strip_prefix(&root).map_err(|_| format!("{} lies elsewhere", path.display()))?;
            Ok(inside.to_string_lossy().replace('\\', "/"))
        };
        let mut edges = Vec::new();
        for dependency in &self.dependencies {
            if let Some(path) = &dependency.path {
                let for_tests = dependency.kind.as_deref() == Some("dev");
                edges.push(Edge { to: folder(path)?, for_tests });
            }
        }
        edges.sort();
        edges.dedup();
        let read = |target: &Target| {
            target.kind.iter().any(|kind| matches!(&kind[..], "lib" | "proc-macro" | "bin"))
        };
        let roots = self.targets.into_iter().filter(read).map(|target| target.src_path).collect();
        let folder = folder(self.manifest_path.parent().unwrap_or(&root))?;
        Ok(Crate { folder, roots, edges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// A workspace of these crates, each with the rest of its manifest, and one of its own in `firmware`.
    fn workspace(crates: &[(&str, &str)]) -> TempDir {
        let folder = TempDir::new().unwrap();
        fs::write(
            folder.path().join("Cargo.toml"),
            "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n",
        )
        .unwrap();
        for (at, manifest) in crates {
            let at = folder.path().join(at);
            fs::create_dir_all(at.join("src")).unwrap();
            fs::write(at.join("src/lib.rs"), "").unwrap();
            let name = at.file_name().unwrap().to_str().unwrap();
            let head = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
            fs::write(at.join("Cargo.toml"), head + manifest).unwrap();
        }
        folder
    }

    fn cargo() -> Command {
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    #[test]
    fn cargo_tells_of_every_edge_whatever_it_is_for() {
        let folder = workspace(&[
            ("crates/a", ""),
            ("crates/b", "[build-dependencies]\na = { path = \"../a\" }\n"),
            (
                "crates/c",
                "[target.'cfg(windows)'.dependencies]\nb = { path = \"../b\", optional = true }\n\
                 [dev-dependencies]\na = { path = \"../a\" }\n",
            ),
            ("firmware", "[workspace]\n[dependencies]\na = { path = \"../crates/a\" }\n"),
        ]);
        let root = folder.path();
        let crates = read(root, &[root.to_owned(), root.join("firmware")], cargo).unwrap();
        let edge = |to: &str, for_tests| Edge { to: to.to_owned(), for_tests };
        let found: Vec<_> = crates.iter().map(|one| (&one.folder[..], one.edges.clone())).collect();
        let expected = [
            ("crates/a", vec![]),
            ("crates/b", vec![edge("crates/a", false)]),
            ("crates/c", vec![edge("crates/a", true), edge("crates/b", false)]),
            ("firmware", vec![edge("crates/a", false)]),
        ];
        assert_eq!(found, expected);
        assert!(crates.iter().all(|one| one.roots.len() == 1 && one.roots[0].ends_with("src/lib.rs")));
    }

    #[test]
    fn what_cargo_says_of_a_bad_manifest_is_told() {
        let folder = workspace(&[("crates/a", "nonsense")]);
        let error = read(folder.path(), &[folder.path().to_owned()], cargo).unwrap_err().to_string();
        assert!(error.contains("crates/a/Cargo.toml"), "{error}");
    }
}
