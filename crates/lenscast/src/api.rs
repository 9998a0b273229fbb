//! `/api`: what pages and programs may ask of this server. The routes, and who may use them, are in
//! [`routes`](crate::server::routes).

pub mod access;
pub mod cameras;
pub mod clock;
pub mod demo;
pub mod history;
pub mod login;
pub mod openapi;
pub mod problem;
pub mod reload;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use problem::Problem;
use serde::de::DeserializeOwned;

/// Largest body of a request, in bytes.
pub const MAX_BODY: usize = 4096;

/// A refusal in words.
fn no(code: StatusCode, sentence: impl ToString) -> Problem {
    Problem::new(code, sentence.to_string())
}

/// A request's body.
fn body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|error| match error.status() {
        code @ StatusCode::PAYLOAD_TOO_LARGE => {
            no(code, format!("The request has more than {MAX_BODY} bytes."))
        }
        code => no(code, error.body_text()),
    })
}

/// A request's body as JSON. What is wrong with it is said without its text, which may have a secret.
fn json<T: DeserializeOwned>(bytes: Result<Bytes, BytesRejection>, wanted: &str) -> Result<T, Problem> {
    let bytes = body(bytes)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let sentence = format!("The request must be {wanted}, and is not (at line {line}, column {column}).");
        no(StatusCode::BAD_REQUEST, sentence)
    })
}
