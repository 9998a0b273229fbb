//! What is kept, and how.

use super::*;
use crate::ids::Label;
use crate::store::{KEPT_WHEN_OVER_S, Listing, MAX_SESSIONS, MAX_SHARES, MAX_TOKENS, MAX_USERS, StoreError};
use lenscast_base::state::StateError;
use std::fs;

fn open_text(text: &str) -> Result<Store, StateError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("credentials.json"), text).unwrap();
    Store::open(Arc::new(StateDir::open(folder.path()).unwrap()))
}

/// On a server that keeps nothing.
fn in_memory() -> Store {
    Store::open(Arc::new(StateDir::nowhere())).unwrap()
}

/// One of each.
fn furnished() -> (Bench, [Secret; 3]) {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    let (_, token) = bench.store().add_token(Kind::Camera, "yard", cameras(&["a", "b"]), None, NOW).unwrap();
    let (_, share) = bench.store().add_share(Some(camera("a")), "for Kim", NOW + 3600, NOW).unwrap();
    let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    (bench, [token, share, session])
}

#[test]
fn what_was_made_is_there_after_a_restart() {
    let (bench, [token, share, session]) = furnished();
    let before = bench.store().list(NOW);
    bench.store().close(NOW).unwrap();
    let bench = bench.again();
    assert_eq!(bench.store().list(NOW), before);
    assert!(bench.by_bearer(&token, NOW).is_ok() && bench.by_bearer(&share, NOW).is_ok());
    assert!(bench.by_cookie(&session, NOW).is_ok() && bench.by_basic("anna", PASSWORD, NOW).is_ok());
    let Listing { users, tokens, shares, sessions, closed: _, configured: _ } = before;
    assert_eq!([users.len(), tokens.len(), shares.len(), sessions.len()], [1; 4]);
    assert_eq!(tokens[0].cameras, cameras(&["a", "b"]));
    assert_eq!((shares[0].camera.clone(), shares[0].label.as_str()), (Some(camera("a")), "for Kim"));
    assert_eq!((sessions[0].of.clone(), sessions[0].created), (users[0].id.clone(), NOW));
}

#[test]
fn neither_the_file_nor_a_list_has_a_secret_that_lets_anybody_in() {
    let (bench, secrets) = furnished();
    let list = serde_json::to_string(&bench.store().list(NOW)).unwrap();
    for secret in secrets.iter().map(Secret::expose).chain([PASSWORD]) {
        assert!(!bench.file().contains(secret) && !list.contains(secret), "{secret}");
    }
    let file: serde_json::Value = serde_json::from_str(&bench.file()).unwrap();
    let kept = |what: &str| file[what][0]["proof"].as_str().unwrap().to_owned();
    for proof in [kept("users"), kept("tokens"), kept("sessions"), file["share_key"].as_str().unwrap().into()]
    {
        assert!(proof.len() >= 43 && !list.contains(&proof), "{list}");
    }
    assert_eq!(file["version"], 1);
}

#[test]
fn a_missing_file_is_empty_and_a_damaged_one_lets_nobody_in() {
    assert_eq!(Bench::new().store().list(NOW), Listing::default());
    let (bench, _) = furnished();
    let good = bench.file();
    assert!(open_text(&good).is_ok());
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    for bad in [
        String::new(),
        "{}".into(),
        "null".into(),
        good[..good.len() / 2].into(),
        with("\"version\": 1", "\"version\": 2"),
        with("\"version\": 1,", "\"version\": 1, \"more\": 1,"),
        with("\"share_key\": \"", "\"share_key\": \"A"),
        with("$argon2id$", "$argon2d$"),
        with("\"name\": \"anna\"", "\"name\": \"An na\""),
        with("\"role\": \"view\"", "\"role\": \"king\""),
        with("\"cameras\": null", "\"cameras\": [\"../x\"]"),
        with("\"revoked\": false", "\"revoked\": 0"),
        with("\"label\": \"yard\"", "\"label\": \"ya\\nrd\""),
    ] {
        let error = open_text(&bad).unwrap_err();
        assert!(matches!(error, StateError::Damaged { .. }), "{bad}: {error}");
    }
    fs::write(bench.folder.path().join("credentials.json"), "{").unwrap();
    assert!(bench.store().reload().is_err());
    assert!(bench.by_basic("anna", PASSWORD, NOW).is_ok(), "who is in stays in");
}

#[test]
fn a_change_that_cannot_be_written_is_not_made() {
    let (bench, [token, share, _]) = furnished();
    let before = bench.store().list(NOW);
    let changes = bench.store().changes();
    bench.break_disk();
    let store = bench.store();
    assert!(store.add_user("bert", Role::View, None, bench.hash(PASSWORD), NOW).is_err());
    assert!(store.set_password("anna", bench.hash("another horse"), NOW).is_err());
    assert!(store.add_token(Kind::View, "", None, None, NOW).is_err());
    assert!(store.add_share(None, "", NOW + 1, NOW).is_err());
    assert_eq!(store.list(NOW), before);
    assert!(!changes.has_changed().unwrap());
    assert!(bench.by_bearer(&token, NOW).is_ok() && bench.by_bearer(&share, NOW).is_ok());
    assert!(bench.by_basic("anna", PASSWORD, NOW).is_ok());
}

#[test]
fn what_is_taken_back_is_so_at_once_and_is_written_as_soon_as_it_can_be() {
    let (bench, [token, share, session]) = furnished();
    let before = bench.store().list(NOW);
    bench.break_disk();
    let store = bench.store();
    for id in [&before.tokens[0].id, &before.shares[0].id, &before.users[0].id] {
        let error = store.revoke(id, NOW).unwrap_err();
        assert!(matches!(error, StoreError::Unkept(_)), "{error}");
    }
    assert!(bench.by_bearer(&token, NOW).is_err() && bench.by_bearer(&share, NOW).is_err());
    assert!(bench.by_cookie(&session, NOW).is_err() && bench.by_basic("anna", PASSWORD, NOW).is_err());
    assert!(store.flush(NOW + 60).is_err());
    fs::create_dir(bench.folder.path()).unwrap();
    store.flush(NOW + 120).unwrap();
    store.reload().unwrap();
    assert!(bench.by_bearer(&token, NOW).is_err() && bench.by_basic("anna", PASSWORD, NOW).is_err());
}

#[test]
fn the_last_use_is_noted_to_the_minute_and_written_once_a_minute() {
    let (bench, [token, share, session]) = furnished();
    let written = bench.file();
    let use_all = |now| {
        bench.by_bearer(&token, now).unwrap();
        bench.by_bearer(&share, now).unwrap();
        bench.by_cookie(&session, now).unwrap();
    };
    let used = |list: Listing| {
        [
            list.users[0].last_used,
            list.tokens[0].last_used,
            list.shares[0].last_used,
            list.sessions[0].last_used,
        ]
    };
    let minute = NOW - 20;
    use_all(NOW + 10);
    assert_eq!(used(bench.store().list(NOW)), [Some(minute); 4]);
    bench.store().flush(NOW + 59).unwrap();
    assert_eq!(bench.file(), written, "neither a use nor a flush within the minute writes");
    bench.store().flush(NOW + 60).unwrap();
    assert_ne!(bench.file(), written);
    assert_eq!(used(open(&bench.folder).store().list(NOW)), [Some(minute); 4]);
    let written = bench.file();
    use_all(NOW + 15);
    bench.store().flush(NOW + 600).unwrap();
    fs::remove_file(bench.folder.path().join("credentials.json")).unwrap();
    bench.store().flush(NOW + 1200).unwrap();
    assert_eq!(bench.file(), "", "without news nothing is written");
    use_all(NOW + 100);
    bench.store().flush(NOW + 1260).unwrap();
    assert_eq!(used(open(&bench.folder).store().list(NOW)), [Some(minute + 120); 4]);
    assert_ne!(bench.file(), written);
    use_all(NOW + 200);
    bench.store().close(NOW + 1261).unwrap();
    assert_eq!(used(open(&bench.folder).store().list(NOW)), [Some(minute + 180); 4], "at the end at once");
}

#[test]
fn a_use_that_could_not_be_written_is_written_later() {
    let (bench, [token, ..]) = furnished();
    bench.by_bearer(&token, NOW + 100).unwrap();
    let place = bench.folder.path().to_owned();
    bench.break_disk();
    assert!(bench.store().flush(NOW + 100).is_err());
    fs::create_dir(&place).unwrap();
    bench.store().flush(NOW + 101).unwrap();
    assert_eq!(open(&bench.folder).store().list(NOW).tokens[0].last_used, Some(NOW - 20 + 120));
}

#[test]
fn a_use_while_something_is_changed_is_not_lost() {
    let (bench, [token, ..]) = furnished();
    bench.by_bearer(&token, NOW + 100).unwrap();
    bench.token(Kind::View);
    let kept = |bench: &Bench| open(&bench.folder).store().list(NOW).tokens[0].last_used;
    assert_eq!(kept(&bench), Some(NOW - 20 + 120), "a change writes it along");
    bench.by_bearer(&token, NOW).unwrap();
    bench.token(Kind::View);
    assert_eq!(kept(&bench), Some(NOW - 20 + 120), "an earlier one does not replace it");
}

#[test]
fn what_is_over_is_not_listed_and_is_forgotten_weeks_later() {
    let bench = Bench::new();
    bench.store().add_token(Kind::View, "", None, Some(NOW + 60), NOW).unwrap();
    let (id, share) = bench.store().add_share(None, "", NOW + 60, NOW).unwrap();
    bench.auth.session_from(&bench.by_bearer(&share, NOW).unwrap(), NOW).unwrap().unwrap();
    bench.store().revoke(&id, NOW).unwrap();
    let listed = bench.store().list(NOW + 59);
    assert_eq!((listed.tokens.len(), listed.shares.len(), listed.sessions.len()), (1, 1, 0));
    assert!(listed.shares[0].revoked, "until it would have expired");
    assert_eq!(bench.store().list(NOW + 60), Listing::default());
    bench.store().flush(NOW + 60).unwrap();
    assert_eq!(open(&bench.folder).store().list(NOW).shares.len(), 1, "it is kept for a while");
    bench.store().flush(NOW + 60 + KEPT_WHEN_OVER_S - 1).unwrap();
    assert_eq!(open(&bench.folder).store().list(NOW).shares.len(), 1, "until the last second");
    bench.store().flush(NOW + 120 + KEPT_WHEN_OVER_S).unwrap();
    assert_eq!(open(&bench.folder).store().list(0), Listing::default());
    assert!(!bench.file().contains("\"over\""), "nor a note about it");
}

/// The file of a server with so many of one thing, by copies of the first of them.
fn multiplied(bench: &Bench, what: &str, count: usize) -> Bench {
    let mut file: serde_json::Value = serde_json::from_str(&bench.file()).unwrap();
    let first = file[what][0].clone();
    let all = (0..count).map(|index| {
        let mut copy = first.clone();
        let info = if what == "shares" { &mut copy } else { &mut copy["info"] };
        info["id"] = format!("{index:010x}").into();
        if what == "users" {
            info["name"] = format!("user-{index}").into();
        }
        copy
    });
    file[what] = all.collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("credentials.json"), file.to_string()).unwrap();
    let auth = open(&folder);
    Bench { folder, auth }
}

#[test]
fn there_are_limits_and_revoking_makes_room() {
    let (bench, _) = furnished();
    let hash = bench.hash(PASSWORD);
    type Add<'a> = &'a dyn Fn(&Store, u64) -> Result<Id, StoreError>;
    let cases: [(&str, usize, Add<'_>); 3] = [
        ("users", MAX_USERS, &|store, now| store.add_user("bert", Role::View, None, hash.clone(), now)),
        ("tokens", MAX_TOKENS, &|store, now| Ok(store.add_token(Kind::Camera, "", None, None, now)?.0)),
        ("shares", MAX_SHARES, &|store, now| Ok(store.add_share(None, "", now + 60, now)?.0)),
    ];
    for (what, limit, add) in cases {
        let bench = multiplied(&bench, what, limit - 1);
        let added = add(bench.store(), NOW).unwrap();
        let refused = add(bench.store(), NOW);
        // A name that is taken would be refused too.
        let full = matches!(refused, Err(StoreError::Full { limit: said, .. }) if said == limit);
        assert!(full || what == "users" && refused.is_err(), "{what}");
        bench.store().revoke(&added, NOW).unwrap();
        // A share is kept until it would have expired, lest it be good again.
        let room = add(bench.store(), if what == "shares" { NOW + 3600 } else { NOW });
        assert!(room.is_ok(), "{what}: {room:?}");
    }
    let crowded = multiplied(&bench, "users", MAX_USERS);
    let refused = crowded.store().add_user("carl", Role::View, None, hash, NOW);
    assert!(matches!(refused, Err(StoreError::Full { limit: MAX_USERS, .. })));
}

#[test]
fn no_two_things_have_the_same_id() {
    let store = in_memory();
    let ids: std::collections::HashSet<Id> =
        (0..50).map(|_| store.add_token(Kind::View, "", None, None, NOW).unwrap().0).collect();
    assert_eq!(ids.len(), 50);
}

#[test]
fn when_there_are_too_many_sessions_the_oldest_of_whoever_has_most_ends() {
    let bench = Bench::new();
    let (_, share) = bench.store().add_share(None, "", NOW + 3600, NOW).unwrap();
    let guest = |bench: &Bench| bench.by_bearer(&share, NOW).unwrap();
    bench.auth.session_from(&guest(&bench), NOW).unwrap();
    let bench = multiplied(&bench, "sessions", MAX_SESSIONS - 1);
    bench.user("anna", Role::Admin);
    let anna = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    for _ in 0..2 {
        bench.auth.session_from(&guest(&bench), NOW).unwrap().unwrap();
    }
    let sessions = bench.store().list(NOW).sessions;
    assert_eq!(sessions.len(), MAX_SESSIONS);
    assert_eq!(sessions[0].id.as_str(), "0000000002", "the two oldest of the guest's are gone");
    assert!(bench.by_cookie(&anna, NOW).is_ok(), "a guest cannot log anybody else out");
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let bench = Bench::new();
    let store = bench.store();
    let hash = || bench.hash(PASSWORD);
    for bad in ["", "An", "a b", "a:b", "ä", "../x", &"x".repeat(33)] {
        let error = store.add_user(bad, Role::View, None, hash(), NOW).unwrap_err();
        assert!(matches!(error, StoreError::Invalid(_)), "{bad:?}: {error}");
    }
    bench.user("anna", Role::View);
    let error = store.add_user("anna", Role::Admin, None, hash(), NOW).unwrap_err();
    assert_eq!(error.to_string(), "there is a user anna already");
    let error = store.add_token(Kind::View, &"x".repeat(65), None, None, NOW).unwrap_err();
    assert_eq!(error.to_string(), "a label is one line of up to 64 characters");
    assert!(store.add_token(Kind::View, "a\nb", None, None, NOW).is_err());
    assert!(store.add_token(Kind::Session, "", None, None, NOW).is_err());
    assert!(store.add_token(Kind::Camera, "", cameras(&[]), None, NOW).is_err());
    assert!(store.add_token(Kind::View, "", None, Some(NOW), NOW).is_err());
    assert!(store.add_share(None, "", NOW, NOW).is_err());
    assert!(store.set_password("nobody", hash(), NOW).is_err() && store.remove_user("nobody", NOW).is_err());
    let unknown = Id::new("0123456789").unwrap();
    let error = store.revoke(&unknown, NOW).unwrap_err();
    assert_eq!(error.to_string(), "there is no user, token, share or session 0123456789");
    let (id, _) = store.add_share(None, "", NOW + 60, NOW).unwrap();
    store.revoke(&id, NOW).unwrap();
    assert!(store.revoke(&id, NOW).is_err(), "it is revoked already");
    assert_eq!(Label::new(" ä label ").unwrap().as_str(), "ä label");
    for bad in ["", "012345678", "01234567890", "012345678A", "01234567/9"] {
        assert!(Id::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_first_start_makes_one_token_to_watch_and_one_for_everything() {
    let bench = Bench::new();
    bench.token(Kind::Camera);
    bench.store().add_share(None, "", NOW + 60, NOW).unwrap();
    let first = bench.store().first_start(NOW).unwrap().expect("keys and shares do not count");
    let [view, admin] = [&first.view, &first.admin].map(|secret| bench.by_bearer(secret, NOW).unwrap());
    assert!(view.rights.allows(Right::View, None) && !view.rights.allows(Right::Admin, None));
    assert!(admin.rights.allows(Right::Admin, None));
    assert!(view.who.to_string().ends_with("(first start)"), "{}", view.who);
    assert!(bench.store().first_start(NOW).unwrap().is_none());
    let bench = bench.again();
    assert!(bench.store().first_start(NOW).unwrap().is_none(), "once, not at every start");
    let configured = Bench::new();
    configured.user("root", Role::Admin);
    assert!(configured.store().first_start(NOW).unwrap().is_none());
    let configured = Bench::new();
    configured.token(Kind::View);
    assert!(configured.store().first_start(NOW).unwrap().is_none());
}

#[test]
fn the_cameras_with_a_key_are_those_with_one_of_their_own() {
    let bench = Bench::new();
    let add = |kind, of, expires| bench.store().add_token(kind, "", of, expires, NOW).unwrap().0;
    let key = add(Kind::Camera, cameras(&["a", "b"]), None);
    add(Kind::Camera, cameras(&["b", "c"]), Some(NOW + 60));
    add(Kind::Camera, None, None);
    add(Kind::View, cameras(&["d"]), None);
    let keyed = |now| Some(bench.store().keyed_cameras(now));
    assert_eq!(keyed(NOW), cameras(&["a", "b", "c"]));
    assert_eq!(keyed(NOW + 60), cameras(&["a", "b"]));
    bench.store().revoke(&key, NOW).unwrap();
    assert_eq!(keyed(NOW), cameras(&["b", "c"]));
}

#[test]
fn what_another_process_wrote_is_read_again_and_memory_alone_is_not_forgotten() {
    let bench = Bench::new();
    let other = open(&bench.folder);
    let (_, token) = other.store().add_token(Kind::View, "", None, None, NOW).unwrap();
    assert!(bench.by_bearer(&token, NOW).is_err());
    bench.store().reload().unwrap();
    assert!(bench.by_bearer(&token, NOW).is_ok());
    fs::remove_file(bench.folder.path().join("credentials.json")).unwrap();
    bench.store().reload().unwrap();
    assert!(bench.by_bearer(&token, NOW).is_err(), "the owner removed everything");
    let memory = in_memory();
    memory.add_token(Kind::View, "", None, None, NOW).unwrap();
    memory.reload().unwrap();
    assert_eq!(memory.list(NOW).tokens.len(), 1);
}

#[test]
fn changes_at_the_same_time_are_all_kept() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| drop(bench.token(Kind::View))));
        }
    });
    assert_eq!(bench.store().list(NOW).tokens.len(), 40);
    assert_eq!(bench.again().store().list(NOW).tokens.len(), 40);
}
