//! What passes on the wire between a camera, the server and a viewer: paths, names, limits, the header of viewer
//! messages, and WebSocket framing (RFC 6455) as a state machine.
//!
//! The server and the device share this crate and nothing else. **It compiles without std, and does no I/O**: bytes in,
//! bytes out.
//!
//! The rule that everything rests on: a camera sends each JPEG as exactly one binary WebSocket message, with no header
//! and no metadata around it.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod control;
pub mod frame_header;
pub mod name;
pub mod plain;
pub mod ws;

pub use frame_header::FrameHeader;
pub use name::{CameraName, InvalidName};

/// TCP port of the server when none is named.
pub const DEFAULT_PORT: u16 = 8080;

/// WebSocket path on which the camera [`CameraName::DEFAULT`] publishes; `/{name}` behind it is any other camera.
pub const CAMERA_PATH: &str = "/ws/camera";

/// WebSocket path on which the camera [`CameraName::DEFAULT`] is watched; `/{name}` behind it is any other camera.
pub const VIEWER_PATH: &str = "/ws/viewer";

/// Largest message that a server accepts from a camera unless it is configured otherwise, in bytes (4 MiB).
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
