//! `GET /api/clock`: what time it is here, so that a page can tell how old a picture is.

use super::openapi::{About, Tag};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use lenscast_cameras::Cameras;
use serde::Serialize;
use utoipa::ToSchema;

/// The server's clocks.
#[derive(Serialize, ToSchema)]
#[schema(as = Clock)]
struct Now {
    /// µs since the Unix epoch, on the clock of `arrival` in the header of a frame.
    unix_us: u64,
    /// The presentation time that a frame would get which arrives now, in units of 1/90,000 s, before 33 bits wrap.
    pts_90k: u64,
}

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "Who keeps the answer with the shortest of a few round trips can tell how old a picture is, whatever its own clock says.";
    About::new("getClock", Tag::Server, "What time it is on the clocks of frames", text)
        .answer::<Now>(200, "Now.")
}

/// `GET /api/clock`.
pub async fn handler(State(cameras): State<Cameras>) -> Response {
    let clock = cameras.clock();
    let now = clock.now();
    let now = Now { unix_us: clock.unix_us(now), pts_90k: cameras.streams().pts_at(now).0 };
    ([(header::CACHE_CONTROL, "no-store")], Json(now)).into_response()
}
