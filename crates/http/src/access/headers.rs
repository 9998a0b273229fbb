//! Headers that every answer has, errors and pictures too: to whom else a browser may give what it got.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

/// Which pages may show an answer as a part of themselves (W3C Fetch, `Cross-Origin-Resource-Policy`). Unlike what a
/// browser tells us of a page, it holds without TLS, and no page can keep it back.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Who may show an answer in a frame: `Cross-Origin-Resource-Policy` says nothing about frames.
const FRAMED_BY_OURSELVES: HeaderValue = HeaderValue::from_static("frame-ancestors 'self'");

/// Adds what is missing: nothing is anything else than it says, and no page but our own shows it.
pub(crate) async fn on_every_answer(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return answer;
    }
    let may_be_embedded = answer.headers().contains_key(RESOURCE_POLICY);
    let headers = answer.headers_mut();
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(RESOURCE_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    if !may_be_embedded {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(FRAMED_BY_OURSELVES);
    }
    answer
}

/// Lets pages of all origins show an answer: who wrote their address had a token and put it in there, to be shown.
pub(super) fn allow_embedding(answer: &mut Response<Body>) {
    if answer.status().is_success() {
        answer.headers_mut().insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    }
}
