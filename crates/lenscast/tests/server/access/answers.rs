//! What is said to those who may not, and to those who come with a link.

use super::world::*;
use crate::harness::*;
use lenscast_auth::secret::{Kind, Secret};
use serde_json::json;

#[tokio::test]
async fn people_get_a_page_to_log_in_and_players_are_asked_and_programs_get_a_problem() {
    let world = World::new(true).await;
    for path in ["/", "/camera/front", "/camera/front?a=1", "/mjpeg", "/mjpeg/front"] {
        let answer = ask("GET", path).at_home(&world.server).await;
        assert_eq!(
            (answer.code, answer.header("content-type")),
            (401, Some("text/html; charset=utf-8")),
            "{path}"
        );
        assert!(
            answer.body.contains("/assets/login.js") && !answer.body.contains("<script>"),
            "{}",
            answer.body
        );
        assert!(answer.header("content-security-policy").unwrap().contains("script-src 'self'"));
        assert_eq!(answer.header("www-authenticate"), None, "a browser is not to ask by itself");
    }
    for path in ["/stream.mjpg", "/stream/front.ts", "/snapshot.jpg", "/snapshot/front.jpg"] {
        let answer = ask("GET", path).at_home(&world.server).await;
        assert_eq!(answer.code, 401, "{path}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic realm=\"lenscast\""), "{path}");
        let answer = ask("GET", format!("{path}?token=lcs_x.y")).at_home(&world.server).await;
        assert_eq!((answer.code, answer.header("www-authenticate")), (401, None), "asking would not help");
    }
    for path in ["/api/clock", "/api/access", "/api/events"] {
        let answer = ask("GET", path).at_home(&world.server).await;
        assert_eq!((answer.code, answer.header("content-type")), (401, Some("application/problem+json")));
        assert_eq!(answer.header("www-authenticate"), None);
        let problem = answer.json();
        let sentence = "This needs a login, a link or a token.";
        assert_eq!(
            problem,
            json!({"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": sentence})
        );
    }
    let answer = ask("GET", "/ws/viewer").upgrade().at_home(&world.server).await;
    assert_eq!((answer.code, answer.header("www-authenticate")), (401, None));
    let answer = ask("GET", "/ws/camera/front").upgrade().at_home(&world.server).await;
    assert!(answer.code == 401 && answer.body.contains("stream set key"), "{answer:?}");
}

#[tokio::test]
async fn who_is_known_and_may_not_is_told_what_he_lacks() {
    let world = World::new(true).await;
    for (path, words) in [
        ("/snapshot/back.jpg", "watch this camera"),
        ("/metrics", "watch all cameras"),
        ("/api/access", "change anything"),
        ("/ws/camera/front", "send pictures as this camera"),
    ] {
        let answer = ask("GET", path).token(&world.front_share).at_home(&world.server).await;
        assert_eq!(answer.code, 403, "{path}");
        assert!(answer.body.contains(words), "{path}: {}", answer.body);
        assert_eq!(answer.header("www-authenticate"), None, "{path}");
    }
    let answer = ask("GET", "/camera/back").token(&world.front_share).at_home(&world.server).await;
    assert_eq!(answer.code, 403);
    assert!(answer.body.contains("/assets/login.js"), "another login may help");
}

#[tokio::test]
async fn every_error_under_api_is_a_problem() {
    let server = start();
    let host = server.address.to_string();
    for (request, code) in [
        (ask("GET", "/api/nothing"), 404),
        (ask("POST", "/api/clock"), 405),
        (ask("PATCH", "/api/cameras/NO").json("{}"), 400),
        (ask("PATCH", "/api/cameras/%ff").json("{}"), 400),
        (ask("PATCH", "/api/cameras/a").text("x"), 400),
        (ask("PATCH", "/api/cameras/a").text("x".repeat(5000)), 413),
        (ask("DELETE", "/api/cameras/a"), 404),
        (ask("DELETE", "/api/demo?x=y"), 400),
        (ask("POST", "/api/login").json("{}"), 400),
        (ask("POST", "/api/access/tokens").json("{}"), 400),
        (ask("POST", "/api/reload"), 409),
        (ask("DELETE", "/api/access/nothing"), 400),
        (ask("DELETE", "/api/access/0123456789"), 404),
    ] {
        let shown = format!("{request:?}");
        let answer = request.header("Host", &host).send(&server).await;
        assert_eq!(answer.code, code, "{shown}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{shown}");
        let problem = answer.json();
        assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(code)), "{shown}");
        for field in ["title", "detail"] {
            assert!(!problem[field].as_str().unwrap().is_empty(), "{shown}: {problem}");
        }
    }
}

#[tokio::test]
async fn a_link_becomes_a_cookie_and_its_token_leaves_the_address() {
    let world = World::new(true).await;
    let asked = ask("GET", "/camera/front?a=1&b=%22%3E").token(&world.front_share);
    let answer = asked.at_home(&world.server).await;
    assert_eq!(answer.code, 200);
    assert!(answer.body.contains("content=\"0; url=/camera/front?a=1&amp;b=%22%3E\""), "{}", answer.body);
    assert!(!answer.body.contains("lcs_") && !answer.body.contains("token"), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
    assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    let cookie = answer.header("set-cookie").unwrap();
    for part in ["lenscast_session=lc_session_", "; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age="]
    {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    let session = answer.session();
    for (path, code) in [("/camera/front", 200), ("/", 200), ("/camera/back", 403), ("/api/access", 403)] {
        assert_eq!(ask("GET", path).cookie(&session).at_home(&world.server).await.code, code, "{path}");
    }
    let me = ask("GET", "/api/me").cookie(&session).at_home(&world.server).await.json();
    assert_eq!(me["rights"], json!({"view": ["front"], "admin": false}));
    assert_eq!(me["session"], true);
    // A player's address is none for people.
    let answer = ask("GET", "/snapshot/front.jpg").token(&world.front_share).at_home(&world.server).await;
    assert_eq!((answer.code, answer.header("set-cookie")), (503, None));
}

#[tokio::test]
async fn behind_a_proxy_with_tls_and_a_path_the_cookie_and_the_pages_know_both() {
    let world = World::with(true, |config| config.proxy.base_path = "/cam/".into()).await;
    let secure = |ask: Ask| ask.header("X-Forwarded-Proto", "https");
    let answer = secure(ask("GET", "/camera/front").token(&world.view)).at_home(&world.server).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Path=/cam; Max-Age=31536000; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert!(answer.body.contains("url=/cam/camera/front\""), "{}", answer.body);
    let page = secure(ask("GET", "/").cookie(&answer.session())).at_home(&world.server).await;
    assert!(page.code == 200 && page.body.contains("src=\"/cam/assets/viewer.js\""), "{}", page.body);
    assert!(!page.body.contains("\"/assets/"), "{}", page.body);
    let page = ask("GET", "/").at_home(&world.server).await;
    assert!(page.code == 401 && page.body.contains("src=\"/cam/assets/login.js\""), "{}", page.body);
    // At the root, the name is one that only this host can have set.
    let world = World::new(true).await;
    let answer = secure(ask("GET", "/").token(&world.view)).at_home(&world.server).await;
    assert!(answer.session().starts_with("__Host-lenscast_session="), "{answer:?}");
    let session = answer.session();
    assert_eq!(secure(ask("GET", "/").cookie(&session)).at_home(&world.server).await.code, 200);
    assert_eq!(ask("GET", "/").cookie(&session).at_home(&world.server).await.code, 401, "not without TLS");
}

#[tokio::test]
async fn lists_tell_only_of_cameras_that_may_be_watched() {
    let world = World::new(true).await;
    let mut cameras = Vec::new();
    for name in ["front", "back"] {
        let name = lenscast_protocol::CameraName::new(name).unwrap();
        cameras.push(world.server.app.demos.start(name, lenscast::demo::picture()).unwrap());
    }
    world.server.status_until(|status| status["camera_clients"] == 2).await;
    let names = |status: &serde_json::Value| {
        let cameras = status["cameras"].as_array().unwrap().iter();
        cameras.map(|camera| camera["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let status = ask("GET", "/status").token(&world.front_share).at_home(&world.server).await.json();
    assert_eq!((names(&status), &status["camera_clients"]), (vec!["front".to_owned()], &json!(1)));
    let status = ask("GET", "/status").bearer(&world.view).at_home(&world.server).await.json();
    assert_eq!(
        (names(&status), &status["camera_clients"]),
        (vec!["back".to_owned(), "front".to_owned()], &json!(2))
    );
    for (request, wanted) in [
        (ask("GET", "/api/events").token(&world.front_share), &["front"][..]),
        (ask("GET", "/api/events").bearer(&world.view), &["back", "front"]),
    ] {
        let text = request.from(Place::Home, &world.server).read_until(&world.server, "event: status").await;
        let data = text.split("event: status\ndata: ").nth(1).unwrap().lines().next().unwrap();
        let status: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(names(&status), wanted);
        assert!(text.contains("\"admin\":false"), "{text}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_nobody_is_let_in_by_it() {
    let world = World::new(true).await;
    for size in [1000, 5000, 20_000, 200_000] {
        let text = "x".repeat(size);
        for request in [
            ask("GET", "/status").header("Authorization", format!("Bearer {text}")),
            ask("GET", "/status").header("Authorization", format!("Basic {text}")),
            ask("GET", "/status").cookie(&format!("a={text}; {}x", world.viewer_session)),
            ask("GET", format!("/status?token={text}")),
            ask("GET", format!("/camera/{text}")),
            ask("GET", "/status").header("X-Forwarded-Host", &text),
        ] {
            let code = request.at_home(&world.server).await.code;
            assert!(matches!(code, 400 | 401 | 414 | 431), "{size}: {code}");
        }
    }
    let many = "127.0.0.1, ".repeat(1000);
    let answer = ask("GET", "/status").header("X-Forwarded-For", format!("{many}127.0.0.1"));
    assert_eq!(answer.header("Host", world.server.address.to_string()).send(&world.server).await.code, 401);
    let text = "x".repeat(5000);
    for body in [json!({"password": text}), json!({"token": text}), json!({"name": text, "password": "y"})] {
        assert_eq!(ask("POST", "/api/login").json(body).at_home(&world.server).await.code, 413);
    }
    assert_eq!(ask("GET", "/status").bearer(&world.view).at_home(&world.server).await.code, 200);
}

#[tokio::test]
async fn nothing_of_a_request_becomes_a_header_or_a_path_of_the_disk() {
    let world = World::new(true).await;
    let evil = "%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0a<script>";
    for path in [
        format!("/?x={evil}"),
        format!("/camera/{evil}"),
        format!("/mjpeg/{evil}"),
        format!("/stream/{evil}.ts"),
        format!("/assets/{evil}"),
        format!("/{evil}"),
        format!("/api/cameras/{evil}/history"),
    ] {
        let answer = ask("GET", &path)
            .token(&world.admin)
            .header("X-Forwarded-Host", "a\tb\"><script>")
            .header("X-Forwarded-Proto", "https; Set-Cookie: a=b")
            .at_home(&world.server)
            .await;
        assert!(!answer.head.contains("a=b") && !answer.body.contains("<script>"), "{path}: {answer:?}");
    }
    std::fs::write(world.folder.path().join("secret"), "hunter2").unwrap();
    for climb in
        ["..", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e", "..%5c..", "....//", "/etc", "%00", "..%c0%af"]
    {
        for path in [
            format!("/assets/{climb}/secret"),
            format!("/assets/{climb}%2fsecret"),
            format!("/assets/{climb}"),
            format!("/camera/{climb}"),
            format!("/stream/{climb}.ts"),
            format!("/snapshot/{climb}.jpg"),
            format!("/api/cameras/{climb}/history"),
        ] {
            let answer = ask("GET", &path).bearer(&world.admin).at_home(&world.server).await;
            assert!(matches!(answer.code, 400 | 404), "{path}: {answer:?}");
            assert!(!answer.body.contains("hunter2"), "{path}");
        }
        for (method, path) in [
            ("DELETE", format!("/api/access/{climb}")),
            ("PUT", format!("/api/access/users/{climb}/password")),
            ("PATCH", format!("/api/cameras/{climb}")),
        ] {
            let body = json!({"password": "long enough", "title": "x"});
            let answer = ask(method, &path).bearer(&world.admin).json(body).at_home(&world.server).await;
            assert!(matches!(answer.code, 400 | 404 | 405), "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_others_do_not() {
    let world = World::new(true).await;
    let from = |ask: Ask, peer: &str| {
        ask.header("Host", world.server.address.to_string()).header("X-Forwarded-For", peer)
    };
    let guess = || ask("GET", "/status").bearer(&Secret::generate(Kind::View));
    for _ in 0..5 {
        assert_eq!(from(guess(), "192.168.1.7").send(&world.server).await.code, 401);
    }
    for request in [
        guess(),
        ask("GET", "/status").bearer(&world.view),
        ask("GET", "/stream.mjpg").basic(VIEWER),
        ask("POST", "/api/login").json(json!({"name": VIEWER.0, "password": VIEWER.1})),
        ask("POST", "/api/login").json(json!({"token": world.view.expose()})),
    ] {
        let answer = from(request, "192.168.1.7").send(&world.server).await;
        assert_eq!(answer.code, 429, "{answer:?}");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    let page = from(ask("GET", "/").basic(("anna", "wrong horse")), "192.168.1.7").send(&world.server).await;
    assert!(page.code == 429 && page.body.contains("/assets/login.js"), "{page:?}");
    let status = || ask("GET", "/status");
    assert_eq!(
        from(status().cookie(&world.viewer_session), "192.168.1.7").send(&world.server).await.code,
        200
    );
    assert_eq!(from(status().bearer(&world.view), "192.168.1.8").send(&world.server).await.code, 200);
    let camera = ask("GET", "/ws/camera/back").upgrade().bearer(&Secret::generate(Kind::Camera));
    assert_eq!(
        from(camera, "192.168.1.7").send(&world.server).await.code,
        101,
        "what needs no key is not closed"
    );
}
