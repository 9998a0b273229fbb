//! What one hostile client can cost, in a short form: each attack of `cargo xtask attack` for a few seconds against the real
//! program, in a network namespace where there is a right to make one.
//!
//! Only what no machine makes slower is asserted: memory, threads, bytes of log and state, that a camera gets in at all,
//! and that all of it is given back. How fast all this is, `cargo xtask attack` measures.

use lenscast_attack::{Attack, Bounds, Place, Trial, place};
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One after the other: each wants a computer for itself.
static TURN: Mutex<()> = Mutex::new(());

/// Runs the test of this name again inside a namespace, or the attack itself where this is one or there is none.
#[track_caller]
fn costs_little(test: &str, attack: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
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
        length: Duration::from_secs(4),
        calm: Duration::from_millis(300),
        bounds: Bounds::DEFAULT,
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
    floods_of_pings_cost_little: "pings",
    a_share_link_that_is_opened_again_and_again_costs_little: "share-link",
}

/// Attacks that cost more than they may today. `cargo xtask attack` shows how much.
const OVER_TODAY: &[&str] = &[
    "rude-logins",
    "polite-logins",
    "guesses",
    "bodies",
    "heads",
    "huge-heads",
    "handshakes",
    "idle",
    "events",
    "viewers",
    "slow-readers",
    "names",
    "probe",
    "fragments",
    "slow-frames",
    "flapping",
    "refusals",
];

#[test]
fn every_attack_is_tried_here_or_known_to_be_over() {
    let names = || lenscast_attack::ALL.iter().map(|attack| attack.name);
    let missing: Vec<&str> =
        names().filter(|name| !TRIED.contains(name) && !OVER_TODAY.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(OVER_TODAY.iter().all(|name| Attack::named(name).is_some() && !TRIED.contains(name)));
}
