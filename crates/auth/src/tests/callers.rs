//! Who is let in by what.

use super::*;
use crate::policy::{Circumstances, Place, Policy};
use crate::rights::Rights;

/// From a private network, on a server that gives nothing to it.
fn lan() -> (Circumstances<'static>, Policy) {
    let from = Circumstances {
        peer_ip: peer(),
        local_ip: IpAddr::from([192, 168, 1, 2]),
        host: Some("192.168.1.2:8080"),
        from_page: false,
        old_http: false,
        was_forwarded: false,
        through_trusted_proxy: false,
        relayed: false,
        control_socket: false,
    };
    (from, Policy { require_camera_key: true, ..Policy::default() })
}

/// Whether a password has to be hashed to tell who comes with it.
fn takes_long(bench: &Bench, presented: &Presented, now: u64) -> bool {
    matches!(bench.auth.look(presented, peer(), now), Look::Hash(_))
}

/// Admin, view of all, view of `front`, publish as all, publish as `front`: what a caller may.
fn may(caller: &Caller) -> String {
    let front = camera("front");
    let letters = [
        ('A', Right::Admin, None),
        ('V', Right::View, None),
        ('v', Right::View, Some(&front)),
        ('P', Right::Publish, None),
        ('p', Right::Publish, Some(&front)),
    ];
    let letters = letters.into_iter().filter(|(_, right, camera)| caller.rights.allows(*right, *camera));
    letters.map(|(letter, ..)| letter).collect()
}

#[test]
fn each_credential_gives_what_it_is_for_and_no_more() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    bench.user("root", Role::Admin);
    let hash = bench.hash(PASSWORD);
    bench.store().add_user("kid", Role::View, cameras(&["front", "back"]), hash, NOW).unwrap();
    let add = |kind, of| bench.store().add_token(kind, "", of, None, NOW).unwrap().1;
    let share = |camera| bench.store().add_share(camera, "", NOW + 60, NOW).unwrap().1;
    let secrets = [
        (add(Kind::View, None), "Vv"),
        (add(Kind::View, cameras(&["front"])), "v"),
        (add(Kind::View, cameras(&["back"])), ""),
        (add(Kind::Admin, None), "AVvPp"),
        (add(Kind::Camera, None), "Pp"),
        (add(Kind::Camera, cameras(&["front"])), "p"),
        (share(None), "Vv"),
        (share(Some(camera("front"))), "v"),
        (share(Some(camera("back"))), ""),
    ];
    let (from, policy) = lan();
    for (secret, expected) in &secrets {
        let caller = bench.by_bearer(secret, NOW).unwrap();
        assert_eq!((may(&caller).as_str(), caller.by), (*expected, By::Bearer), "{}", caller.who);
        let caller = bench.auth.admit(&bearer(secret), &from, &policy, NOW);
        assert_eq!((may(&caller).as_str(), caller.refused), (*expected, None), "{}", caller.who);
    }
    for (name, expected) in [("anna", "Vv"), ("root", "AVvPp"), ("kid", "v")] {
        assert_eq!(may(&bench.by_basic(name, PASSWORD, NOW).unwrap()), expected, "{name}");
        let session = bench.login(name, PASSWORD, NOW).unwrap();
        let caller = bench.by_cookie(&session.secret, NOW).unwrap();
        assert_eq!((may(&caller).as_str(), caller.by), (expected, By::Cookie), "{name}");
    }
}

#[test]
fn nothing_presented_is_missing_and_not_wrong() {
    let bench = Bench::new();
    assert_eq!(bench.auth.authenticate(&Presented::default(), peer(), NOW).unwrap_err(), AuthError::Missing);
    let (from, policy) = lan();
    let caller = bench.auth.admit(&Presented::default(), &from, &policy, NOW);
    assert_eq!((&caller.who, caller.by, caller.refused), (&Who::Anyone(Place::Home), By::Place, None));
    assert_eq!(caller.rights, Rights::NONE);
}

#[test]
fn a_secret_of_one_kind_is_none_of_another() {
    let bench = Bench::new();
    let (_, token) = bench.token(Kind::View);
    for kind in [Kind::Admin, Kind::Camera] {
        let other = Secret::new(token.expose().replacen("lc_view_", kind.prefix(), 1));
        assert_eq!(other.kind(), Some(kind));
        assert_eq!(bench.by_bearer(&other, NOW).unwrap_err(), AuthError::Wrong);
    }
    let session = Secret::new(token.expose().replacen("lc_view_", Kind::Session.prefix(), 1));
    assert_eq!(bench.by_cookie(&session, NOW).unwrap_err(), AuthError::Wrong);
    bench.user("root", Role::Admin);
    let session = bench.login("root", PASSWORD, NOW).unwrap().secret;
    assert_eq!(bench.by_bearer(&session, NOW).unwrap_err(), AuthError::Wrong, "a session by its cookie only");
    let cookie = format!("lenscast_session={}", token.expose());
    let presented = present(&[("cookie", &cookie)]);
    assert_eq!(bench.auth.authenticate(&presented, peer(), NOW).unwrap_err(), AuthError::Missing);
}

#[test]
fn the_outside_cannot_tell_a_guess_from_what_was_good_once() {
    let bench = Bench::new();
    let (id, revoked) = bench.token(Kind::View);
    bench.store().revoke(&id, NOW).unwrap();
    let (_, expired) = bench.store().add_token(Kind::View, "", None, Some(NOW + 10), NOW).unwrap();
    let (id, revoked_share) = bench.store().add_share(None, "", NOW + 60, NOW).unwrap();
    bench.store().revoke(&id, NOW).unwrap();
    let (_, expired_share) = bench.store().add_share(None, "", NOW + 10, NOW).unwrap();
    let errors: Vec<AuthError> =
        [Secret::generate(Kind::View), revoked, expired, revoked_share, expired_share]
            .iter()
            .map(|secret| bench.by_bearer(secret, NOW + 10).unwrap_err())
            .collect();
    use AuthError::{Expired, Revoked, Wrong};
    assert_eq!(errors, [Wrong, Wrong, Expired, Revoked, Expired]);
    for error in errors {
        assert_eq!(error.answer(), Wrong.answer());
    }
}

#[test]
fn a_share_of_another_server_is_wrong_and_one_that_is_kept_no_more_is_refused() {
    let [bench, other] = [Bench::new(), Bench::new()];
    let (_, share) = other.store().add_share(None, "", NOW + 60, NOW).unwrap();
    assert_eq!(bench.by_bearer(&share, NOW).unwrap_err(), AuthError::Wrong);
    // The file was put back to one from before the share: the key is the same, the record is gone.
    let (id, _) = bench.store().add_share(None, "", NOW + 60, NOW).unwrap();
    let before = bench.file();
    let (_, lost) = bench.store().add_share(None, "", NOW + 60, NOW).unwrap();
    assert!(bench.by_bearer(&lost, NOW).is_ok());
    std::fs::write(bench.folder.path().join("credentials.json"), before).unwrap();
    bench.store().reload().unwrap();
    assert_eq!(bench.by_bearer(&lost, NOW).unwrap_err(), AuthError::Revoked);
    assert_eq!(bench.store().list(NOW).shares[0].id, id);
}

#[test]
fn a_share_is_refused_when_what_is_kept_of_it_says_otherwise() {
    for (from, to) in [("\"front\"", "null"), ("\"front\"", "\"back\""), ("1800000080", "1800000081")] {
        let bench = Bench::new();
        let (_, share) = bench.store().add_share(Some(camera("front")), "", NOW + 60, NOW).unwrap();
        assert!(bench.by_bearer(&share, NOW).is_ok());
        assert!(bench.file().contains(from));
        let file = bench.file().replacen(from, to, 1);
        std::fs::write(bench.folder.path().join("credentials.json"), file).unwrap();
        bench.store().reload().unwrap();
        assert_eq!(bench.by_bearer(&share, NOW).unwrap_err(), AuthError::Revoked, "{to}");
    }
}

#[test]
fn guesses_are_slowed_down_and_a_right_one_then_has_to_wait_too() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let (_, token) = bench.token(Kind::View);
    bench.user("bert", Role::View);
    bench.by_basic("bert", PASSWORD, NOW).unwrap();
    let wait = AuthError::Throttled { seconds: 1 };
    for guess in 0..5 {
        let error = match guess % 3 {
            0 => bench.by_basic("anna", "wrong horse", NOW).unwrap_err(),
            1 => bench.by_bearer(&Secret::generate(Kind::Admin), NOW).unwrap_err(),
            _ => {
                bench.auth.authenticate(&present(&[("authorization", "Digest x")]), peer(), NOW).unwrap_err()
            }
        };
        assert_eq!(error, AuthError::Wrong);
    }
    let computed = bench.auth.passwords().computed();
    assert_eq!(bench.by_bearer(&token, NOW).unwrap_err(), wait);
    assert_eq!(bench.by_basic("anna", PASSWORD, NOW).unwrap_err(), wait);
    assert_eq!(bench.by_basic("bert", PASSWORD, NOW).unwrap_err(), wait, "a guess may be what is remembered");
    assert!(matches!(bench.login("anna", PASSWORD, NOW), Err(LoginError::Auth(error)) if error == wait));
    assert_eq!(bench.auth.passwords().computed(), computed, "what has to wait costs nothing");
    assert!(bench.by_bearer(&token, NOW + 1).is_ok());
    assert!(bench.login("anna", PASSWORD, NOW + 1).is_ok());
}

#[test]
fn a_session_is_never_slowed_down_and_an_old_one_is_no_guess() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    for _ in 0..20 {
        assert_eq!(bench.by_cookie(&Secret::generate(Kind::Session), NOW).unwrap_err(), AuthError::Wrong);
    }
    assert!(bench.login("anna", PASSWORD, NOW).is_ok(), "old cookies do not count");
    for _ in 0..5 {
        bench.by_basic("anna", "wrong horse", NOW).unwrap_err();
    }
    assert!(bench.by_cookie(&session, NOW).is_ok());
}

#[test]
fn links_that_were_good_once_do_not_slow_down_who_has_them() {
    let bench = Bench::new();
    let (_, token) = bench.token(Kind::View);
    let (id, share) = bench.store().add_share(None, "", NOW + 60, NOW).unwrap();
    bench.store().revoke(&id, NOW).unwrap();
    for _ in 0..20 {
        assert_eq!(bench.by_bearer(&share, NOW).unwrap_err(), AuthError::Revoked);
    }
    assert!(bench.by_bearer(&token, NOW).is_ok());
}

#[test]
fn an_unknown_user_costs_one_hash_as_a_known_one_does() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    for (index, (name, password)) in
        [("anna", "wrong horse"), ("nobody", "wrong horse"), ("no such: name\u{1}", PASSWORD), ("", "")]
            .into_iter()
            .enumerate()
    {
        let before = bench.auth.passwords().computed();
        let elsewhere = IpAddr::from([10, 0, 0, index as u8]);
        let error = bench.auth.authenticate(&basic(name, password), elsewhere, NOW).unwrap_err();
        assert_eq!((error, bench.auth.passwords().computed() - before), (AuthError::Wrong, 1), "{name:?}");
    }
    let before = bench.auth.passwords().computed();
    for name in ["anna", "nobody"] {
        let book = "x".repeat(100_000);
        assert_eq!(bench.by_basic(name, &book, NOW).unwrap_err(), AuthError::Wrong);
    }
    assert_eq!(bench.auth.passwords().computed(), before, "nobody's password is a book");
}

#[test]
fn only_a_password_that_was_not_verified_lately_takes_long() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let (_, token) = bench.token(Kind::View);
    let right = basic("anna", PASSWORD);
    assert!(takes_long(&bench, &right, NOW));
    bench.auth.authenticate(&right, peer(), NOW).unwrap();
    assert!(!takes_long(&bench, &right, NOW + 299));
    let computed = bench.auth.passwords().computed();
    bench.auth.authenticate(&right, peer(), NOW + 299).unwrap();
    assert_eq!(bench.auth.passwords().computed(), computed);
    for long in [basic("anna", "wrong horse"), basic("nobody", PASSWORD)] {
        assert!(takes_long(&bench, &long, NOW));
    }
    for short in [bearer(&token), Presented::default()] {
        assert!(!takes_long(&bench, &short, NOW));
    }
    bench.store().set_password("anna", bench.hash("another horse"), NOW).unwrap();
    assert!(takes_long(&bench, &right, NOW));
    assert_eq!(bench.auth.authenticate(&right, peer(), NOW).unwrap_err(), AuthError::Wrong);
}

#[test]
fn who_has_to_wait_is_answered_in_the_same_time_whether_the_guess_is_right_or_not() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let given = crate::given::Given {
        admin_password: Some(Secret::new("battery staple".into())),
        ..crate::given::Given::default()
    };
    bench.auth.declare(&given, &Secret::generate(Kind::Camera), NOW);
    let [declared, wrong] = [basic("admin", "battery staple"), basic("admin", "wrong staple")];
    assert!(!takes_long(&bench, &declared, NOW) && takes_long(&bench, &wrong, NOW));
    for _ in 0..5 {
        bench.by_basic("anna", "wrong horse", NOW).unwrap_err();
    }
    for guess in [declared, wrong, basic("anna", PASSWORD), basic("anna", "wrong horse")] {
        assert!(!takes_long(&bench, &guess, NOW));
        let error = bench.auth.authenticate(&guess, peer(), NOW).unwrap_err();
        assert!(matches!(error, AuthError::Throttled { .. }), "{error}");
    }
}

#[test]
fn what_is_given_for_the_request_goes_before_the_session() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    let (_, admin) = bench.token(Kind::Admin);
    let both = |explicit: &Secret| Presented { session: Some(session.clone()), ..bearer(explicit) };
    let caller = bench.auth.authenticate(&both(&admin), peer(), NOW).unwrap();
    assert_eq!((may(&caller).as_str(), caller.by, caller.refused), ("AVvPp", By::Bearer, None));
    let caller = bench.auth.authenticate(&both(&Secret::generate(Kind::Admin)), peer(), NOW).unwrap();
    assert_eq!((may(&caller).as_str(), caller.by), ("Vv", By::Cookie));
    assert_eq!(caller.refused, Some(AuthError::Wrong), "and the page can say so");
    let old =
        Presented { session: Some(Secret::generate(Kind::Session)), ..bearer(&Secret::generate(Kind::View)) };
    assert_eq!(bench.auth.authenticate(&old, peer(), NOW).unwrap_err(), AuthError::Wrong);
}

#[test]
fn what_the_place_gives_is_added_and_a_wrong_credential_does_not_take_it_away() {
    let bench = Bench::new();
    let (from, _) = lan();
    let policy = Policy { open_view: true, ..Policy::default() };
    let key = bench.store().add_token(Kind::Camera, "", cameras(&["front"]), None, NOW).unwrap().1;
    let anyone = bench.auth.admit(&Presented::default(), &from, &policy, NOW);
    assert_eq!(may(&anyone), "Vv", "the camera has a key");
    assert!(anyone.rights.allows(Right::Publish, Some(&camera("back"))));
    let with_key = bench.auth.admit(&bearer(&key), &from, &policy, NOW);
    assert_eq!(may(&with_key), "VvPp", "and the rest may be published without one");
    assert_eq!(with_key.by_place, anyone.rights);
    let wrong = bench.auth.admit(&bearer(&Secret::generate(Kind::Admin)), &from, &policy, NOW);
    assert_eq!((may(&wrong).as_str(), wrong.refused), ("Vv", Some(AuthError::Wrong)));
    assert_eq!(wrong.who, Who::Anyone(Place::Home));
}

#[test]
fn a_caller_is_shown_without_any_secret() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let (_, token) = bench.token(Kind::View);
    let session = bench.login("anna", PASSWORD, NOW).unwrap();
    let callers = [bench.by_bearer(&token, NOW).unwrap(), bench.by_cookie(&session.secret, NOW).unwrap()];
    let shown = format!("{callers:?} {session:?} {:?}", bench.auth);
    for secret in [token.expose(), session.secret.expose(), "argon2id", PASSWORD] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(callers[1].who.to_string(), "user anna");
    assert!(callers[0].who.to_string().ends_with(" (test)"));
}
