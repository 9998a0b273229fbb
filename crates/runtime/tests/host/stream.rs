//! Every frame arrives as it was captured.

use crate::link::Quality;
use crate::machine::{Camera, set_up};
use crate::random::{Random, seed};
use crate::servers::Foreign;
use crate::wire::Terminal;
use crate::world::{World, run};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn every_byte_of_every_frame_reaches_a_server_that_is_not_ours() {
    run(async || {
        let server = Foreign::start(seed()).await;
        let mut world = World::new(set_up("10.0.0.1", 8080), Camera::Frames);
        world.gateway.open(8080, server.address);
        world.until("the first frame", PATIENCE, |_| server.frames() > 0).await;
        world.pass(Duration::from_secs(180)).await;
        let seen = server.seen();
        seen.check();
        assert_eq!(seen.connections.len(), 1, "{:?}", seen.connections);
        assert!(seen.frames() > 2000, "{} frames in 3 minutes", seen.frames());
    });
}

#[test]
fn on_a_bad_link_to_a_slow_server_frames_are_dropped_and_none_is_damaged() {
    run(async || {
        let server = Foreign::start(seed()).await;
        let mut world = World::new(set_up("10.0.0.1", 8080), Camera::Frames);
        world.gateway.open(8080, server.address);
        let wire = world.board.wire.clone();
        let mut random = Random::new(seed());
        for _ in 0..30 {
            world.board.link.set_quality(if random.hits(500) { Quality::BAD } else { Quality::GOOD });
            world.gateway.rate = random.hits(500).then(|| random.within(20_000..200_000) as u64);
            wire.set_terminal([Terminal::Quick, Terminal::Slow(5), Terminal::Closed][random.within(0..3)]);
            wire.type_in("help\r");
            world.pass(Duration::from_secs(8)).await;
        }
        let seen = server.seen();
        seen.check();
        assert!(seen.frames() > 300, "{} frames in 4 minutes", seen.frames());
        let captured = world.machine.told.captured.get();
        assert!(
            captured > seen.frames() as u64,
            "a slow server gets fewer than the {captured} that were captured"
        );
    });
}

#[test]
fn the_console_answers_whole_while_the_device_streams() {
    run(async || {
        let server = Foreign::start(seed()).await;
        let mut world = World::new(set_up("10.0.0.1", 8080), Camera::Frames);
        world.gateway.open(8080, server.address);
        let wire = world.board.wire.clone();
        world.until("the first frame", PATIENCE, |_| server.frames() > 0).await;
        wire.type_in("log level error\r");
        world.pass(Duration::from_secs(1)).await;
        let help = lenscast_device::console::help::all().replace('\n', "\r\n");
        for _ in 0..100 {
            wire.take_printed();
            wire.type_in("help\r");
            world.pass(Duration::from_millis(500)).await;
            let printed = String::from_utf8(wire.take_printed()).expect("text");
            assert!(printed.contains(&help), "{printed}");
        }
        server.seen().check();
    });
}
