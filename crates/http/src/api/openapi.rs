//! `GET /api/openapi.json`: what may be asked of this server, as an OpenAPI 3.1 document.
//!
//! What only a handler can know, it says itself as an [`About`]. What follows from its route is added here: method, path, the
//! right that is needed, and what is answered to who lacks it. The schemas are made of the types that are sent and read.

mod about;
pub mod credentials;
mod rights;
pub mod words;

pub use about::{About, Tag};

use super::problem::Problem;
use crate::rule::Route;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use rights::schemes;
use utoipa::openapi::{
    ComponentsBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder, Server,
};

/// What stands at the top, in Markdown.
const DESCRIPTION: &str = "\
lenscast shows ESP32 cameras live. This is everything that its pages and its command line ask of it, and the pictures over HTTP. \
The video in a browser, and the pictures that cameras send, go over WebSockets, of which OpenAPI knows nothing: `/ws/viewer` and \
`/ws/camera` are described in docs/protocol.md, which comes with the program.

**Rights.** Each operation says as `x-right` what it needs: `nothing`; `view`, to watch the camera that the path names, or the one \
called `default`; `view-some`, to watch any camera, and the answer is about those only; `view-all`, to watch all cameras; `admin`, \
which includes the others. On the computer that runs the server, a program that asks at a loopback address needs no credential; \
what the owner opened by `open_view` or `open` needs none either.

**Errors** under `/api` are problem details (RFC 9457), elsewhere a sentence as `text/plain`. A path that is none of these is 404, \
a wrong method 405. Any request may also be answered by 503 when the server has as many connections as it may, and by 400, 414 or \
431 when it is no HTTP or far too long. A server with TLS sends what comes without it there by 307, and refuses it with 403 when it is no \
GET; cameras, health checks and its own computer are answered all the same, and everybody else where `plain` is `all`.

**Changes**, which is all but GET, are refused with 403 when a web page of another origin asks for them. So a program sends \
`Content-Type: application/json` even where there is no body. A body has at most 4096 bytes.

HEAD is answered wherever GET is. Times are seconds since the Unix epoch unless a name or a text says otherwise.";

/// The document about these routes, for a server at this base path.
#[must_use]
pub fn document<'a>(
    routes: impl IntoIterator<Item = (&'a Route, fn() -> About)>,
    base_path: &str,
) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new().schema_from::<Problem>();
    for (route, about) in routes {
        let (operation, schemas) = about().at(route);
        paths = paths.path(route.path, PathItem::new(method(&route.method), operation));
        components = components.schemas_from_iter(schemas);
    }
    for (name, scheme) in schemes() {
        components = components.security_scheme(name, scheme);
    }
    let license = env!("CARGO_PKG_LICENSE");
    let info = InfoBuilder::new()
        .title("lenscast")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name(license).identifier(Some(license)).build()))
        .build();
    let below = base_path.trim_end_matches('/');
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new(if below.is_empty() { "/" } else { below })]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(Tag::ALL.map(Tag::described)))
        .build()
}

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "An OpenAPI 3.1 document, made of the program's own code. It is the same for everybody.";
    About::new("getOpenApi", Tag::Server, "This description", text)
        .answer::<words::OpenApi>(200, "The document.")
}

/// `GET /api/openapi.json`: the answer with this document.
pub async fn answer(document: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}

fn method(method: &Method) -> HttpMethod {
    match method.as_str() {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        other => unreachable!("no route has the method {other}"),
    }
}
