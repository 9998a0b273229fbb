//! What a camera device decides, without the device.
//!
//! **This crate never reads a clock, never opens a socket and never waits.** Whoever drives it (the firmware on a chip,
//! or `lenscast-virtual-device` on a computer) hands in the time and the bytes and carries out what comes back. It is
//! `no_std` with `alloc`, and holds no `unsafe`.
//!
//! What is here:
//!
//! - [`jpeg`]: rows of Y, Cb and Cr in, one baseline JPEG out, without a frame buffer;
//! - [`pattern`]: a moving test scene, drawn row by row, that people like to look at and tests can read.
//!
//! What belongs here and is not written yet: the console's grammar and answers, the settings, the WiFi and stream state
//! machines, frame pacing and dropping, and the sensor drivers. What does not belong here: anything that names a chip
//! or a board, and the messages themselves, which are in `lenscast-protocol`.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

pub mod jpeg;
pub mod pattern;
