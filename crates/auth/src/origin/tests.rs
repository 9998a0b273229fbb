//! Requests of pages, programs and devices.

use super::*;

const HOST: Own<'static> = Own { host: Some("192.168.1.2:8080"), secure: Some(false) };

struct Case<'a> {
    method: Method,
    upgrade: bool,
    own: Own<'a>,
    cors: Vec<String>,
    by: Warrant,
    for_devices: bool,
}

const POST: Case<'static> = Case {
    method: Method::POST,
    upgrade: false,
    own: HOST,
    cors: Vec::new(),
    by: Warrant::Browser,
    for_devices: false,
};
const SOCKET: Case<'static> = Case {
    method: Method::GET,
    upgrade: true,
    own: HOST,
    cors: Vec::new(),
    by: Warrant::Browser,
    for_devices: false,
};

impl Case<'_> {
    fn check(&self, headers: &[(&'static str, &str)]) -> Result<(), Foreign> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let Self { method, upgrade, own, cors, by, for_devices } = self;
        let (upgrade, for_devices) = (*upgrade, *for_devices);
        Asking { method, upgrade, headers: &map, own: *own, cors, by: *by, for_devices }.check()
    }
}

const SAME: (&str, &str) = ("origin", "http://192.168.1.2:8080");

#[test]
fn a_page_of_this_server_may_change_something() {
    for case in [POST, SOCKET, Case { method: Method::DELETE, ..POST }] {
        for good in [
            &[SAME][..],
            &[SAME, ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
        ] {
            assert_eq!(case.check(good), Ok(()), "{good:?}");
        }
    }
}

#[test]
fn a_page_of_another_origin_changes_nothing_and_opens_no_web_socket() {
    for method in
        [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::from_bytes(b"MAKE").unwrap()]
    {
        for case in [Case { method, ..POST }, SOCKET, Case { by: Warrant::Secret, ..POST }] {
            for bad in [
                "null",
                "",
                "192.168.1.2:8080",
                "http://evil.example",
                "http://192.168.1.2",
                "http://192.168.1.2:8081",
                "https://192.168.1.2:8080",
                "http://192.168.1.2:8080.evil.example",
                "http://192.168.1.2:8080/",
                "http://x@192.168.1.2:8080",
                "http://192.168.1.2:8080 http://evil.example",
                "ftp://192.168.1.2:8080",
            ] {
                assert_eq!(case.check(&[("origin", bad)]), Err(Foreign::Origin), "{bad:?}");
                let lying = [("origin", bad), ("sec-fetch-site", "same-origin")];
                assert_eq!(case.check(&lying), Err(Foreign::Origin), "{bad:?}");
            }
            assert_eq!(case.check(&[SAME, SAME]), Err(Foreign::Origin), "two of them");
            for site in ["cross-site", "same-site", "", "Same-Origin", "x"] {
                assert_eq!(case.check(&[SAME, ("sec-fetch-site", site)]), Err(Foreign::Site), "{site:?}");
                assert_eq!(case.check(&[("sec-fetch-site", site)]), Err(Foreign::Site), "{site:?}");
            }
        }
    }
}

fn read() -> Case<'static> {
    Case { method: Method::GET, ..POST }
}

#[test]
fn what_only_reads_may_come_from_anywhere_if_no_browser_can_send_it_unasked() {
    let strange = [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")];
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        for by in [Warrant::Nothing, Warrant::Secret] {
            assert_eq!(
                Case { method: method.clone(), by, ..POST }.check(&strange),
                Ok(()),
                "{method} {by:?}"
            );
        }
    }
}

#[test]
fn no_page_of_another_origin_shows_what_its_reader_may_see() {
    let image = ("accept", "image/avif,image/webp,image/*,*/*;q=0.8");
    for (by, method) in
        [(Warrant::Place, Method::GET), (Warrant::Browser, Method::GET), (Warrant::Browser, Method::HEAD)]
    {
        let case = Case { method, by, ..POST };
        for bad in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "no-cors"),
                ("sec-fetch-dest", "image"),
                image,
            ],
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "object")],
            &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors"), ("accept", "text/html")],
            &[("referer", "http://evil.example/"), image],
            &[("referer", "https://evil.example/a?b#c"), image],
            &[("referer", "http://evil.example"), image],
            &[("referer", "http://192.168.1.2:8123/lovelace"), image],
            &[("referer", "http://192.168.1.2:8080.evil.example/"), image],
            &[("referer", "http://evil.example/http://192.168.1.2:8080/")],
            &[("origin", "http://evil.example")],
            &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "null"), ("user-agent", "Mozilla/5.0")],
        ] {
            assert_eq!(case.check(bad), Err(Foreign::Shown), "{by:?} {bad:?}");
        }
        for good in [
            &[][..],
            &[("accept", "*/*"), ("user-agent", "curl/8.5.0")],
            &[("user-agent", "VLC/3.0.20 LibVLC/3.0.20"), ("range", "bytes=0-")],
            &[("user-agent", "Lavf/60.16.100"), ("icy-metadata", "1")],
            &[("user-agent", "HomeAssistant/2024.5 aiohttp/3.9 Python/3.12")],
            &[SAME],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-dest", "image")],
            &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
            &[("referer", "http://192.168.1.2:8080/camera/front"), image],
            &[("referer", "http://192.168.1.2:8080"), image],
            &[("referer", "android-app://org.mozilla.firefox/")],
            &[("origin", "null"), ("user-agent", "Electronic/1")],
            // A link that was followed, by browsers that tell what they do and by those that do not.
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
            &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")],
            &[("referer", "http://forum.example/"), ("accept", "text/html,application/xhtml+xml,*/*;q=0.8")],
        ] {
            assert_eq!(case.check(good), Ok(()), "{by:?} {good:?}");
        }
        let twice = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")];
        assert_eq!(case.check(&twice), Err(Foreign::Site));
    }
    let cors = vec!["https://home.example".to_owned()];
    let allowed = Case { cors, ..read() };
    assert_eq!(
        allowed.check(&[("origin", "https://home.example"), ("sec-fetch-site", "cross-site")]),
        Ok(())
    );
    assert_eq!(allowed.check(&[("origin", "https://evil.example")]), Err(Foreign::Shown));
}

fn camera() -> Case<'static> {
    Case { method: Method::GET, upgrade: true, by: Warrant::Place, for_devices: true, ..POST }
}

#[test]
fn a_camera_connects_whatever_its_library_writes_as_its_origin() {
    for origin in [
        "file://",
        "https://github.com/gilmaimon/TinyWebsockets",
        "null",
        "",
        "ws://192.168.1.2:8080",
        "http://192.168.1.2",
        "http://192.168.1.2:8080",
        "http://192.168.1.2:8080/",
        "192.168.1.2:8080",
    ] {
        assert_eq!(camera().check(&[("origin", origin)]), Ok(()), "{origin:?}");
        // The same says nothing for it where people are asked.
        if origin != SAME.1 {
            assert_eq!(SOCKET.check(&[("origin", origin)]), Err(Foreign::Origin), "{origin:?}");
        }
    }
    assert_eq!(camera().check(&[]), Ok(()));
    assert_eq!(
        camera().check(&[("origin", "file://"), SAME]),
        Ok(()),
        "one of its library and one of its owner"
    );
}

#[test]
fn a_page_of_another_origin_is_no_camera_unless_it_knows_a_key() {
    let browser = ("user-agent", "Mozilla/5.0 Firefox/128.0");
    for bad in [
        &[("origin", "http://evil.example")][..],
        &[("origin", "http://192.168.1.2:8081")],
        &[("origin", "null"), browser],
        &[("origin", "http://192.168.1.2"), browser],
        &[("origin", "file://"), ("origin", "http://evil.example")],
        &[SAME, ("origin", "http://evil.example")],
    ] {
        for by in [Warrant::Place, Warrant::Browser] {
            assert_eq!(Case { by, ..camera() }.check(bad), Err(Foreign::Origin), "{bad:?}");
        }
        assert_eq!(Case { by: Warrant::Secret, ..camera() }.check(bad), Ok(()), "{bad:?}");
    }
    for site in ["cross-site", "same-site"] {
        for origin in ["file://", "http://192.168.1.2:8080"] {
            let lying = [("origin", origin), ("sec-fetch-site", site)];
            assert_eq!(camera().check(&lying), Err(Foreign::Site), "{lying:?}");
        }
    }
    let cors = vec!["https://home.example".to_owned()];
    let allowed = [("origin", "https://home.example"), ("sec-fetch-site", "cross-site")];
    assert_eq!(Case { cors, ..camera() }.check(&allowed), Ok(()));
}

#[test]
fn with_a_cookie_and_no_word_of_where_it_comes_from_only_json_is_taken() {
    let json = ("content-type", "application/json");
    for good in [json, ("content-type", "Application/JSON; charset=utf-8")] {
        assert_eq!(POST.check(&[good]), Ok(()), "{good:?}");
    }
    let forms = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""];
    for form in forms.into_iter().chain(["text/plain; application/json", "application/jsonp"]) {
        assert_eq!(POST.check(&[("content-type", form)]), Err(Foreign::Unknown), "{form}");
    }
    assert_eq!(POST.check(&[]), Err(Foreign::Unknown));
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        assert_eq!(Case { method, ..POST }.check(&[]), Ok(()), "no form can do that");
    }
    assert_eq!(POST.check(&[json, ("content-type", "text/plain")]), Err(Foreign::Unknown), "two of them");
    let program = Case { by: Warrant::Secret, ..POST };
    assert_eq!(program.check(&[]), Ok(()), "a program with a token");
    assert_eq!(SOCKET.check(&[]), Ok(()), "every browser tells the origin of a WebSocket");
}

#[test]
fn the_origins_that_the_owner_allows_may() {
    let cors = vec!["https://Home.example".to_owned(), "http://[fd00::1]:8123".to_owned()];
    for case in [Case { cors: cors.clone(), ..POST }, Case { cors: cors.clone(), ..SOCKET }] {
        for good in ["https://home.example", "https://home.example:443", "http://[fd00::1]:8123"] {
            assert_eq!(case.check(&[("origin", good), ("sec-fetch-site", "cross-site")]), Ok(()), "{good}");
        }
        for bad in ["http://home.example", "https://home.example:8443", "https://x.home.example", "null"] {
            assert_eq!(case.check(&[("origin", bad)]), Err(Foreign::Origin), "{bad}");
        }
        assert_eq!(case.check(&[("sec-fetch-site", "cross-site")]), Err(Foreign::Site));
    }
    assert!(!is_allowed("null", &["null".into()]), "no origin is none of anybody's");
    assert!(!is_allowed("*", &["*".into()]));
}

#[test]
fn the_origin_is_compared_with_its_scheme_and_port_as_browsers_write_them() {
    let check = |host, secure, origin| {
        Case { own: Own { host: Some(host), secure }, ..POST }.check(&[("origin", origin)]).is_ok()
    };
    assert!(check("cams.example", Some(true), "https://cams.example"));
    assert!(check("cams.example:443", Some(true), "https://cams.example"));
    assert!(check("CAMS.example", Some(false), "http://cams.example"));
    assert!(check("[::1]:8080", Some(false), "http://[::1]:8080"));
    assert!(check("[::1]", Some(false), "http://[::1]"));
    assert!(!check("cams.example", Some(true), "http://cams.example"));
    assert!(!check("cams.example:80", Some(true), "https://cams.example"));
    // Behind a proxy that does not say whether the browser speaks TLS.
    assert!(check("cams.example", None, "https://cams.example"));
    assert!(check("cams.example", None, "http://cams.example"));
    assert!(!check("cams.example", None, "http://evil.example"));
    let nameless = Case { own: Own { host: None, secure: None }, ..POST };
    assert_eq!(nameless.check(&[SAME]), Err(Foreign::Origin));
}
