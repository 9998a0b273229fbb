//! Making credentials, listing them, logging in.

use super::world::*;
use lenscast_auth::secret::Secret;
use serde_json::{Value, json};

async fn admin(world: &World, request: Ask) -> Answer {
    request.bearer(&world.admin).at_home(&world.server).await
}

#[tokio::test]
async fn a_token_is_shown_once_lets_do_what_it_is_for_and_is_revoked() {
    let world = World::new(true).await;
    for (body, status, access, camera) in [
        (json!({"kind": "view", "label": "tablet"}), 200, 403, 403),
        (json!({"kind": "admin"}), 200, 200, 101),
        (json!({"kind": "camera", "cameras": ["shed"]}), 403, 403, 101),
        (json!({"kind": "view", "cameras": ["front", "back"], "expires_in_s": 600}), 200, 403, 403),
    ] {
        let made = admin(&world, ask("POST", "/api/access/tokens").json(&body)).await;
        assert_eq!((made.code, made.header("cache-control")), (201, Some("no-store")), "{body}: {made:?}");
        let made = made.json();
        let secret = Secret::new(made["secret"].as_str().unwrap().into());
        let links = made["links"].as_array().unwrap();
        let is_for_cameras = body["kind"] == "camera";
        assert_eq!(links.is_empty(), is_for_cameras, "{made}");
        assert!(
            links
                .iter()
                .all(|link| link.as_str().unwrap().ends_with(&format!("/?token={}", secret.expose())))
        );
        // One key more: keys close a camera to those without.
        let _ = admin(
            &world,
            ask("POST", "/api/access/tokens").json(json!({"kind": "camera", "cameras": ["shed"]})),
        )
        .await;
        let code = async |request: Ask| request.bearer(&secret).at_home(&world.server).await.code;
        assert_eq!(code(ask("GET", "/status")).await, status, "{body}");
        assert_eq!(code(ask("GET", "/api/access")).await, access, "{body}");
        assert_eq!(code(ask("GET", "/ws/camera/shed").upgrade()).await, camera, "{body}");
        let id = made["id"].as_str().unwrap();
        assert_eq!(admin(&world, ask("DELETE", format!("/api/access/{id}"))).await.code, 204);
        assert_eq!(admin(&world, ask("DELETE", format!("/api/access/{id}"))).await.code, 404, "it is gone");
        assert_eq!(code(ask("GET", "/status")).await, 401, "{body}");
    }
}

#[tokio::test]
async fn everything_is_listed_with_its_last_use_and_without_any_secret() {
    let world = World::new(true).await;
    for request in [
        ask("GET", "/status").bearer(&world.view),
        ask("GET", "/status").token(&world.front_share),
        ask("GET", "/status").cookie(&world.viewer_session),
        ask("GET", "/ws/camera/front").upgrade().bearer(&world.front_key),
    ] {
        assert!(matches!(request.at_home(&world.server).await.code, 200 | 101));
    }
    let answer = admin(&world, ask("GET", "/api/access")).await;
    let listed = answer.json();
    let entry = |list: &str, id: &str| -> Value {
        listed[list].as_array().unwrap().iter().find(|entry| entry["id"] == id).unwrap().clone()
    };
    let now = lenscast_base::time::now();
    for (list, id) in [
        ("tokens", world.view_id.as_str()),
        ("tokens", world.key_id.as_str()),
        ("shares", world.front_share_id.as_str()),
    ] {
        let used = entry(list, id)["last_used"].as_u64().unwrap();
        assert!(now.abs_diff(used) <= 60, "{listed}");
    }
    assert_eq!(entry("shares", world.front_share_id.as_str())["label"], "grandma");
    assert_eq!(listed["users"][0]["name"], VIEWER.0);
    assert_eq!(listed["sessions"][0]["of"], listed["users"][0]["id"]);
    let text = &answer.body;
    for secret in [&world.view, &world.admin, &world.front_key, &world.front_share] {
        assert!(!text.contains(secret.expose()), "{text}");
    }
    for word in ["argon2", "proof", "share_key", VIEWER.1, world.viewer_session.split_once('=').unwrap().1] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn a_user_is_made_logs_in_gets_another_password_and_is_removed() {
    let world = World::new(true).await;
    let user = json!({"name": "carl", "password": "long enough", "role": "view", "cameras": ["front"]});
    let made = admin(&world, ask("POST", "/api/access/users").json(&user)).await;
    assert_eq!(made.code, 201, "{made:?}");
    let again = admin(&world, ask("POST", "/api/access/users").json(&user)).await;
    assert!(again.code == 409 && again.body.contains("carl already"), "{again:?}");
    let login = async |password: &str| {
        ask("POST", "/api/login")
            .json(json!({"name": "carl", "password": password}))
            .at_home(&world.server)
            .await
    };
    let session = login("long enough").await.session();
    let me = ask("GET", "/api/me").cookie(&session).at_home(&world.server).await.json();
    assert_eq!(me, json!({"name": "carl", "session": true, "rights": {"view": ["front"], "admin": false}}));
    let put = ask("PUT", "/api/access/users/carl/password").json(json!({"password": "longer than that"}));
    assert_eq!(admin(&world, put).await.code, 204);
    assert_eq!(ask("GET", "/").cookie(&session).at_home(&world.server).await.code, 401);
    assert_eq!((login("long enough").await.code, login("longer than that").await.code), (401, 204));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(admin(&world, ask("DELETE", format!("/api/access/{id}"))).await.code, 204);
    assert_eq!(login("longer than that").await.code, 401);
}

#[tokio::test]
async fn what_cannot_be_a_credential_is_refused_in_words_and_changes_nothing() {
    let world = World::new(true).await;
    let before = world.server.app.gate.auth().store().list(0);
    let long = "x".repeat(65);
    for (method, path, body, code, word) in [
        ("POST", "tokens", json!({"kind": "session"}), 400, "logging in"),
        ("POST", "tokens", json!({"kind": "king"}), 400, "kind"),
        ("POST", "tokens", json!({"kind": "view", "cameras": []}), 400, "no camera"),
        ("POST", "tokens", json!({"kind": "view", "cameras": ["NO"]}), 400, "name"),
        ("POST", "tokens", json!({"kind": "view", "label": long}), 400, "label"),
        ("POST", "tokens", json!({"kind": "view", "label": "a\nb"}), 400, "label"),
        ("POST", "tokens", json!({"kind": "view", "expires_in_s": 0}), 400, "seconds"),
        ("POST", "tokens", json!({"kind": "view", "expires_in_s": u64::MAX}), 400, "seconds"),
        ("POST", "tokens", json!({"kind": "view", "secret": "mine"}), 400, "kind"),
        ("POST", "users", json!({"name": "A", "password": "long enough", "role": "view"}), 400, "name"),
        ("POST", "users", json!({"name": "../a", "password": "long enough", "role": "view"}), 400, "name"),
        ("POST", "users", json!({"name": "a", "password": "short", "role": "view"}), 400, "8 to 256"),
        (
            "POST",
            "users",
            json!({"name": "a", "password": world.view.expose(), "role": "view"}),
            400,
            "token",
        ),
        ("POST", "users", json!({"name": "a", "password": "long enough", "role": "king"}), 400, "role"),
        ("PUT", "users/anna/password", json!({"password": "short"}), 400, "8 to 256"),
        ("PUT", "users/nobody/password", json!({"password": "long enough"}), 404, "nobody"),
        ("POST", "shares", json!({"camera": "front"}), 400, "for_s"),
        ("POST", "shares", json!({"camera": "NO", "for_s": 60}), 400, "name"),
        ("POST", "shares", json!({"camera": null, "for_s": 0}), 400, "seconds"),
        ("POST", "shares", json!({"camera": null, "for_s": -1}), 400, "for_s"),
    ] {
        let answer = admin(&world, ask(method, format!("/api/access/{path}")).json(&body)).await;
        assert_eq!(answer.code, code, "{body}: {answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(word) && detail.ends_with('.'), "{body}: {detail}");
        assert!(!detail.contains("long enough"), "{detail}");
    }
    let after = world.server.app.gate.auth().store().list(0);
    assert_eq!((before.users, before.shares), (after.users, after.shares));
    assert_eq!(before.tokens.len(), after.tokens.len());
}

#[tokio::test]
async fn a_share_is_for_its_camera_alone_and_has_ready_links() {
    let world = World::new(true).await;
    let body = json!({"camera": "front", "for_s": 600, "label": "grandma"});
    let made = admin(&world, ask("POST", "/api/access/shares").json(&body)).await.json();
    let path = made["path"].as_str().unwrap();
    assert!(path.starts_with("/camera/front?token=lcs_"), "{made}");
    assert!(
        made["links"].as_array().unwrap().iter().all(|link| link.as_str().unwrap().ends_with(path)),
        "{made}"
    );
    assert!(made["expires"].as_u64().unwrap().abs_diff(lenscast_base::time::now() + 600) <= 2, "{made}");
    let token = Secret::new(path.split_once("token=").unwrap().1.to_owned());
    for (path, code) in
        [("/snapshot/front.jpg", 503), ("/snapshot/back.jpg", 403), ("/snapshot.jpg", 403), ("/metrics", 403)]
    {
        assert_eq!(ask("GET", path).bearer(&token).at_home(&world.server).await.code, code, "{path}");
    }
    let all = json!({"camera": null, "for_s": 600});
    let all = admin(&world, ask("POST", "/api/access/shares").json(&all)).await.json();
    assert!(all["path"].as_str().unwrap().starts_with("/?token=lcs_"), "{all}");
}

#[tokio::test]
async fn a_login_is_with_a_password_or_a_token_and_tells_no_more_than_it_has_to() {
    let world = World::new(true).await;
    let login = async |body: Value| ask("POST", "/api/login").json(body).at_home(&world.server).await;
    for good in [
        json!({"name": VIEWER.0, "password": VIEWER.1}),
        json!({"token": world.view.expose()}),
        json!({"token": format!(" {} ", world.front_share.expose())}),
    ] {
        let answer = login(good.clone()).await;
        assert_eq!((answer.code, answer.body.as_str()), (204, ""), "{good}");
        assert_eq!(
            ask("GET", "/").cookie(&answer.session()).at_home(&world.server).await.code,
            200,
            "{good}"
        );
    }
    let mut sentences = std::collections::BTreeSet::new();
    for wrong in [
        json!({"name": VIEWER.0, "password": "wrong horse"}),
        json!({"name": "nobody", "password": VIEWER.1}),
        json!({"password": VIEWER.1}),
        json!({"token": "lc_view_x"}),
        json!({"token": world.viewer_session.split_once('=').unwrap().1}),
        json!({"token": ""}),
    ] {
        let answer = login(wrong.clone()).await;
        assert_eq!((answer.code, answer.header("set-cookie")), (401, None), "{wrong}");
        sentences.insert(answer.body);
    }
    assert_eq!(sentences.len(), 1, "what was wrong is not told: {sentences:?}");
    let camera = login(json!({"token": world.front_key.expose()})).await;
    assert!(camera.code == 403 && camera.body.contains("camera's key"), "{camera:?}");
    for bad in [
        json!({}),
        json!({"name": "a"}),
        json!({"password": "a", "token": "b"}),
        json!({"name": "a", "token": world.view.expose()}),
        json!({"password": "hunter2", "user": "a"}),
        json!("hunter2"),
    ] {
        let answer = login(bad.clone()).await;
        assert!(answer.code == 400 && !answer.body.contains("hunter2"), "{bad}: {answer:?}");
    }
    let me = ask("GET", "/api/me").at_home(&world.server).await.json();
    assert_eq!(me, json!({"name": null, "session": false, "rights": {"view": [], "admin": false}}));
}
