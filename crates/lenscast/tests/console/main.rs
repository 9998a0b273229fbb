//! The console of `lenscast device` as a person uses it: typed on a terminal, byte by byte.

mod keys;
mod program;
mod screen;
mod server;
mod stdio;
mod terminal;
mod transcript;
mod transcripts;
