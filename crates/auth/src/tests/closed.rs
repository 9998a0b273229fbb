//! Names of cameras that had a key: they stay closed until their owner opens them.

use super::*;
use crate::policy::{Circumstances, Policy};
use crate::store::StoreError;

/// Whether a device of the home network may send pictures as this camera, with this or without anything.
fn may_be(bench: &Bench, name: &str, with: &Presented) -> bool {
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
    let caller = bench.auth.admit(with, &from, &Policy::default(), NOW);
    caller.rights.allows(Right::Publish, Some(&camera(name)))
}

fn anyone(bench: &Bench, name: &str) -> bool {
    may_be(bench, name, &Presented::default())
}

fn key(bench: &Bench, names: &[&str], expires: Option<u64>) -> (Id, Secret) {
    bench.store().add_token(Kind::Camera, "", cameras(names), expires, NOW).unwrap()
}

#[test]
fn a_name_whose_key_is_taken_back_stays_closed_also_after_a_restart() {
    let bench = Bench::new();
    let (id, stolen) = key(&bench, &["door", "yard"], None);
    assert!(anyone(&bench, "shed") && !anyone(&bench, "door") && may_be(&bench, "door", &bearer(&stolen)));
    bench.store().revoke(&id, NOW).unwrap();
    let bench = bench.again();
    for name in ["door", "yard"] {
        assert!(!anyone(&bench, name) && !may_be(&bench, name, &bearer(&stolen)), "{name}");
    }
    assert_eq!(Some(bench.store().list(NOW).closed), cameras(&["door", "yard"]));
    let (_, newer) = key(&bench, &["door"], None);
    assert!(may_be(&bench, "door", &bearer(&newer)) && !anyone(&bench, "door"));
    assert_eq!(Some(bench.store().list(NOW).closed), cameras(&["yard"]), "those that have no key");
}

#[test]
fn a_name_whose_key_has_expired_stays_closed() {
    let bench = Bench::new();
    key(&bench, &["door"], Some(NOW + 60));
    bench.store().flush(NOW + 60).unwrap();
    assert!(bench.store().list(NOW + 60).tokens.is_empty());
    assert!(!anyone(&bench, "door") && !anyone(&bench.again(), "door"));
}

#[test]
fn a_name_whose_key_is_taken_out_of_the_configuration_stays_closed() {
    let bench = Bench::new();
    declare(&bench, None, None, &[("door", "front door"), ("yard", "the yard")]);
    let shown = bearer(&Secret::new("front door".into()));
    assert!(may_be(&bench, "door", &shown) && !anyone(&bench, "door"));
    declare(&bench, None, None, &[("yard", "the yard")]);
    assert!(!may_be(&bench, "door", &shown) && !anyone(&bench, "door"));
    // It is taken out while no server runs, and the next one has never heard of it.
    let bench = bench.again();
    declare(&bench, None, None, &[]);
    assert!(!anyone(&bench, "door") && !anyone(&bench, "yard"));
    assert_eq!(Some(bench.store().list(NOW).closed), cameras(&["door", "yard"]));
}

#[test]
fn the_owner_opens_a_name_that_has_no_key_any_more() {
    let bench = Bench::new();
    let (id, _) = key(&bench, &["door"], None);
    let open = |bench: &Bench, name: &str| bench.store().open_camera(&camera(name), NOW);
    let error = open(&bench, "door").unwrap_err();
    assert!(matches!(error, StoreError::Keyed(_)) && error.to_string().contains("door has a key"), "{error}");
    bench.store().revoke(&id, NOW).unwrap();
    open(&bench, "door").unwrap();
    assert!(anyone(&bench, "door") && bench.store().list(NOW).closed.is_empty());
    assert!(matches!(open(&bench, "door").unwrap_err(), StoreError::Unknown(_)));
    assert!(matches!(open(&bench, "shed").unwrap_err(), StoreError::Unknown(_)));
    let bench = bench.again();
    assert!(anyone(&bench, "door"), "and that is kept");
    declare(&bench, None, None, &[("yard", "the yard")]);
    assert!(matches!(open(&bench, "yard").unwrap_err(), StoreError::Keyed(_)));
    declare(&bench, None, None, &[]);
    open(&bench, "yard").unwrap();
    assert!(anyone(&bench, "yard"));
}

#[test]
fn a_key_of_all_cameras_and_a_token_to_watch_close_no_name() {
    let bench = Bench::new();
    bench.store().add_token(Kind::Camera, "", None, None, NOW).unwrap();
    bench.store().add_token(Kind::View, "", cameras(&["door"]), None, NOW).unwrap();
    declare(&bench, Some("battery staple"), None, &[]);
    assert!(anyone(&bench, "door") && bench.store().closed_cameras().is_empty());
}

#[test]
fn a_file_from_before_names_stayed_closed_closes_those_that_have_a_key() {
    let bench = Bench::new();
    let (id, _) = key(&bench, &["door"], None);
    let mut file: serde_json::Value = serde_json::from_str(&bench.file()).unwrap();
    assert_eq!(file["closed"], serde_json::json!(["door"]));
    file.as_object_mut().unwrap().remove("closed");
    std::fs::write(bench.folder.path().join("credentials.json"), file.to_string()).unwrap();
    let bench = bench.again();
    bench.store().revoke(&id, NOW).unwrap();
    assert!(!anyone(&bench, "door"));
}

#[test]
fn what_cannot_be_written_is_closed_all_the_same() {
    let bench = Bench::new();
    bench.break_disk();
    declare(&bench, None, None, &[("door", "front door")]);
    declare(&bench, None, None, &[]);
    assert!(!anyone(&bench, "door"));
    std::fs::create_dir(bench.folder.path()).unwrap();
    bench.store().flush(NOW + 1).unwrap();
    assert!(!anyone(&bench.again(), "door"), "and is written as soon as that can be");
}

#[test]
fn what_was_opened_with_a_credential_ends_with_it_whatever_the_place_allows() {
    let bench = Bench::new();
    let id = bench.user("anna", Role::View);
    let (key_id, key) = key(&bench, &["door"], None);
    let (token_id, token) = bench.token(Kind::View);
    let (share_id, share) = bench.store().add_share(None, "", NOW + 60, NOW).unwrap();
    let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
    let by_session = bench.by_cookie(&session, NOW).unwrap();
    let callers = [
        (bench.by_bearer(&key, NOW).unwrap(), key_id),
        (bench.by_bearer(&token, NOW).unwrap(), token_id),
        (bench.by_bearer(&share, NOW).unwrap(), share_id),
        (by_session.clone(), by_session.session.clone().unwrap()),
        (bench.by_basic("anna", PASSWORD, NOW).unwrap(), id),
    ];
    for (caller, id) in callers {
        assert!(bench.auth.is_good(&caller, NOW), "{}", caller.who);
        bench.store().revoke(&id, NOW).unwrap();
        assert!(!bench.auth.is_good(&caller, NOW), "{}", caller.who);
        assert_eq!(bench.auth.holds(&caller, &crate::rights::Rights::ALL, NOW), crate::rights::Rights::ALL);
    }
    let (_, short) = bench.store().add_token(Kind::View, "", None, Some(NOW + 60), NOW).unwrap();
    let caller = bench.by_bearer(&short, NOW).unwrap();
    assert!(bench.auth.is_good(&caller, NOW + 59) && !bench.auth.is_good(&caller, NOW + 60));
}

#[test]
fn what_was_opened_with_a_password_ends_when_the_user_has_another() {
    let bench = Bench::new();
    bench.user("anna", Role::View);
    bench.user("bert", Role::View);
    let [anna, bert] = ["anna", "bert"].map(|name| bench.by_basic(name, PASSWORD, NOW).unwrap());
    bench.store().set_password("anna", bench.hash("another horse"), NOW).unwrap();
    assert!(!bench.auth.is_good(&anna, NOW) && bench.auth.is_good(&bert, NOW));
    assert_eq!(bench.auth.holds(&anna, &crate::rights::Rights::NONE, NOW), crate::rights::Rights::NONE);
    // The same password once more is another hash, and the same end of what was.
    let again = bench.by_basic("anna", "another horse", NOW).unwrap();
    bench.store().set_password("anna", bench.hash("another horse"), NOW).unwrap();
    assert!(!bench.auth.is_good(&again, NOW));
    // One of the configuration has another id with another password.
    declare(&bench, Some("battery staple"), None, &[]);
    let admin = bench.by_basic("admin", "battery staple", NOW).unwrap();
    declare(&bench, Some("another staple"), None, &[]);
    assert!(!bench.auth.is_good(&admin, NOW));
}
