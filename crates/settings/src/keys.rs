//! The keys of the settings. Everything about a key is read from the definition of its flag in [`Settings`], so that a
//! new setting is one new field and nothing else.

use crate::settings::Settings;
use clap::builder::{PossibleValue, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args as _, Command};
use lenscast_auth::given::CameraKey;
use lenscast_auth::secret::Secret;
use lenscast_protocol::CameraName;
use std::any::TypeId;
use std::error::Error as _;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

/// One key: the names under which a setting is set, and the values that it may have.
#[derive(Debug)]
pub struct Key {
    /// The key's name in the file, such as `max_viewers`.
    pub name: String,
    /// The flag, with its dashes, such as `--max-viewers`.
    pub flag: String,
    /// The variable of the environment, such as `LENSCAST_MAX_VIEWERS`.
    pub variable: String,
    /// The purpose of the key for its owner: a sentence or two, without the last full stop.
    pub help: String,
    /// The heading under which the key stands in help and sample.
    pub heading: String,
    /// The kind of values that the key takes.
    pub kind: Kind,
    /// The value when nobody sets the key, as a flag would have it; `None` when there is none.
    pub default: Option<String>,
    /// The possible values and their meanings, for a key with few of them; else empty.
    pub choices: Vec<(String, String)>,
    arg: Arg,
}

/// The kind of values that a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Whole,
    /// Seconds, fractions allowed.
    Seconds,
    /// Any text.
    Text,
    /// The path of a file or directory.
    Path,
    /// A secret text that is shown to nobody, or `file:PATH`, which names the file with the secret.
    Secret,
    /// A list of texts.
    List,
    /// A table with a secret for each camera.
    CameraKeys,
}

impl Kind {
    /// Whether values of this kind are secrets, which are shown to nobody.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::CameraKeys)
    }

    fn of(arg: &Arg) -> Self {
        let kind = arg.get_value_parser().type_id();
        let is = |wanted: TypeId| kind == wanted;
        if is(TypeId::of::<bool>()) {
            Self::Switch
        } else if is(TypeId::of::<Duration>()) {
            Self::Seconds
        } else if is(TypeId::of::<usize>()) || is(TypeId::of::<u32>()) {
            Self::Whole
        } else if is(TypeId::of::<PathBuf>()) {
            Self::Path
        } else if is(TypeId::of::<Secret>()) {
            Self::Secret
        } else if is(TypeId::of::<CameraKey>()) {
            Self::CameraKeys
        } else if matches!(arg.get_action(), clap::ArgAction::Append) {
            Self::List
        } else {
            Self::Text
        }
    }
}

/// All keys, in the order in which they are defined.
#[must_use]
pub fn keys() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let command = Settings::augment_args(Command::new("settings"));
        command.get_arguments().map(Key::of).collect()
    });
    &KEYS
}

/// The key with this name in the file.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    keys().iter().find(|key| key.name == name)
}

/// The one of several known names that somebody may have meant by `name`, such as `max_viewers` for `max-viewer`.
/// `None` when none is close.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let same = |text: &str| text.to_lowercase().replace('-', "_");
    let name = same(name);
    let distance = |known: &str| strsim::damerau_levenshtein(&name, &same(known));
    let (near, distance) =
        known.map(|known| (known, distance(known))).min_by_key(|(_, distance)| *distance)?;
    let begins = near.len() >= 4 && name.len() >= 4 && (name.starts_with(near) || near.starts_with(&name));
    (begins || distance <= near.len().min(name.len()) / 3).then_some(near)
}

impl Key {
    fn of(arg: &Arg) -> Self {
        let name = arg.get_id().to_string();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let default = arg.get_default_values().first();
        let choices = match Kind::of(arg) {
            Kind::Switch => Vec::new(),
            _ => arg.get_possible_values().iter().map(choice).collect(),
        };
        Self {
            flag: format!("--{}", arg.get_long().unwrap_or_default()),
            variable: format!("LENSCAST_{}", name.to_uppercase()),
            heading: arg.get_help_heading().unwrap_or("Server").to_owned(),
            kind: Kind::of(arg),
            default: default.map(|value| value.to_string_lossy().into_owned()),
            choices,
            arg: arg.clone(),
            name,
            help,
        }
    }

    /// A flag that takes every text. Its value is checked later by [`Key::check`], whose sentences quote no secret;
    /// clap's own would.
    pub(crate) fn lenient(arg: Arg) -> Arg {
        if Kind::of(&arg).is_secret() { arg.value_parser(ValueParser::string()) } else { arg }
    }

    /// The text of a command line that gives this key a value, such as `--max-viewers=100`.
    pub(crate) fn argument(&self, text: &str) -> String {
        format!("{}={text}", self.flag)
    }

    /// Checks that the key can have this value.
    ///
    /// # Errors
    /// A sentence for the owner that says which values are possible. It quotes no secret.
    pub fn check(&self, text: &str) -> Result<(), String> {
        let command =
            Command::new("check").no_binary_name(true).disable_help_flag(true).arg(self.arg.clone());
        match command.try_get_matches_from([self.argument(text)]) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.sentence(text, &error)),
        }
    }

    fn sentence(&self, text: &str, error: &clap::Error) -> String {
        let name = &self.name;
        match self.kind {
            Kind::CameraKeys if !text.contains('=') => return format!("{name}: a key is written NAME=KEY"),
            Kind::CameraKeys if CameraName::new(text.split('=').next().unwrap_or_default()).is_err() => {
                return format!("{name}: {}", lenscast_protocol::name::InvalidName);
            }
            Kind::Secret | Kind::CameraKeys => return format!("{name} is empty"),
            Kind::Switch => return format!("{name} is true or false, not {text:?}"),
            Kind::Whole if text.parse::<u128>().is_err() => {
                return format!("{name} is a whole number, not {text:?}");
            }
            _ => {}
        }
        if text.is_empty() {
            return format!("{name} is empty");
        }
        if !self.choices.is_empty() {
            let meant = nearest(text, self.choices.iter().map(|(choice, _)| choice.as_str()));
            let meant = meant.map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
            return format!("{name} is {}, not {text:?}{meant}", either(&self.choices));
        }
        match (error.kind(), error.source()) {
            (ErrorKind::ValueValidation, Some(source)) if self.kind == Kind::Whole => {
                format!("{name}: {text} is not possible ({source})")
            }
            (ErrorKind::ValueValidation, Some(source)) => format!("{name}: {source}"),
            _ => match error.get(ContextKind::InvalidValue) {
                Some(ContextValue::String(value)) => format!("{name} cannot be {value:?}"),
                _ => format!("{name} cannot be that"),
            },
        }
    }
}

fn choice(value: &PossibleValue) -> (String, String) {
    let help = value.get_help().map(ToString::to_string).unwrap_or_default();
    (value.get_name().to_owned(), help)
}

/// The possible values as words, such as `"a", "b" or "c"`.
fn either(choices: &[(String, String)]) -> String {
    let quoted: Vec<String> = choices.iter().map(|(choice, _)| format!("{choice:?}")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_key_is_named_alike_in_the_file_the_environment_and_the_flags() {
        for key in keys() {
            let flag = if key.name == "camera_keys" { "camera_key" } else { &key.name };
            assert_eq!(key.flag, format!("--{}", flag.replace('_', "-")));
            assert_eq!(key.variable, format!("LENSCAST_{}", key.name.to_uppercase()));
            assert!(!key.help.is_empty() && !key.help.ends_with('.'), "{}: {}", key.name, key.help);
        }
        let names: BTreeSet<&str> = keys().iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names.len(), keys().len());
    }

    #[test]
    fn what_values_look_like_is_known_from_the_types() {
        for (name, kind) in [
            ("listen", Kind::Text),
            ("state_dir", Kind::Path),
            ("log", Kind::Text),
            ("encode", Kind::Text),
            ("bitrate", Kind::Whole),
            ("max_message_bytes", Kind::Whole),
            ("camera_timeout", Kind::Seconds),
            ("open_view", Kind::Switch),
            ("admin_password", Kind::Secret),
            ("camera_keys", Kind::CameraKeys),
            ("host_names", Kind::List),
            ("trusted_proxies", Kind::List),
            ("tls_cert", Kind::Path),
            ("tls_listen", Kind::Text),
        ] {
            assert_eq!(find(name).unwrap().kind, kind, "{name}");
        }
    }

    #[test]
    fn somebody_who_mistypes_a_key_is_told_the_right_one() {
        let names = || keys().iter().map(|key| key.name.as_str());
        for (typed, meant) in [
            ("max_viewer", "max_viewers"),
            ("maxviewers", "max_viewers"),
            ("max-viewers", "max_viewers"),
            ("Max_Viewers", "max_viewers"),
            ("camera_key", "camera_keys"),
            ("tls_certificate", "tls_cert"),
            ("hostnames", "host_names"),
            ("admin_pasword", "admin_password"),
            ("lisen", "listen"),
            ("trusted_proxy", "trusted_proxies"),
        ] {
            assert_eq!(nearest(typed, names()), Some(meant), "{typed}");
        }
        for typed in ["x", "colour", "video_source", "", "port"] {
            assert_eq!(nearest(typed, names()), None, "{typed}");
        }
    }

    #[test]
    fn what_a_value_can_be_is_said_in_words() {
        for (name, text, said) in [
            ("max_viewers", "abc", "max_viewers is a whole number, not \"abc\""),
            ("max_viewers", "-3", "max_viewers is a whole number, not \"-3\""),
            ("max_viewers", "2.5", "max_viewers is a whole number, not \"2.5\""),
            ("max_viewers", "", "max_viewers is a whole number, not \"\""),
            ("bitrate", "20", "bitrate: 20 is not possible (20 is not in 50..=100000)"),
            ("camera_timeout", "soon", "camera_timeout: \"soon\" is no number of seconds"),
            ("camera_timeout", "0", "camera_timeout: \"0\" is no number of seconds from 0.001 on"),
            ("encode", "sometimes", "encode is \"demand\" or \"always\", not \"sometimes\""),
            (
                "encode",
                "alway",
                "encode is \"demand\" or \"always\", not \"alway\"; did you mean \"always\"?",
            ),
            (
                "tls",
                "self_signed",
                "tls is \"off\", \"self-signed\" or \"files\", not \"self_signed\"; did you mean \"self-signed\"?",
            ),
            ("open", "perhaps", "open is true or false, not \"perhaps\""),
            ("state_dir", "", "state_dir is empty"),
            ("camera_keys", "hunter2", "camera_keys: a key is written NAME=KEY"),
            (
                "camera_keys",
                "Door=hunter2",
                "camera_keys: a camera's name is 1 to 63 of the characters a-z, 0-9, - and _",
            ),
            ("camera_keys", "door=", "camera_keys is empty"),
            ("admin_password", "", "admin_password is empty"),
        ] {
            assert_eq!(find(name).unwrap().check(text).unwrap_err(), said, "{name}");
        }
        for (name, text) in
            [("listen", "8080"), ("listen", "localhost:8080"), ("encoder", "x264"), ("base_path", "cam")]
        {
            let said = find(name).unwrap().check(text).unwrap_err();
            assert!(said.starts_with(&format!("{name}: ")) && said.contains(text), "{said}");
        }
    }

    #[test]
    fn a_default_is_a_value_that_is_possible() {
        for key in keys() {
            if let Some(default) = &key.default {
                assert_eq!(key.check(default), Ok(()), "{}", key.name);
            }
        }
    }
}
