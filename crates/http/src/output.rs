//! The outputs: one file each. An output reads a [`Stream`](lenscast_live::Stream) through a cursor, and sees nothing else.
//!
//! A new output goes here: a file with a handler that takes a [`Seat`](lenscast_gate::Seat) and joins a stream, and a line in the
//! table of routes.

mod common;
pub mod file;
pub mod mjpeg;
pub mod snapshot;
pub mod ts;
pub mod viewer;
