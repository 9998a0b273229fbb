//! The table of crates in ARCHITECTURE.md: one row a crate, and what it may import.

use super::crates::Crate;
use crate::Result;
use std::collections::BTreeSet;

/// By this row the table is known.
const HEAD: [&str; 4] = ["crate", "what it is", "knows nothing about", "may import"];

/// What stands in the last column of a crate that imports none of ours.
const NOTHING: &str = "nothing of ours";

/// One row: a crate, and those that it may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The crate's folder, as from the root of the repository.
    pub(crate) folder: String,
    /// The folders of those that it may import.
    pub(crate) may_import: BTreeSet<String>,
}

/// Finds the table in a document and reads it. A crate is named by its folder, `crates/media`; what it may import by the
/// folder's last part, `media`.
///
/// # Errors
/// There is no table, or a row that is not understood. A crate may only import those whose rows stand above its own.
pub(crate) fn read(document: &str) -> Result<Vec<Row>> {
    let mut lines = document.lines().skip_while(|line| cells(line) != HEAD);
    if lines.next().is_none() {
        return Err(format!("ARCHITECTURE.md holds no table with the head | {} |", HEAD.join(" | ")).into());
    }
    let mut rows: Vec<Row> = Vec::new();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let [folder, _, _, may_import] = cells(line)[..] else {
            return Err(format!("ARCHITECTURE.md: a row does not have {} cells: {line}", HEAD.len()).into());
        };
        let folder = folder.trim_matches('`').trim_end_matches('/').to_owned();
        if rows.iter().any(|row| row.folder == folder) {
            return Err(format!("ARCHITECTURE.md: {folder} has two rows").into());
        }
        let names = may_import.split(',').map(|name| name.trim().trim_matches('`'));
        let names = names.filter(|_| may_import != NOTHING);
        let mut allowed = BTreeSet::new();
        for name in names {
            let above = rows.iter().find(|row| short(&row.folder) == name);
            let above = above.ok_or_else(|| {
                format!(
                    "ARCHITECTURE.md: {folder} may import \"{name}\", but no row above has this name \
                     (imports run upwards in the table; \"{NOTHING}\" says that there are none)"
                )
            })?;
            allowed.insert(above.folder.clone());
        }
        rows.push(Row { folder, may_import: allowed });
    }
    Ok(rows)
}

/// What a row or a person calls a crate: `media` is `crates/media`.
pub(crate) fn short(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

fn cells(line: &str) -> Vec<&str> {
    let inside = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|'));
    inside.map(|line| line.split('|').map(str::trim).collect()).unwrap_or_default()
}

/// What is wrong with the crates, by the table.
///
/// What is needed to build a crate must be in its row. What its tests need may be any crate whose row stands above.
pub(crate) fn faults(rows: &[Row], crates: &[Crate]) -> Vec<String> {
    let mut faults = Vec::new();
    let place = |folder: &str| rows.iter().position(|row| row.folder == folder);
    for one in crates {
        let Some(at) = place(&one.folder) else {
            faults.push(format!("{} has no row in ARCHITECTURE.md's table of crates", one.folder));
            continue;
        };
        for edge in &one.edges {
            let (from, to) = (&one.folder, &edge.to);
            if edge.for_tests {
                if place(to).is_some_and(|to| to >= at) {
                    faults.push(format!(
                        "the tests of {from} import {to}, whose row does not stand above: what they test together belongs \
                         into the tests of {to}"
                    ));
                }
            } else if !rows[at].may_import.contains(to) {
                faults.push(format!(
                    "{from} imports {to}, which its row in ARCHITECTURE.md's table of crates does not allow"
                ));
            }
        }
    }
    for row in rows {
        let there = crates.iter().any(|one| one.folder == row.folder);
        if !there {
            faults.push(format!(
                "{} has a row in ARCHITECTURE.md's table of crates, but is no crate",
                row.folder
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::crates::Edge;
    use super::*;

    const DOCUMENT: &str = "\
# A page

| file | what |
|---|---|
| `a.rs` | no crate |

| crate | what it is | knows nothing about | may import |
|---|---|---|---|
| `crates/media` | pictures | sockets | nothing of ours |
| `crates/live` | streams | users | `media` |
| `crates/http` | routes | encoders | `live` |
| `xtask` | commands | | `media`, `live` |

| another | table |
";

    fn one(folder: &str, needed: &[&str], for_tests: &[&str]) -> Crate {
        let edge = |to: &&str, for_tests| Edge { to: (*to).to_owned(), for_tests };
        let edges = needed.iter().map(|to| edge(to, false)).chain(for_tests.iter().map(|to| edge(to, true)));
        Crate { folder: folder.to_owned(), roots: Vec::new(), edges: edges.collect() }
    }

    fn house() -> Vec<Crate> {
        vec![
            one("crates/http", &["crates/live"], &["crates/media"]),
            one("crates/live", &["crates/media"], &[]),
            one("crates/media", &[], &[]),
            one("xtask", &["crates/media"], &["crates/http"]),
        ]
    }

    #[test]
    fn what_the_table_allows_is_no_fault() {
        let rows = read(DOCUMENT).unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[3].may_import, ["crates/media", "crates/live"].map(str::to_owned).into());
        assert_eq!(faults(&rows, &house()), Vec::<String>::new());
    }

    #[test]
    fn a_planted_edge_is_a_fault_though_a_longer_way_leads_there() {
        let rows = read(DOCUMENT).unwrap();
        let mut house = house();
        house[0] = one("crates/http", &["crates/live", "crates/media"], &[]);
        let expected = "crates/http imports crates/media, which its row in ARCHITECTURE.md's table of crates does not allow";
        assert_eq!(faults(&rows, &house), [expected]);
    }

    #[test]
    fn tests_may_import_what_stands_above_and_nothing_else() {
        let rows = read(DOCUMENT).unwrap();
        let mut house = house();
        house[1] = one("crates/live", &["crates/media"], &["crates/http"]);
        let found = faults(&rows, &house);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("the tests of crates/live import crates/http, whose row"), "{found:?}");
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_faults() {
        let rows = read(DOCUMENT).unwrap();
        let mut house = house();
        house[2] = one("crates/sound", &[], &[]);
        let found = faults(&rows, &house);
        assert!(found.iter().any(|fault| fault.starts_with("crates/sound has no row")), "{found:?}");
        assert!(found.iter().any(|fault| fault.starts_with("crates/media has a row")), "{found:?}");
    }

    #[test]
    fn a_table_that_is_no_order_is_refused() {
        for (from, to, why) in [
            ("nothing of ours", "`http`", "no row above has this name"),
            ("`live` |\n| `xtask`", "`live` |\n| `crates/live`", "has two rows"),
            ("nothing of ours", "", "no row above has this name"),
            ("| sockets |", "|", "does not have 4 cells"),
            ("| crate |", "| krate |", "holds no table"),
        ] {
            let changed = DOCUMENT.replacen(from, to, 1);
            assert_ne!(changed, DOCUMENT);
            let error = read(&changed).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
