//! The firmware's runtime on this computer: at its console, in a network, in front of servers.
//!
//! Everything but the registers is what a board runs. The clock is the test's, so an hour takes seconds.

mod air;
mod clock;
mod gateway;
mod heap;
mod link;
mod machine;
mod names;
mod picture;
mod random;
mod servers;
mod tasks;
mod wire;
mod world;

mod console;
mod figures;
mod outages;
mod pattern;
mod pipe;
mod stream;
mod watchdog;
mod wifi;
