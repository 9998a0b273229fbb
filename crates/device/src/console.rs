//! The console: a line editor, and the commands with their grammar.
//!
//! What a command does and answers is decided in [`crate::device`]; here is how it is typed ([`editor`], [`complete`]),
//! how it is understood ([`parse()`], [`command`]) and how it is explained ([`help`]). Usages, help and completion come from the one
//! table in [`help`].

pub mod command;
pub mod complete;
pub mod editor;
pub mod help;

mod nearest;
mod parse;
mod values;
mod words;

pub use parse::{Refusal, parse};
pub(crate) use words::as_word;
