//! What a stranger may try against the server, with a camera and a viewer beside that must not notice: each test is the
//! attack.

mod log;
mod places;
mod slow;
mod stalls;
mod world;
