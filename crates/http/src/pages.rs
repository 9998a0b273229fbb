//! The pages: plain HTML, CSS and ES modules from `web/`, embedded into the binary.

use super::places::Places;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_protocol::CameraName;
use std::borrow::Cow;

/// Nothing but what this server serves itself; `data:` and `blob:` for the pictures and the video that scripts make.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const HTML: &str = "text/html; charset=utf-8";
const VIEWER_PAGE: &str = include_str!("../../../web/index.html");
const MJPEG_PAGE: &str = include_str!("../../../web/mjpeg.html");
const LOGIN_PAGE: &str = include_str!("../../../web/login.html");

/// What the pages load, by name under `/assets/`.
macro_rules! assets {
    ($($name:literal: $kind:expr),* $(,)?) => {
        &[$(($name, $kind, include_bytes!(concat!("../../../web/", $name)) as &[u8])),*]
    };
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Name, content type and bytes of each file under `/assets/`.
const ASSETS: &[(&str, &str, &[u8])] = assets! {
    "style.css": CSS,
    "icon.svg": SVG,
    "viewer.js": JAVASCRIPT,
    "login.js": JAVASCRIPT,
    "mjpeg.js": JAVASCRIPT,
    "wall.js": JAVASCRIPT,
    "layout.js": JAVASCRIPT,
    "empty.js": JAVASCRIPT,
    "tile.js": JAVASCRIPT,
    "page.js": JAVASCRIPT,
    "heading.js": JAVASCRIPT,
    "toolbar.js": JAVASCRIPT,
    "turn.js": JAVASCRIPT,
    "numbers.js": JAVASCRIPT,
    "plot.js": JAVASCRIPT,
    "panels.js": JAVASCRIPT,
    "device.js": JAVASCRIPT,
    "events.js": JAVASCRIPT,
    "api.js": JAVASCRIPT,
    "dom.js": JAVASCRIPT,
    "strings.js": JAVASCRIPT,
    "causes.js": JAVASCRIPT,
    "status.js": JAVASCRIPT,
    "facts.js": JAVASCRIPT,
    "addresses.js": JAVASCRIPT,
    "watch.js": JAVASCRIPT,
    "connection.js": JAVASCRIPT,
    "mse.js": JAVASCRIPT,
    "mp4.js": JAVASCRIPT,
    "jpeg.js": JAVASCRIPT,
    "webcodecs.js": JAVASCRIPT,
    "decoder.js": JAVASCRIPT,
    "frame.js": JAVASCRIPT,
    "clock.js": JAVASCRIPT,
    "clip.js": JAVASCRIPT,
    "pip.js": JAVASCRIPT,
};

/// `GET /`.
pub async fn viewer(State(places): State<Places>) -> Response {
    page(StatusCode::OK, VIEWER_PAGE, &places)
}

/// `GET /camera/{name}`; the script reads the name from its address.
pub async fn viewer_of(State(places): State<Places>, Path(name): Path<String>) -> Response {
    camera_page(&name, VIEWER_PAGE, &places)
}

/// `GET /mjpeg`.
pub async fn mjpeg(State(places): State<Places>) -> Response {
    page(StatusCode::OK, MJPEG_PAGE, &places)
}

/// `GET /mjpeg/{name}`.
pub async fn mjpeg_of(State(places): State<Places>, Path(name): Path<String>) -> Response {
    camera_page(&name, MJPEG_PAGE, &places)
}

/// `GET /assets/{file}`.
pub async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, bytes)) => (headers(kind), *bytes).into_response(),
        None => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    }
}

/// `GET /favicon.ico`. Browsers ask for it wherever a document names no icon: beside a snapshot, for one.
pub async fn icon() -> Response {
    asset(Path("icon.svg".into())).await
}

/// The page to log in, in place of one that its reader may not see. `reason` says why the place where the reader is does
/// not do instead, if it could.
#[must_use]
pub fn login(code: StatusCode, places: &Places, reason: Option<&str>) -> Response {
    let Some(reason) = reason else {
        return page(code, LOGIN_PAGE, places);
    };
    let head = format!("<head>\n<meta name=\"reason\" content=\"{}\">", escape(reason));
    page(code, LOGIN_PAGE.replacen("<head>", &head, 1), places)
}

/// For an attribute of HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    out
}

fn camera_page(name: &str, html: &'static str, places: &Places) -> Response {
    match CameraName::new(name) {
        Ok(_) => page(StatusCode::OK, html, places),
        Err(error) => (StatusCode::NOT_FOUND, format!("{error}\n")).into_response(),
    }
}

/// A page, whose addresses are those under which a proxy serves this server, if one does. With TLS it knows the port for cameras,
/// which is another.
fn page(code: StatusCode, html: impl Into<Cow<'static, str>>, places: &Places) -> Response {
    let (base, listening) = (places.base_path(), places.listening());
    let mut html = html.into();
    if base != "/" {
        html = html.replace("=\"/", &format!("=\"{base}")).into();
    }
    if listening.tls.is_some() {
        let port = listening.plain.map_or_else(String::new, |plain| plain.port().to_string());
        let head = format!("<head>\n<meta name=\"camera-port\" content=\"{port}\">");
        html = html.replacen("<head>", &head, 1).into();
    }
    (code, headers(HTML), Body::from(html)).into_response()
}

fn headers(kind: &'static str) -> [(header::HeaderName, &'static str); 5] {
    [
        (header::CONTENT_TYPE, kind),
        // After an update of the server the next visit must get the new page: ask every time, it is a few kilobytes.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}
