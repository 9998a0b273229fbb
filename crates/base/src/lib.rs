//! What every crate of the server may lean on, and what has nothing to do with cameras.

#![forbid(unsafe_code)]

pub mod in_force;
