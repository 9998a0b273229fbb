//! The whole device, driven as its drivers drive it, on a clock that only moves when a test says so.

mod answers;
mod bench;
mod life;
mod memory;
mod server;
