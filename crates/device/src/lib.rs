//! What a camera device decides, without the device.
//!
//! **This crate never reads a clock, never opens a socket and never waits.** Whoever drives it (the firmware on a chip,
//! or `lenscast-virtual-device` on a computer) hands in the time and the bytes and carries out what comes back. It is
//! `no_std` with `alloc`, and holds no `unsafe`. Only the drivers of [`sensor`]s await, for their bus.
//!
//! Where things are, in the order in which a frame passes:
//!
//! - [`sensor`]: the registers of image sensors, each in a file of its own;
//! - [`camera`]: what the camera is to do, the pace of capturing, and how it yields to a slow network;
//! - [`stream`]: the connection to the server: WebSocket client, back-off, deadlines;
//! - [`wifi`], [`recovery`]: the connection to the network, and what helps when the radio keeps failing;
//! - [`console`]: the line editor, the commands and their grammar;
//! - [`settings`]: what is kept in flash, in ESP-IDF's own format;
//! - [`stats`], [`log`], [`backoff`], [`time`]: what the others share;
//! - [`device`]: all of it together, the one type that a driver talks to.
//!
//! What does not belong here: anything that names a chip or a board, and the messages themselves, which are in
//! `lenscast-protocol`. How pixels become JPEGs is in `lenscast-picture`.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

pub mod backoff;
pub mod camera;
pub mod console;
pub mod device;
pub mod log;
pub mod recovery;
pub mod sensor;
pub mod settings;
pub mod stats;
pub mod stream;
pub mod time;
pub mod wifi;

pub use device::Device;
