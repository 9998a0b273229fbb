//! `lenscast doctor`: what is wrong with an installation, in plain words, and what to do about it.
//!
//! | file | holds |
//! |---|---|
//! | [`report`] | findings, and how they are shown to people |
//! | [`control`] | what a running server told by its socket |
//! | `tools`, `users` | other programs of this computer, asked for what they know; its users by their numbers |
//! | `config`, `access` | the configuration, and settings that let in more people than most owners mean |
//! | `state`, `disk` | the state directory, and the room on its disk |
//! | `certificate`, `clock` | the time of the certificate, and the clock of this computer |
//! | `sockets`, `ports`, `firewall` | who has a port, whether the server gets its own, and who keeps others out |
//! | `forwarders` | programs and networks that hide who asks |
//! | `program`, `server`, `cameras` | the program itself, the server that runs, and its cameras |
//! | `examine` | all of it in order |
//!
//! Each check is about one thing, and has two steps. It gathers facts, which may take a moment; then it judges them,
//! which is pure, so that tests hand in facts of computers that they do not have. Nothing is changed: no file is made
//! or moved, and a port that is tried is given back at once. No secret is ever shown.
//!
//! This crate knows a running server only by what its socket tells.

#![forbid(unsafe_code)]

pub mod report;

pub mod control;
mod tools;
mod users;

mod access;
mod config;

mod disk;
mod state;

mod certificate;
mod clock;

mod firewall;
mod forwarders;
mod ports;
mod sockets;

mod cameras;
mod program;
mod server;

mod examine;

pub use control::{Answers, Control};
pub use examine::{Installation, examine};
pub use program::Build;
