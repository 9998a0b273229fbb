//! `GET /api/clock`: what time it is here, so that a page can tell how old a picture is.

use crate::server::App;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Now {
    /// In µs since the Unix epoch, on the clock of a frame header's `arrival`.
    unix_us: u64,
    /// The PTS that a frame would get which arrives now, unwrapped.
    pts_90k: u64,
}

/// `GET /api/clock`.
pub async fn handler(State(app): State<Arc<App>>) -> Response {
    let now = app.clock.now();
    let pts = app.config().pts_origin.saturating_add(now.to_pts().0);
    let now = Now { unix_us: app.clock.unix_us(now), pts_90k: pts.0 };
    ([(header::CACHE_CONTROL, "no-store")], Json(now)).into_response()
}
