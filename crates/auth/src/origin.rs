//! The check of which web pages may ask for something in the name of the browser's owner.
//!
//! Any page can make a browser send a request to this server. The browser adds its cookies, and its place in the
//! network counts too. So a request that changes something, that opens a WebSocket (where CORS does not apply), or that
//! shows something by such a right, has to say which page it comes from. Three headers say so, and a page can forge
//! none of them: `Origin` (RFC 6454), `Sec-Fetch-Site` (W3C Fetch Metadata) and, weakest, since a page can leave it
//! out, `Referer`. A program that is no browser sends none of them, and is let through: it carries nobody's cookies.
//!
//! | what is asked | who may |
//! |---|---|
//! | a change, a WebSocket | our own pages, those of `cors_origins`, programs |
//! | a camera's WebSocket | the same, whoever presents a key, and devices whose `Origin` is no page's: see [`sender`] |
//! | to read, by place, cookie or `Basic` | the same, and whoever opens an address in a window of its own |
//! | to read, by a token that only its owner knows | everybody |

mod sender;

use http::{HeaderMap, HeaderName, Method, header};
use sender::Sender;

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
    /// What lets the request in.
    pub by: Warrant,
    /// Whether the route is for devices, which send an `Origin` of many kinds.
    pub for_devices: bool,
}

/// What lets a request in, as far as it tells whether a page may have sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warrant {
    /// Nothing is needed: the route is for everybody.
    Nothing,
    /// The place that the request comes from. A stranger's page has it as soon as its reader has.
    Place,
    /// A credential that browsers send by themselves, such as a cookie. A stranger's page has it as well.
    Browser,
    /// A credential that somebody has to know to send it. A stranger's page knows none.
    Secret,
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
    /// The browser says that a page of another site shows this as a part of itself.
    #[error("a page of another site may not show this; with a token in the address it may (docs/access.md)")]
    Shown,
    /// No header says which page asks, and an old browser may have sent this form for another site's page.
    #[error("the request must say Content-Type: application/json, or where it comes from")]
    Unknown,
}

impl Asking<'_> {
    /// Lets a request through when no page of another origin can have caused it, or when it does no harm.
    ///
    /// # Errors
    /// [`Foreign`] otherwise.
    pub fn check(&self) -> Result<(), Foreign> {
        match () {
            () if self.upgrade && self.for_devices => self.check_device(),
            () if self.upgrade || !self.method.is_safe() => self.check_change(),
            () => self.check_reading(),
        }
    }

    /// Whether a page may have sent the request: there is an `Origin` that is no device's.
    #[must_use]
    pub fn is_from_page(&self) -> bool {
        self.origins().any(|origin| origin.is_none_or(|origin| self.is_page(origin)))
    }

    /// What changes something or opens a WebSocket.
    fn check_change(&self) -> Result<(), Foreign> {
        let origin = self.only(&header::ORIGIN).map_err(|()| Foreign::Origin)?;
        match origin {
            Some(origin) if is_allowed(origin, self.cors) => return Ok(()),
            Some(origin) if !self.own.is(origin) => return Err(Foreign::Origin),
            _ => {}
        }
        if self.is_of_other_site()? {
            return Err(Foreign::Site);
        }
        // A browser so old that it sends neither lets a page post a form anywhere, but a form is never JSON, and for
        // JSON or another method it would have to ask first (a CORS preflight), which is refused.
        let form = *self.method == Method::POST && !self.is_json();
        let by_browser = matches!(self.by, Warrant::Browser | Warrant::Nothing);
        let is_silent = origin.is_none() && !self.headers.contains_key(SEC_FETCH_SITE);
        if is_silent && by_browser && !self.upgrade && form { Err(Foreign::Unknown) } else { Ok(()) }
    }

    /// A camera that connects. Who presents a key is no stranger's page. Else every `Origin` has to be no page's, or
    /// that of a page that may.
    fn check_device(&self) -> Result<(), Foreign> {
        if self.by == Warrant::Secret {
            return Ok(());
        }
        let mut is_known = false;
        for origin in self.origins() {
            let origin = origin.ok_or(Foreign::Origin)?;
            let may = is_allowed(origin, self.cors) || self.own.is(origin);
            if !may && self.is_page(origin) {
                return Err(Foreign::Origin);
            }
            is_known |= is_allowed(origin, self.cors);
        }
        // Only browsers send it.
        if !is_known && self.is_of_other_site()? {
            return Err(Foreign::Site);
        }
        Ok(())
    }

    /// What only reads. It harms nobody to be read by a page, since CORS keeps the answer from its scripts; but a page
    /// may show it, as `<img>`, `<video>` and `<iframe>` do, and look as if the pictures were its own.
    fn check_reading(&self) -> Result<(), Foreign> {
        let reads = matches!(*self.method, Method::GET | Method::HEAD);
        if !matches!(self.by, Warrant::Place | Warrant::Browser) || !reads {
            return Ok(());
        }
        let mut is_known = false;
        for origin in self.origins() {
            let origin = origin.ok_or(Foreign::Origin)?;
            let may = is_allowed(origin, self.cors) || self.own.is(origin);
            if !may && self.is_page(origin) {
                return Err(Foreign::Shown);
            }
            is_known |= may;
        }
        if is_known || self.is_navigation() {
            return Ok(());
        }
        let shown = match self.only(&SEC_FETCH_SITE).map_err(|()| Foreign::Site)? {
            Some(_) => self.is_of_other_site()?,
            // Browsers tell it to addresses with TLS and to this computer only.
            None => self.referer().is_some_and(|page| !self.own.is(page)),
        };
        if shown { Err(Foreign::Shown) } else { Ok(()) }
    }

    /// Whether the address was opened in a window of its own, as a link does, and not as a part of a page.
    fn is_navigation(&self) -> bool {
        let says = |name: &HeaderName| self.only(name).ok().flatten();
        match says(&SEC_FETCH_MODE) {
            Some(mode) => mode == "navigate" && says(&SEC_FETCH_DEST).is_none_or(|dest| dest == "document"),
            // A browser asks for HTML when it opens a window (or a frame, in which others may not show us).
            None => says(&header::ACCEPT).is_some_and(|accept| accept.contains("text/html")),
        }
    }

    /// Whether the browser says that a page of another site asks. A page of the same site is another, too: it may be
    /// another service on the same computer.
    fn is_of_other_site(&self) -> Result<bool, Foreign> {
        let site = self.only(&SEC_FETCH_SITE).map_err(|()| Foreign::Site)?;
        Ok(site.is_some_and(|site| !matches!(site, "same-origin" | "none")))
    }

    /// The origin of the page in `Referer`, if that is a web page: `http://a.example` of `http://a.example/b?c`.
    fn referer(&self) -> Option<&str> {
        let referer = self.only(&header::REFERER).ok().flatten()?;
        let begin = referer.find("://")? + 3;
        let is_web =
            ["http://", "https://"].iter().any(|scheme| referer[..begin].eq_ignore_ascii_case(scheme));
        let end = referer[begin..].find(['/', '?', '#']).map_or(referer.len(), |end| begin + end);
        is_web.then(|| &referer[..end])
    }

    /// Whether a page has this `Origin`.
    fn is_page(&self, origin: &str) -> bool {
        self.own.is(origin) || Sender::of(origin, self.headers, &self.own) == Sender::Page
    }

    /// All values of `Origin`; `None` for one that is no plain text.
    fn origins(&self) -> impl Iterator<Item = Option<&str>> {
        self.headers.get_all(header::ORIGIN).iter().map(|origin| origin.to_str().ok())
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

/// Which site the page is of that asks, as the browser tells (W3C Fetch Metadata §2.3).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How it asks: `navigate` for a window or frame.
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// What becomes of the answer: `document` is a window, `iframe` a part of a page.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

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
mod tests;
