//! The `lenscast` server: takes JPEGs from cameras, turns them into live video, and hands both to whoever watches.
//!
//! The modules stand in the order in which a frame flows: a connection is accepted ([`server`], [`access`], [`ws`]), its
//! messages are inspected ([`ingest`]; what its device tells about itself goes to [`device`]), the newest frame waits in a one-slot [`mailbox`], the camera's thread turns it into an
//! access unit ([`pipeline`]), a [`stream`] holds what is live, and the [`output`]s read from it. An output sees only a
//! `Stream`, never a camera. Beside the flow: what people and programs ask and are told ([`api`], [`events`], [`status`]).

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod demo;
pub mod program;
pub mod routes;
pub mod server;

pub mod banner;
