//! `GET /snapshot.jpg`: the newest good frame.

use super::common::{NO_STORE, split};
use crate::api::openapi::{About, Tag, words};
use crate::serving::Serving;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_cameras::Cameras;
use lenscast_protocol::CameraName;

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    answered(About::new(
        "getSnapshot",
        Tag::Pictures,
        "The newest picture",
        "Of the camera `default`, as it sent it.",
    ))
}

/// The part of the API's description that tells about [`named_camera`].
#[must_use]
pub fn about_named() -> About {
    let text = "Of the camera of this name, as it sent it.";
    answered(About::new("getSnapshotOf", Tag::Pictures, "A camera's newest picture", text))
        .path::<words::SnapshotFile>("file", "The camera's name, and `.jpg`.")
        .refuses(StatusCode::NOT_FOUND, "This is no such path.")
}

fn answered(about: About) -> About {
    about.answer_as(200, "image/jpeg", "A JPEG.").refuses(
        StatusCode::SERVICE_UNAVAILABLE,
        "The camera has sent no picture, or none for 10 s (`snapshot_max_age`) and three of its usual intervals.",
    )
}

/// `GET /snapshot.jpg`.
pub async fn default_camera(State(cameras): State<Cameras>, State(serving): State<Serving>) -> Response {
    response(&cameras, &serving, &CameraName::default())
}

/// `GET /snapshot/{name}.jpg`.
pub async fn named_camera(
    State(cameras): State<Cameras>,
    State(serving): State<Serving>,
    Path(file): Path<String>,
) -> Response {
    match split(&file) {
        Some((name, "jpg")) => response(&cameras, &serving, &name),
        _ => (StatusCode::NOT_FOUND, "Snapshots are /snapshot/NAME.jpg\n").into_response(),
    }
}

fn response(cameras: &Cameras, serving: &Serving, name: &CameraName) -> Response {
    let stream = cameras.streams().get(name);
    let max_age = stream.patience(serving.config().snapshot_max_age);
    match stream.newest_jpeg() {
        Some(frame) if stream.age(frame.arrival) > max_age => {
            let seconds = stream.age(frame.arrival).as_secs();
            let sentence = format!("The camera {name} has sent no picture for {seconds} s.\n");
            (StatusCode::SERVICE_UNAVAILABLE, [NO_STORE], sentence).into_response()
        }
        Some(frame) => {
            let headers = [(header::CONTENT_TYPE, "image/jpeg"), NO_STORE];
            (headers, frame.bytes.clone()).into_response()
        }
        None => {
            let sentence =
                format!("The camera {name} has sent no picture: it is not connected, or has just come.\n");
            (StatusCode::SERVICE_UNAVAILABLE, [NO_STORE], sentence).into_response()
        }
    }
}
