//! Media, pure: bytes in, bytes out. JPEG inspection and decode, I420 pictures, H.264, MPEG-TS, fMP4, time.
//!
//! **This crate never awaits, never opens a socket or a file and never reads a clock**; every time is given to it. The
//! modules stand in the order in which the data flows.

// One call of openh264's C interface and one of the C library's allocator need it, and say why.
#![deny(unsafe_code)]

pub mod time;

pub mod causes;

pub mod jpeg;

pub mod picture;

pub mod turn;

mod range;

pub mod h264;

pub mod ts;

pub mod fmp4;

pub mod allocator;
