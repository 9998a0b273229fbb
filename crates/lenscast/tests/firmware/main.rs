//! The firmware's runtime in front of the real server, with the clock, the network and the board of the runtime's own tests.

#[path = "../../../runtime/tests/host/air.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod air;
#[path = "../../../runtime/tests/host/clock.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod clock;
#[path = "../../../runtime/tests/host/gateway.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod gateway;
#[path = "../../../runtime/tests/host/heap.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod heap;
#[path = "../../../runtime/tests/host/link.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod link;
#[path = "../../../runtime/tests/host/machine.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod machine;
#[path = "../../../runtime/tests/host/names.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod names;
#[path = "../../../runtime/tests/host/picture.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod picture;
#[path = "../../../runtime/tests/host/random.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod random;
#[path = "../../../runtime/tests/host/servers.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod servers;
#[path = "../../../runtime/tests/host/tasks.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod tasks;
#[path = "../../../runtime/tests/host/wire.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod wire;
#[path = "../../../runtime/tests/host/world.rs"]
#[allow(dead_code, reason = "the runtime's own tests use all of it")]
mod world;

mod real;
mod stream;
