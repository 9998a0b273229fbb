//! Attacks on the brake: guesses at secrets that a person has chosen.

use super::*;
use crate::throttle::FREE;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

const ADMINS: &str = "battery staple";
const VIEWERS: &str = "horse battery";

/// Whether this was compared, and wrong. The other answer is that it has to wait.
fn is_compared(found: &Result<Caller, AuthError>) -> bool {
    match found {
        Err(AuthError::Wrong) => true,
        Err(AuthError::Throttled { .. }) => false,
        other => panic!("{other:?}"),
    }
}

/// Every way to try a secret that somebody may have chosen; none of these is right.
fn ways(guess: &str) -> Vec<Presented> {
    let bearer = format!("Bearer {guess}");
    let by_query = http::Uri::try_from(format!("/?token={guess}")).unwrap();
    let cookie = SessionCookie::new(false, "/").unwrap();
    vec![
        basic("admin", guess),
        basic("", guess),
        basic("viewer", guess),
        basic("anna", guess),
        basic("nobody", guess),
        present(&[("authorization", &bearer)]),
        Presented::read(&http::HeaderMap::new(), &by_query, &cookie),
    ]
}

/// A server with a chosen secret of every sort.
fn chosen() -> Bench {
    let bench = Bench::new();
    declare(&bench, Some(ADMINS), Some(VIEWERS), &[("front", "front door")]);
    bench.user("anna", Role::View);
    bench.user("root", Role::Admin);
    bench
}

#[test]
fn whatever_is_guessed_at_in_whatever_way_five_guesses_are_compared_at_once() {
    for way in 0..ways("x").len() {
        let bench = chosen();
        // One of whom it is remembered that the password was right: a guess may be what is remembered.
        bench.by_basic("anna", PASSWORD, NOW).unwrap();
        let (compared, together) = (AtomicU32::new(0), Barrier::new(16));
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let (bench, compared, together) = (&bench, &compared, &together);
                scope.spawn(move || {
                    together.wait();
                    for number in 0..50 {
                        let guess = &ways(&format!("guess-{thread}-{number}"))[way];
                        let found = bench.auth.authenticate(guess, peer(), NOW);
                        compared.fetch_add(u32::from(is_compared(&found)), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(compared.into_inner(), FREE, "{:?}", ways("x")[way]);
        // The right one is now compared as little as a wrong one.
        for right in [basic("admin", ADMINS), basic("", VIEWERS), basic("anna", PASSWORD)] {
            let error = bench.auth.authenticate(&right, peer(), NOW).unwrap_err();
            assert!(matches!(error, AuthError::Throttled { .. }), "{error}");
        }
        let error = bench.by_bearer(&Secret::new("front door".into()), NOW).unwrap_err();
        assert!(matches!(error, AuthError::Throttled { .. }), "{error}");
    }
}

#[test]
fn what_is_waiting_to_be_hashed_counts_already() {
    let bench = chosen();
    let guess = basic("root", "wrong horse");
    let waiting: Vec<Look> = (0..5).map(|_| bench.auth.look(&guess, peer(), NOW)).collect();
    assert!(waiting.iter().all(|look| matches!(look, Look::Hash(_))));
    let key = bearer(&Secret::new("front door".into()));
    for next in [guess.clone(), basic("root", PASSWORD), basic("", ADMINS), key] {
        let error = bench.auth.authenticate(&next, peer(), NOW).unwrap_err();
        assert!(matches!(error, AuthError::Throttled { .. }), "{error}");
    }
    // Who hangs up before anything was compared has guessed nothing.
    drop(waiting);
    assert!(bench.by_basic("root", PASSWORD, NOW).is_ok());
}

/// Guesses at an admin's password, with a success of somebody else after every `each` guesses; gives how many guesses
/// were compared in the first second.
fn compared_beside(bench: &Bench, aim: &Presented, own: &Presented) -> u32 {
    let mut compared = 0;
    for number in 0..160 {
        compared += u32::from(is_compared(&bench.auth.authenticate(aim, peer(), NOW)));
        if number % 4 == 3 {
            // It succeeds, as long as it is looked at.
            match bench.auth.authenticate(own, peer(), NOW) {
                Ok(_) | Err(AuthError::Throttled { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    compared
}

#[test]
fn nobodys_own_success_forgives_guesses_at_somebody_else() {
    // Each: what is guessed at, and what the guesser knows.
    for (aim, own) in [
        // A viewer, at the admin of the configuration: both come without a name.
        (basic("", "wrong"), basic("", VIEWERS)),
        (basic("admin", "wrong"), basic("", VIEWERS)),
        (basic("", "wrong"), basic("viewer", VIEWERS)),
        (basic("admin", "wrong"), basic("viewer", VIEWERS)),
        (basic("root", "wrong"), basic("anna", PASSWORD)),
        (basic("root", "wrong"), basic("", VIEWERS)),
        (basic("", "wrong"), basic("anna", PASSWORD)),
        // A camera with a key that its owner chose.
        (basic("", "wrong"), ways("front%20door")[6].clone()),
        (ways("back")[5].clone(), ways("front%20door")[6].clone()),
        (ways("back")[5].clone(), basic("", VIEWERS)),
        // At a name that there is not.
        (basic("nobody", "wrong"), basic("anna", PASSWORD)),
    ] {
        let bench = chosen();
        assert_eq!(compared_beside(&bench, &aim, &own), FREE, "{aim:?} {own:?}");
    }
}

#[test]
fn a_user_with_the_name_of_the_configurations_admin_is_not_taken_for_the_admin() {
    let bench = chosen();
    bench.user("admin", Role::View);
    let aim = basic("admin", "wrong");
    assert_eq!(compared_beside(&bench, &aim, &basic("admin", PASSWORD)), FREE);
    let bench = Bench::new();
    declare(&bench, None, Some(VIEWERS), &[]);
    bench.user("viewer", Role::Admin);
    let aim = basic("viewer", "wrong");
    assert_eq!(compared_beside(&bench, &aim, &basic("viewer", VIEWERS)), FREE);
}

#[test]
fn what_was_mistyped_is_forgiven_when_the_right_one_comes() {
    let bench = chosen();
    for (wrong, right) in [
        (basic("anna", "wrong horse"), basic("anna", PASSWORD)),
        (basic("admin", "wrong horse"), basic("admin", ADMINS)),
        (basic("", "wrong horse"), basic("", ADMINS)),
        (basic("admin", "wrong horse"), basic("", ADMINS)),
        (basic("viewer", "wrong horse"), basic("", VIEWERS)),
    ] {
        for _ in 0..5 {
            for _ in 0..4 {
                assert_eq!(bench.auth.authenticate(&wrong, peer(), NOW).unwrap_err(), AuthError::Wrong);
            }
            bench.auth.authenticate(&right, peer(), NOW).unwrap();
        }
    }
}
