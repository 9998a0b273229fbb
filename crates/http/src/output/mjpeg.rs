//! `GET /stream.mjpg`: the JPEGs as they came, for `<img>` and players (multipart/x-mixed-replace).

use super::common::{NO_STORE, Watching, watched};
use crate::api::openapi::{About, Tag};
use crate::line::Flow;
use crate::refused::refused;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use lenscast_cameras::Cameras;
use lenscast_gate::{Gate, Visitor};
use lenscast_protocol::CameraName;
use std::convert::Infallible;
use std::time::Duration;

/// The line between two pictures.
const BOUNDARY: &str = "lenscast-frame";

/// A camera that is gone for this long is shown as gone. A device that only comes back takes less.
const GONE: Duration = Duration::from_secs(5);

/// The picture that says so. Nothing else can: `<img>` and players know no text beside the pictures, and an answer that
/// ends leaves `<img>` with the last picture for ever, also when the camera is back.
const GONE_JPEG: &[u8] = include_bytes!("gone.jpg");

/// The content type, without the boundary.
pub(super) const CONTENT_TYPE: &str = "multipart/x-mixed-replace";
pub(super) const ANSWER: &str = "JPEG after JPEG.";

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "The JPEGs as the camera `default` sent them, for `<img>` and players. Who reads slowly misses some. It waits for its camera; \
        when that has been gone for five seconds, one picture says so.";
    let about = About::new("getMjpeg", Tag::Pictures, "The camera's JPEGs, without an end", text);
    watched(about).answer_as(200, CONTENT_TYPE, ANSWER)
}

/// `GET /stream.mjpg`.
pub async fn default_camera(
    State(cameras): State<Cameras>,
    State(gate): State<Gate>,
    Extension(visitor): Extension<Visitor>,
    Extension(flow): Extension<Flow>,
) -> Response {
    response(&cameras, &gate, &visitor, flow, &CameraName::default())
}

/// An endless answer with every JPEG that the client is quick enough for, the newest first. It waits for its camera.
pub(super) fn response(
    cameras: &Cameras,
    gate: &Gate,
    visitor: &Visitor,
    flow: Flow,
    name: &CameraName,
) -> Response {
    let seat = match gate.seat(visitor, name) {
        Ok(seat) => seat,
        Err(refusal) => return refused(refusal),
    };
    let stream = cameras.streams().get(name);
    let cursor = stream.join_jpeg();
    // The stream is held by the viewer, so that it is not forgotten while we wait for its camera. `shows` is whether a picture of the camera is
    // what is seen now, which would stand there as if it were live.
    let watching = Watching::new(stream, flow);
    let parts =
        futures_util::stream::unfold((cursor, watching, false), |(mut cursor, watching, shows)| async move {
            let (jpeg, shows) = tokio::select! {
                (frame, _) = cursor.next() => (frame.bytes.clone(), true),
                () = watching.stream().gone(GONE), if shows => (Bytes::from_static(GONE_JPEG), false),
            };
            // The boundary stands after the picture as well as before the first one: otherwise a browser shows each picture
            // only when the next one comes.
            let head = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
            let tail = format!("\r\n--{BOUNDARY}\r\n");
            let part = [Bytes::from(head), jpeg, Bytes::from(tail)];
            Some((futures_util::stream::iter(part), (cursor, watching, shows)))
        });
    let first = futures_util::stream::iter([Bytes::from(format!("--{BOUNDARY}\r\n"))]);
    let body = first.chain(parts.flatten()).take_until(async move { seat.over().await });
    let content_type = format!("{CONTENT_TYPE}; boundary={BOUNDARY}");
    let headers = [(header::CONTENT_TYPE, content_type.as_str()), NO_STORE];
    (headers, Body::from_stream(body.map(Ok::<_, Infallible>))).into_response()
}
