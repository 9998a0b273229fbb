//! What Tab offers.

use super::help::{self, FORMS_OF_SAVE};
use super::words::{self, Word};
use alloc::string::ToString;
use alloc::vec::Vec;

/// What may stand where a line ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion<'a> {
    /// The word that the line ends with, as far as it is typed; empty after a blank.
    pub typed: &'a str,
    /// Words that begin with it.
    pub words: Vec<&'static str>,
    /// Values that the owner has to make up, as usage names them: `<ssid>`.
    pub values: Vec<&'static str>,
}

/// What may stand at the end of `line`, which is what is before the cursor. Nothing within quotes.
#[must_use]
pub fn complete(line: &str) -> Completion<'_> {
    let start = line.rfind(|c: char| c.is_ascii_whitespace()).map_or(0, |blank| blank + 1);
    let (before, typed) = line.split_at(start);
    // Within quotes, or after an escaped blank, the word did not begin at the last blank.
    let Ok(words) = words::split(before) else {
        return Completion::default();
    };
    if before.trim_end().ends_with('\\') || typed.contains(['"', '\'', '\\']) {
        return Completion::default();
    }
    let mut completion = offers(&words);
    completion.typed = typed;
    completion.words.retain(|word| word.starts_with(typed));
    completion
}

/// The fixed words that may follow `before`.
pub(super) fn words_after(before: &[&str]) -> Vec<&'static str> {
    let word = |text: &&str| Word { text: text.to_string(), quoted_from: None };
    offers(&before.iter().map(word).collect::<Vec<_>>()).words
}

fn offers(before: &[Word]) -> Completion<'static> {
    let mut completion = Completion::default();
    for form in help::GROUPS.iter().flat_map(|group| group.forms) {
        let parts: Vec<Part> = form.usage.split(' ').map(Part).collect();
        offer(&parts, before, &mut completion);
    }
    completion
}

/// Adds what may follow `before` in a form of which `parts` are left.
fn offer(parts: &[Part], before: &[Word], completion: &mut Completion<'static>) {
    let Some((part, parts)) = parts.split_first() else {
        return;
    };
    match before.split_first() {
        None => part.offer(completion),
        Some((word, before)) if part.takes(word) => offer(parts, before, completion),
        Some(_) => {}
    }
    if part.is_optional() {
        offer(parts, before, completion);
    }
}

/// A part of a usage: `word`, `<value>`, `<this|that>`, `[flag]`, `[value]` or `[this|that]`.
#[derive(Clone, Copy)]
struct Part(&'static str);

impl Part {
    fn is_optional(self) -> bool {
        self.0.starts_with('[')
    }

    fn bare(self) -> &'static str {
        self.0.trim_matches(['<', '>', '[', ']'])
    }

    /// Whether it is a word to be typed as it is.
    fn is_fixed(self) -> bool {
        self.bare() == self.0 || FORMS_OF_SAVE.contains(&self.bare())
    }

    fn takes(self, word: &Word) -> bool {
        if self.is_fixed() {
            return word.is(self.bare());
        }
        let flag = self.is_optional() && FORMS_OF_SAVE.iter().any(|flag| word.is(flag));
        !flag && !word.is_option()
    }

    fn offer(self, completion: &mut Completion<'static>) {
        let mut add = |word| {
            if !completion.words.contains(&word) {
                completion.words.push(word);
            }
        };
        if self.is_fixed() {
            add(self.bare());
        } else if self.bare() == "command" {
            help::names().into_iter().for_each(add);
        } else if self.bare().contains('|') {
            self.bare().split('|').filter(|choice| !is_range(choice)).for_each(add);
            if self.bare().split('|').any(is_range) {
                completion.values.push(self.0);
            }
        } else {
            completion.values.push(self.0);
        }
    }
}

/// Whether it stands for numbers, such as `0-1200`.
fn is_range(choice: &str) -> bool {
    choice.contains('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, words: &[&str], values: &[&str]) {
        let completion = complete(line);
        assert_eq!((&completion.words[..], &completion.values[..]), (words, values), "{line}");
    }

    #[test]
    fn commands_and_their_words_are_offered() {
        check("", &["help", "wifi", "stream", "cam", "psram", "log", "reboot", "version"], &[]);
        check("  st", &["stream"], &[]);
        check("wifi ", &["status", "scan", "set", "connect", "disconnect", "clear"], &[]);
        check("wifi s", &["status", "scan", "set"], &[]);
        check("wifi set", &["set"], &[]);
        check("stream set ", &["host", "port", "path", "key"], &[]);
        check("help c", &["cam"], &[]);
        check("nothing ", &[], &[]);
        check("reboot ", &[], &[]);
    }

    #[test]
    fn fixed_arguments_are_offered_and_values_are_named() {
        check("cam size ", &["qqvga", "qvga", "vga", "svga", "xga", "uxga"], &[]);
        check("cam size q", &["qqvga", "qvga"], &[]);
        check("cam adaptive o", &["on", "off"], &[]);
        check("cam flip ", &["0", "1"], &[]);
        check("cam quality ", &[], &["<1-100>"]);
        check("cam brightness ", &[], &["<-2..2>"]);
        check("cam exposure ", &["auto"], &["<auto|0-1200>"]);
        check("cam exposure auto ", &["save"], &[]);
        check("log level d", &["debug"], &[]);
        check("wifi scan ", &[], &["[max]"]);
        check("stream start ", &["save"], &[]);
        check("stream clear ", &[], &[]);
    }

    #[test]
    fn save_is_offered_once_and_only_where_it_is_the_flag() {
        check("stream set host ", &[], &["<host>"]);
        check("stream set host h ", &["save"], &["[port]"]);
        check("stream set host h 80 ", &["save"], &[]);
        check("stream set host h save ", &[], &[]);
        check("stream set host save s", &["save"], &["[port]"]);
        check("wifi set net password sa", &["save"], &[]);
        check("wifi set 'my net' \"pass word\" ", &["save"], &[]);
    }

    #[test]
    fn options_are_offered_where_they_may_stand() {
        check("wifi set ", &["--ssid"], &["<ssid>"]);
        check("wifi set --", &["--ssid"], &["<ssid>"]);
        check("wifi set --ssid net ", &["--pass"], &[]);
        check("wifi set --ssid net --pass password ", &["--save"], &[]);
        check("wifi set '--ssid' password ", &["save"], &[]);
    }

    #[test]
    fn nothing_is_offered_within_quotes() {
        check("wifi set \"my s", &[], &[]);
        check("wifi set my\\ s", &[], &[]);
        check("\"wi", &[], &[]);
    }
}
