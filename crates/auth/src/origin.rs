//! The check of which web pages may ask for something in the name of the browser's owner.
//!
//! Any page can make a browser send a request to this server. The browser adds its cookies, and its place in the
//! network counts too. So a request that changes something, or that opens a WebSocket (where CORS does not apply), has
//! to say which page it comes from. Two headers say so, and a page can choose neither: `Origin` (RFC 6454) and
//! `Sec-Fetch-Site` (W3C Fetch Metadata). A program that is no browser sends neither header, and is let through: it
//! carries nobody's cookies.

use http::{HeaderMap, HeaderName, Method, header};

/// The parts of a request that tell which page it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The HTTP method.
    pub method: &'a Method,
    /// Whether the request asks for a WebSocket.
    pub upgrade: bool,
    /// The headers of the request.
    pub headers: &'a HeaderMap,
    /// The name under which the browser called this server.
    pub own: Own<'a>,
    /// Other origins that the owner allows, such as `https://home.example`.
    pub cors: &'a [String],
    /// Whether the request's credential is one that browsers send by themselves
    /// ([`By::is_sent_by_browsers`](crate::presented::By)).
    pub by_browser: bool,
}

/// The name and scheme by which a browser called this server.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// The `Host` header; behind a trusted proxy, the host that the proxy reports.
    pub host: Option<&'a str>,
    /// Whether the browser used TLS; `None` when a trusted proxy does not tell.
    pub secure: Option<bool>,
}

/// Why a request is refused that a page of another origin may have caused. The text says so to programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// The `Origin` header names another origin, or is unreadable.
    #[error("a page of another origin may not do this")]
    Origin,
    /// The browser says that a page of another site asks.
    #[error("a page of another site may not do this")]
    Site,
    /// No header says which page asks, and an old browser may have sent this form for another site's page.
    #[error("the request must say Content-Type: application/json, or where it comes from")]
    Unknown,
}

impl Asking<'_> {
    /// Lets a request through when it changes nothing, or when no page of another origin can have caused it.
    ///
    /// # Errors
    /// [`Foreign`] otherwise.
    pub fn check(&self) -> Result<(), Foreign> {
        if self.method.is_safe() && !self.upgrade {
            return Ok(());
        }
        let origin = self.only(&header::ORIGIN).map_err(|()| Foreign::Origin)?;
        match origin {
            Some(origin) if is_allowed(origin, self.cors) => return Ok(()),
            Some(origin) if !self.own.is(origin) => return Err(Foreign::Origin),
            _ => {}
        }
        let site = self.only(&HeaderName::from_static("sec-fetch-site")).map_err(|()| Foreign::Site)?;
        if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
            return Err(Foreign::Site);
        }
        // A browser so old that it sends neither lets a page post a form anywhere, but a form is never JSON, and for
        // JSON or another method it would have to ask first (a CORS preflight), which is refused.
        let form = *self.method == Method::POST && !self.is_json();
        if origin.is_none() && site.is_none() && self.by_browser && !self.upgrade && form {
            return Err(Foreign::Unknown);
        }
        Ok(())
    }

    /// The value of a header that may come once or not at all. `Err` when it comes twice, or is no plain text.
    fn only(&self, name: &HeaderName) -> Result<Option<&str>, ()> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().map_err(drop)).transpose()?;
        if values.next().is_some() { Err(()) } else { Ok(value) }
    }

    fn is_json(&self) -> bool {
        let media = self.only(&header::CONTENT_TYPE).ok().flatten().and_then(|text| text.split(';').next());
        media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
    }
}

impl Own<'_> {
    /// Whether a page with this origin came from this server.
    fn is(&self, origin: &str) -> bool {
        let Some((page, host)) = parse(origin).zip(self.host) else {
            return false;
        };
        let schemes: &[&str] = match self.secure {
            Some(true) => &["https"],
            Some(false) => &["http"],
            None => &["https", "http"],
        };
        schemes.iter().any(|scheme| parse(&format!("{scheme}://{host}")).is_some_and(|own| own == page))
    }
}

/// Whether the owner allows this origin. CORS and [`Asking::check`] both ask.
#[must_use]
pub fn is_allowed(origin: &str, cors: &[String]) -> bool {
    let page = parse(origin);
    page.is_some() && cors.iter().any(|allowed| parse(allowed) == page)
}

/// The scheme, host and port of an origin. `None` when the text is no origin, as `null` is.
fn parse(origin: &str) -> Option<(&'static str, String, u16)> {
    let (scheme, authority) = origin.split_once("://")?;
    let (scheme, default) = match () {
        () if scheme.eq_ignore_ascii_case("http") => ("http", 80),
        () if scheme.eq_ignore_ascii_case("https") => ("https", 443),
        () => return None,
    };
    // In `http://[fd00::1]:80` the port stands behind the bracket; in `http://[fd00::1]` the last colon begins no port.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, default),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'[' | b']' | b':');
    (!host.is_empty() && host.bytes().all(plain)).then(|| (scheme, host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Own<'static> = Own { host: Some("192.168.1.2:8080"), secure: Some(false) };

    struct Case<'a> {
        method: Method,
        upgrade: bool,
        own: Own<'a>,
        cors: Vec<String>,
        by_browser: bool,
    }

    const POST: Case<'static> =
        Case { method: Method::POST, upgrade: false, own: HOST, cors: Vec::new(), by_browser: true };
    const SOCKET: Case<'static> =
        Case { method: Method::GET, upgrade: true, own: HOST, cors: Vec::new(), by_browser: true };

    impl Case<'_> {
        fn check(&self, headers: &[(&'static str, &str)]) -> Result<(), Foreign> {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            let Self { method, upgrade, own, cors, by_browser } = self;
            Asking { method, upgrade: *upgrade, headers: &map, own: *own, cors, by_browser: *by_browser }
                .check()
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
            for case in [Case { method, ..POST }, SOCKET, Case { by_browser: false, ..POST }] {
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

    #[test]
    fn what_only_reads_may_come_from_anywhere() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let case = Case { method, ..POST };
            assert_eq!(
                case.check(&[("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")]),
                Ok(())
            );
        }
    }

    #[test]
    fn with_a_cookie_and_no_word_of_where_it_comes_from_only_json_is_taken() {
        let json = ("content-type", "application/json");
        for good in [json, ("content-type", "Application/JSON; charset=utf-8")] {
            assert_eq!(POST.check(&[good]), Ok(()), "{good:?}");
        }
        let forms =
            ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""];
        for form in forms.into_iter().chain(["text/plain; application/json", "application/jsonp"]) {
            assert_eq!(POST.check(&[("content-type", form)]), Err(Foreign::Unknown), "{form}");
        }
        assert_eq!(POST.check(&[]), Err(Foreign::Unknown));
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(Case { method, ..POST }.check(&[]), Ok(()), "no form can do that");
        }
        assert_eq!(POST.check(&[json, ("content-type", "text/plain")]), Err(Foreign::Unknown), "two of them");
        let program = Case { by_browser: false, ..POST };
        assert_eq!(program.check(&[]), Ok(()), "a program with a token");
        assert_eq!(SOCKET.check(&[]), Ok(()), "every browser tells the origin of a WebSocket");
    }

    #[test]
    fn the_origins_that_the_owner_allows_may() {
        let cors = vec!["https://Home.example".to_owned(), "http://[fd00::1]:8123".to_owned()];
        for case in [Case { cors: cors.clone(), ..POST }, Case { cors: cors.clone(), ..SOCKET }] {
            for good in ["https://home.example", "https://home.example:443", "http://[fd00::1]:8123"] {
                assert_eq!(
                    case.check(&[("origin", good), ("sec-fetch-site", "cross-site")]),
                    Ok(()),
                    "{good}"
                );
            }
            for bad in ["http://home.example", "https://home.example:8443", "https://x.home.example", "null"]
            {
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
}
