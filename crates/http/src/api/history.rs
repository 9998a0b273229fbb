//! `GET /api/cameras/{name}/history`.

use super::openapi::{About, Tag, words};
use crate::named::Named;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_cameras::Cameras;
use lenscast_cameras::history::{STEP, Sample};
use serde::Serialize;
use utoipa::ToSchema;

/// How a camera was in the last ten minutes.
#[derive(Serialize, ToSchema)]
struct History {
    /// The newest is last. A camera that has sent nothing yet has none.
    #[schema(max_items = 120)]
    samples: Vec<Sample>,
    /// Seconds from one sample to the next.
    step_s: u64,
}

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "Rate and latency of the last ten minutes, for a small plot. A camera that is not known has an empty history.";
    About::new("getCameraHistory", Tag::Cameras, "How a camera was", text)
        .path::<words::CameraName>("name", "The camera.")
        .answer::<History>(200, "Its history.")
        .refuses(StatusCode::BAD_REQUEST, "This is no name of a camera.")
}

/// A camera that has sent nothing yet has an empty history.
pub async fn handler(State(cameras): State<Cameras>, Named(name): Named) -> Response {
    let history = History { samples: cameras.histories().of(&name), step_s: STEP.as_secs() };
    ([(header::CACHE_CONTROL, "no-store")], Json(history)).into_response()
}
