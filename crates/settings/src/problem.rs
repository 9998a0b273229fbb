//! What is wrong with settings, and where they stand.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// Which file.
        path: Arc<Path>,
        /// In which line, from 1 on; 0 for the file as a whole.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Which.
        name: String,
    },
    /// A flag on the command line.
    Flag {
        /// Which, with its dashes.
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

/// Something that is wrong, for a person. It never quotes a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
    /// What, in a sentence.
    pub sentence: String,
}

impl Problem {
    pub(crate) fn new(origin: Origin, sentence: impl Into<String>) -> Self {
        Self { origin, sentence: sentence.into() }
    }

    /// Where it stands among others: those of the file by line, then those of the environment, then those of the flags.
    pub(crate) fn order(&self) -> (u8, usize) {
        match self.origin {
            Origin::File { line, .. } => (0, line),
            Origin::Environment { .. } => (1, 0),
            Origin::Flag { .. } => (2, 0),
            Origin::Default => (3, 0),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            // Nobody can mend a default: it does not fit something else, which the sentence names.
            Origin::Default => f.write_str(&self.sentence),
            origin => write!(f, "{origin}: {}", self.sentence),
        }
    }
}

/// All that is wrong; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "{one}"),
            many => {
                write!(f, "{} mistakes in the configuration", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl Error for Problems {}
