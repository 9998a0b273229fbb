//! `GET /stream.ts`: the video as MPEG-TS over HTTP, for VLC, ffmpeg and Home Assistant.

use super::NO_STORE;
use crate::server::{App, Peer};
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

/// `GET /stream.ts`.
pub async fn default_camera(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>) -> Response {
    response(&app, &peer, &CameraName::default())
}

/// An endless answer of whole TS packets. It waits for its camera.
pub(super) fn response(app: &App, peer: &Peer, name: &CameraName) -> Response {
    let ticket = match app.admission.admit(peer.remote.ip()) {
        Ok(ticket) => ticket,
        Err(refusal) => return refusal.into_response(),
    };
    let cursor = app.streams.get(name).join_video();
    let units = futures_util::stream::unfold((cursor, ticket), |(mut cursor, ticket)| async {
        let item = cursor.next().await;
        let packets = item.unit.ts();
        let gap = if item.lost > 0 { ts::discontinuity_packets(&packets).into() } else { Bytes::new() };
        Some((futures_util::stream::iter([gap, packets]), (cursor, ticket)))
    });
    let body = units
        .flatten()
        .filter(|bytes| std::future::ready(!bytes.is_empty()))
        .take_until(app.shutdown.clone().cancelled_owned())
        .map(Ok::<_, Infallible>);
    ([(header::CONTENT_TYPE, "video/mp2t"), NO_STORE], Body::from_stream(body)).into_response()
}
