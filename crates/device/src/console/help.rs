//! The one table of commands: what help shows, what a refusal reminds of, and what Tab completes.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Commands with the same first word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The first word.
    pub name: &'static str,
    /// Its forms, at least one.
    pub forms: &'static [Form],
}

/// A form of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// How it is typed, in parts with one blank between: `word`, `<value>`, `<this|that>`, `[flag]` or `[value]`.
    pub usage: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
}

/// What stands in a usage for the flag that keeps a setting.
pub(super) const FORMS_OF_SAVE: [&str; 2] = ["save", "--save"];

/// Columns before what a form does.
const MARGIN: usize = 38;

const fn form(usage: &'static str, about: &'static str) -> Form {
    Form { usage, about }
}

pub(super) const GROUPS: &[Group] = &[
    Group { name: "help", forms: &[form("help [command]", "this list, or one command's part of it")] },
    Group {
        name: "wifi",
        forms: &[
            form("wifi status", "network, address, signal; what is wrong"),
            form("wifi scan [max]", "networks in reach, at most 20 or max"),
            form("wifi set <ssid> <password> [save]", "network to join; \"\" for an open one"),
            form("wifi set --ssid <ssid> --pass <password> [--save]", "the same, in any order"),
            form("wifi connect", "join the network, and keep trying"),
            form("wifi disconnect", "leave it, until connect or a restart"),
            form("wifi clear", "forget the network, saved or not"),
        ],
    },
    Group {
        name: "stream",
        forms: &[
            form("stream status", "server, connection, frames"),
            form("stream set host <host> [port] [save]", "server to stream to"),
            form("stream set port <port> [save]", "its port, when it is not 8080"),
            form("stream set path <path> [save]", "its path, when it is not /ws/camera"),
            form("stream set key <key> [save]", "the key that it asks of cameras"),
            form("stream start [save]", "stream now; save: at every boot too"),
            form("stream stop [save]", "stop now; save: not at boot either"),
            form("stream clear", "forget the server, saved or not"),
        ],
    },
    Group {
        name: "cam",
        forms: &[
            form("cam status", "sensor and picture"),
            form("cam power <0|1>", "off or on"),
            form("cam dump", "registers of the sensor"),
            form("cam size <qqvga|qvga|vga|svga|xga|uxga> [save]", "size of the picture"),
            form("cam quality <1-100> [save]", "JPEG quality; higher is better"),
            form("cam fps <0.1-120> [save]", "frames a second at most"),
            form("cam adaptive <on|off> [save]", "fewer, smaller pictures when WiFi is slow"),
            form("cam flip <0|1> [save]", "upside down"),
            form("cam mirror <0|1> [save]", "left and right change places"),
            form("cam brightness <-2..2> [save]", "darker or brighter"),
            form("cam exposure <auto|0-1200> [save]", "automatic, or fixed: so many lines"),
            form("cam ir <0|1>", "infrared light"),
            form("cam testbar <0|1>", "bars from the sensor: is the port good?"),
        ],
    },
    Group { name: "psram", forms: &[form("psram status", "how much memory there is")] },
    Group { name: "log", forms: &[form("log level [error|warn|info|debug]", "how much is logged")] },
    Group { name: "reboot", forms: &[form("reboot", "start again")] },
    Group { name: "version", forms: &[form("version", "of firmware and board")] },
];

const NOTES: &str = "
save keeps a setting over a restart. Words with spaces are quoted: \"my net\".
Tab completes, the arrows recall and edit, Ctrl-C ends what is running.
";

/// All commands, a line or two each and at most 80 columns wide, with a line end after each line.
#[must_use]
pub fn all() -> String {
    let mut text = String::new();
    for (i, group) in GROUPS.iter().enumerate() {
        // Groups of several forms stand apart.
        if i > 0 && (group.forms.len() > 1 || GROUPS[i - 1].forms.len() > 1) {
            text.push('\n');
        }
        describe(group, &mut text);
    }
    text + NOTES
}

/// The forms of one command, as in [`all`]; `None` when there is no such command.
#[must_use]
pub fn group(name: &str) -> Option<String> {
    let mut text = String::new();
    describe(find(name)?, &mut text);
    Some(text)
}

/// The names of all groups.
pub(super) fn names() -> Vec<&'static str> {
    GROUPS.iter().map(|group| group.name).collect()
}

/// The group with this name; `?` is help.
pub(super) fn find(name: &str) -> Option<&'static Group> {
    let name = if name == "?" { "help" } else { name };
    GROUPS.iter().find(|group| group.name == name)
}

/// The forms that a line begins like, as far as any does: of `cam fps 0` the one of `cam fps`, of `stream set` the four of
/// `stream set`, of `cam what` all of `cam`. None when the first word is no command.
pub(super) fn begun<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Vec<&'static Form> {
    let Some(group) = words.clone().next().and_then(find) else { return Vec::new() };
    let alike = |form: &Form| {
        let fixed = form.usage.split(' ').take_while(|part| !part.starts_with(['<', '[', '-']));
        fixed.zip(words.clone()).take_while(|(fixed, typed)| fixed == typed).count()
    };
    let most = group.forms.iter().map(alike).max().unwrap_or_default();
    group.forms.iter().filter(|form| alike(form) == most).collect()
}

fn describe(group: &Group, text: &mut String) {
    for Form { usage, about } in group.forms {
        // What a long form does stands below it.
        if usage.len() < MARGIN {
            *text += &format!("{usage:MARGIN$}{about}\n");
        } else {
            *text += &format!("{usage}\n{:MARGIN$}{about}\n", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::{Exposure, FrameRate, FrameSize};
    use crate::log::Level;

    #[test]
    fn help_fits_a_terminal_of_80_columns() {
        let text = all();
        assert!(text.is_ascii());
        for line in text.lines() {
            assert!(line.len() <= 79, "{line}");
            assert_eq!(line.trim_end(), line);
        }
        for form in GROUPS.iter().flat_map(|group| group.forms) {
            let stands = |line: &str| line.get(MARGIN..) == Some(form.about) && line[..MARGIN].ends_with(' ');
            assert!(text.lines().any(stands), "{}", form.about);
        }
    }

    #[test]
    fn help_about_a_command_is_its_part_of_the_whole() {
        let whole = all();
        for name in names() {
            let part = group(name).unwrap();
            assert!(whole.contains(&part), "{name}");
            assert!(part.lines().all(|line| line.starts_with(name) || line.starts_with(' ')), "{part}");
        }
        assert_eq!(group("?"), group("help"));
        assert_eq!(group("scan"), None);
    }

    #[test]
    fn the_table_names_the_limits_and_names_of_the_code() {
        let text = all();
        let sizes = FrameSize::NAMED.map(|(name, _)| name).join("|");
        let levels = Level::ALL.map(Level::name).join("|");
        for part in [
            format!("<{sizes}>"),
            format!("[{levels}]"),
            format!("<auto|0-{}>", Exposure::MAX_LINES),
            format!("<{}-{}>", FrameRate::MIN, FrameRate::MAX),
            format!("not {}\n", lenscast_protocol::DEFAULT_PORT),
        ] {
            assert!(text.contains(&part), "{part}");
        }
    }
}
