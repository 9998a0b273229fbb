//! The `lenscast` program: the application that puts the crates of the server together, and its commands.
//!
//! Nobody imports this crate. What a frame passes on its way stands elsewhere: `lenscast_http` takes it from its camera and
//! hands it to viewers, `lenscast_live` holds what is live.
//!
//! | file | what |
//! |---|---|
//! | `app.rs` | the slices that handlers take |
//! | `routes.rs` | the one table of routes, and what each needs |
//! | `server.rs` | how a server starts, runs and ends |
//! | `program.rs` | the process itself: its configuration, which may be read again, and its state directory |
//! | `demo.rs` | virtual cameras inside the server |
//! | `api.rs`, `api/` | what may be asked of the program itself |
//! | `banner.rs` | what is printed at the start |
//! | `cli.rs`, `cli/` | the commands of the program |

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod demo;
pub mod program;
pub mod routes;
pub mod server;

pub mod banner;
