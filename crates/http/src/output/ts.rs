//! `GET /stream.ts`: the video as MPEG-TS over HTTP, for VLC, ffmpeg and Home Assistant.

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
use lenscast_media::ts;
use lenscast_protocol::CameraName;
use std::convert::Infallible;

pub(super) const CONTENT_TYPE: &str = "video/mp2t";

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "H.264 in an MPEG transport stream, for VLC, ffmpeg and Home Assistant, of the camera `default`. Who reads slowly misses some. It \
                waits for its camera. For a second after somebody joined, the newest picture is shown again each 45 ms while no other comes: players \
                want to see many before they show one.";
    let about = About::new("getTs", Tag::Pictures, "The camera's video, without an end", text);
    watched(about).answer_as(200, CONTENT_TYPE, "The transport stream.")
}

/// `GET /stream.ts`.
pub async fn default_camera(
    State(cameras): State<Cameras>,
    State(gate): State<Gate>,
    Extension(visitor): Extension<Visitor>,
    Extension(flow): Extension<Flow>,
) -> Response {
    response(&cameras, &gate, &visitor, flow, &CameraName::default())
}

/// An endless answer of whole TS packets. It waits for its camera.
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
    let watching = (stream.join_video_as_player(), Watching::new(stream, flow));
    let units = futures_util::stream::unfold(watching, |(mut cursor, watching)| async {
        let item = cursor.next().await;
        let packets = item.unit.ts().body();
        let gap = if item.lost > 0 { ts::discontinuity_packets(&packets).into() } else { Bytes::new() };
        Some((futures_util::stream::iter([gap, packets]), (cursor, watching)))
    });
    let body = units
        .flatten()
        .filter(|bytes| std::future::ready(!bytes.is_empty()))
        .take_until(async move { seat.over().await })
        .map(Ok::<_, Infallible>);
    ([(header::CONTENT_TYPE, CONTENT_TYPE), NO_STORE], Body::from_stream(body)).into_response()
}
