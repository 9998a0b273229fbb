//! How sessions begin and end.

use super::*;
use crate::rights::{Rights, Scope};
use crate::store::{SESSION_IDLE_S, SESSION_MAX_S, StoreError};

const DAY_S: u64 = 86_400;

#[test]
fn a_session_lasts_for_thirty_days_of_silence_and_a_year_of_use() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let session = bench.login("anna", PASSWORD, NOW).unwrap();
    assert_eq!(session.max_age, 365 * DAY_S);
    for day in (0..365).step_by(29) {
        assert!(bench.by_cookie(&session.secret, NOW + day * DAY_S).is_ok(), "day {day}");
    }
    assert!(bench.by_cookie(&session.secret, NOW + SESSION_MAX_S - 1).is_ok());
    assert_eq!(bench.by_cookie(&session.secret, NOW + SESSION_MAX_S).unwrap_err(), AuthError::Expired);
    assert_eq!(bench.store().list(NOW + SESSION_MAX_S - 1).sessions.len(), 1);
    assert!(bench.store().list(NOW + SESSION_MAX_S).sessions.is_empty());
    let silent = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    assert_eq!(bench.by_cookie(&silent, NOW + SESSION_IDLE_S).unwrap_err(), AuthError::Expired);
    assert!(bench.by_cookie(&silent, NOW + SESSION_IDLE_S - 1).is_ok());
}

#[test]
fn a_session_goes_on_after_a_restart_and_its_silence_is_counted_from_its_use() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    assert!(bench.by_cookie(&session, NOW + 20 * DAY_S).is_ok());
    bench.auth.store().close(NOW + 20 * DAY_S).unwrap();
    let bench = bench.again();
    assert!(bench.by_cookie(&session, NOW + 40 * DAY_S).is_ok());
}

#[test]
fn logging_out_ends_the_session_and_no_other() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let [one, other] = [(); 2].map(|()| bench.login("anna", PASSWORD, NOW).unwrap().secret);
    let presented = Presented { explicit: None, session: Some(one.clone()) };
    bench.auth.logout(&presented, NOW).unwrap();
    assert_eq!(bench.by_cookie(&one, NOW).unwrap_err(), AuthError::Wrong);
    assert!(bench.by_cookie(&other, NOW).is_ok());
    bench.auth.logout(&presented, NOW).unwrap();
    bench.auth.logout(&Presented::default(), NOW).unwrap();
    let bench = bench.again();
    assert_eq!(bench.by_cookie(&one, NOW).unwrap_err(), AuthError::Wrong);
}

#[test]
fn another_password_ends_the_users_sessions_and_only_those() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    bench.user("bert", Role::View);
    let [anna, bert] = ["anna", "bert"].map(|name| bench.login(name, PASSWORD, NOW).unwrap().secret);
    bench.store().set_password("anna", bench.hash("another horse"), NOW).unwrap();
    assert_eq!(bench.by_cookie(&anna, NOW).unwrap_err(), AuthError::Wrong);
    assert!(bench.by_cookie(&bert, NOW).is_ok());
    assert!(bench.login("anna", PASSWORD, NOW).is_err());
    assert!(bench.login("anna", "another horse", NOW).is_ok());
}

#[test]
fn a_removed_users_sessions_end_and_do_not_come_back_with_the_name() {
    let bench = Bench::new();
    bench.user("anna", Role::Admin);
    let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    bench.store().remove_user("anna", NOW).unwrap();
    assert!(bench.by_cookie(&session, NOW).is_err());
    bench.user("anna", Role::Admin);
    assert!(bench.by_cookie(&session, NOW).is_err());
    assert!(bench.store().list(NOW).sessions.is_empty());
}

#[test]
fn a_password_that_was_changed_while_the_old_one_was_verified_gives_no_session() {
    let bench = Bench::new();
    let id = bench.user("anna", Role::View);
    let (_, old) = bench.store().user("anna").unwrap();
    bench.store().set_password("anna", bench.hash("another horse"), NOW).unwrap();
    assert!(bench.store().add_session(&id, Some(&old), NOW).is_err());
    assert!(bench.store().add_session(&id, None, NOW).is_err(), "nor without any");
    let (_, new) = bench.store().user("anna").unwrap();
    assert!(bench.store().add_session(&id, Some(&new), NOW).is_ok());
    bench.store().remove_user("anna", NOW).unwrap();
    assert!(bench.store().add_session(&id, Some(&new), NOW).is_err());
}

#[test]
fn a_session_of_a_share_sees_its_camera_until_the_share_ends() {
    let bench = Bench::new();
    let (_, share) = bench.store().add_share(Some(camera("front")), "", NOW + 3600, NOW).unwrap();
    let session = bench.auth.session_from(&bench.by_bearer(&share, NOW).unwrap(), NOW).unwrap().unwrap();
    assert_eq!(session.max_age, 3600);
    let caller = bench.by_cookie(&session.secret, NOW).unwrap();
    assert!(caller.rights.allows(Right::View, Some(&camera("front"))));
    assert!(!caller.rights.allows(Right::View, Some(&camera("back"))));
    assert_eq!(caller.expires, Some(NOW + 3600));
    assert!(bench.by_cookie(&session.secret, NOW + 3599).is_ok());
    assert_eq!(bench.by_cookie(&session.secret, NOW + 3600).unwrap_err(), AuthError::Expired);
    let bench = bench.again();
    assert!(bench.by_cookie(&session.secret, NOW + 3599).is_ok());
}

#[test]
fn a_session_ends_with_the_token_or_share_it_was_made_of() {
    let bench = Bench::new();
    let tokens = [bench.token(Kind::View), bench.token(Kind::Admin)];
    let share = bench.store().add_share(None, "", NOW + 3600, NOW).unwrap();
    for (id, secret) in tokens.iter().chain([&share]) {
        let caller = bench.by_bearer(secret, NOW).unwrap();
        let session = bench.auth.session_from(&caller, NOW).unwrap().unwrap().secret;
        let by_cookie = bench.by_cookie(&session, NOW).unwrap();
        assert_eq!(by_cookie.who, caller.who);
        bench.store().revoke(id, NOW).unwrap();
        assert!(bench.by_cookie(&session, NOW).is_err(), "{}", caller.who);
        assert!(!bench.file().contains("\"of\""), "nor is it kept");
        assert_eq!(bench.auth.holds(&by_cookie, &by_cookie.by_place, NOW), Rights::NONE);
        assert!(bench.auth.session_from(&caller, NOW).is_err(), "revoked meanwhile");
    }
}

#[test]
fn a_token_that_expires_takes_its_sessions_along() {
    let bench = Bench::new();
    let (_, token) = bench.store().add_token(Kind::View, "", None, Some(NOW + 60), NOW).unwrap();
    let session = bench.auth.session_from(&bench.by_bearer(&token, NOW).unwrap(), NOW).unwrap().unwrap();
    assert_eq!(session.max_age, 60);
    assert!(bench.by_cookie(&session.secret, NOW + 59).is_ok());
    assert!(bench.by_cookie(&session.secret, NOW + 60).is_err());
}

#[test]
fn cameras_sessions_and_passwords_make_no_session_of_themselves() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let (_, key) = bench.token(Kind::Camera);
    let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    let by_token = bench.by_bearer(&bench.token(Kind::View).1, NOW).unwrap();
    let of_token = bench.auth.session_from(&by_token, NOW).unwrap().unwrap().secret;
    let callers = [
        bench.by_cookie(&of_token, NOW).unwrap(),
        bench.by_bearer(&key, NOW).unwrap(),
        bench.by_cookie(&session, NOW).unwrap(),
        bench.by_basic("anna", PASSWORD, NOW).unwrap(),
    ];
    for caller in callers {
        assert!(bench.auth.session_from(&caller, NOW).unwrap().is_none(), "{}", caller.who);
    }
    assert_eq!(bench.store().list(NOW).sessions.len(), 2);
}

#[test]
fn a_lasting_connection_may_do_what_its_user_may_now() {
    let bench = Bench::new();
    bench.user("anna", Role::Admin);
    let caller = bench.by_basic("anna", PASSWORD, NOW).unwrap();
    assert!(bench.auth.holds(&caller, &caller.by_place, NOW).allows(Right::Admin, None));
    let file = bench.file().replacen("\"admin\"", "\"view\"", 1);
    std::fs::write(bench.folder.path().join("credentials.json"), file).unwrap();
    bench.store().reload().unwrap();
    let rights = bench.auth.holds(&caller, &caller.by_place, NOW);
    assert!(rights.allows(Right::View, None) && !rights.allows(Right::Admin, None));
}

#[test]
fn a_lasting_connection_learns_when_its_credential_ends() {
    let bench = Bench::new();
    let mut changes = bench.store().changes();
    bench.user("anna", Role::View);
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    let caller = bench.by_cookie(&session, NOW).unwrap();
    let place = Caller { by_place: Rights::viewing(Scope::Only([camera("yard")].into())), ..caller.clone() };
    assert!(bench.auth.holds(&caller, &caller.by_place, NOW).allows(Right::View, None));
    assert!(bench.auth.holds(&caller, &caller.by_place, NOW + 20 * DAY_S).allows(Right::View, None));
    assert!(bench.by_cookie(&session, NOW + 40 * DAY_S).is_ok(), "watching is use");
    changes.mark_unchanged();
    bench.store().set_password("anna", bench.hash("another horse"), NOW).unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(bench.auth.holds(&caller, &caller.by_place, NOW), Rights::NONE);
    assert_eq!(bench.auth.holds(&place, &place.by_place, NOW), place.by_place, "what the place gives stays");
    let (id, token) = bench.store().add_token(Kind::View, "", None, Some(NOW + 60), NOW).unwrap();
    let caller = bench.by_bearer(&token, NOW).unwrap();
    assert_eq!(caller.expires, Some(NOW + 60));
    assert!(bench.auth.holds(&caller, &caller.by_place, NOW + 59).allows(Right::View, None));
    assert_eq!(bench.auth.holds(&caller, &caller.by_place, NOW + 60), Rights::NONE);
    bench.store().revoke(&id, NOW).unwrap();
    assert_eq!(bench.auth.holds(&caller, &caller.by_place, NOW), Rights::NONE);
}

#[test]
fn a_session_that_cannot_be_written_is_none() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    bench.break_disk();
    assert!(matches!(bench.login("anna", PASSWORD, NOW), Err(LoginError::Store(StoreError::State(_)))));
    assert!(bench.store().list(NOW).sessions.is_empty());
}

#[test]
fn a_credential_has_twenty_sessions_at_most_and_the_oldest_goes() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let anna = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    let (_, share) = bench.store().add_share(None, "", NOW + 3600, NOW).unwrap();
    let guest = bench.by_bearer(&share, NOW).unwrap();
    let begin = |now| bench.auth.session_from(&guest, now).unwrap().unwrap().secret;
    let sessions: Vec<Secret> = (0..500).map(|number| begin(NOW + number)).collect();
    let good = sessions.iter().map(|session| bench.by_cookie(session, NOW + 500).is_ok());
    let good: Vec<bool> = good.collect();
    assert!(good[..480].iter().all(|good| !good) && good[480..].iter().all(|good| *good));
    assert_eq!(bench.store().list(NOW + 500).sessions.len(), 21);
    assert!(bench.by_cookie(&anna, NOW + 500).is_ok(), "others lose nothing");
}

#[test]
fn sessions_that_begin_and_end_without_end_are_written_together() {
    let bench = Bench::new();
    let (_, share) = bench.store().add_share(None, "", NOW + 3600, NOW).unwrap();
    let guest = bench.by_bearer(&share, NOW).unwrap();
    let (mut writes, mut before) = (0, bench.file());
    let mut last = None;
    for number in 0..500 {
        let session = bench.auth.session_from(&guest, NOW).unwrap().unwrap().secret;
        let presented = Presented { explicit: None, session: Some(session.clone()) };
        if number % 2 == 0 {
            bench.auth.logout(&presented, NOW).unwrap();
            assert!(bench.by_cookie(&session, NOW).is_err(), "it is over at once");
        } else {
            assert!(bench.by_cookie(&session, NOW).is_ok(), "it is good at once");
        }
        last = Some(session);
        let now = bench.file();
        writes += u32::from(now != before);
        before = now;
    }
    assert!((1..=10).contains(&writes), "{writes}");
    // What is not written yet wakes who writes, and is written then.
    {
        let late = std::pin::pin!(bench.store().late());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(late.poll(&mut context).is_ready());
    }
    bench.store().flush(NOW + 1).unwrap();
    assert_ne!(bench.file(), before);
    let bench = bench.again();
    assert!(bench.by_cookie(&last.unwrap(), NOW + 1).is_ok());
}

#[test]
fn a_link_is_no_reason_to_replace_a_session_that_may_do_as_much() {
    let bench = Bench::new();
    bench.user("root", Role::Admin);
    let view = bench.token(Kind::View).1;
    let other_view = bench.token(Kind::View).1;
    let admin = bench.token(Kind::Admin).1;
    let share = |name: &str| bench.store().add_share(Some(camera(name)), "", NOW + 60, NOW).unwrap().1;
    let (front, back) = (share("front"), share("back"));
    let session = |secret: &Secret| {
        bench.auth.session_from(&bench.by_bearer(secret, NOW).unwrap(), NOW).unwrap().unwrap().secret
    };
    let root = bench.login("root", PASSWORD, NOW).unwrap().secret;
    let ended = session(&view);
    let with_ended = Presented { explicit: None, session: Some(ended.clone()) };
    bench.auth.logout(&with_ended, NOW).unwrap();
    for (has, opens, keeps) in [
        (&root, &view, true),
        (&root, &admin, true),
        (&root, &front, true),
        (&session(&view), &view, true),
        (&session(&view), &other_view, true),
        (&session(&view), &front, true),
        (&session(&front), &front, true),
        (&session(&view), &admin, false),
        (&session(&front), &view, false),
        (&session(&front), &back, false),
        (&ended, &view, false),
        (&Secret::generate(Kind::Session), &view, false),
    ] {
        let caller = bench.by_bearer(opens, NOW).unwrap();
        let presented = Presented { session: Some(has.clone()), ..bearer(opens) };
        assert_eq!(bench.auth.has_as_good_a_session(&caller, &presented, NOW), keeps, "{}", caller.who);
    }
    // What the place gives is no right of the link.
    let caller = Caller { rights: Rights::ALL, ..bench.by_bearer(&front, NOW).unwrap() };
    let presented = Presented { session: Some(session(&front)), ..bearer(&front) };
    assert!(bench.auth.has_as_good_a_session(&caller, &presented, NOW));
}
