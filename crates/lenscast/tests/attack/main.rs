//! What one hostile client can cost, in a short form: each attack of `cargo xtask attack` for a few seconds against the real
//! program, in a network namespace where there is a right to make one.
//!
//! As many run at once as the computer has cores, each against a server of its own. Only what no machine makes slower is
//! asserted: memory, threads, bytes of log and state, that a camera gets in at all, and that all of it is given back. How
//! fast all this is, `cargo xtask attack` measures.

use lenscast_attack::{Attack, Bounds, Place, Trial, place};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// What may be left of an attack's memory, in 10^6 bytes: what an allocator keeps for the next one depends on the cores of a
/// computer. `cargo xtask attack` is stricter.
const RSS_AFTER_MB: f64 = 40.0;

/// Runs the test of this name again inside a namespace, or the attack itself where this is one or there is none.
#[track_caller]
fn costs_little(test: &str, attack: &str) {
    if !place::is_inside() {
        let again = place::again_inside(&["--exact", test, "--nocapture"]).unwrap();
        if let Some(status) = again {
            assert!(ExitStatus::success(&status), "{attack}: see above");
            return;
        }
    }
    let place = Place::here().unwrap();
    println!("{attack}: {place}");
    let trial = Trial {
        program: Path::new(env!("CARGO_BIN_EXE_lenscast")),
        place,
        length: Duration::from_secs(3),
        calm: Duration::from_millis(300),
        bounds: Bounds { rss_after_mb: RSS_AFTER_MB, ..Bounds::DEFAULT },
    };
    let measured = trial.run(Attack::named(attack).expect("an attack of that name")).unwrap();
    println!("{measured:?}");
    let over = trial.bounds.lasting(&measured);
    assert!(over.is_empty(), "{attack}: {}", over.join("; "));
}

/// A test for each attack, named after what holds.
macro_rules! attacks {
    ($($test:ident: $attack:literal,)*) => {
        $(
            #[test]
            fn $test() {
                costs_little(stringify!($test), $attack);
            }
        )*

        /// Attacks that are tried here.
        const TRIED: &[&str] = &[$($attack),*];
    };
}

attacks! {
    a_bomb_of_one_name_costs_little: "bombs",
    bombs_of_many_names_cost_little: "bombs-many-names",
    logins_that_hang_up_cost_little: "rude-logins",
    wrong_logins_cost_little: "polite-logins",
    guesses_are_slowed_down: "guesses",
    bodies_without_an_end_cost_little: "bodies",
    heads_without_an_end_cost_little: "heads",
    huge_heads_cost_little: "huge-heads",
    handshakes_without_an_end_cost_little: "handshakes",
    connections_that_say_nothing_cost_little: "idle",
    many_listeners_of_one_address_cost_little: "events",
    many_viewers_of_one_address_cost_little: "viewers",
    viewers_that_never_read_cost_little: "slow-readers",
    floods_of_pings_cost_little: "pings",
    names_without_an_end_cost_little: "names",
    more_cameras_than_may_be_are_not_let_in_by_the_probe: "probe",
    messages_in_parts_without_an_end_cost_little: "fragments",
    messages_that_come_slowly_cost_little: "slow-frames",
    a_flapping_camera_costs_little: "flapping",
    refusals_cost_little: "refusals",
    a_share_link_that_is_opened_again_and_again_costs_little: "share-link",
}

#[test]
fn every_attack_is_tried_here() {
    let names = || lenscast_attack::ALL.iter().map(|attack| attack.name);
    let missing: Vec<&str> = names().filter(|name| !TRIED.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
