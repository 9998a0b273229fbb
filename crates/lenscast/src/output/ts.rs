//! `GET /stream.ts`: the video as MPEG-TS over HTTP, for VLC, ffmpeg and Home Assistant.

use super::NO_STORE;
use crate::access::Visitor;
use crate::api::openapi::{About, Tag};
use crate::server::App;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use lenscast_media::ts;
use lenscast_protocol::CameraName;
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const CONTENT_TYPE: &str = "video/mp2t";

/// What this is.
#[must_use]
pub fn about() -> About {
    let text = "H.264 in an MPEG transport stream, for VLC, ffmpeg and Home Assistant, of the camera `default`. Who reads slowly misses some. It \
                waits for its camera.";
    let about = About::new("getTs", Tag::Pictures, "The camera's video, without an end", text);
    super::watched(about).answer_as(200, CONTENT_TYPE, "The transport stream.")
}

/// `GET /stream.ts`.
pub async fn default_camera(State(app): State<Arc<App>>, Extension(visitor): Extension<Visitor>) -> Response {
    response(&app, &visitor, &CameraName::default())
}

/// An endless answer of whole TS packets. It waits for its camera.
pub(super) fn response(app: &Arc<App>, visitor: &Visitor, name: &CameraName) -> Response {
    let ticket = match app.admission.admit(visitor.peer().ip()) {
        Ok(ticket) => ticket,
        Err(refusal) => return refusal.into_response(),
    };
    let cursor = app.streams.get(name).join_video();
    let units = futures_util::stream::unfold((cursor, ticket), |(mut cursor, ticket)| async {
        let item = cursor.next().await;
        let packets = item.unit.ts().body();
        let gap = if item.lost > 0 { ts::discontinuity_packets(&packets).into() } else { Bytes::new() };
        Some((futures_util::stream::iter([gap, packets]), (cursor, ticket)))
    });
    let body = units
        .flatten()
        .filter(|bytes| std::future::ready(!bytes.is_empty()))
        .take_until(super::over(app, visitor, name))
        .map(Ok::<_, Infallible>);
    ([(header::CONTENT_TYPE, CONTENT_TYPE), NO_STORE], Body::from_stream(body)).into_response()
}
