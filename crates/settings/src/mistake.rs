//! Mistakes in settings, and the places where the owner mends them.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The place where a setting was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it; this is the default.
    Default,
    /// The configuration file.
    File {
        /// The path of the file.
        path: Arc<Path>,
        /// The line in the file, from 1 on; 0 means the file as a whole.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// The variable's name, such as `LENSCAST_LISTEN`.
        name: String,
    },
    /// A flag on the command line.
    Flag {
        /// The flag with its dashes, such as `--listen`.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: 0 } => write!(f, "{}", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } | Self::Flag { name } => f.write_str(name),
        }
    }
}

/// One mistake, in words for the owner. The words never quote a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The place of the mistake.
    pub origin: Origin,
    /// The mistake, in a sentence.
    pub sentence: String,
}

impl Mistake {
    /// A mistake at a place.
    pub(crate) fn new(origin: Origin, sentence: impl Into<String>) -> Self {
        Self { origin, sentence: sentence.into() }
    }

    /// A number for sorting mistakes: first those of the file, by line, then those of the environment, then those of
    /// the flags.
    pub(crate) fn order(&self) -> (u8, usize) {
        match self.origin {
            Origin::File { line, .. } => (0, line),
            Origin::Environment { .. } => (1, 0),
            Origin::Flag { .. } => (2, 0),
            Origin::Default => (3, 0),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            // Nobody set this key, so there is no place to name. The default does not fit another key, which the
            // sentence names.
            Origin::Default => f.write_str(&self.sentence),
            origin => write!(f, "{origin}: {}", self.sentence),
        }
    }
}

/// All mistakes in the settings. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "{one}"),
            many => {
                write!(f, "{} mistakes in the configuration", many.len())?;
                many.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
            }
        }
    }
}

impl Error for Mistakes {}
