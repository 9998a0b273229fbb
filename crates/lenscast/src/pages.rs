//! The pages: plain HTML, CSS and ES modules from `web/`, embedded into the binary.

use crate::server::App;
use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lenscast_protocol::CameraName;
use std::sync::Arc;

/// Nothing but what this server serves itself; `data:` and `blob:` for the pictures and the video that scripts make.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const HTML: &str = "text/html; charset=utf-8";
const VIEWER_PAGE: &[u8] = include_bytes!("../../../web/index.html");
const MJPEG_PAGE: &[u8] = include_bytes!("../../../web/mjpeg.html");

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
    "mjpeg.js": JAVASCRIPT,
    "wall.js": JAVASCRIPT,
    "layout.js": JAVASCRIPT,
    "empty.js": JAVASCRIPT,
    "tile.js": JAVASCRIPT,
    "page.js": JAVASCRIPT,
    "heading.js": JAVASCRIPT,
    "toolbar.js": JAVASCRIPT,
    "numbers.js": JAVASCRIPT,
    "plot.js": JAVASCRIPT,
    "panels.js": JAVASCRIPT,
    "device.js": JAVASCRIPT,
    "events.js": JAVASCRIPT,
    "api.js": JAVASCRIPT,
    "dom.js": JAVASCRIPT,
    "strings.js": JAVASCRIPT,
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

/// The routes of the pages.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(|| page(VIEWER_PAGE)))
        .route("/camera/{name}", get(|name| camera_page(name, VIEWER_PAGE)))
        .route("/mjpeg", get(|| page(MJPEG_PAGE)))
        .route("/mjpeg/{name}", get(|name| camera_page(name, MJPEG_PAGE)))
        .route("/assets/{file}", get(asset))
        // Browsers ask for it wherever a document names no icon: beside a snapshot, for one.
        .route("/favicon.ico", get(|| asset(Path("icon.svg".into()))))
}

async fn page(html: &'static [u8]) -> Response {
    file(HTML, html)
}

/// The page of a camera; the script reads the name from its address.
async fn camera_page(Path(name): Path<String>, html: &'static [u8]) -> Response {
    match CameraName::new(&name) {
        Ok(_) => file(HTML, html),
        Err(error) => (StatusCode::NOT_FOUND, format!("{error}\n")).into_response(),
    }
}

async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, bytes)) => file(kind, bytes),
        None => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    }
}

fn file(kind: &'static str, bytes: &'static [u8]) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        // After an update of the server the next visit must get the new page: ask every time, it is a few kilobytes.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, bytes).into_response()
}
