//! Settings from all their sources.

mod layers;
mod mistakes;
mod reloading;
mod shown;

use crate::keys::Key;
use crate::keys::{Kind, find};
use crate::layer::{Layer, environment};
use crate::loaded::{Loaded, Sources};
use crate::mistake::Origin;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with a configuration file, and the other sources.
struct World {
    folder: TempDir,
    variables: Vec<(OsString, OsString)>,
    flags: Layer,
}

impl World {
    fn new(file: &str) -> Self {
        let world =
            Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new(), flags: Layer::default() };
        world.write("lenscast.toml", file);
        world
    }

    fn variable(mut self, name: &str, text: &str) -> Self {
        self.variables.push((name.into(), text.into()));
        self
    }

    fn flags(mut self, args: &[&str]) -> Self {
        self.flags = flags(args);
        self
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sources(&self) -> Sources {
        Sources {
            file: Some(self.path("lenscast.toml")),
            environment: self.variables.clone(),
            flags: self.flags.clone(),
            ..Sources::default()
        }
    }

    fn load(&self) -> Loaded {
        self.sources().load().unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    /// All that is wrong, a line each, without the folder's name.
    fn mistakes(&self) -> Vec<String> {
        let mistakes = self.sources().load().expect_err("there are mistakes").0;
        let folder = format!("{}/", self.folder.path().display());
        mistakes.iter().map(|mistake| mistake.to_string().replace(&folder, "")).collect()
    }
}

/// Flags as they are typed.
fn flags(args: &[&str]) -> Layer {
    #[derive(clap::Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        flags: crate::layer::Flags,
    }
    <Line as clap::Parser>::try_parse_from(args).unwrap().flags.0
}

/// A value that differs from the default, as TOML and as the text of a flag or variable.
fn another(key: &Key) -> (String, String) {
    let text = match (key.name.as_str(), key.kind) {
        ("listen" | "tls_listen", _) => "127.0.0.1:9",
        ("log", _) => "debug",
        ("encode", _) => "always",
        ("encoder", _) => "ffmpeg:h264_vaapi",
        ("plain", _) => "all",
        ("local", _) => "view",
        ("tls", _) => "self-signed",
        ("base_path", _) => "/cam/",
        ("cors_origins", _) => "https://home.example",
        ("trusted_proxies", _) => "10.0.0.0/8",
        (_, Kind::Switch) => "true",
        (_, Kind::Whole) => "77",
        (_, Kind::Seconds) => "7.5",
        (_, Kind::Path) => "/somewhere",
        (_, Kind::Secret) => "hunter2",
        (_, Kind::List) => "cam.example",
        (_, Kind::CameraKeys) => return ("{ door = \"hunter2\" }".into(), "door=hunter2".into()),
        (name, Kind::Text) => panic!("a value for {name}"),
    };
    let toml = match key.kind {
        Kind::Switch | Kind::Whole | Kind::Seconds => text.to_owned(),
        Kind::List => format!("[{text:?}]"),
        _ => format!("{text:?}"),
    };
    (toml, text.to_owned())
}
