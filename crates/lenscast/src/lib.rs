//! The `lenscast` server: takes JPEGs from cameras, turns them into live video, and hands both to whoever watches.
//!
//! The modules stand in the order in which a frame flows: a connection is accepted ([`server`], [`access`], [`ws`]), its
//! messages are inspected ([`ingest`]; what its device tells about itself goes to [`device`]), the newest frame waits in a one-slot [`mailbox`], the camera's thread turns it into an
//! access unit ([`pipeline`]), a [`stream`] holds what is live, and the [`output`]s read from it. An output sees only a
//! `Stream`, never a camera. Beside the flow: what people and programs ask and are told ([`api`], [`events`], [`status`]).

#![forbid(unsafe_code)]

pub mod config;
pub mod settings;

pub mod access;
pub mod admission;
pub mod server;
pub mod ws;

pub mod devices;
pub mod diagnosis;
pub mod ingest;

pub mod named;

pub mod output;

pub mod api;
pub mod demo;
pub mod events;
pub mod history;
pub mod metrics;
pub mod pages;
pub mod status;
pub mod titles;

pub mod banner;
pub mod doctor;

// What stands in `lenscast-live`, by the paths that it had here, until those who use it stand in crates of their own.
pub(crate) use lenscast_live::{clock, device, news, pipeline, streams, unit};
pub(crate) mod stream {
    pub(crate) use lenscast_live::stream::*;
    pub(crate) use lenscast_live::*;
}
