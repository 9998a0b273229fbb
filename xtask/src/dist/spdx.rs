//! Licence expressions as crates write them: SPDX 2.3 annex D, and the old `MIT/Apache-2.0`.

/// Whether what is `allowed` satisfies the expression: of an `OR` one side is enough, of an `AND` both are needed.
///
/// # Errors
/// When it is no expression.
pub(crate) fn is_allowed(expression: &str, allowed: &[String]) -> Result<bool, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let satisfied = any(&mut words, allowed).filter(|_| words.next().is_none());
    satisfied.ok_or_else(|| format!("{expression:?} is no licence expression"))
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let mut result = all(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        result |= all(words, allowed)?;
    }
    Some(result)
}

fn all(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let mut result = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        result &= one(words, allowed)?;
    }
    Some(result)
}

fn one(words: &mut Words, allowed: &[String]) -> Option<bool> {
    match words.next()? {
        "(" => any(words, allowed).filter(|_| words.next() == Some(")")),
        ")" | "OR" | "AND" | "WITH" => None,
        licence => {
            let name = match words.next_if_eq(&"WITH") {
                Some(_) => format!("{licence} WITH {}", words.next()?),
                None => licence.to_owned(),
            };
            Some(allowed.contains(&name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(expression: &str) -> Result<bool, String> {
        is_allowed(expression, &["MIT".to_owned(), "ISC".to_owned(), "A WITH exception".to_owned()])
    }

    #[test]
    fn one_side_of_an_or_is_enough_and_both_of_an_and_are_needed() {
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "MIT AND ISC",
            "(GPL-3.0 OR MIT) AND ISC",
            "A WITH exception",
        ] {
            assert_eq!(allowed(good), Ok(true), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "A",
            "MIT AND (ISC AND GPL-3.0)",
            "GPL-3.0 OR MIT AND BSD-3-Clause",
        ] {
            assert_eq!(allowed(bad), Ok(false), "{bad}");
        }
    }

    #[test]
    fn what_is_no_expression_is_never_taken_for_a_licence() {
        for text in ["", "MIT OR", "MIT ISC", "(MIT", "MIT)", "AND MIT", "MIT WITH"] {
            assert!(allowed(text).is_err(), "{text:?}");
        }
    }
}
