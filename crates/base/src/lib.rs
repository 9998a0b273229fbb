//! What every crate of the server may lean on, and what has nothing to do with cameras.
//!
//! | file | holds |
//! |---|---|
//! | [`in_force`] | a configuration that is replaced while the server runs |
//! | [`time`] | seconds since 1970, and spans and moments as people write and read them |
//! | [`notices`] | log lines that may come a thousand times a second, said once in a while |
//! | [`addresses`] | the addresses of this machine, which addresses are those of a home, and who counts as one |
//! | [`listen`] | opening the sockets on which a server listens |
//! | [`proxy_protocol`] | the header by which a forwarder tells whose a connection is |
//! | [`unacknowledged`] | the bytes of a connection that the other side has not got yet |
//! | [`state`] | the state directory: small files that survive a restart |
//!
//! This crate knows nothing about cameras, users, HTTP and settings.

// One call, in `unacknowledged.rs`, which says why.
#![deny(unsafe_code)]

pub mod addresses;
pub mod in_force;
pub mod listen;
pub mod notices;
pub mod proxy_protocol;
pub mod state;
pub mod time;
pub mod unacknowledged;
