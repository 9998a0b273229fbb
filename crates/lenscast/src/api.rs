//! What may be asked of the program itself: another configuration, what it is doing, and virtual cameras.

pub mod demo;
pub mod reload;
pub mod server;
