//! A line becomes words.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A word of a line, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// What it says.
    pub text: String,
    /// Where in it something was quoted or escaped first, if anything. A flag or an option is not quoted.
    pub quoted_from: Option<usize>,
}

impl Word {
    /// Whether it is the flag or option `name`.
    pub fn is(&self, name: &str) -> bool {
        self.quoted_from.is_none() && self.text == name
    }

    /// Whether it is an option, maybe with its value: `--pass`, `--pass='my word'`.
    pub fn is_option(&self) -> bool {
        self.text.starts_with("--") && self.quoted_from.is_none_or(|from| from >= 2)
    }
}

/// Why a line has no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This quote is opened and not closed.
    Open(char),
    /// A backslash is the last character.
    Backslash,
    /// There is a control character.
    Control,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(quote) => {
                write!(f, "a {quote} is not closed; write \\{quote} for one that belongs to the word")
            }
            Self::Backslash => {
                f.write_str("nothing follows the last \\; write \\\\ for one that belongs to the word")
            }
            Self::Control => f.write_str("there is a control character in it"),
        }
    }
}

/// The words of a line, which are apart by blanks. Within 'single quotes' everything is as it is; within "double quotes"
/// a backslash goes before `"` and `\`; elsewhere it takes the next character as it is. Quoted parts join with what
/// touches them, and `""` is an empty word.
pub(super) fn split(line: &str) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert(Word { text: String::new(), quoted_from: None });
        if matches!(c, '\'' | '"' | '\\') {
            word.quoted_from.get_or_insert(word.text.len());
        }
        match c {
            '\'' | '"' => quoted(c, &mut chars, &mut word.text)?,
            '\\' => word.text.push(visible(chars.next().ok_or(Fault::Backslash)?)?),
            c => word.text.push(visible(c)?),
        }
    }
    words.extend(word);
    Ok(words)
}

/// `text` as somebody has to type it to be one word: as it is, or within double quotes.
pub(crate) fn as_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.into();
    }
    let escaped = text.chars().flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]));
    ['"'].into_iter().chain(escaped).chain(['"']).collect()
}

/// Takes what is between two of `quote`; the first is already taken.
fn quoted(quote: char, chars: &mut core::str::Chars<'_>, text: &mut String) -> Result<(), Fault> {
    while let Some(c) = chars.next() {
        let escaped = matches!(chars.as_str().as_bytes().first(), Some(b'"' | b'\\'));
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' && escaped => text.extend(chars.next()),
            c => text.push(visible(c)?),
        }
    }
    Err(Fault::Open(quote))
}

/// NVS and the C firmware end strings with a NUL, and no network or server has other control characters in its name.
fn visible(c: char) -> Result<char, Fault> {
    if c.is_control() { Err(Fault::Control) } else { Ok(c) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn texts(line: &str) -> Result<Vec<String>, Fault> {
        Ok(split(line)?.into_iter().map(|word| word.text).collect())
    }

    #[test]
    fn blanks_part_words_and_quotes_hold_them_together() {
        for (line, expected) in [
            ("", &[][..]),
            (" \t ", &[]),
            ("  wifi\tstatus ", &["wifi", "status"]),
            (r#"a "b c" d"#, &["a", "b c", "d"]),
            ("a 'b  c' d", &["a", "b  c", "d"]),
            (r"a b\ c d", &["a", "b c", "d"]),
            (r#"a "" ''"#, &["a", "", ""]),
            (r#"ab"c d"'e f'g"#, &["abc de fg"]),
            (r#""say \"hi\" \\ \n" x"#, &[r#"say "hi" \ \n"#, "x"]),
            (r#"'a"b\' c"#, &[r#"a"b\"#, "c"]),
            (r#"'a\"b' 'a\\b'"#, &[r#"a\"b"#, r"a\\b"]),
            (r#"it\'s \"x\" \\"#, &["it's", "\"x\"", "\\"]),
            ("Café\u{a0}日本 x", &["Café\u{a0}日本", "x"]),
        ] {
            assert_eq!(texts(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_shown_to_be_typed_is_understood_as_it_was_meant() {
        for text in
            ["attic", "", "my net", "--save", r#"say "hi""#, r"a\b\", "Café", "it's", "a\u{a0}b", "$x;&|"]
        {
            let words = split(&format!("wifi set {} x", as_word(text))).expect(text);
            assert_eq!(words[2].text, text);
            assert!(!words[2].is_option() && words.len() == 4, "{text}");
        }
        assert_eq!((as_word("attic-2.4"), as_word("my net")), ("attic-2.4".into(), "\"my net\"".into()));
    }

    #[test]
    fn what_is_not_closed_is_told() {
        assert_eq!(split(r#"wifi set "my net"#), Err(Fault::Open('"')));
        assert_eq!(split("wifi set Anna's pw"), Err(Fault::Open('\'')));
        assert_eq!(split(r#""ends with \""#), Err(Fault::Open('"')));
        assert_eq!(split("a\\"), Err(Fault::Backslash));
        for line in ["a\0b", "'\x1b'", "\"\t\"", "\\\x7f", "\u{85}"] {
            assert_eq!(split(line), Err(Fault::Control), "{line:?}");
        }
    }

    #[test]
    fn only_a_bare_word_is_a_flag() {
        let words = split(r#"save "save" s\ave 'sa've save''"#).unwrap();
        assert!(words.iter().all(|word| word.text == "save"));
        assert_eq!(
            words.iter().map(|word| word.is("save")).collect::<Vec<_>>(),
            [true, false, false, false, false]
        );
        let words = split(r#"--x --x='a b' "--x" \--x -'-x' x"#).unwrap();
        assert_eq!(
            words.iter().map(Word::is_option).collect::<Vec<_>>(),
            [true, true, false, false, false, false]
        );
    }
}
