//! `GET /stream/{name}.mjpg` and `GET /stream/{name}.ts`: the streams of a camera by its name.

use super::common::{split, watched};
use super::{mjpeg, ts};
use crate::api::openapi::{About, Tag, words};
use crate::line::Flow;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lenscast_cameras::Cameras;
use lenscast_gate::{Gate, Visitor};

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "`NAME.mjpg` is what `/stream.mjpg` is, and `NAME.ts` what `/stream.ts` is, of the camera of this name.";
    watched(About::new("getStreamOf", Tag::Pictures, "A camera's pictures, without an end", text))
        .path::<words::StreamFile>("file", "The camera's name, and the format.")
        .answer_as(200, mjpeg::CONTENT_TYPE, mjpeg::ANSWER)
        .also_as(200, ts::CONTENT_TYPE)
        .refuses(StatusCode::NOT_FOUND, "This is neither of the two.")
}

/// `GET /stream/{name}.mjpg` and `GET /stream/{name}.ts`.
pub async fn stream_file(
    State(cameras): State<Cameras>,
    State(gate): State<Gate>,
    Extension(visitor): Extension<Visitor>,
    Extension(flow): Extension<Flow>,
    Path(file): Path<String>,
) -> Response {
    match split(&file) {
        Some((name, "mjpg")) => mjpeg::response(&cameras, &gate, &visitor, flow, &name),
        Some((name, "ts")) => ts::response(&cameras, &gate, &visitor, flow, &name),
        _ => (StatusCode::NOT_FOUND, "Streams are /stream/NAME.mjpg and /stream/NAME.ts\n").into_response(),
    }
}
