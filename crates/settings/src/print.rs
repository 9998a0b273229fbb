//! What is in force, and where each value comes from. Secrets are not shown.

use crate::keys::{Key, Kind};
use crate::layer::Value;
use crate::loaded::Loaded;
use std::fmt::Write as _;

/// What is shown in place of a secret. It has no quotes, so that no server takes it for a password.
const HIDDEN: &str = "(secret)";

/// The column in which the origin begins, unless the value is longer.
const COLUMN: usize = 44;

/// Lines as in the file, each with its origin. With `colours`, for a terminal, what somebody set stands out.
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
            let _ = writeln!(out, "\n# {heading}");
        }
        let line = match value.texts.as_slice() {
            [] if !value.is_set() => line(value),
            _ => format!("{:COLUMN$} # {}", line(value), value.origin),
        };
        let plain = !value.is_set();
        let (on, off) = if colours && plain { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
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

/// A value as TOML.
pub(crate) fn literal(key: &Key, text: &str) -> String {
    match key.kind {
        Kind::Switch | Kind::Whole | Kind::Seconds => text.to_owned(),
        _ => toml::Value::String(text.to_owned()).to_string(),
    }
}
