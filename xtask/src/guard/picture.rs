//! The picture of imports: which crate of ours imports which, in ARCHITECTURE.md and on a screen.

use super::crates::Crate;
use super::table::short;
use crate::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Between these two lines the picture stands in ARCHITECTURE.md.
pub(crate) const BEGIN: &str = "<!-- `cargo xtask guard --picture` writes what stands from here on … -->";
pub(crate) const END: &str = "<!-- … until here. -->";

/// Which crate imports which, by folder; without what only tests import.
type Arrows<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn arrows(crates: &[Crate]) -> Arrows<'_> {
    let mut arrows = Arrows::new();
    for one in crates {
        let needed = one.edges.iter().filter(|edge| !edge.for_tests);
        arrows.insert(&one.folder, needed.map(|edge| &edge.to[..]).collect());
    }
    arrows
}

/// Leaves out each arrow that a longer way says, too: where `http → live → media` stands, `http → media` tells nothing new.
fn reduced<'a>(arrows: &Arrows<'a>) -> Arrows<'a> {
    let leads = |from: &str, to: &str| {
        let mut waiting: Vec<&str> = arrows.get(from).into_iter().flatten().copied().collect();
        let mut seen = BTreeSet::new();
        while let Some(at) = waiting.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                waiting.extend(arrows.get(at).into_iter().flatten());
            }
        }
        false
    };
    let kept = |targets: &BTreeSet<&'a str>| {
        let needed = |to: &&&str| !targets.iter().any(|via| via != *to && leads(via, to));
        targets.iter().filter(needed).copied().collect()
    };
    arrows.iter().map(|(from, targets)| (*from, kept(targets))).collect()
}

/// The picture as Mermaid, which GitHub and most editors draw, in a fence.
pub(crate) fn mermaid(crates: &[Crate]) -> String {
    let mut text = "```mermaid\ngraph TD\n".to_owned();
    for (from, targets) in reduced(&arrows(crates)) {
        if targets.is_empty() {
            writeln!(text, "    {}", short(from)).expect("a string has room");
        }
        for to in targets {
            writeln!(text, "    {} --> {}", short(from), short(to)).expect("a string has room");
        }
    }
    text + "```\n"
}

/// The picture as lines of text: each crate with its lines of code, its share of all, and every crate that it imports.
pub(crate) fn text(crates: &[Crate], lines: &BTreeMap<String, usize>) -> String {
    let all: usize = lines.values().sum();
    let mut rows: Vec<_> = arrows(crates).into_iter().collect();
    rows.sort_by_key(|(folder, _)| std::cmp::Reverse(lines.get(*folder)));
    let mut text = String::new();
    for (folder, targets) in rows {
        let its = lines.get(folder).copied().unwrap_or(0);
        let percent = 100.0 * its as f64 / all.max(1) as f64;
        let targets: Vec<_> = targets.into_iter().map(short).collect();
        let arrow = if targets.is_empty() { "" } else { " → " };
        let names = targets.join(", ");
        writeln!(text, "{its:>7} lines {percent:>5.1} %  {}{arrow}{names}", short(folder))
            .expect("a string has room");
    }
    text
}

/// A document with this picture instead of the one that it holds.
///
/// # Errors
/// The document does not say where the picture goes.
pub(crate) fn put(document: &str, picture: &str) -> Result<String> {
    let parts = document.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| {
        format!("ARCHITECTURE.md does not say where the picture of imports goes, by these two lines:\n{BEGIN}\n{END}")
    })?;
    Ok(format!("{before}{BEGIN}\n\n{picture}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::super::crates::Edge;
    use super::*;

    fn one(folder: &str, imports: &[&str]) -> Crate {
        let edges = imports.iter().map(|to| Edge { to: (*to).to_owned(), for_tests: false }).collect();
        Crate { folder: folder.to_owned(), roots: Vec::new(), edges }
    }

    fn house() -> [Crate; 3] {
        [
            one("crates/http", &["crates/live", "crates/media"]),
            one("crates/live", &["crates/media"]),
            one("crates/media", &[]),
        ]
    }

    #[test]
    fn the_drawing_leaves_out_what_a_longer_way_says() {
        let expected = "```mermaid\ngraph TD\n    http --> live\n    live --> media\n    media\n```\n";
        assert_eq!(mermaid(&house()), expected);
    }

    #[test]
    fn the_text_tells_every_arrow_and_the_largest_crate_first() {
        let lines = [("crates/http", 10), ("crates/live", 30), ("crates/media", 60)];
        let lines = lines.map(|(folder, lines)| (folder.to_owned(), lines)).into();
        let text = text(&house(), &lines);
        let expected = "     60 lines  60.0 %  media\n     30 lines  30.0 %  live → media\n     10 lines  10.0 %  http → live, media\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_picture_takes_the_place_of_the_one_before_and_of_nothing_else() {
        let document = format!("above\n{BEGIN}\n\nold\n{END}\nbelow\n");
        let written = put(&document, "new\n").unwrap();
        assert_eq!(written, format!("above\n{BEGIN}\n\nnew\n\n{END}\nbelow\n"));
        assert_eq!(put(&written, "new\n").unwrap(), written);
        assert!(put("no place", "new\n").is_err());
    }
}
