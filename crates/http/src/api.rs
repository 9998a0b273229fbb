//! `/api`: what pages and programs may ask of this server. The routes, and who may use them, are in
//! [`routes`](super::routes).

pub mod access;
pub mod cameras;
pub mod clock;
pub mod history;
pub mod login;
pub mod openapi;
pub mod problem;

use super::timely::was_too_slow;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use problem::Problem;
use serde::de::DeserializeOwned;

/// Largest body of a request, in bytes.
pub const MAX_BODY: usize = 4096;

/// A refusal in words.
pub fn no(code: StatusCode, sentence: impl ToString) -> Problem {
    Problem::new(code, sentence.to_string())
}

/// A request's body.
pub fn body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|error| match error.status() {
        code @ StatusCode::PAYLOAD_TOO_LARGE => {
            no(code, format!("The request has more than {MAX_BODY} bytes."))
        }
        _ if was_too_slow(&error) => {
            no(StatusCode::REQUEST_TIMEOUT, "The request took longer than it may (--handshake-timeout).")
        }
        code => no(code, error.body_text()),
    })
}

/// A request's body as JSON. What is wrong with it is said without its text, which may have a secret.
pub fn json<T: DeserializeOwned>(bytes: Result<Bytes, BytesRejection>, wanted: &str) -> Result<T, Problem> {
    let bytes = body(bytes)?;
    object(&bytes).map_err(|error| {
        let place = error.map_or_else(String::new, |error| {
            format!(" (at line {}, column {})", error.line(), error.column())
        });
        no(StatusCode::BAD_REQUEST, format!("The request must be {wanted}, and is not{place}."))
    })
}

/// A JSON object. Without an error it is none: serde alone would take a list of values for one without names.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Option<serde_json::Error>> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(None);
    }
    serde_json::from_slice(bytes).map_err(Some)
}
