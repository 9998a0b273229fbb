//! The server's HTTP side: connections, requests, and what is answered.
//!
//! Nothing here encodes pictures, and nothing knows the application: handlers take the slices of it that they need.
//!
//! | file | what |
//! |---|---|
//! | `connections.rs`, `relay.rs`, `handshake.rs`, `failures.rs` | taking connections, TLS, and what goes wrong with it |
//! | `crowd.rs`, `ended.rs` | who may be connected, and who had to go |
//! | `line.rs`, `timely.rs` | a connection's bytes: one that takes nothing, a body that does not come |
//! | `control.rs` | the control socket |
//! | `routes.rs`, `rule.rs` | a table of routes, each with what it asks of those who come |
//! | `access.rs`, `access/`, `guarding.rs`, `callers.rs` | the check before every handler; from where requests came |
//! | `ws.rs`, `named.rs`, `refused.rs` | WebSockets, the camera that a path names, refusals of who may watch |
//! | `ingest.rs`, `refused_cameras.rs` | a camera's connection; cameras that were refused |
//! | `output.rs`, `output/` | the outputs, one file each |
//! | `status.rs`, `events.rs`, `metrics.rs` | what is going on, for pages and machines |
//! | `api.rs`, `api/` | what may be asked, and its description |
//! | `pages.rs` | the embedded pages |
//! | `places.rs` | where the pages are found |
//! | `serving.rs`, `config.rs` | what all connections share, and the limits |

#![forbid(unsafe_code)]

pub mod access;
pub mod api;
pub mod callers;
pub mod config;
pub mod connections;
pub mod control;
pub mod crowd;
pub mod ended;
pub mod events;
pub mod failures;
mod guarding;
mod handshake;
pub mod ingest;
mod line;
pub mod metrics;
pub mod named;
pub mod output;
pub mod pages;
pub mod places;
mod refused;
pub mod refused_cameras;
mod relay;
pub mod routes;
pub mod rule;
pub mod serving;
pub mod status;
mod timely;
pub mod ws;
