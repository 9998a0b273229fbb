//! Pages of strangers that show a camera as if its picture were theirs, by the right of who looks at them.

use super::world::*;
use lenscast_settings::config::Access;

/// What browsers send when a page of another site shows something: where they tell it, and where they do not.
const SHOWN: [&[(&str, &str)]; 9] = [
    &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")],
    &[("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")],
    &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "video")],
    &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")],
    &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "embed")],
    &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors"), ("Origin", "http://evil.example")],
    &[("Referer", "http://evil.example/"), ("Accept", "image/avif,image/webp,*/*;q=0.8")],
    &[("Referer", "http://192.168.1.2:8123/lovelace"), ("Accept", "image/avif,image/webp,*/*;q=0.8")],
    &[
        ("Origin", "null"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ],
];

/// What programs send, and browsers for our own pages and for who opens an address himself.
const OWN: [&[(&str, &str)]; 9] = [
    &[],
    &[("User-Agent", "curl/8.5.0"), ("Accept", "*/*")],
    &[("User-Agent", "VLC/3.0.20 LibVLC/3.0.20"), ("Range", "bytes=0-")],
    &[("User-Agent", "Lavf/60.16.100"), ("Icy-MetaData", "1"), ("Accept", "*/*")],
    &[("User-Agent", "HomeAssistant/2024.5.0 aiohttp/3.9.5 Python/3.12"), ("Accept", "*/*")],
    &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")],
    &[("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")],
    &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")],
    &[("Referer", "http://forum.example/"), ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")],
];

const PATHS: [&str; 7] = [
    "/snapshot.jpg",
    "/snapshot/front.jpg",
    "/stream.mjpg",
    "/stream.ts",
    "/status",
    "/api/events",
    "/metrics",
];

fn with(ask: Ask, headers: &[(&str, &str)]) -> Ask {
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

/// By what somebody is let in whose browser sends it unasked.
const RIGHTS: [fn(&World, Ask) -> Ask; 3] =
    [|_, ask| ask, |world, ask| ask.cookie(&world.viewer_session), |_, ask| ask.basic(VIEWER)];

#[tokio::test]
async fn no_page_of_a_stranger_shows_a_camera_by_the_right_of_who_looks() {
    for (behind_proxy, access) in [
        (false, Access::default()),
        (true, Access { open_view: true, ..Access::default() }),
        (true, Access { open: true, ..Access::default() }),
    ] {
        let world = World::with(behind_proxy, |config| config.access = access).await;
        let place = if behind_proxy { Place::Home } else { Place::Here };
        for path in PATHS {
            for right in RIGHTS {
                for headers in SHOWN {
                    for method in ["GET", "HEAD"] {
                        let asked =
                            with(right(&world, ask(method, path)), headers).from(place, &world.server);
                        let answer = asked.send(&world.server).await;
                        assert_eq!(answer.code, 403, "{path} {headers:?}: {answer:?}");
                    }
                }
                // Streams wait for a camera, and say nothing until it comes.
                for headers in OWN.into_iter().filter(|_| !path.starts_with("/stream")) {
                    let asked = with(right(&world, ask("GET", path)), headers).from(place, &world.server);
                    let answer = asked.send(&world.server).await;
                    assert!(matches!(answer.code, 200 | 503), "{path} {headers:?}: {answer:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_in_the_address_is_there_to_be_shown() {
    let world = World::new(true).await;
    let _camera = {
        let name = lenscast_protocol::CameraName::new("front").unwrap();
        world.server.app.demos.start(name, lenscast::demo::picture()).unwrap()
    };
    world.server.camera_until("front", |camera| camera["state"] == "live").await;
    for token in [&world.view, &world.front_share] {
        for headers in SHOWN {
            let asked = with(ask("GET", "/snapshot/front.jpg").token(token), headers);
            let answer = asked.at_home(&world.server).await;
            assert_eq!(answer.code, 200, "{headers:?}: {answer:?}");
            assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"), "{answer:?}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
    }
    // The same picture by another right is for our own pages.
    for asked in [
        ask("GET", "/snapshot/front.jpg").bearer(&world.view),
        ask("GET", "/snapshot/front.jpg").cookie(&world.viewer_session),
        ask("GET", "/snapshot/front.jpg").basic(VIEWER),
        ask("GET", "/snapshot/front.jpg")
            .token(&world.view)
            .cookie(&world.viewer_session)
            .header("X-Nothing", "x"),
    ] {
        let by_token = format!("{asked:?}").contains("X-Nothing");
        let answer = asked.at_home(&world.server).await;
        let wanted = if by_token { "cross-origin" } else { "same-origin" };
        assert_eq!(
            (answer.code, answer.header("cross-origin-resource-policy")),
            (200, Some(wanted)),
            "{answer:?}"
        );
    }
    // A token that is no good opens nothing, and a page is not for frames.
    for (path, code) in [("/snapshot/front.jpg?token=lcs_x.y", 401), ("/snapshot/back.jpg", 403), ("/", 200)]
    {
        let asked =
            if path.contains('?') { ask("GET", path) } else { ask("GET", path).token(&world.front_share) };
        let answer = asked.at_home(&world.server).await;
        assert_eq!(
            (answer.code, answer.header("cross-origin-resource-policy")),
            (code, Some("same-origin")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_answer_says_that_it_is_what_it_says_and_for_our_own_pages() {
    let world = World::new(false).await;
    let host = world.server.address.to_string();
    let _camera = {
        let name = lenscast_protocol::CameraName::default();
        world.server.app.demos.start(name, lenscast::demo::picture()).unwrap()
    };
    world.server.camera_until("default", |camera| camera["state"] == "live").await;
    for (method, path, code) in [
        ("GET", "/", 200),
        ("GET", "/camera/default", 200),
        ("GET", "/camera/NO", 404),
        ("GET", "/assets/viewer.js", 200),
        ("GET", "/assets/nothing.js", 404),
        ("GET", "/favicon.ico", 200),
        ("GET", "/snapshot.jpg", 200),
        ("GET", "/snapshot/nobody.jpg", 503),
        ("GET", "/stream.mjpg", 200),
        ("GET", "/stream.ts", 200),
        ("GET", "/stream/x.avi", 404),
        ("GET", "/status", 200),
        ("GET", "/metrics", 200),
        ("GET", "/healthz", 200),
        ("GET", "/api/events", 200),
        ("GET", "/api/openapi.json", 200),
        ("GET", "/api/nothing", 404),
        ("GET", "/nothing", 404),
        ("POST", "/status", 405),
        ("POST", "/api/login", 403),
        ("GET", "/ws/viewer", 426),
        ("GET", "/ws/camera", 426),
    ] {
        for host in [host.as_str(), "evil.example"] {
            let socket = tokio::net::TcpStream::connect(world.server.address).await.unwrap();
            let answer = ask(method, path).header("Host", host).over(socket).await;
            if host != "evil.example" {
                assert_eq!(answer.code, code, "{method} {path}: {answer:?}");
            }
            assert_eq!(
                answer.header("x-content-type-options"),
                Some("nosniff"),
                "{method} {path}: {answer:?}"
            );
            assert_eq!(
                answer.header("cross-origin-resource-policy"),
                Some("same-origin"),
                "{method} {path}: {answer:?}"
            );
            let framing = answer.header("content-security-policy").unwrap_or_default();
            assert!(framing.contains("frame-ancestors 'self'"), "{method} {path}: {answer:?}");
        }
    }
}
