//! Settings that were read: from where, what is in force, and the configuration of a server that follows.

use crate::config::{Config, Limits, Plain, Tls};
use crate::layer::{self, Layer, Value};
use crate::mistake::{Mistake, Mistakes, Origin};
use crate::settings::Settings;
use crate::{file, secret};
use lenscast_base::state::StateDir;
use lenscast_live::pipeline::encoder::MakeEncoder;
use lenscast_tls::{Certificate, certificate};
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The sources of settings. A server keeps them, to read its settings again.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file that the owner named, which must exist; `None` when none was named.
    pub file: Option<PathBuf>,
    /// The places where a file is looked for when none was named. The first one that exists is taken.
    pub places: Vec<PathBuf>,
    /// Defaults that differ from the usual ones.
    pub defaults: Layer,
    /// The variables of the environment, with their values.
    pub environment: Vec<(OsString, OsString)>,
    /// The flags of the command line.
    pub flags: Layer,
}

/// Shows no environment, since secrets may be in it.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, places, flags, .. } = self;
        f.debug_struct("Sources")
            .field("file", file)
            .field("places", places)
            .field("flags", flags)
            .finish_non_exhaustive()
    }
}

/// Settings that were read and checked.
#[derive(Debug)]
pub struct Loaded {
    /// The settings, each with its final value.
    pub settings: Settings,
    /// The same values key by key, each with the place where it was set.
    pub values: Vec<Value>,
    /// The path of the file that was read; `None` when there was none.
    pub file: Option<PathBuf>,
    /// Warnings: things that work, and are not as they should be.
    pub warnings: Vec<Mistake>,
}

impl Sources {
    /// The usual sources: the file that is named (else the one in `LENSCAST_CONFIG`, else the first at the
    /// [usual places](file::places)), the environment of this process, and the given flags.
    #[must_use]
    pub fn of_this_process(file: Option<PathBuf>, flags: Layer) -> Self {
        let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let variable = environment.iter().find(|(name, text)| name == "LENSCAST_CONFIG" && !text.is_empty());
        let file = file.or_else(|| variable.map(|(_, path)| path.into()));
        let sources = Self { file, places: file::places(), defaults: Layer::default(), environment, flags };
        match StateDir::default_place() {
            Some(place) => sources.with_default("state_dir", &place.to_string_lossy()),
            None => sources,
        }
    }

    /// The same sources with another default for one key.
    #[must_use]
    pub fn with_default(mut self, key: &'static str, text: &str) -> Self {
        self.defaults.given.insert(key, layer::Given::one(text, Origin::Default));
        self
    }

    /// Reads and checks all sources.
    ///
    /// # Errors
    /// All mistakes in them, in the order file, environment, flags.
    pub fn load(&self) -> Result<Loaded, Mistakes> {
        let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
        let found = match &self.file {
            Some(path) => file::read(path).map(|text| Some((path.clone(), text))),
            None => file::read_first(&self.places),
        };
        let found = found.unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            None
        });
        let in_file =
            found.as_ref().map(|(path, text)| file::parse(path, text, &mut mistakes)).unwrap_or_default();
        let environment = layer::environment(self.environment.clone(), &mut mistakes, &mut warnings);
        let layers = [&self.defaults, &in_file, &environment, &self.flags];
        let values = layer::put_together(&layers, &mut mistakes, &mut warnings);
        if !mistakes.is_empty() {
            mistakes.sort_by_key(|mistake| mistake.order());
            return Err(Mistakes(mistakes));
        }
        let settings = layer::settings(&values)?;
        let loaded = Loaded { settings, values, file: found.map(|(path, _)| path), warnings };
        loaded.check()
    }
}

impl Loaded {
    /// The configuration of a server with these settings. The caller's thread waits while ffmpeg is tried out, when
    /// that is the encoder: a fraction of a second, at worst 20 s.
    ///
    /// # Errors
    /// The settings that cannot be used, such as an encoder or a certificate.
    pub fn config(&self) -> Result<Config, Mistakes> {
        let Settings { encoder, bitrate, .. } = &self.settings;
        let encoder = encoder.clone().make(bitrate.map(|kbits| kbits * 1000));
        self.config_with(encoder.map_err(|error| self.mistake("encoder", &error.to_string()))?)
    }

    /// The configuration of a server with these settings, with an encoder that is known to work.
    ///
    /// # Errors
    /// The settings that cannot be used, such as a certificate.
    pub fn config_with(&self, encoder: MakeEncoder) -> Result<Config, Mistakes> {
        let Settings { listen, state_dir, encode, access, tls, proxy, limits, .. } = self.settings.clone();
        let tls = tls.resolve().map_err(|(key, sentence)| self.mistake(key, sentence))?;
        if let Some(Tls { certificate: Certificate::Files { cert, key }, .. }) = &tls {
            certificate::load(cert, key).map_err(|error| {
                let name = if error.is_about_key() { "tls_key" } else { "tls_cert" };
                self.mistake(name, &format!("{name}: {error}"))
            })?;
        }
        let encode = encode.into();
        Ok(Config { listen, state_dir, encode, encoder, access, tls, proxy, limits, ..Config::default() })
    }

    /// Checks what concerns more than one key.
    fn check(mut self) -> Result<Self, Mistakes> {
        let Settings { tls, limits, .. } = &self.settings;
        let resolved = tls.resolve().map_err(|(key, sentence)| self.mistake(key, sentence))?;
        if let Some(Tls { certificate, listen, plain }) = resolved {
            let other = self.settings.listen;
            if plain != Plain::Off
                && listen.port() == other.port()
                && listen.port() != 0
                && overlap(listen, other)
            {
                let sentence =
                    "tls_listen and listen are the same: each needs a port of its own, or plain = \"off\"";
                return Err(self.mistake("tls_listen", sentence));
            }
            if let Certificate::Files { key, .. } = &certificate
                && let Some(warning) = secret::loose(key)
            {
                self.warnings.extend(self.mistake("tls_key", &warning).0);
            }
        }
        let Limits { camera_timeout, ping_interval, .. } = limits;
        if camera_timeout <= ping_interval {
            let sentence = "camera_timeout is not longer than ping_interval: a camera that sends no frames is taken for gone";
            self.warnings.extend(self.mistake("camera_timeout", sentence).0);
        }
        Ok(self)
    }

    /// The final value of a key, by its name.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.values.iter().find(|value| value.key.name == key)
    }

    /// A mistake with a key, at the place where the key was set.
    fn mistake(&self, key: &str, sentence: &str) -> Mistakes {
        let origin = self.value(key).map_or(Origin::Default, |value| value.origin.clone());
        Mistakes(vec![Mistake::new(origin, sentence)])
    }
}

/// Whether a server cannot listen on both addresses, when their ports are the same.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip().to_canonical() == other.ip().to_canonical()
        || one.ip().is_unspecified()
        || other.ip().is_unspecified()
}
