//! What somebody may have meant.

use alloc::vec::Vec;

/// The word among `known` that `typed` was probably meant to be: the same in another case, the start of it, or no more
/// than two slips away (one in a short word).
pub(super) fn nearest(typed: &str, known: &[&'static str]) -> Option<&'static str> {
    let typed = typed.to_ascii_lowercase();
    let start = |known: &&'static str| typed.len() >= 2 && known.starts_with(&typed);
    if let Some(known) = known.iter().copied().find(start) {
        return Some(known);
    }
    let candidates = known.iter().map(|&known| (slips(&typed, known), known));
    candidates
        .filter(|&(slips, known)| slips <= (known.len() / 2).min(2))
        .min_by_key(|&(slips, _)| slips)
        .map(|c| c.1)
}

/// How many bytes must be put in, left out, replaced or swapped with their neighbour to make `b` of `a`.
fn slips(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // Rows of the table of distances between beginnings of `a` and of `b`: the last two and the one being made.
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = Vec::from([i]);
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = core::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted_as_fingers_make_them() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("wifi", "wifi", 0),
            ("wfi", "wifi", 1),
            ("iwfi", "wifi", 1),
            ("dog", "cam", 3),
        ] {
            assert_eq!(slips(a, b), expected, "{a} {b}");
            assert_eq!(slips(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn the_word_that_was_meant_is_found() {
        let known = ["help", "wifi", "stream", "cam", "log"];
        for (typed, expected) in [
            ("WIFI", Some("wifi")),
            ("wfii", Some("wifi")),
            ("steam", Some("stream")),
            ("str", Some("stream")),
            ("cma", Some("cam")),
            ("dig", None),
            ("c", None),
            ("", None),
            ("überraschung", None),
        ] {
            assert_eq!(nearest(typed, &known), expected, "{typed}");
        }
    }
}
