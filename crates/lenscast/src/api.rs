//! `/api`: what pages and programs may ask of this server. Who may is decided in [`access`](crate::access).

mod cameras;
mod clock;
mod demo;
mod history;

use crate::events;
use crate::server::App;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use std::sync::Arc;

/// Largest body of a request, in bytes.
const MAX_BODY: usize = 4096;

/// Everything under `/api`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/cameras/{name}", patch(cameras::change).delete(cameras::forget))
        .route("/cameras/{name}/history", get(history::handler))
        .route("/clock", get(clock::handler))
        .route("/demo", post(demo::start).delete(demo::stop))
        .route("/events", get(events::handler))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// A request that is refused.
#[derive(Debug)]
struct Refused {
    code: StatusCode,
    /// Why.
    sentence: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.code, format!("{}\n", self.sentence)).into_response()
    }
}

/// A refusal in words.
fn no(code: StatusCode, sentence: impl ToString) -> Refused {
    Refused { code, sentence: sentence.to_string() }
}

/// A request's body.
fn body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refused> {
    body.map_err(|error| match error.status() {
        code @ StatusCode::PAYLOAD_TOO_LARGE => {
            no(code, format!("The request has more than {MAX_BODY} bytes."))
        }
        code => no(code, error.body_text()),
    })
}
