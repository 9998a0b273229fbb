//! The outputs: one file each. An output reads a [`Stream`](crate::stream::Stream) through a cursor, and sees nothing else.
//!
//! A new output goes here: a file with a handler that joins a stream, and its route in [`server`](crate::server).

pub mod mjpeg;
pub mod snapshot;
pub mod ts;
pub mod viewer;

use crate::access::Visitor;
use crate::admission::Refusal;
use crate::api::openapi::{About, Tag, words};
use crate::server::App;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_auth::rights::Right;
use lenscast_protocol::CameraName;
use std::sync::Arc;

/// What is live must not be kept by anybody on the way.
const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// What a stream of a camera by its name is.
#[must_use]
pub fn about() -> About {
    let text = "`NAME.mjpg` is what `/stream.mjpg` is, and `NAME.ts` what `/stream.ts` is, of the camera of this name.";
    watched(About::new("getStreamOf", Tag::Pictures, "A camera's pictures, without an end", text))
        .path::<words::StreamFile>("file", "The camera's name, and the format.")
        .answer_as(200, mjpeg::CONTENT_TYPE, mjpeg::ANSWER)
        .also_as(200, ts::CONTENT_TYPE)
        .refuses(StatusCode::NOT_FOUND, "This is neither of the two.")
}

/// What is said to who may watch, and cannot.
fn watched(about: About) -> About {
    about
        .refuses(StatusCode::SERVICE_UNAVAILABLE, "As many watch as may.")
        .refuses(StatusCode::TOO_MANY_REQUESTS, "As many watch from this address as may.")
}

/// `GET /stream/{name}.mjpg` and `GET /stream/{name}.ts`.
pub async fn stream_file(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path(file): Path<String>,
) -> Response {
    match split(&file) {
        Some((name, "mjpg")) => mjpeg::response(&app, &visitor, &name),
        Some((name, "ts")) => ts::response(&app, &visitor, &name),
        _ => (StatusCode::NOT_FOUND, "Streams are /stream/NAME.mjpg and /stream/NAME.ts\n").into_response(),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = match self {
            Self::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::AddressFull(_) => StatusCode::TOO_MANY_REQUESTS,
        };
        (code, format!("{self}\n")).into_response()
    }
}

/// Returns when an endless answer is to end: with the server, or with the right to watch.
fn over(app: &Arc<App>, visitor: &Visitor, name: &CameraName) -> impl Future<Output = ()> + Send + use<> {
    let (shutdown, hold) = (app.shutdown.clone(), visitor.hold(app, Right::View, name));
    async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = hold.lost() => {}
        }
    }
}

/// Splits `name.suffix`, where `name` is a camera's.
fn split(file: &str) -> Option<(CameraName, &str)> {
    let (name, suffix) = file.rsplit_once('.')?;
    Some((CameraName::new(name).ok()?, suffix))
}
