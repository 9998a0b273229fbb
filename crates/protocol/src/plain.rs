//! Texts of strangers, as a terminal or a log may show them.
//!
//! A camera chooses what it tells about its device, a server what it says when it refuses a camera, a network its name. A
//! terminal obeys some characters instead of showing them. They are shown as what they are: `\u{9b}`.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::Write as _;

/// A text in one line, with everything escaped that a terminal obeys, or that shows another text than there is.
///
/// For example, a title with the bytes of "ESC [ 2 J" becomes `\u{1b}[2J`. The text of a good device is as it was.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe)
}

/// The same of a text that has several lines of ours: its line ends stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |char| char != '\n' && is_unsafe(char))
}

fn escaped(text: &str, is_bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if is_bad(char) {
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = write!(out, "{}", char.escape_unicode());
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// JSON text with all those characters escaped as JSON does (`\u009b`). It means what it meant before.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    // Line breaks and tabs between values are the layout of JSON; inside of strings they are escaped already.
    let is_unsafe = |char: char| is_unsafe(char) && !matches!(char, '\n' | '\r' | '\t');
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unsafe(char) {
            // Beyond U+FFFF, JSON takes two of them (RFC 8259 §7).
            for unit in char.encode_utf16(&mut [0; 2]) {
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// Whether a terminal obeys a character, or shows nothing or another order for it.
#[must_use]
pub const fn is_unsafe(char: char) -> bool {
    matches!(
        char,
        // C0, DEL and C1: what ESC and CSI are made of.
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // No width: soft hyphen, grapheme joiner, Arabic letter mark, Hangul and Khmer fillers, Mongolian separators.
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        // Zero width, and bidirectional marks, embeddings and overrides (UAX #9).
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        // Notes, shorthand and tags without a picture.
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString as _;

    /// One of each kind, and the ends of the ranges.
    const BAD: [char; 32] = [
        '\0',
        '\u{7}',
        '\u{8}',
        '\t',
        '\n',
        '\r',
        '\u{1b}',
        '\u{1f}',
        '\u{7f}',
        '\u{80}',
        '\u{85}',
        '\u{9b}',
        '\u{9d}',
        '\u{9f}',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{fff9}',
        '\u{e0001}',
        '\u{e007f}',
    ];

    #[test]
    fn what_a_terminal_obeys_or_does_not_show_is_written_out() {
        assert_eq!(line("a\u{1b}[2J\u{9b}31m\u{202e}b"), "a\\u{1b}[2J\\u{9b}31m\\u{202e}b");
        for bad in BAD {
            let shown = line(&format!("x{bad}y")).into_owned();
            assert!(shown.is_ascii() && shown.contains("\\u{"), "{shown:?} for {bad:?}");
            assert!(!shown.contains(is_unsafe), "{shown:?}");
        }
    }

    #[test]
    fn of_our_own_lines_the_ends_stay() {
        assert_eq!(lines("a\n\u{1b}b\r\n"), "a\n\\u{1b}b\\u{d}\n");
        assert_eq!(line("a\nb").to_string(), "a\\u{a}b");
    }

    #[test]
    fn the_words_of_people_stay_as_they_are() {
        for text in ["", "Front door", "Küche – 2. OG", "玄関カメラ", "مدخل", "Сад 🌷 é", "10 °C · 5 µs"]
        {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
            assert!(matches!(json(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn json_means_the_same_and_shows_nothing_that_a_terminal_obeys() {
        let all: String = BAD.iter().collect();
        let value = serde_json::json!({ "title": all, "\u{9b}key": ["\u{202e}", 1, null] });
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let shown = json(&pretty);
        assert!(!shown.contains(|char| is_unsafe(char) && char != '\n'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        assert!(shown.contains("\\udb40\\udc01"), "a pair of surrogates: {shown}");
    }
}
