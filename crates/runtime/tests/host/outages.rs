//! What breaks, heals, and no frame is damaged by it.

use crate::machine::{Camera, set_up};
use crate::random::{Random, seed};
use crate::servers::Foreign;
use crate::world::{World, run};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn outages_of_link_server_and_access_point_damage_no_frame() {
    run(async || {
        let server = Foreign::start(seed()).await;
        let mut world = World::new(set_up("server", 8080), Camera::Frames);
        world.gateway.open(8080, server.address);
        let mut random = Random::new(seed());
        for round in 0..24 {
            let before = server.frames();
            world.until("frames again", PATIENCE, |_| server.frames() > before + 20).await;
            world.pass(Duration::from_millis(random.within(0..3000) as u64)).await;
            let pause = Duration::from_millis(random.within(10..20_000) as u64);
            match round % 4 {
                // The server's program dies, and starts again.
                0 => {
                    world.gateway.close(8080);
                    world.pass(pause).await;
                    world.gateway.open(8080, server.address);
                }
                // The server stands still, and nothing is reset.
                1 => {
                    world.gateway.rate = Some(0);
                    world.pass(pause).await;
                    world.gateway.rate = None;
                }
                // Nothing comes through, and nobody says so.
                2 => {
                    world.board.link.set_up(false);
                    world.pass(pause).await;
                    world.board.link.set_up(true);
                }
                _ => {
                    world.board.air.set_on(false);
                    world.pass(pause).await;
                    world.board.air.set_on(true);
                }
            }
        }
        let seen = server.seen();
        seen.check();
        assert!(seen.connections.len() > 12, "{} connections", seen.connections.len());
        assert_eq!(world.starts, 1);
    });
}

#[test]
fn a_name_is_asked_of_the_router_and_a_local_one_of_everybody() {
    run(async || {
        let server = Foreign::start(seed()).await;
        for (host, multicast) in [("server", false), ("server.local", true)] {
            let mut world = World::new(set_up(host, 8080), Camera::Frames);
            world.gateway.open(8080, server.address);
            let before = server.frames();
            world.until("frames", PATIENCE, |_| server.frames() > before + 10).await;
            assert_eq!(world.gateway.asked.first(), Some(&(host.to_owned(), multicast)));
        }
        server.seen();
    });
}

#[test]
fn a_name_that_nobody_has_and_a_port_where_nobody_listens_are_told_apart() {
    run(async || {
        for (host, words) in
            [("nobody", "the name nobody was not found"), ("server", "nothing listens on port 8080")]
        {
            let mut world = World::new(set_up(host, 8080), Camera::Frames);
            let wire = world.board.wire.clone();
            world.until(words, PATIENCE, |_| wire.printed_contains(words)).await;
        }
    });
}

#[test]
fn the_router_is_told_which_board_asks_for_an_address() {
    run(async || {
        let mut world = World::new(set_up("server", 8080), Camera::Frames);
        let wire = world.board.wire.clone();
        world.until("an address", PATIENCE, |_| wire.printed_contains("connected, address 10.0.0.7")).await;
        assert!(!world.gateway.host_names.is_empty());
        assert!(
            world.gateway.host_names.iter().all(|name| name == "lenscast-esp32c3-devkit-010203"),
            "{:?}",
            world.gateway.host_names
        );
    });
}
