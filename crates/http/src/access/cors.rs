//! Which other pages may read answers (W3C Fetch, CORS): none, unless the configuration names their origin. Credentials then
//! come with the request, as a bearer token: cookies do not cross origins.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_auth::origin::is_allowed;

/// How long a browser may remember what it asked, in seconds.
const MAX_AGE: &str = "600";

/// The origin that asks, if the configuration allows it.
pub(super) fn allowed(headers: &HeaderMap, origins: &[String]) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    is_allowed(text, origins).then(|| origin.clone())
}

/// The answer to a browser that asks beforehand what it may ask; `None` when that is not the question.
pub(super) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let answer = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    Some((StatusCode::NO_CONTENT, answer).into_response())
}

/// Lets the page of `origin` read an answer.
pub(super) fn open(response: &mut Response<Body>, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}
