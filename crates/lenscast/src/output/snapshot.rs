//! `GET /snapshot.jpg`: the newest good frame.

use super::{NO_STORE, split};
use crate::server::App;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_protocol::CameraName;
use std::sync::Arc;

/// `GET /snapshot.jpg`.
pub async fn default_camera(State(app): State<Arc<App>>) -> Response {
    response(&app, &CameraName::default())
}

/// `GET /snapshot/{name}.jpg`.
pub async fn named_camera(State(app): State<Arc<App>>, Path(file): Path<String>) -> Response {
    match split(&file) {
        Some((name, "jpg")) => response(&app, &name),
        _ => (StatusCode::NOT_FOUND, "Snapshots are /snapshot/NAME.jpg\n").into_response(),
    }
}

fn response(app: &App, name: &CameraName) -> Response {
    let stream = app.streams.get(name);
    let max_age = app.config().limits.snapshot_max_age;
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
