//! Pixels on a camera device, without the device.
//!
//! This crate knows nothing of consoles, networks and settings: what it is given are rows of pixels or a sensor's bytes, and
//! what comes out are JPEGs. It is `no_std` with `alloc`, and holds no `unsafe`.
//!
//! | file | what |
//! |---|---|
//! | [`raw`] | the formats of raw sensors, and their rows to YCbCr |
//! | [`jpeg`] | rows to JPEG, with an encoder whose state is not on the stack |
//! | [`jpeg::sensor`] | sensors' own JPEGs, checked and trimmed, also piece by piece as DMA brings them |
//! | [`pattern`] | a test scene that people like to look at and tests can read |
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

pub mod jpeg;
pub mod pattern;
pub mod raw;
