//! Who may do what: credentials, and what a request is allowed by them and by where it comes from.
//!
//! | file | holds |
//! |---|---|
//! | [`rights`] | what may be allowed, and for which cameras |
//! | [`secret`], [`password`], [`share`] | the three forms of proof: random tokens, passwords, signed links |
//! | [`cookie`], [`presented`] | how a proof comes with a request, and how it is kept out of logs |
//! | [`ids`], [`cameras`] | what credentials are called, and the cameras that they are for |
//! | [`policy`] | what is allowed without any proof, by where a request comes from |
//! | [`origin`] | which web pages may ask for something in the name of the browser's owner |
//! | [`throttle`] | who guesses is slowed down: the one way to each comparison of a secret that somebody chose |
//! | [`who`] | who asks, and why a credential was not accepted |
//! | [`given`] | passwords and keys that the owner wrote into the configuration |
//! | [`records`], [`declared`], `credentials` | what proofs are checked against, as plain data |
//! | [`store`] | the same kept in a file, and changed while others read |
//! | [`auth`] | all of it together: [`Auth`] says who asks, and begins and ends sessions |
//!
//! This crate knows nothing about servers, clocks, configuration files and OpenAPI. A request comes as headers, address
//! and URI; `now` comes as seconds since the Unix epoch. Two things take long, and belong on a blocking thread when
//! they are called from async code: hashing a password ([`Auth::look`] tells), and a change that is written to the disk.

#![forbid(unsafe_code)]

pub mod rights;

pub mod password;
pub mod secret;
pub mod share;

pub mod cookie;
pub mod presented;

pub mod cameras;
pub mod ids;

pub mod origin;
pub mod policy;
pub mod throttle;

pub mod who;

mod credentials;
pub mod declared;
pub mod given;
pub mod records;
pub mod store;

pub mod auth;

#[cfg(test)]
mod tests;

pub use auth::{Auth, Hashing, Known, LoginError, Look, NewSession};
pub use who::{AuthError, Caller, Who};
