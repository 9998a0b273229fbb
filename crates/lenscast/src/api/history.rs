//! `GET /api/cameras/{name}/history`.

use crate::history::STEP;
use crate::server::App;
use crate::streams::Named;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// A camera that has sent nothing yet has an empty history.
pub async fn handler(State(app): State<Arc<App>>, Named(name): Named) -> Response {
    let history = serde_json::json!({ "step_s": STEP.as_secs(), "samples": app.history.of(&name) });
    ([(header::CACHE_CONTROL, "no-store")], Json(history)).into_response()
}
