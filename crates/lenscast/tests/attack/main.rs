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
    connections_that_say_nothing_cost_little: "idle",
}

#[test]
fn every_attack_is_tried_here() {
    let missing: Vec<&str> =
        lenscast_attack::ALL.iter().map(|attack| attack.name).filter(|name| !TRIED.contains(name)).collect();
    assert!(missing.len() < lenscast_attack::ALL.len(), "{missing:?}");
}
