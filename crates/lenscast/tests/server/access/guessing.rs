//! Attacks on the brake over HTTP: guesses that come all at once, and guesses beside a login of one's own.

use super::world::*;
use crate::harness::*;
use lenscast_auth::given::CameraKey;
use lenscast_auth::secret::Secret;
use lenscast_protocol::CameraName;
use serde_json::json;
use tokio::task::JoinSet;

/// So many guesses are compared before the next one has to wait.
const FREE: u64 = 5;

const ADMINS: &str = "battery staple";
const VIEWERS: &str = "horse battery";
const KEY: &str = "front-door";

async fn chosen() -> World {
    World::with(true, |config| {
        config.access.admin_password = Some(Secret::new(ADMINS.into()));
        config.access.view_password = Some(Secret::new(VIEWERS.into()));
        let camera = CameraName::new("gate").unwrap();
        config.access.camera_keys = vec![CameraKey { camera, key: Secret::new(KEY.into()) }];
    })
    .await
}

/// From this address, for all that the server can tell.
fn from(address: &str, ask: Ask, server: &Running) -> Ask {
    ask.header("Host", server.address.to_string()).header("X-Forwarded-For", address)
}

/// The ways to try a secret that somebody chose.
fn ways(guess: &str) -> Vec<(&'static str, Ask)> {
    let key = Secret::new(guess.into());
    let form = |name: &str| ask("POST", "/api/login").json(json!({"name": name, "password": guess}));
    vec![
        ("form, no name", form("")),
        ("form, admin", form("admin")),
        ("form, a user", form(OWNER.0)),
        ("form, token", ask("POST", "/api/login").json(json!({"token": guess}))),
        ("Basic, no name", ask("GET", "/status").basic(("", guess))),
        ("Basic, admin", ask("GET", "/api/access").basic(("admin", guess))),
        ("Basic, a user", ask("GET", "/api/access").basic((OWNER.0, guess))),
        ("Basic, nobody", ask("GET", "/api/access").basic(("nobody", guess))),
        ("key, header", ask("GET", "/ws/camera/gate").upgrade().bearer(&key)),
        ("key, address", ask("GET", "/ws/camera/gate").upgrade().token(&key)),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_guesses_at_once_five_are_compared_whatever_they_are_at() {
    for way in 0..ways("x").len() {
        let world = chosen().await;
        let server = &world.server;
        let address = "203.0.113.9";
        let begun = std::time::Instant::now();
        let mut all = JoinSet::new();
        for number in 0..150 {
            let (_, request) = ways(&format!("guess-{number}")).swap_remove(way);
            let (request, at) = (from(address, request, server), server.address);
            all.spawn(async move {
                let socket = tokio::net::TcpStream::connect(at).await.unwrap();
                request.over(socket).await.code
            });
        }
        let codes = within(all.join_all()).await;
        let (what, _) = ways("x").swap_remove(way);
        let compared = codes.iter().filter(|code| **code == 401).count() as u64;
        assert!(codes.iter().all(|code| matches!(code, 401 | 429)), "{what}: {codes:?}");
        // Five at once, and then one after 1 s, one after 2 s more, …: no more than one for each second that begins.
        let most = FREE + begun.elapsed().as_secs() + 1;
        assert!((1..=most).contains(&compared), "{what}: {compared} were compared in {:?}", begun.elapsed());
        // Nobody else has to wait.
        let other = from("203.0.113.10", ask("GET", "/api/access").basic(OWNER), server);
        assert_eq!(other.send(server).await.code, 200, "{what}");
    }
}

#[tokio::test]
async fn who_has_a_login_of_his_own_guesses_nobody_elses_beside_it() {
    let own = [
        ask("POST", "/api/login").json(json!({"password": VIEWERS})),
        ask("POST", "/api/login").json(json!({"name": "viewer", "password": VIEWERS})),
        ask("GET", "/status").basic(("", VIEWERS)),
        ask("GET", "/status").basic(VIEWER),
    ];
    for own in own {
        let world = chosen().await;
        let server = &world.server;
        let mut compared = 0;
        let begun = std::time::Instant::now();
        for number in 0..40 {
            let guess = json!({"password": format!("guess {number}")});
            let guess = from("203.0.113.9", ask("POST", "/api/login").json(guess), server);
            compared += u64::from(guess.send(server).await.code == 401);
            if number % 4 == 3 {
                let code = from("203.0.113.9", own.clone(), server).send(server).await.code;
                assert!(matches!(code, 200 | 204 | 429), "{code}");
            }
        }
        // Five at once, and then one after 1 s, one after 2 s more, …: no more than one for each second that begins.
        let most = FREE + begun.elapsed().as_secs() + 1;
        assert!(compared <= most, "{compared} in {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn logins_that_wait_are_bounded_and_the_next_is_told_to_come_again() {
    let world = World::new(true).await;
    let server = &world.server;
    let gate = server.app.gate.clone();
    // Both turns are taken by work that does not end until it is told to.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    let mut busy = JoinSet::new();
    for _ in 0..2 {
        let (gate, held) = (gate.clone(), held.clone());
        busy.spawn(async move { gate.passwords(move || held.lock().unwrap().recv().unwrap()).await });
    }
    let login = |number: usize| {
        let login = ask("POST", "/api/login").json(json!({"name": OWNER.0, "password": "wrong horse"}));
        from(&format!("198.51.100.{number}"), login, server)
    };
    let mut waiting = JoinSet::new();
    for number in 0..lenscast_gate::MAX_LOGINS + 10 {
        let (request, at) = (login(number), server.address);
        waiting.spawn(async move {
            let socket = tokio::net::TcpStream::connect(at).await.unwrap();
            request.over(socket).await
        });
    }
    // Those beyond the bound are answered while nobody hashes; the others wait.
    for _ in 0..10 {
        let answer = within(waiting.join_next()).await.unwrap().unwrap();
        assert_eq!((answer.code, answer.header("retry-after")), (429, Some("1")), "{answer:?}");
        assert!(answer.body.contains("at this moment"), "{}", answer.body);
    }
    // A session is not held up.
    assert_eq!(ask("GET", "/").cookie(&world.owner_session).at_home(server).await.code, 200);
    for _ in 0..2 {
        release.send(()).unwrap();
    }
    busy.join_all().await;
    for answer in within(waiting.join_all()).await {
        assert_eq!(answer.code, 401, "{answer:?}");
    }
    let good = ask("POST", "/api/login").json(json!({"name": OWNER.0, "password": OWNER.1}));
    assert_eq!(good.at_home(server).await.code, 204);
}
