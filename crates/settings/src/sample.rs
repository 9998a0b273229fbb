//! The sample of a configuration file: every key with its purpose and its default, made from the definitions of the
//! flags.

use crate::keys::{Key, keys};
use crate::print::literal;
use std::fmt::Write as _;

/// The text above the first key.
const HEAD: &str = r##"# The configuration of a lenscast server. Lines such as `#open = false` show a default, or an example where there is
# none: take the "#" away and change the value.
#
# The file is the first of these that exists: what --config or LENSCAST_CONFIG names,
# ~/.config/lenscast/lenscast.toml, /etc/lenscast/lenscast.toml.
#
# Each key is also a variable of the environment (max_viewers: LENSCAST_MAX_VIEWERS) and a flag (--max-viewers). A flag
# wins over the environment, and that over this file. A relative path begins where this file is.
#
#   lenscast config check    what is wrong with it
#   lenscast config print    what is in force, and why
#
# A running server reads it again on SIGHUP (lenscast reload, systemctl reload lenscast); no connection is lost.
"##;

/// Examples of values, for keys that have no default.
const EXAMPLES: [(&str, &str); 10] = [
    ("state_dir", r#""/var/lib/lenscast""#),
    ("bitrate", "2000"),
    ("admin_password", r#""file:/etc/lenscast/admin_password""#),
    ("view_password", r#""file:/etc/lenscast/view_password""#),
    ("camera_keys", r#"{ door = "file:/etc/lenscast/door_key", garden = "file:/etc/lenscast/garden_key" }"#),
    ("host_names", r#"["cam.example.org"]"#),
    ("cors_origins", r#"["https://home.example.org"]"#),
    ("tls", r#""self-signed""#),
    ("tls_cert", r#""/etc/lenscast/cert.pem""#),
    ("tls_key", r#""/etc/lenscast/key.pem""#),
];

/// The longest line of a comment, in characters.
const WIDTH: usize = 120;

/// The text of the whole sample. `docs/lenscast.toml` is this text.
#[must_use]
pub fn text() -> String {
    let mut out = HEAD.to_owned();
    let mut heading = "";
    for key in keys() {
        if key.heading != heading {
            heading = &key.heading;
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = writeln!(out, "\n\n## {heading}");
        }
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(out, "\n{}#{} = {}", comment(key), key.name, value(key));
    }
    out
}

/// The default of a key, or an example where there is none.
fn value(key: &Key) -> String {
    let example = EXAMPLES.iter().find(|(name, _)| *name == key.name).map(|(_, value)| (*value).to_owned());
    let default = key.default.as_ref().map(|text| literal(key, text));
    default.or(example).unwrap_or_else(|| "[]".to_owned())
}

/// The comment above a key: its purpose, and its possible values.
fn comment(key: &Key) -> String {
    if key.choices.is_empty() {
        return wrapped("#", &format!("{}.", key.help));
    }
    let mut out = wrapped("#", &format!("{}:", key.help));
    for (choice, help) in &key.choices {
        out += &wrapped("#  ", &format!("{choice:?}: {help}."));
    }
    out
}

/// A text as lines of at most [`WIDTH`] characters, each of which begins with `margin`.
fn wrapped(margin: &str, text: &str) -> String {
    let mut lines = vec![margin.to_owned()];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= WIDTH);
        match line {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(format!("{margin} {word}")),
        }
    }
    lines.join("\n") + "\n"
}
