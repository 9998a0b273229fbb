//! The sensors' drivers against register files that behave as the sensors do.

mod common;
mod faults;
mod gc0308;
mod ov3660;
mod probing;
mod sim;
