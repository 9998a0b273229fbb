//! The text of `lenscast config print`: what is in force, and where each value comes from. Secrets are not shown.

use crate::keys::{Key, Kind};
use crate::layer::Value;
use crate::loaded::Loaded;
use std::fmt::Write as _;

/// The word in place of a secret. It has no quotes, so the line is no TOML, and no server takes the word for a
/// password.
const HIDDEN: &str = "(secret)";

/// The column in which the origin begins, when the value is not longer.
const COLUMN: usize = 44;

/// All keys with their values, as lines of a configuration file, each with the place where it was set. With `colours`
/// (for a terminal), values that somebody set stand out.
#[must_use]
pub fn text(loaded: &Loaded, colours: bool) -> String {
    let mut out = match &loaded.file {
        Some(path) => format!("# {}\n", path.display()),
        None => "# There is no configuration file.\n".to_owned(),
    };
    let mut heading = "";
    for value in &loaded.values {
        if value.key.heading != heading {
            heading = &value.key.heading;
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = writeln!(out, "\n# {heading}");
        }
        let line = match value.texts.as_slice() {
            [] if !value.is_set() => line(value),
            _ => format!("{:COLUMN$} # {}", line(value), value.origin),
        };
        let plain = !value.is_set();
        let (on, off) = if colours && plain { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(out, "{on}{line}{off}");
    }
    out
}

fn line(value: &Value) -> String {
    let Value { key, texts, .. } = value;
    let name = &key.name;
    match (key.kind, texts.first()) {
        (Kind::List, _) => {
            let quoted: Vec<String> = texts.iter().map(|text| literal(key, text)).collect();
            format!("{name} = [{}]", quoted.join(", "))
        }
        (Kind::CameraKeys, _) => {
            let cameras = texts.iter().filter_map(|text| text.split_once('='));
            let cameras: Vec<String> = cameras.map(|(camera, _)| format!("{camera} = {HIDDEN}")).collect();
            if cameras.is_empty() {
                format!("{name} = {{}}")
            } else {
                format!("{name} = {{ {} }}", cameras.join(", "))
            }
        }
        (_, None) => format!("# {name} is not set"),
        (Kind::Secret, Some(_)) => format!("{name} = {HIDDEN}"),
        (_, Some(text)) => format!("{name} = {}", literal(key, text)),
    }
}

/// A value as it is written in TOML.
pub(crate) fn literal(key: &Key, text: &str) -> String {
    match key.kind {
        Kind::Switch | Kind::Whole | Kind::Seconds => text.to_owned(),
        _ => toml::Value::String(text.to_owned()).to_string(),
    }
}
