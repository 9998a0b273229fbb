//! What building asks of a computer beside cargo and a C compiler: nothing, for users have nothing else.

use crate::Result;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};

/// Crates that need more, and what of.
const FORBIDDEN: [(&str, &str); 4] = [
    ("aws-lc-sys", "cmake, or headers and a library of AWS-LC"),
    ("bindgen", "libclang"),
    ("cmake", "cmake"),
    ("openssl-sys", "the headers of OpenSSL"),
];

#[derive(Debug, Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    /// There is none for what lies in this repository.
    source: Option<String>,
    /// `name`, or `name version` where there are several, or `name version (source)`.
    #[serde(default)]
    dependencies: Vec<String>,
}

/// What a Cargo.lock names that must not be there, each with the shortest way from a crate of ours to it.
///
/// A lock file names what any system, any feature of ours and any test needs, so this is stricter than one build; and it
/// needs neither a network nor the packages themselves.
///
/// # Errors
/// It is no lock file.
pub(crate) fn faults(lock: &str) -> Result<Vec<String>> {
    let Lock { package: packages } = toml::from_str(lock)?;
    let mut came_from: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    let ours = packages.iter().enumerate().filter(|(_, package)| package.source.is_none());
    let mut waiting: VecDeque<usize> = ours.map(|(at, _)| at).collect();
    came_from.extend(waiting.iter().map(|&at| (at, None)));
    while let Some(at) = waiting.pop_front() {
        for dependency in &packages[at].dependencies {
            let next = packages.iter().position(|package| package.is(dependency));
            let next = next.ok_or_else(|| format!("nothing in there is the dependency \"{dependency}\""))?;
            came_from.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                Some(at)
            });
        }
    }
    let mut faults = Vec::new();
    for (name, needed) in FORBIDDEN {
        for (&at, _) in came_from.iter().filter(|&(&at, _)| packages[at].name == name) {
            let ways = std::iter::successors(Some(at), |at| came_from[at]);
            let mut way: Vec<_> = ways.map(|at| &packages[at].name[..]).collect();
            way.reverse();
            faults.push(format!("{name} needs {needed}, which users do not have: {}", way.join(" → ")));
        }
    }
    Ok(faults)
}

impl Package {
    fn is(&self, dependency: &str) -> bool {
        let mut words = dependency.split(' ');
        words.next() == Some(&self.name)
            && words.next().is_none_or(|version| version == self.version)
            && words.next().is_none_or(|source| {
                let source = source.trim_matches(['(', ')']);
                // A lock file's list leaves out which commit a branch was at.
                self.source.as_deref().is_some_and(|its| its.split('#').next() == source.split('#').next())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lock file of these packages: name, version, whether it is ours, what it depends on.
    fn lock(packages: &[(&str, &str, bool, &[&str])]) -> String {
        let mut text = "version = 4\n".to_owned();
        for (name, version, ours, dependencies) in packages {
            text += &format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
            if !ours {
                text += "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
            }
            text += &format!("dependencies = {dependencies:?}\n");
        }
        text
    }

    #[test]
    fn a_planted_aws_lc_sys_is_told_with_the_shortest_way_to_it() {
        let text = lock(&[
            ("aws-lc-rs", "1.17.0", false, &["aws-lc-sys"]),
            ("aws-lc-sys", "0.42.0", false, &["cc"]),
            ("cc", "1.2.0", false, &[]),
            ("http-of-ours", "0.1.0", true, &["tls-of-ours", "cc"]),
            ("rustls", "0.23.0", false, &["aws-lc-rs"]),
            ("tls-of-ours", "0.1.0", true, &["rustls"]),
        ]);
        let way = "tls-of-ours → rustls → aws-lc-rs → aws-lc-sys";
        let expected = format!(
            "aws-lc-sys needs cmake, or headers and a library of AWS-LC, which users do not have: {way}"
        );
        assert_eq!(faults(&text).unwrap(), [expected]);
    }

    #[test]
    fn each_of_the_forbidden_is_found_in_whichever_version_it_is() {
        for (name, _) in FORBIDDEN {
            let text = lock(&[
                ("ours", "0.1.0", true, &["other 1.0.0", "other 2.0.0"]),
                (name, "0.3.0", false, &[]),
                ("other", "1.0.0", false, &[]),
                ("other", "2.0.0", false, &[name]),
            ]);
            let found = faults(&text).unwrap();
            assert_eq!(found.len(), 1);
            assert!(found[0].ends_with(&format!("ours → other → {name}")), "{found:?}");
        }
    }

    #[test]
    fn what_only_sounds_alike_is_no_fault() {
        let text = lock(&[
            ("ours", "0.1.0", true, &["openssl-probe", "cmake-parser"]),
            ("openssl-probe", "0.2.0", false, &[]),
            ("cmake-parser", "0.1.0", false, &[]),
        ]);
        assert_eq!(faults(&text).unwrap(), Vec::<String>::new());
        let torn = lock(&[("ours", "0.1.0", true, &["gone"])]);
        assert!(faults(&torn).unwrap_err().to_string().contains("gone"));
    }
}
