//! Figures of a device: how soon the first frame comes, and how much heap it takes.

use crate::clock;
use crate::heap;
use crate::machine::{Camera, set_up};
use crate::random::seed;
use crate::servers::Foreign;
use crate::world::{World, run};
use std::time::Duration;

/// Bytes of heap that a device may take on this computer, whose pointers are twice as long as a board's.
const MOST: usize = 48 * 1024;

#[test]
fn ten_minutes_of_streaming_take_no_more_heap_than_the_first() {
    figures(1, 9);
}

#[test]
#[ignore = "an hour takes a minute or two: cargo test -p lenscast-runtime --test host -- --ignored --nocapture"]
fn an_hour_of_streaming_takes_no_more_heap_than_its_first_minutes() {
    figures(5, 55);
}

/// Streams for so many minutes, and so many more.
fn figures(first: u64, more: u64) {
    run(async || {
        let server = Foreign::start(seed()).await;
        let mut world = World::new(set_up("server", 8080), Camera::Frames);
        world.gateway.open(8080, server.address);
        world.until("the first frame", Duration::from_secs(30), |_| server.frames() > 0).await;
        let first_frame = clock::elapsed();
        world.pass(Duration::from_secs(60 * first)).await;
        let (_, early) = heap::bytes();
        world.pass(Duration::from_secs(60 * more)).await;
        let (now, most) = heap::bytes();
        let seen = server.seen();
        seen.check();
        println!(
            "boot to first frame {} ms; {} frames in {} minutes; heap: now {now}, most {most}, in the first {first} minutes {early}",
            first_frame.as_millis(),
            seen.frames(),
            first + more,
        );
        assert_eq!(seen.connections.len(), 1);
        assert!(first_frame < Duration::from_secs(3), "{first_frame:?}");
        assert!(most < MOST, "{most} bytes");
        assert!(most < early + early / 10, "{early} bytes at first, and {most} later");
    });
}
