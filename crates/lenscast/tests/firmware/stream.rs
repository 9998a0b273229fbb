//! Every frame passes the real server as it was captured.

use crate::machine::{Camera, set_up};
use crate::picture;
use crate::random::seed;
use crate::real::Real;
use crate::world::{World, run};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn every_byte_of_every_frame_passes_the_real_server() {
    run(async || {
        let server = Real::start();
        let watcher = server.watch(|jpeg| picture::check(seed(), jpeg)).await;
        let mut world = World::new(set_up("10.0.0.1", 8080), Camera::Frames);
        world.gateway.open(8080, server.address);
        world.until("the first frame", PATIENCE, |_| watcher.frames() > 0).await;
        // Telemetry and pings of the real protocol are between the frames.
        world.pass(Duration::from_secs(120)).await;
        watcher.seen().check();
        let camera = server.camera().await;
        let refused: u64 = camera["quarantined"]
            .as_object()
            .expect("counters by cause")
            .values()
            .map(|count| count.as_u64().expect("a number"))
            .sum();
        assert_eq!(refused, 0, "{camera}");
        assert!(watcher.frames() > 1000, "{} frames in 2 minutes: {camera}", watcher.frames());
        drop(watcher);
        server.end().await;
    });
}
