//! What an error under `/api` looks like: RFC 9457.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Longest sentence that is taken over, in bytes.
const MAX_SENTENCE: usize = 4096;

/// An error, and why (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Which kind of error it is; there is only one.
    #[schema(pattern = "^about:blank$")]
    r#type: &'static str,
    /// What the code is called.
    title: &'static str,
    /// The code of the answer.
    #[serde(serialize_with = "number")]
    #[schema(value_type = u16, minimum = 400, maximum = 599)]
    status: StatusCode,
    /// Why, as a sentence for people.
    detail: String,
    /// All that is wrong, in sentences, where that can be several things; else it is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
    /// `Retry-After`, in seconds.
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    /// With a sentence that says why.
    #[must_use]
    pub fn new(status: StatusCode, detail: String) -> Self {
        let title = status.canonical_reason().unwrap_or_default();
        Self { r#type: "about:blank", title, status, detail, errors: Vec::new(), retry_after: None }
    }

    /// With the time after which it may go well, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// With all that is wrong.
    #[must_use]
    pub fn with_errors(self, errors: Vec<String>) -> Self {
        Self { errors, ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).expect("a problem is plain data");
        let headers = [
            (header::CONTENT_TYPE, CONTENT_TYPE),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let mut answer = (self.status, headers, format!("{body}\n")).into_response();
        if let Some(seconds) = self.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

/// Makes problems of what else goes wrong under `/api`: a path that is none, a wrong method, no right.
pub async fn under_api(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let answer = next.run(request).await;
    let status = answer.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_api || !is_error || answer.headers().get(header::CONTENT_TYPE) == Some(&CONTENT_TYPE) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let sentence = to_bytes(body, MAX_SENTENCE).await.unwrap_or_default();
    let sentence = String::from_utf8_lossy(&sentence).trim().to_owned();
    let fallback = || format!("{}.", status.canonical_reason().unwrap_or("This does not work"));
    let problem = Problem::new(status, if sentence.is_empty() { fallback() } else { sentence });
    let (own, body) = problem.into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(own.headers);
    Response::from_parts(parts, Body::new(body))
}

fn number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}
