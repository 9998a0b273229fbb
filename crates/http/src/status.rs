//! `GET /status`: what is going on, for machines and the curious.

use super::api::openapi::{About, Tag};
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use lenscast_auth::rights::{Right, Rights};
use lenscast_cameras::Cameras;
use lenscast_cameras::status::Status;
use lenscast_gate::Visitor;

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "To be told by itself when something changes, listen to `/api/events`.";
    About::new("getStatus", Tag::Cameras, "What is going on", text).answer::<Status>(200, "What is going on.")
}

/// `GET /status`.
pub async fn handler(State(cameras): State<Cameras>, Extension(visitor): Extension<Visitor>) -> Response {
    let status = for_rights(&cameras.status(), visitor.rights());
    ([(header::CACHE_CONTROL, "no-store")], Json(status)).into_response()
}

/// The status as if there were no other cameras than those that may be watched.
#[must_use]
pub fn for_rights(status: &Status, rights: &Rights) -> Status {
    status.only(|camera| rights.allows(Right::View, Some(camera)))
}
