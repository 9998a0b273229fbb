//! `/api`: what pages and programs may ask of this server. Who may is decided in [`access`](crate::access).

use crate::server::App;
use crate::streams::Named;
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::patch;
use lenscast_protocol::control::{FPS, Hello, PictureRequest, QUALITY, SIZES};
use serde::Deserialize;
use std::sync::Arc;

/// Largest body of a request, in bytes.
const MAX_BODY: usize = 4096;

/// Everything under `/api`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/cameras/{name}", patch(change_camera)).layer(DefaultBodyLimit::max(MAX_BODY))
}

/// What can be changed about a camera.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    size: Option<String>,
    quality: Option<i64>,
    fps: Option<f64>,
}

/// `PATCH /api/cameras/{name}`: asks the camera's device for another picture, and answers with what was asked.
async fn change_camera(
    State(app): State<Arc<App>>,
    Named(name): Named,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let no = |code: StatusCode, sentence: String| (code, format!("{sentence}\n")).into_response();
    let body = match body {
        Ok(body) => body,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return no(error.status(), format!("The request has more than {MAX_BODY} bytes."));
        }
        Err(error) => return error.into_response(),
    };
    let request = match picture_request(&body) {
        Ok(request) => request,
        Err(sentence) => return no(StatusCode::BAD_REQUEST, sentence),
    };
    let Some(session) = app.streams.get(&name).session() else {
        return no(StatusCode::NOT_FOUND, format!("No camera {name} is connected."));
    };
    let Some(device) = &session.device else {
        let sentence = format!(
            "The camera {name} cannot be asked: its firmware does not speak lenscast.v1. Change the picture on the camera itself."
        );
        return no(StatusCode::CONFLICT, sentence);
    };
    if let Some(sentence) = device.told().and_then(|told| beyond_sensor(&request, &told.hello)) {
        return no(StatusCode::BAD_REQUEST, sentence);
    }
    tracing::info!(camera = %name, ?request, "another picture is asked for");
    device.ask(request.clone());
    (StatusCode::ACCEPTED, Json(request)).into_response()
}

/// Reads a request's body, or says what is wrong with it.
fn picture_request(body: &[u8]) -> Result<PictureRequest, String> {
    let change: Change = serde_json::from_slice(body).map_err(|error| {
        format!("The request must be a JSON object with any of size, quality and fps, and is not: {error}.")
    })?;
    let Change { size, quality, fps } = change;
    if size.is_none() && quality.is_none() && fps.is_none() {
        return Err("The request must say any of size, quality and fps.".into());
    }
    if let Some(size) = &size
        && !SIZES.iter().any(|(name, ..)| name == size)
    {
        let names = SIZES.map(|(name, ..)| name).join(", ");
        return Err(format!("There is no size {size:?}; it is one of {names}."));
    }
    let quality = match quality.map(u8::try_from) {
        None => None,
        Some(Ok(quality)) if QUALITY.contains(&quality) => Some(quality),
        Some(_) => {
            return Err(format!("The quality is {} (worst) to {} (best).", QUALITY.start(), QUALITY.end()));
        }
    };
    if fps.is_some_and(|fps| !FPS.contains(&fps)) {
        return Err(format!("The rate is {} to {} frames a second.", FPS.start(), FPS.end()));
    }
    Ok(PictureRequest { size, quality, fps })
}

/// Says so when a device has told that its sensor has no such size.
fn beyond_sensor(request: &PictureRequest, hello: &Hello) -> Option<String> {
    let Hello { max_width, max_height, .. } = *hello;
    let (name, width, height) = SIZES.into_iter().find(|(name, ..)| request.size.as_deref() == Some(name))?;
    let known = max_width > 0 && max_height > 0;
    (known && (width > max_width || height > max_height)).then(|| {
        format!("The camera has no size {name} ({width} × {height}): its sensor has {max_width} × {max_height} at most.")
    })
}
