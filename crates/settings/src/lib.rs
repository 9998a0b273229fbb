//! How the owner tells a server something: in a file (TOML), in the environment (`LENSCAST_…`), and by flags. When
//! several say something about the same key, the last of these wins.
//!
//! | file | holds |
//! |---|---|
//! | [`config`] | everything that a running server was told, and the part of it for each crate |
//! | [`settings`] | the definition of every setting, as a flag |
//! | [`keys`] | the keys that follow from those definitions: names in the file, variables, flags, kinds of values |
//! | [`mistake`] | what is wrong with settings, and where they stand |
//! | [`file`](mod@file), [`secret`] | what stands in the configuration file, and in files that it names for secrets |
//! | [`layer`] | what one source gives, and several of them put together |
//! | [`loaded`] | all sources read, and the configuration that follows |
//! | [`print`](mod@print), [`sample`] | what is in force and why; a sample of the file |
//! | [`reload`] | the settings read again while a server runs |
//!
//! [`Settings`] is the one place where a setting is defined. A new setting is a new field there; its key in the file,
//! its variable, its line in the sample and its check follow from it.
//!
//! This crate knows nothing about a running server: it makes a [`config::Config`], and puts another one in force.

#![forbid(unsafe_code)]

pub mod config;
pub mod settings;

pub mod keys;
pub mod mistake;

pub mod file;
pub mod secret;

pub mod layer;
pub mod loaded;

pub mod print;
pub mod sample;

pub mod reload;

#[cfg(test)]
mod tests;

pub use loaded::{Loaded, Sources};
pub use settings::Settings;
