//! What strangers do to a server, and what it costs: each attack against the real program, beside a camera and a viewer
//! that must not notice.
//!
//! `cargo xtask attack` runs all of it and prints a table; `crates/lenscast/tests/attack` runs a short form. Nothing here
//! is part of the program.
//!
//! | file | what |
//! |---|---|
//! | `place.rs`, `netlink.rs` | where it happens: a network namespace with as many addresses as needed, or loopback |
//! | `server.rs` | the program, and what it uses: memory, threads, descriptors, log, state |
//! | `wire.rs` | connections from an address of one's choice: HTTP, WebSocket, and less than that |
//! | `beside.rs` | those who do no harm: a camera, a viewer, a health check, a camera that comes in the middle |
//! | `attacks.rs`, `attacks/` | the attacks, a function each |
//! | `bomb.rs` | pictures that are small on the wire and large in memory |
//! | `trial.rs` | one attack from its calm before to its quiet after |
//! | `measured.rs` | what it cost, as numbers |
//! | `bounds.rs` | what one hostile client may cost, and what is over |
//!
//! This crate knows nothing about the inside of a server: it speaks to a process over sockets, and asks the kernel what that
//! process uses. It needs Linux.

#![forbid(unsafe_code)]

pub mod attacks;
mod beside;
mod bomb;
pub mod bounds;
pub mod measured;
mod netlink;
pub mod place;
mod server;
pub mod trial;
mod wire;

pub use attacks::{ALL, Attack};
pub use bounds::Bounds;
pub use measured::Measured;
pub use place::Place;
pub use trial::Trial;

/// What can go wrong with an attack itself. It is told to a person, and handled by nobody.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
