//! What of other people's code may become part of this repository's: the checks of `cargo deny` that need no network
//! (licences, bans, sources), by the same `deny.toml`.
//!
//! `cargo deny` itself is made of some 300 crates, and takes longer to build than everything else that a continuous
//! integration does with a small change; who has it can run it, and it says the same. Its check of advisories needs the
//! network, and is for people: `cargo deny check advisories`.

use crate::Result;
use crate::dist::spdx;
use crate::process::line;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The part of `deny.toml` that is looked at here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Rules {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    /// The crate may be there, in one version.
    #[serde(default)]
    deny_multiple_versions: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    req: String,
    source: Option<String>,
}

impl Rules {
    /// Reads `deny.toml` in the root of the repository.
    ///
    /// # Errors
    /// It is not there, or says something else than what is read here.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        Self::parse(&fs::read_to_string(root.join("deny.toml"))?)
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text).map_err(|error| format!("deny.toml: {error}"))?)
    }

    /// What a lock file names that must not be there: by its name, in several versions, or from elsewhere.
    ///
    /// # Errors
    /// It is no lock file.
    pub(crate) fn of_lock(&self, lock: &str) -> Result<Vec<String>> {
        let Lock { package: packages } = toml::from_str(lock)?;
        let mut faults = Vec::new();
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Locked { name, version, source } in &packages {
            versions.entry(name).or_default().insert(version);
            let from_elsewhere = source.as_ref().is_some_and(|source| !self.may_come_from(source));
            if from_elsewhere {
                let source = source.as_deref().unwrap_or_default();
                faults.push(format!("{name} {version} comes from {source}, which deny.toml does not allow"));
            }
        }
        for Banned { name, deny_multiple_versions } in &self.bans.deny {
            let found: Vec<&str> = versions.get(&name[..]).into_iter().flatten().copied().collect();
            match (found.len(), deny_multiple_versions) {
                (0, _) | (1, true) => {}
                (_, false) => faults.push(format!("{name} is there, which deny.toml forbids")),
                (_, true) => {
                    faults.push(format!("{name} is there several times: {}", found.join(", ")));
                }
            }
        }
        Ok(faults)
    }

    /// Packages whose licence is not allowed, and dependencies of ours on whatever version there is, for every system that is
    /// packed for. Cargo gets the packages' manifests first, when they are not there.
    ///
    /// # Errors
    /// cargo fails; what it says is shown.
    pub(crate) fn of_packages(&self, root: &Path, cargo: impl Fn() -> Command) -> Result<Vec<String>> {
        let mut faults = BTreeSet::new();
        for target in &self.graph.targets {
            let mut command = cargo();
            command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target]);
            let output = command.current_dir(root).output()?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(format!("`{}` failed:\n{said}", line(&command)).into());
            }
            faults.extend(self.of_metadata(&String::from_utf8(output.stdout)?)?);
        }
        Ok(faults.into_iter().collect())
    }

    fn of_metadata(&self, metadata: &str) -> Result<Vec<String>> {
        let Metadata { packages } = serde_json::from_str(metadata)?;
        let mut faults = Vec::new();
        for Package { name, version, license, source, dependencies } in &packages {
            if source.is_none() {
                // Path dependencies inside the repository have no source and name no version.
                let wild = dependencies.iter().filter(|one| one.source.is_some() && one.req.trim() == "*");
                faults.extend(wild.map(|one| format!("{name} takes any version of {}", one.name)));
                continue;
            }
            let fault = match license {
                None => "names no licence".to_owned(),
                Some(licence) => match spdx::is_allowed(licence, &self.licenses.allow) {
                    Ok(true) => continue,
                    Ok(false) => format!("has the licence {licence}, which deny.toml does not allow"),
                    Err(error) => error,
                },
            };
            faults.push(format!("{name} {version}: {fault}"));
        }
        Ok(faults)
    }

    fn may_come_from(&self, source: &str) -> bool {
        self.sources.allow_registry.iter().any(|registry| source.strip_prefix("registry+") == Some(registry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn rules() -> Rules {
        Rules::parse(include_str!("../../../deny.toml")).unwrap()
    }

    fn lock(packages: &[(&str, &str, &str)]) -> String {
        let package = |(name, version, source): &(&str, &str, &str)| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\n")
        };
        packages.iter().map(package).collect()
    }

    #[test]
    fn what_is_banned_doubled_or_from_elsewhere_is_told() {
        for (packages, said) in [
            (&[("serde", "1.0.0", REGISTRY)][..], None),
            (&[("openssl-sys", "0.9.0", REGISTRY)], Some("openssl-sys is there")),
            (&[("native-tls", "0.2.0", REGISTRY)], Some("native-tls is there")),
            (
                &[("tokio", "1.0.0", REGISTRY), ("tokio", "0.2.0", REGISTRY)],
                Some("tokio is there several times"),
            ),
            (&[("tokio", "1.0.0", REGISTRY)], None),
            (&[("serde", "1.0.0", "git+https://forge.example/serde#0123")], Some("comes from git+")),
            (&[("serde", "1.0.0", "registry+https://registry.example/index")], Some("comes from registry+")),
            (&[("serde", "1.0.0", "sparse+https://registry.example/")], Some("comes from sparse+")),
        ] {
            let found = rules().of_lock(&lock(packages)).unwrap();
            match said {
                None => assert_eq!(found, Vec::<String>::new()),
                Some(said) => assert!(found.len() == 1 && found[0].contains(said), "{said}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_licence_that_is_not_allowed_and_a_version_that_is_not_named_are_told() {
        let package = |license: Option<&str>| json!({ "name": "other", "version": "1.2.3", "license": license, "source": REGISTRY, "dependencies": [] });
        let ours = |req: &str, source: Option<&str>| {
            json!({ "name": "ours", "version": "0.1.0", "license": null, "source": null,
                "dependencies": [{ "name": "other", "req": req, "source": source }] })
        };
        for (package, said) in [
            (package(Some("MIT")), None),
            (package(Some("GPL-3.0-only OR Apache-2.0")), None),
            (package(Some("GPL-3.0-only")), Some("has the licence GPL-3.0-only")),
            (package(Some("MIT AND GPL-3.0-only")), Some("which deny.toml does not allow")),
            (package(Some("MIT OR")), Some("is no licence expression")),
            (package(None), Some("names no licence")),
            (ours("*", Some(REGISTRY)), Some("takes any version of other")),
            (ours("*", None), None),
            (ours("^1", Some(REGISTRY)), None),
        ] {
            let found = rules().of_metadata(&json!({ "packages": [package] }).to_string()).unwrap();
            match said {
                None => assert_eq!(found, Vec::<String>::new()),
                Some(said) => assert!(found.len() == 1 && found[0].contains(said), "{said}: {found:?}"),
            }
        }
    }

    #[test]
    fn rules_that_say_less_are_refused() {
        for section in ["[licenses]", "[bans]", "[sources]", "[graph]"] {
            let text = include_str!("../../../deny.toml").replacen(section, "[left-out]", 1);
            assert!(Rules::parse(&text).is_err(), "{section}");
        }
    }
}
