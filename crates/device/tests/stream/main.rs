//! The WebSocket client, byte by byte and second by second.

mod closing;
mod frames;
mod handshake;
mod harness;
mod keep_alive;
mod reconnecting;
