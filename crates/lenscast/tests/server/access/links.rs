//! Links that are opened again and again, and by whom.

use super::world::*;
use lenscast_auth::secret::Secret;
use lenscast_auth::store::MAX_SESSIONS_EACH;
use serde_json::json;
use std::fs;
use std::time::SystemTime;

fn open(link: &Secret) -> Ask {
    ask("GET", "/camera/front").token(link)
}

fn sessions(world: &World) -> usize {
    let of = world.front_share_id.clone();
    let list = world.server.app.gate.auth().store().list(lenscast_base::time::now());
    list.sessions.iter().filter(|session| session.of == of).count()
}

#[tokio::test]
async fn a_link_that_is_opened_again_in_the_same_browser_begins_no_other_session() {
    let world = World::new(true).await;
    let first = open(&world.front_share).at_home(&world.server).await;
    assert_eq!(first.code, 200);
    let session = first.session();
    for _ in 0..50 {
        let again = open(&world.front_share).cookie(&session).at_home(&world.server).await;
        assert_eq!((again.code, again.header("set-cookie")), (200, None));
        assert!(again.body.contains("url=/camera/front\""), "it goes on all the same: {}", again.body);
    }
    assert_eq!(sessions(&world), 1);
    assert_eq!(ask("GET", "/camera/front").cookie(&session).at_home(&world.server).await.code, 200);
    // An old cookie is none.
    world.server.app.gate.auth().store().revoke(&world.front_share_id, lenscast_base::time::now()).unwrap();
    let (_, other) = {
        let store = world.server.app.gate.auth().store();
        let (now, front) = (lenscast_base::time::now(), lenscast_protocol::CameraName::new("front").unwrap());
        store.add_share(Some(front), "", now + 60, now).unwrap()
    };
    let newer = open(&other).cookie(&session).at_home(&world.server).await;
    assert_ne!(newer.session(), session);
}

#[tokio::test]
async fn a_link_that_is_opened_without_end_neither_fills_nor_wears_the_disk() {
    let world = World::new(true).await;
    let file = world.folder.path().join("state/credentials.json");
    let written = || fs::metadata(&file).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let (mut writes, mut last) = (0, written());
    let begun = std::time::Instant::now();
    let mut newest = String::new();
    for _ in 0..300 {
        // Without a cookie, as from a script.
        let answer = open(&world.front_share).at_home(&world.server).await;
        assert_eq!(answer.code, 200);
        newest = answer.session();
        let now = written();
        writes += u64::from(now != last);
        last = now;
    }
    let most = 10 + 2 * (begun.elapsed().as_secs() + 1);
    assert!(writes <= most, "{writes} writes in {:?}", begun.elapsed());
    assert_eq!(sessions(&world), MAX_SESSIONS_EACH);
    assert!(fs::metadata(&file).unwrap().len() < 20_000);
    assert_eq!(ask("GET", "/camera/front").cookie(&newest).at_home(&world.server).await.code, 200);
    // What was written a moment later is there after a restart, and others' sessions are, too.
    let viewer = world.viewer_session.clone();
    let (server, _folder) = world.restarted(|_| {}).await;
    assert_eq!(ask("GET", "/camera/front").cookie(&newest).at_home(&server).await.code, 200);
    assert_eq!(ask("GET", "/").cookie(&viewer).at_home(&server).await.code, 200);
}

#[tokio::test]
async fn logging_in_and_out_without_end_wears_the_disk_no_more() {
    let world = World::new(true).await;
    let file = world.folder.path().join("state/credentials.json");
    let written = || fs::metadata(&file).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let (mut writes, mut last) = (0, written());
    let begun = std::time::Instant::now();
    for _ in 0..100 {
        let login = ask("POST", "/api/login").json(json!({"token": world.view.expose()}));
        let session = login.at_home(&world.server).await.session();
        let logout = ask("POST", "/api/logout").json("").cookie(&session).at_home(&world.server).await;
        assert_eq!(logout.code, 204);
        assert_eq!(ask("GET", "/").cookie(&session).at_home(&world.server).await.code, 401);
        let now = written();
        writes += u64::from(now != last);
        last = now;
    }
    let most = 10 + 2 * (begun.elapsed().as_secs() + 1);
    assert!(writes <= most, "{writes} writes in {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_link_never_takes_away_what_a_browser_may_do() {
    let world = World::new(true).await;
    for (session, link) in [
        (&world.owner_session, &world.view),
        (&world.owner_session, &world.front_share),
        (&world.viewer_session, &world.front_share),
        (&world.viewer_session, &world.view),
    ] {
        let answer = open(link).cookie(session).at_home(&world.server).await;
        assert_eq!((answer.code, answer.header("set-cookie")), (200, None), "{answer:?}");
    }
    let is_admin = |answer: Answer| answer.json()["rights"]["admin"] == true;
    let me = |session: &str| ask("GET", "/api/me").cookie(session);
    assert!(is_admin(me(&world.owner_session).at_home(&world.server).await));
    // One that may do more replaces one that may do less.
    let better = open(&world.admin).cookie(&world.viewer_session).at_home(&world.server).await.session();
    assert!(is_admin(me(&better).at_home(&world.server).await));
    let guest = open(&world.front_share).at_home(&world.server).await.session();
    let viewer = ask("GET", "/").token(&world.view).cookie(&guest).at_home(&world.server).await.session();
    let may = me(&viewer).at_home(&world.server).await.json();
    assert_eq!(may["rights"]["view"], "all");
}
