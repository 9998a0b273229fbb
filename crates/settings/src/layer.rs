//! Layers: what each source (the defaults, the file, the environment, the flags) says, and all of them put together.
//!
//! For example, the file says `max_viewers = 10`, and a flag `--max-viewers 20`. Each is in the layer of its source,
//! and the last layer that says something about a key wins: 20.

use crate::keys::{Key, Kind, keys, nearest};
use crate::mistake::{Mistake, Mistakes, Origin};
use crate::secret;
use crate::settings::Settings;
use clap::{ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The first characters of the names of our environment variables.
pub const PREFIX: &str = "LENSCAST_";

/// Our variables that are no settings: where the file is, and what tests are told.
const OTHER_VARIABLES: [&str; 3] = ["LENSCAST_CONFIG", "LENSCAST_SEED", "LENSCAST_TRANSCRIPTS"];

/// The values that one source gives, by the names of the keys.
#[derive(Clone, Default)]
pub struct Layer {
    pub(crate) given: BTreeMap<&'static str, Given>,
}

/// The values that one source gives to one key.
#[derive(Clone)]
pub(crate) struct Given {
    /// The place where the key was set.
    pub origin: Origin,
    /// Each value, with the place where it stands. A key with a single value has one entry; a list or table may have
    /// none.
    pub texts: Vec<(String, Origin)>,
    /// The directory in which relative paths begin; `None` means the working directory.
    pub base: Option<Arc<Path>>,
}

impl Given {
    /// A single value.
    pub(crate) fn one(text: impl Into<String>, origin: Origin) -> Self {
        Self { texts: vec![(text.into(), origin.clone())], origin, base: None }
    }
}

/// Shows only the names of the keys, since values may be secrets.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.given.keys()).finish()
    }
}

/// The flags that were given on a command line. Use it as a flattened part of a [`clap::Parser`].
#[derive(Clone, Debug, Default)]
pub struct Flags(pub Layer);

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for key in keys() {
            if matches.value_source(&key.name) != Some(ValueSource::CommandLine) {
                continue;
            }
            let origin = Origin::Flag { name: key.flag.clone() };
            let texts = matches.get_raw(&key.name).into_iter().flatten();
            let texts = texts.map(|text| (text.to_string_lossy().into_owned(), origin.clone())).collect();
            self.0.given.insert(&key.name, Given { origin, texts, base: None });
        }
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        Settings::augment_args(command).mut_args(Key::lenient)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The layer of the environment's variables. An empty variable counts as not set. Mistakes are added to `mistakes`.
///
/// An unknown variable that begins with `LENSCAST_` is no mistake. It is a warning only when its name is close to one
/// of ours: Kubernetes, for example, gives variables such as `LENSCAST_SERVICE_HOST` to processes beside a service
/// called lenscast.
pub fn environment(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Mistake>,
) -> Layer {
    let mut layer = Layer::default();
    for (name, text) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if text.is_empty() || OTHER_VARIABLES.contains(&name) {
            continue;
        }
        let origin = Origin::Environment { name: name.to_owned() };
        let Some(key) = keys().iter().find(|key| key.variable == name) else {
            let known = keys().iter().map(|key| key.variable.strip_prefix(PREFIX).unwrap_or_default());
            if let Some(meant) = nearest(&name[PREFIX.len()..], known) {
                warnings.push(Mistake::new(origin, format!("is not used; did you mean {PREFIX}{meant}?")));
            }
            continue;
        };
        let Some(text) = text.to_str() else {
            mistakes.push(Mistake::new(origin, "is no UTF-8 text"));
            continue;
        };
        let several = matches!(key.kind, Kind::List | Kind::CameraKeys);
        let texts = if several { text.split(',').collect() } else { vec![text] };
        let texts = texts.into_iter().map(str::trim).filter(|text| !several || !text.is_empty());
        let texts = texts.map(|text| (text.to_owned(), origin.clone())).collect();
        layer.given.insert(&key.name, Given { origin, texts, base: None });
    }
    layer
}

/// The value that a key has in the end, after all layers.
#[derive(Clone)]
pub struct Value {
    /// The key that has the value.
    pub key: &'static Key,
    /// The place where the winning layer set it.
    pub origin: Origin,
    /// The value as texts that a flag would take. For a reference `file:PATH`, the secret that stands in that file.
    /// Empty when there is no value.
    pub(crate) texts: Vec<String>,
    /// Whether a secret itself was given, and not `file:PATH`.
    pub(crate) in_clear: bool,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.key.name, self.origin)
    }
}

impl Value {
    /// Whether somebody set the key, so that the value is not the default.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.origin != Origin::Default
    }

    /// Whether a secret itself stands where the key was set, and not the name of a file with the secret.
    #[must_use]
    pub fn is_in_clear(&self) -> bool {
        self.in_clear
    }

    /// Whether this value and another one of the same key mean the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let number = |texts: &[String]| texts.first().and_then(|text| text.parse::<f64>().ok());
        match self.key.kind {
            Kind::Whole | Kind::Seconds => number(&self.texts) == number(&other.texts),
            _ => self.texts == other.texts,
        }
    }
}

/// Puts layers together: all keys, each with the value of the last layer that sets it. Files with secrets are read
/// here. Mistakes are added to `mistakes`.
pub(crate) fn put_together(
    layers: &[&Layer],
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Mistake>,
) -> Vec<Value> {
    let mut values = Vec::new();
    for key in keys() {
        let given = layers.iter().rev().find_map(|layer| layer.given.get(key.name.as_str()));
        let Some(given) = given else {
            let texts = key.default.iter().cloned().collect();
            values.push(Value { key, origin: Origin::Default, texts, in_clear: false });
            continue;
        };
        let (mut texts, mut in_clear) = (Vec::new(), false);
        for (text, origin) in &given.texts {
            in_clear |= key.kind.is_secret() && !is_reference(key, text);
            let text = match follow(key, text, given.base.as_deref()) {
                Ok(resolved) => {
                    warnings.extend(resolved.warning.map(|warning| Mistake::new(origin.clone(), warning)));
                    resolved.text
                }
                Err(sentence) => {
                    mistakes.push(Mistake::new(origin.clone(), format!("{}: {sentence}", key.name)));
                    continue;
                }
            };
            match key.check(&text) {
                Ok(()) => texts.push(text),
                Err(sentence) => mistakes.push(Mistake::new(origin.clone(), sentence)),
            }
        }
        values.push(Value { key, origin: given.origin.clone(), texts, in_clear });
    }
    values
}

/// Whether the text of a secret is `file:PATH`, and names the file with the secret.
fn is_reference(key: &Key, text: &str) -> bool {
    let text = match key.kind {
        Kind::CameraKeys => text.split_once('=').map_or("", |(_, reference)| reference),
        _ => text,
    };
    secret::is_reference(text)
}

/// The final text of a value: reads the secret that `file:PATH` refers to, and completes a relative path.
fn follow(key: &Key, text: &str, base: Option<&Path>) -> Result<secret::Resolved, String> {
    let as_it_is = |text: &str| secret::Resolved { text: text.to_owned(), warning: None };
    match (key.kind, base) {
        (Kind::Secret, _) => secret::resolve(text, base),
        (Kind::CameraKeys, _) => {
            let Some((name, reference)) = text.split_once('=') else {
                return Ok(as_it_is(text));
            };
            let resolved = secret::resolve(reference, base)?;
            Ok(secret::Resolved { text: format!("{name}={}", resolved.text), ..resolved })
        }
        (Kind::Path, Some(base)) if !text.is_empty() => Ok(as_it_is(&base.join(text).to_string_lossy())),
        _ => Ok(as_it_is(text)),
    }
}

/// Makes [`Settings`] of values that were checked one by one.
///
/// # Errors
/// [`Mistakes`] when values do not fit together.
pub(crate) fn settings(values: &[Value]) -> Result<Settings, Mistakes> {
    let arguments = values.iter().flat_map(|value| value.texts.iter().map(|text| value.key.argument(text)));
    let command = Settings::augment_args(Command::new("settings")).no_binary_name(true);
    let parsed =
        command.try_get_matches_from(arguments).and_then(|matches| Settings::from_arg_matches(&matches));
    // Every value was checked, so this is about no single one; clap's text would quote them.
    parsed.map_err(|error| Mistakes(vec![Mistake::new(Origin::Default, error.kind().to_string())]))
}
