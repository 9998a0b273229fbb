//! The lines typed before.

use super::line::Line;
use crate::console::command::{Command, Stream, Wifi};
use crate::console::help;
use crate::console::parse;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Most lines that are kept.
pub const MAX_HISTORY: usize = 16;

/// Lines from the oldest to the newest, and the place of the one that is shown.
///
/// What may hold a password or a key is not kept: whoever comes to the console next need only press an arrow.
#[derive(Default)]
pub(super) struct History {
    lines: VecDeque<String>,
    /// The line shown, and what was being typed before.
    place: Option<(usize, String)>,
}

impl History {
    /// Keeps a line that was entered, unless it is blank, a repetition, or secret.
    pub fn add(&mut self, line: &str) {
        self.leave();
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) || may_be_secret(line)
        {
            return;
        }
        if self.lines.len() == MAX_HISTORY {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_string());
    }

    /// Forgets which line is shown.
    pub fn leave(&mut self) {
        self.place = None;
    }

    /// Makes `line` the one before.
    pub fn older(&mut self, line: &mut Line) {
        let (place, draft) = match self.place.take() {
            Some((place, draft)) => (place.saturating_sub(1), draft),
            None if self.lines.is_empty() => return,
            None => (self.lines.len() - 1, line.text().to_string()),
        };
        line.set(self.lines[place].clone());
        self.place = Some((place, draft));
    }

    /// Makes `line` the one after; after the newest, what was being typed.
    pub fn newer(&mut self, line: &mut Line) {
        let Some((place, draft)) = self.place.take() else {
            return;
        };
        match self.lines.get(place + 1) {
            Some(newer) => {
                line.set(newer.clone());
                self.place = Some((place + 1, draft));
            }
            None => line.set(draft),
        }
    }
}

/// Whether there may be a password or a key in a line. In one that is not understood that is so, unless it is short, or
/// clearly a command that takes none: a mistyped `wifi set` is secret too.
fn may_be_secret(line: &str) -> bool {
    if let Ok(command) = parse(line) {
        let secret = |command| {
            matches!(command, Command::Wifi(Wifi::Set { .. }) | Command::Stream(Stream::SetKey { .. }))
        };
        return command.is_some_and(secret);
    }
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let takes_secret = |usage: &str| usage.contains("<password>") || usage.contains("<key>");
    let harmless_group = words
        .first()
        .and_then(|name| help::find(name))
        .is_some_and(|group| !group.forms.iter().any(|form| takes_secret(form.usage)));
    let begins = |usage: &str| {
        let fixed: Vec<&str> = usage.split(' ').take_while(|part| !part.starts_with(['<', '['])).collect();
        words.starts_with(&fixed)
    };
    let mut forms = help::GROUPS.iter().flat_map(|group| group.forms);
    let harmless_form = forms.any(|form| begins(form.usage) && !takes_secret(form.usage));
    words.len() > 2 && !harmless_group && !harmless_form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_a_password_or_a_key_are_secret_also_when_mistyped() {
        for line in [
            "wifi set net password",
            "wifi set 'my net' \"pass word\" save",
            "wifi set --pass password --ssid net",
            "wifi set net short",
            "wifi set net shor",
            "wifi set my net password",
            "wifi sett net password",
            "wfii set net password",
            "set net password",
            "wifi set net \"password",
            "'wifi set net password'",
            "stream set key abc",
            "stream set key abc save",
            "stream set ky abc",
            "stream key abc",
        ] {
            assert!(may_be_secret(line), "{line}");
        }
    }

    #[test]
    fn other_lines_are_kept_so_that_they_can_be_mended() {
        for line in [
            "help wifi",
            "wifi status",
            "wifi scan 500",
            "wifi stats",
            "stream set host ws://example.com/ 80",
            "stream set port 99999 save",
            "stream set path x save",
            "cam sise vga save",
            "cam size huge save",
            "log level all please",
            "wifi set",
            "nonsense",
        ] {
            assert!(!may_be_secret(line), "{line}");
        }
    }
}
