//! The sensors' drivers against register files that behave as the sensors do.

mod common;
mod faults;
mod gc0308;
mod ov2640;
mod ov3660;
mod probing;
mod sim;

/// Every sensor, in the order of [`DRIVERS`](lenscast_device::sensor::DRIVERS).
const CHIPS: [&sim::Chip; 3] = [&gc0308::CHIP, &ov3660::CHIP, &ov2640::CHIP];
