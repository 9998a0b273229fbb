//! The configuration file (TOML): where it is looked for, and how it is read.
//!
//! Keys are flat: there are no sections. A value has the type that it looks like: `max_viewers = 10`, `open = true`,
//! `log = "debug"`.

use crate::keys::{Key, Kind, find, keys, nearest};
use crate::layer::{Given, Layer};
use crate::mistake::{Mistake, Origin};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The path of the file below a directory for configuration.
const NAME: &str = "lenscast/lenscast.toml";

/// The places where the file is looked for unless it is named, the first one first:
/// `$XDG_CONFIG_HOME/lenscast/lenscast.toml` (`~/.config/…`), then `/etc/lenscast/lenscast.toml`.
#[must_use]
pub fn places() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG specification: a relative path in XDG_CONFIG_HOME is ignored.
    let own = variable("XDG_CONFIG_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| variable("HOME").map(|home| home.join(".config")));
    own.into_iter().chain([PathBuf::from("/etc")]).map(|folder| folder.join(NAME)).collect()
}

/// Reads the first file of `places` that exists, and gives its path with its content. `None` when none exists.
///
/// # Errors
/// A [`Mistake`] when a file exists and cannot be read. Going on without it could open to strangers what that file
/// closes.
pub(crate) fn read_first(places: &[PathBuf]) -> Result<Option<(PathBuf, String)>, Mistake> {
    for path in places {
        match fs::read_to_string(path) {
            Ok(text) => return Ok(Some((path.clone(), text))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    Ok(None)
}

/// Reads a file that must exist.
///
/// # Errors
/// A [`Mistake`] when the file cannot be read.
pub(crate) fn read(path: &Path) -> Result<String, Mistake> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Mistake {
    let sentence = match error.kind() {
        io::ErrorKind::InvalidData => "this file is no UTF-8 text".to_owned(),
        _ => format!("this file cannot be read: {error}"),
    };
    Mistake::new(Origin::File { path: path.into(), line: 0 }, sentence)
}

/// The layer of a file with this text. Mistakes are added to `mistakes`, in the order of the lines.
pub(crate) fn parse(path: &Path, text: &str, mistakes: &mut Vec<Mistake>) -> Layer {
    let mut file =
        File { path: path.into(), base: folder(path), text, mistakes: Vec::new(), broken: BTreeSet::new() };
    let mut readable = text.to_owned();
    while let Some(next) = file.note_errors(&readable) {
        readable = next;
    }
    file.broken = file.mistakes.iter().map(|(line, _)| *line).collect();
    let (table, _) = DeTable::parse_recoverable(&readable);
    let mut layer = Layer::default();
    for (name, value) in table.get_ref() {
        file.take(name, value, &mut layer);
    }
    let mut found = file.mistakes;
    found.sort_by_key(|(line, _)| *line);
    found.dedup_by_key(|(line, _)| *line);
    mistakes.extend(found.into_iter().map(|(_, mistake)| mistake));
    layer
}

/// The directory of a file. Relative paths in the file begin there.
fn folder(path: &Path) -> Option<Arc<Path>> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.parent().map(Arc::from)
}

struct File<'a> {
    path: Arc<Path>,
    base: Option<Arc<Path>>,
    text: &'a str,
    mistakes: Vec<(usize, Mistake)>,
    /// The lines that are no TOML. The parser still makes something of them, which is ignored: one mistake is told
    /// once.
    broken: BTreeSet<usize>,
}

impl File<'_> {
    /// The number of the line in which a byte stands, from 1 on.
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    fn is_broken(&self, at: usize) -> bool {
        self.broken.contains(&self.line(at))
    }

    fn origin(&self, at: usize) -> Origin {
        Origin::File { path: self.path.clone(), line: self.line(at) }
    }

    fn mistake(&mut self, at: usize, sentence: impl Into<String>) {
        self.mistakes.push((self.line(at), Mistake::new(self.origin(at), sentence)));
    }

    /// Notes each line that is no TOML, as a mistake.
    ///
    /// The parser gives up at a line that is no `key = value`, and would not see mistakes below it. Then this gives the
    /// text with such lines blanked, to be parsed once more. For example, with `open true` in line 3, the lines from 4
    /// on are still checked.
    fn note_errors(&mut self, text: &str) -> Option<String> {
        let (_, errors) = DeTable::parse_recoverable(text);
        let mut rest: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let mut cut = false;
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            // Only the error's message, since the whole error quotes the line, in which a secret may stand.
            self.mistake(at, error.message());
            let line = &mut rest[self.line(at) - 1];
            if !line.trim().is_empty() && !line.contains(['=', '[', ']', '"', '\'']) {
                // Blanks of the same length, so that every other line keeps its place.
                *line = " ".repeat(line.len());
                cut = true;
            }
        }
        cut.then(|| rest.join("\n"))
    }

    /// Takes one key with its value into the layer. In a file with broken lines, an unknown name may be anything, even
    /// a part of a secret, so the mistake does not quote it.
    fn take(&mut self, name: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>, layer: &mut Layer) {
        let (at, name) = (name.span().start, name.get_ref().as_ref());
        if self.is_broken(at) {
            return;
        }
        let Some(key) = find(name) else {
            let known = nearest(name, keys().iter().map(|key| key.name.as_str()));
            if known.is_some() || self.broken.is_empty() {
                self.mistake(at, unknown(name, value.get_ref(), known));
            }
            return;
        };
        let origin = self.origin(at);
        let texts = match (key.kind, value.get_ref()) {
            (Kind::List, DeValue::Array(items)) => self.list(key, items.iter()),
            (Kind::CameraKeys, DeValue::Table(table)) => self.camera_keys(key, table),
            (_, value) => match scalar(key, value) {
                Ok(text) => vec![(text, origin.clone())],
                Err(sentence) => return self.mistake(at, sentence),
            },
        };
        layer.given.insert(&key.name, Given { origin, texts, base: self.base.clone() });
    }

    fn list<'v, 'i: 'v>(
        &mut self,
        key: &Key,
        items: impl Iterator<Item = &'v Spanned<DeValue<'i>>>,
    ) -> Vec<(String, Origin)> {
        let mut texts = Vec::new();
        for item in items {
            if self.is_broken(item.span().start) {
                continue;
            }
            match item.get_ref().as_str() {
                Some(text) => texts.push((text.to_owned(), self.origin(item.span().start))),
                None => self.mistake(item.span().start, shape(key)),
            }
        }
        texts
    }

    fn camera_keys(&mut self, key: &Key, table: &DeTable<'_>) -> Vec<(String, Origin)> {
        let mut texts = Vec::new();
        for (name, value) in table {
            let at = name.span().start;
            if self.is_broken(at) {
                continue;
            }
            let name = name.get_ref();
            match value.get_ref().as_str() {
                Some(text) => texts.push((format!("{name}={text}"), self.origin(at))),
                // In TOML, every line below `[camera_keys]` belongs to that table, so a setting below it is taken for a
                // camera.
                None if find(name).is_some() => {
                    self.mistake(at, format!("{name} stands below [{0}]: move it above that line", key.name));
                }
                None => self.mistake(at, shape(key)),
            }
        }
        texts
    }
}

fn unknown(name: &str, value: &DeValue<'_>, nearest: Option<&str>) -> String {
    if let Some(meant) = nearest {
        return format!("{name} is no key; did you mean {meant}?");
    }
    if value.is_table() {
        return format!("[{name}] is no key; keys stand without headings, all on one level");
    }
    format!("{name} is no key; `lenscast config sample` shows all that there are")
}

/// A single value of the file as the text that a flag would take.
fn scalar(key: &Key, value: &DeValue<'_>) -> Result<String, String> {
    match (key.kind, value) {
        (Kind::Text | Kind::Path | Kind::Secret, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::Switch, DeValue::Boolean(value)) => Ok(value.to_string()),
        (Kind::Whole | Kind::Seconds, DeValue::Integer(number)) if number.radix() == 10 => {
            Ok(number.as_str().replace('_', ""))
        }
        (Kind::Whole, DeValue::Integer(number)) => {
            let number = u64::from_str_radix(number.as_str(), number.radix());
            number.map(|number| number.to_string()).map_err(|_| shape(key))
        }
        (Kind::Seconds, DeValue::Float(number)) => Ok(number.as_str().replace('_', "")),
        _ => Err(shape(key)),
    }
}

/// A sentence that shows how a value of this key is written. Nothing of what the owner wrote is quoted.
fn shape(key: &Key) -> String {
    let name = &key.name;
    match key.kind {
        Kind::Switch => format!("{name} is true or false, without quotes"),
        Kind::Whole => format!("{name} is a whole number, without quotes"),
        Kind::Seconds => format!("{name} is a number of seconds, without quotes"),
        Kind::Text | Kind::Path | Kind::Secret => {
            let example = key.default.as_deref().unwrap_or("…");
            format!("{name} is a text in quotes: {name} = {example:?}")
        }
        Kind::List => format!("{name} is a list of texts: {name} = [\"…\", \"…\"]"),
        Kind::CameraKeys => format!("{name} is a table of texts: {name} = {{ NAME = \"KEY\" }}"),
    }
}
