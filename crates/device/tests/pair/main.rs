//! A device and a server, over a network that does what hurts in the field, thousands of times.
//!
//! Every world follows from its seed. One that fails is printed; `LENSCAST_SEED=n cargo test -p lenscast-device --test
//! pair -- --nocapture` runs it alone and tells what happens in it.

mod camera;
mod checks;
mod clock;
mod dice;
mod endpoint;
mod link;
mod log;
mod server;
mod socket;
mod tap;
mod weather;
mod whole;
mod world;

use endpoint::{Alone, Endpoint};
use log::Log;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use whole::Whole;
use world::World;

/// Worlds in the normal run.
const SEEDS: u64 = 2000;
/// The same of the whole device, which takes longer.
const WHOLE_SEEDS: u64 = 1000;

/// What must have happened in them, or they prove less than they seem to.
const SEEN: [&str; 26] = [
    "up:extended",
    "up:plain",
    "left",
    "lost:Unreachable",
    "lost:ConnectTimeout",
    "lost:Refused",
    "lost:NotWebSocket",
    "lost:WrongAccept",
    "lost:Closed",
    "lost:Broken",
    "lost:Silent",
    "lost:Slow",
    "lost:Violation",
    "lost:NetworkDown",
    "texts",
    "pings",
    "pongs",
    "good-byes",
    "Outage",
    "Leap",
    "StepBack",
    "Freeze",
    "Resets",
    "StopsReading",
    "Vanishes",
    "Stop",
];

/// The same of the whole device, beside what its log says.
const SEEN_WHOLE: [&str; 8] = [
    "stream:-connected",
    "with-telemetry",
    "wifi:-connected",
    "cam:-the-network-sets",
    "stream:-frames=",
    "texts",
    "good-byes",
    "Leap",
];

fn alone(seed: u64, verbose: bool) -> Log {
    run(seed, Alone::new(!seed), verbose)
}

fn whole(seed: u64, verbose: bool) -> Log {
    run(seed, Whole::new(!seed), verbose)
}

fn run(seed: u64, endpoint: impl Endpoint, verbose: bool) -> Log {
    World::new(seed, endpoint, verbose).run()
}

/// Runs so many worlds, or the one that is asked for, and gives what was seen in them.
fn many(seeds: u64, run: fn(u64, bool) -> Log) -> Option<Log> {
    if let Ok(seed) = std::env::var("LENSCAST_SEED") {
        let log = run(seed.parse().expect("LENSCAST_SEED is a number"), true);
        println!("{log:?}");
        return None;
    }
    let next = AtomicU64::new(0);
    let log = Mutex::new(Log::new(false));
    let failed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    match catch_unwind(AssertUnwindSafe(|| run(seed, false))) {
                        Ok(seen) => log.lock().unwrap().merge(seen),
                        Err(_) => failed.lock().unwrap().push(seed),
                    }
                }
            });
        }
    });
    let (log, failed) = (log.into_inner().unwrap(), failed.into_inner().unwrap());
    println!("{log:?}");
    for seed in &failed {
        println!("LENSCAST_SEED={seed} cargo test -p lenscast-device --test pair -- --nocapture");
    }
    assert!(failed.is_empty(), "{} of {seeds} worlds failed: {failed:?}", failed.len());
    Some(log)
}

#[test]
fn whatever_happens_only_whole_frames_arrive_and_the_connection_comes_back() {
    let Some(log) = many(SEEDS, alone) else { return };
    for what in SEEN {
        assert!(log.count(what) >= 100, "{what}: {} times only, in {SEEDS} worlds", log.count(what));
    }
}

#[test]
fn the_whole_device_with_its_console_and_wifi_comes_back_too() {
    let Some(log) = many(WHOLE_SEEDS, whole) else { return };
    for what in SEEN_WHOLE {
        assert!(log.count(what) >= 50, "{what}: {} times only, in {WHOLE_SEEDS} worlds", log.count(what));
    }
}

#[test]
fn a_world_can_be_replayed() {
    for seed in 0..20 {
        for run in [alone, whole] {
            let [first, again] = [run(seed, false), run(seed, false)].map(|log| format!("{log:?}"));
            assert_eq!(first, again, "seed {seed}");
        }
    }
}
