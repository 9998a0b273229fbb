//! Words become commands.

use super::command::{Cam, Command, PictureSetting, Stream, Wifi};
use super::help::{self, Form, Group};
use super::nearest::nearest;
use super::values::{self, Checked};
use super::words::{self, Word};
use super::{complete, help::names};
use crate::settings::{Credentials, Key};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// How many networks `wifi scan` shows unless it is said, as in the original firmware.
const DEFAULT_SCAN: u8 = 20;
/// How many it shows at most.
const MAX_SCAN: u8 = 200;

/// Why a line is no command. Shows what was wrong, and then the usage of the forms that were begun, in several lines without
/// a line end after the last. What may be a password or a key is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    what: String,
    /// Empty when there is no such command.
    forms: Vec<&'static Form>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if self.forms.is_empty() {
            return write!(f, "\ncommands: {}", names().join(" "));
        }
        for (i, form) in self.forms.iter().enumerate() {
            write!(f, "\n{} {}", if i == 0 { "usage:" } else { "      " }, form.usage)?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusal {}

/// Understands a line; `None` when it is blank.
///
/// Words with blanks are quoted: `"my net"`, `'my net'`, `my\ net`. `save` is the flag only as a bare word in the last
/// place, and only when all that must be there is there: `stream set key save` sets the key `save`, and `stream set key
/// save save` saves it. So it is with `wifi set`, where `--ssid`, `--pass` and `--save` may stand in any order.
///
/// # Errors
/// The first thing that is wrong, in words.
pub fn parse(line: &str) -> Result<Option<Command>, Refusal> {
    let words = words::split(line).map_err(|fault| Refusal {
        what: fault.to_string(),
        forms: help::begun(line.split_ascii_whitespace()),
    })?;
    let Some((first, rest)) = words.split_first() else {
        return Ok(None);
    };
    let group = help::find(&first.text)
        .ok_or_else(|| Refusal { what: unknown("command", &first.text, &names()), forms: Vec::new() })?;
    let forms = || help::begun(words.iter().map(|word| &word.text[..]));
    command(group, rest).map(Some).map_err(|what| Refusal { what, forms: forms() })
}

fn command(group: &'static Group, words: &[Word]) -> Checked<Command> {
    if group.name != "help" && matches!(words, [word] if word.is("help") || word.is("?") || word.is("--help"))
    {
        return Ok(Command::Help(Some(group.name.into())));
    }
    match group.name {
        "help" => help_about(words),
        "wifi" => wifi(words).map(Command::Wifi),
        "stream" => stream(words).map(Command::Stream),
        "cam" => cam(words).map(Command::Cam),
        "psram" => match sub(&["psram"], words)? {
            ("status", rest) => none(rest).map(|()| Command::PsramStatus),
            (word, _) => Err(unknown_after(&["psram"], word)),
        },
        "log" => match sub(&["log"], words)? {
            ("level", []) => Ok(Command::LogLevel(None)),
            ("level", rest) => {
                let [level] = take(rest, ["level"])?;
                values::level(level).map(Some).map(Command::LogLevel)
            }
            (word, _) => Err(unknown_after(&["log"], word)),
        },
        "reboot" => none(words).map(|()| Command::Reboot),
        _ => none(words).map(|()| Command::Version),
    }
}

fn help_about(words: &[Word]) -> Checked<Command> {
    if words.is_empty() {
        return Ok(Command::Help(None));
    }
    let [name] = take(words, ["command"])?;
    let group = help::find(name).ok_or_else(|| unknown("command", name, &names()))?;
    Ok(Command::Help(Some(group.name.into())))
}

fn wifi(words: &[Word]) -> Checked<Wifi> {
    let (word, rest) = sub(&["wifi"], words)?;
    if word == "set" {
        return wifi_set(rest);
    }
    if word == "scan" && !rest.is_empty() {
        let [max] = take(rest, ["max"])?;
        return Ok(Wifi::Scan { max: values::ranged("max", max, 1..=MAX_SCAN)? });
    }
    let command = match word {
        "status" => Wifi::Status,
        "scan" => Wifi::Scan { max: DEFAULT_SCAN },
        "connect" => Wifi::Connect,
        "disconnect" => Wifi::Disconnect,
        "clear" => Wifi::Clear,
        _ => return Err(unknown_after(&["wifi"], word)),
    };
    none(rest).map(|()| command)
}

fn wifi_set(words: &[Word]) -> Checked<Wifi> {
    let (mut ssid, mut password, mut save) = (None, None, false);
    let mut bare = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if !word.is_option() {
            bare.push(word);
            continue;
        }
        // `--pass=P` is another way to say `--pass P`.
        let (option, value) = match word.text.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word.text.as_str(), None),
        };
        let place = match option {
            "--save" if value.is_none() => {
                save = true;
                continue;
            }
            "--ssid" => &mut ssid,
            "--pass" => &mut password,
            _ => {
                return Err(
                    "options are --ssid, --pass and --save; quote another word that begins with --".into()
                );
            }
        };
        let mut next = || words.next().filter(|next| !next.is_option());
        let value = value.or_else(|| next().map(|next| next.text.as_str()));
        let value = value.ok_or_else(|| format!("a word is missing after {option}"))?;
        if place.replace(value).is_some() {
            return Err(format!("{option} is there twice"));
        }
    }
    let missing = usize::from(ssid.is_none()) + usize::from(password.is_none());
    if bare.len() > missing && bare.last().is_some_and(|word| word.is("save")) {
        bare.pop();
        save = true;
    }
    let mut bare = bare.into_iter().map(|word| word.text.as_str());
    let ssid = ssid.or_else(|| bare.next()).ok_or("ssid is missing")?;
    let password =
        password.or_else(|| bare.next()).ok_or("password is missing (for an open network: \"\")")?;
    if bare.next().is_some() {
        return Err(TOO_MANY.into());
    }
    let credentials = Credentials { ssid: values::ssid(ssid)?, password: values::password(password)? };
    Ok(Wifi::Set { credentials, save })
}

fn stream(words: &[Word]) -> Checked<Stream> {
    let (word, rest) = sub(&["stream"], words)?;
    match word {
        "set" => stream_set(rest),
        "start" | "stop" => {
            let (rest, save) = saved(rest, 0);
            none(rest)?;
            Ok(if word == "start" { Stream::Start { save } } else { Stream::Stop { save } })
        }
        "status" => none(rest).map(|()| Stream::Status),
        "clear" => none(rest).map(|()| Stream::Clear),
        _ => Err(unknown_after(&["stream"], word)),
    }
}

fn stream_set(words: &[Word]) -> Checked<Stream> {
    let (word, rest) = sub(&["stream", "set"], words)?;
    let (rest, save) = saved(rest, 1);
    match word {
        "host" => {
            let (host, port) = match rest {
                [host, port] => (&host.text[..], Some(values::port(&port.text)?)),
                _ => (take(rest, ["host"])?[0], None),
            };
            Ok(Stream::SetHost { host: values::host(host)?, port, save })
        }
        "port" => {
            take(rest, ["port"]).and_then(|[port]| Ok(Stream::SetPort { port: values::port(port)?, save }))
        }
        "path" => {
            take(rest, ["path"]).and_then(|[path]| Ok(Stream::SetPath { path: values::path(path)?, save }))
        }
        "key" => {
            take(rest, ["key"]).and_then(|[key]| Ok(Stream::SetKey { key: Key(values::key(key)?), save }))
        }
        _ => Err(unknown_after(&["stream", "set"], word)),
    }
}

fn cam(words: &[Word]) -> Checked<Cam> {
    let (word, rest) = sub(&["cam"], words)?;
    match word {
        "status" => return none(rest).map(|()| Cam::Status),
        "dump" => return none(rest).map(|()| Cam::Dump),
        "power" | "ir" | "testbar" => {
            let [value] = take(rest, [word])?;
            let command = match word {
                "power" => Cam::Power,
                "ir" => Cam::Ir,
                _ => Cam::TestBar,
            };
            return values::switch(word, value).map(command);
        }
        _ => {}
    }
    if !complete::words_after(&["cam"]).contains(&word) {
        return Err(unknown_after(&["cam"], word));
    }
    let (rest, save) = saved(rest, 1);
    let [value] = take(rest, [word])?;
    let setting = match word {
        "size" => PictureSetting::Size(values::size(value)?),
        "quality" => PictureSetting::Quality(values::ranged(word, value, 1..=100)?),
        "fps" => PictureSetting::Rate(values::rate(value)?),
        "adaptive" => PictureSetting::Adaptive(values::switch(word, value)?),
        "flip" => PictureSetting::Flip(values::switch(word, value)?),
        "mirror" => PictureSetting::Mirror(values::switch(word, value)?),
        "brightness" => PictureSetting::Brightness(values::brightness(value)?),
        _ => PictureSetting::Exposure(values::exposure(value)?),
    };
    Ok(Cam::Set { setting, save })
}

const TOO_MANY: &str = "too many words; quote one that has spaces in it";

/// The word that says what to do after `before`, and what follows it.
fn sub<'a>(before: &[&str], words: &'a [Word]) -> Checked<(&'a str, &'a [Word])> {
    let (first, rest) = words.split_first().ok_or_else(|| {
        format!("a word is missing after {}: {}", before.join(" "), complete::words_after(before).join(", "))
    })?;
    Ok((&first.text, rest))
}

/// Exactly these words.
fn take<'a, const N: usize>(words: &'a [Word], names: [&str; N]) -> Checked<[&'a str; N]> {
    if let Some(missing) = names.get(words.len()) {
        return Err(format!("{missing} is missing"));
    }
    let words: &[Word; N] = words.try_into().map_err(|_| TOO_MANY)?;
    Ok(words.each_ref().map(|word| &word.text[..]))
}

fn none(words: &[Word]) -> Checked<()> {
    if words.is_empty() { Ok(()) } else { Err("too many words".into()) }
}

/// Takes the flag `save` from the end, when `needed` words are there without it.
fn saved(words: &[Word], needed: usize) -> (&[Word], bool) {
    match words.split_last() {
        Some((last, rest)) if rest.len() >= needed && last.is("save") => (rest, true),
        _ => (words, false),
    }
}

fn unknown_after(before: &[&str], word: &str) -> String {
    unknown(&format!("word after {}", before.join(" ")), word, &complete::words_after(before))
}

/// Long or odd words are not shown: they may be a whole line in quotes, with a password in it.
fn unknown(what: &str, word: &str, known: &[&'static str]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let shown = word.len() <= 16 && word.bytes().all(plain);
    let shown = if shown { format!(": {word}") } else { String::new() };
    let meant = nearest(word, known).map(|meant| format!("; did you mean {meant}?"));
    format!("unknown {what}{shown}{}", meant.unwrap_or_default())
}

#[cfg(test)]
mod tests;
