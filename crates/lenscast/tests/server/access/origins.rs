//! Pages of other origins, and what they can make a browser do.

use super::world::*;
use serde_json::json;

/// What browsers send with what a page of another origin makes them do.
const FOREIGN: [&[(&str, &str)]; 5] = [
    &[("Origin", "http://evil.example")],
    &[("Origin", "null")],
    &[("Origin", "https://192.168.1.2")],
    &[("Sec-Fetch-Site", "cross-site")],
    &[("Sec-Fetch-Site", "same-site")],
];

fn with(request: Ask, headers: &[(&str, &str)]) -> Ask {
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// All that changes something, as an owner's browser would ask for it.
fn changes() -> Vec<Ask> {
    vec![
        ask("PATCH", "/api/cameras/front").json(json!({"title": "Mine"})),
        ask("DELETE", "/api/cameras/front"),
        ask("POST", "/api/demo").json("{}"),
        ask("DELETE", "/api/demo"),
        ask("POST", "/api/reload"),
        ask("POST", "/api/logout"),
        ask("POST", "/api/login").json(json!({"name": VIEWER.0, "password": VIEWER.1})),
        ask("POST", "/api/access/tokens").json(json!({"kind": "admin"})),
        ask("POST", "/api/access/users")
            .json(json!({"name": "eve", "password": "long enough", "role": "admin"})),
        ask("PUT", "/api/access/users/bert/password").json(json!({"password": "long enough"})),
        ask("POST", "/api/access/shares").json(json!({"camera": null, "for_s": 60})),
        ask("DELETE", "/api/access/0000000000"),
    ]
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing_however_its_reader_is_logged_in() {
    for behind_proxy in [false, true] {
        let world = World::new(behind_proxy).await;
        let place = if behind_proxy { Place::Home } else { Place::Here };
        let before = world.server.app.gate.auth().store().list(lenscast_base::time::now());
        for headers in FOREIGN {
            for change in changes() {
                for request in
                    [change.clone().cookie(&world.owner_session), change.clone().basic(OWNER), change.clone()]
                {
                    let shown = format!("{request:?} {headers:?}");
                    let answer = with(request, headers).from(place, &world.server).send(&world.server).await;
                    assert_eq!(answer.code, 403, "{shown}: {answer:?}");
                    assert_eq!(answer.header("set-cookie"), None, "{shown}");
                }
            }
        }
        let after = world.server.app.gate.auth().store().list(lenscast_base::time::now());
        assert_eq!((before.users.len(), before.tokens.len()), (after.users.len(), after.tokens.len()));
        assert_eq!((before.shares.len(), before.sessions.len()), (after.shares.len(), after.sessions.len()));
    }
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing_though_its_browser_tells_no_origin() {
    let world = World::new(true).await;
    let form = |path| ask("POST", path).header("Content-Type", "text/plain").text(r#"{"kind":"admin"}"#);
    for path in ["/api/access/tokens", "/api/demo", "/api/logout", "/api/reload"] {
        let answer = form(path).cookie(&world.owner_session).at_home(&world.server).await;
        assert!(answer.code == 403 && answer.body.contains("application/json"), "{path}: {answer:?}");
    }
    let login = ask("POST", "/api/login").text(json!({"token": world.view.expose()}));
    assert_eq!(login.at_home(&world.server).await.code, 403, "nobody is logged in by somebody else's page");
    // What a program sends is not sent by browsers.
    let answer = form("/api/access/tokens").bearer(&world.admin).at_home(&world.server).await;
    assert_eq!(answer.code, 201, "{answer:?}");
}

#[tokio::test]
async fn our_own_pages_may_and_under_tls_only_those_under_tls() {
    let world = World::new(true).await;
    let host = world.server.address;
    let answer = |origin: String, proto: &'static str| {
        let request = ask("PATCH", "/api/cameras/front").json(json!({"title": "Front"}));
        let request = request.cookie(&world.owner_session).header("Origin", origin);
        request.header("X-Forwarded-Proto", proto).at_home(&world.server)
    };
    assert_eq!(answer(format!("http://{host}"), "http").await.code, 200);
    assert_eq!(answer(format!("https://{host}"), "http").await.code, 403);
    // The cookie has another name there.
    assert_eq!(answer(format!("http://{host}"), "https").await.code, 403);
    assert_eq!(answer(format!("https://{host}"), "https").await.code, 401);
}

#[tokio::test]
async fn a_web_socket_of_another_origin_is_refused_whoever_is_logged_in() {
    for behind_proxy in [false, true] {
        let world = World::new(behind_proxy).await;
        let place = if behind_proxy { Place::Home } else { Place::Here };
        let own = format!("http://{}", world.server.address);
        for path in ["/ws/viewer", "/ws/viewer/front", "/ws/camera", "/ws/camera/front"] {
            let open = || ask("GET", path).upgrade().cookie(&world.owner_session);
            for headers in FOREIGN {
                let answer = with(open(), headers).from(place, &world.server).send(&world.server).await;
                assert_eq!(answer.code, 403, "{path} {headers:?}: {answer:?}");
            }
            let answer = open().header("Origin", &own).from(place, &world.server).send(&world.server).await;
            assert_eq!(answer.code, 101, "{path}: {answer:?}");
        }
        // A camera without a key needs no login, but a page must be ours.
        let camera = ask("GET", "/ws/camera/back").upgrade().header("Origin", "http://evil.example");
        assert_eq!(camera.from(place, &world.server).send(&world.server).await.code, 403);
        let rebound = ask("GET", "/ws/camera/back").upgrade().header("Origin", "http://evil.example");
        assert_eq!(rebound.from(Place::Rebound, &world.server).send(&world.server).await.code, 401);
    }
}

#[tokio::test]
async fn answers_are_for_our_own_pages_unless_the_owner_names_others() {
    let world = World::with(true, |config| {
        config.access.cors_origins = vec!["https://home.example".into()];
    })
    .await;
    let from = |request: Ask, origin| request.header("Origin", origin).at_home(&world.server);
    let get = || ask("GET", "/api/clock").bearer(&world.view);
    let answer = from(get(), "https://home.example").await;
    assert_eq!(
        (answer.code, answer.header("access-control-allow-origin")),
        (200, Some("https://home.example"))
    );
    assert_eq!(answer.header("vary"), Some("Origin"));
    assert_eq!(answer.header("access-control-allow-credentials"), None, "cookies stay at home");
    for other in ["https://evil.example", "http://home.example", "https://home.example:8443", "null"] {
        let answer = from(get(), other).await;
        assert_eq!((answer.code, answer.header("access-control-allow-origin")), (200, None), "{other}");
    }
    let preflight = || {
        let request = ask("OPTIONS", "/api/cameras/front").header("Access-Control-Request-Method", "PATCH");
        request.header("Access-Control-Request-Headers", "authorization, content-type")
    };
    let answer = from(preflight(), "https://home.example").await;
    assert_eq!(
        (answer.code, answer.header("access-control-allow-origin")),
        (204, Some("https://home.example"))
    );
    assert!(answer.header("access-control-allow-methods").unwrap().contains("PATCH"));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("Authorization"));
    let answer = from(preflight(), "https://evil.example").await;
    assert_eq!((answer.code, answer.header("access-control-allow-methods")), (401, None));
    let patch = || ask("PATCH", "/api/cameras/front").json(json!({"title": "Front"}));
    assert_eq!(from(patch().bearer(&world.admin), "https://home.example").await.code, 200);
    assert_eq!(
        from(patch().bearer(&world.view), "https://home.example").await.code,
        403,
        "the right is still asked"
    );
    let refused = from(patch(), "https://home.example").await;
    assert_eq!(
        (refused.code, refused.header("access-control-allow-origin")),
        (401, Some("https://home.example"))
    );
    assert_eq!(from(patch().bearer(&world.admin), "https://evil.example").await.code, 403);
    let closed = World::new(true).await;
    let answer = ask("GET", "/api/clock").bearer(&closed.view).header("Origin", "https://home.example");
    assert_eq!(answer.at_home(&closed.server).await.header("access-control-allow-origin"), None);
}
