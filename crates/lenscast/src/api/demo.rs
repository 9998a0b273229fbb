//! `POST /api/demo` and `DELETE /api/demo`: a virtual camera, for somebody who has none.

use crate::demo::{self, Demos, Refusal};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lenscast_cameras::Cameras;
use lenscast_http::api::openapi::{About, Tag, words};
use lenscast_http::api::problem::Problem;
use lenscast_http::api::{self, cameras, no};
use lenscast_protocol::CameraName;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which virtual camera.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = DemoRequest)]
pub struct Which {
    /// Its name: `demo`, unless it is given.
    #[schema(value_type = words::CameraName)]
    name: String,
}

/// The same in a query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    name: Option<String>,
    /// The credential may stand there, too. It has been looked at before.
    #[serde(rename = "token")]
    _token: Option<IgnoredAny>,
}

/// A virtual camera that runs.
#[derive(Serialize, ToSchema)]
#[schema(as = Demo)]
struct Running<'a> {
    /// Its name.
    #[schema(value_type = words::CameraName)]
    name: &'a str,
}

impl Default for Which {
    fn default() -> Self {
        Self { name: "demo".into() }
    }
}

impl Which {
    fn name(&self) -> Result<CameraName, Problem> {
        CameraName::new(&self.name).map_err(|error| no(StatusCode::BAD_REQUEST, error))
    }
}

/// The part of the API's description that tells about [`start`].
#[must_use]
pub fn about_start() -> About {
    let text = "For who has no camera yet: a test pattern of 640 × 480 pixels at 15 frames a second, from inside the server. It ends with \
                the server.";
    About::new("startDemo", Tag::Cameras, "Starts a virtual camera", text)
        .body_or_none::<Which>("Which one; without a body, the one called `demo`.")
        .answer::<Running<'_>>(201, "It is started.")
        .answer::<Running<'_>>(200, "It was running already.")
        .refuses(StatusCode::BAD_REQUEST, "This is no name of a camera.")
        .refuses(StatusCode::CONFLICT, "Another camera has the name.")
        .refuses(
            StatusCode::SERVICE_UNAVAILABLE,
            "There are as many virtual cameras, or cameras of any kind, as there may be.",
        )
}

/// `POST /api/demo`.
pub async fn start(
    State(demos): State<Demos>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = api::body(body)?;
    let which = if body.is_empty() { Ok(Which::default()) } else { api::object(&body) };
    let which = which.map_err(|error| {
        let why = error.map_or_else(String::new, |error| format!(": {error}"));
        let sentence = format!("The request is empty or a JSON object with a name, and is not{why}.");
        no(StatusCode::BAD_REQUEST, sentence)
    })?;
    let name = which.name()?;
    let answer = |code: StatusCode| (code, Json(Running { name: name.as_str() })).into_response();
    match demos.start(name.clone(), demo::picture()) {
        Ok(_task) => Ok(answer(StatusCode::CREATED)),
        Err(Refusal::Running) => Ok(answer(StatusCode::OK)),
        Err(refusal @ Refusal::Taken) => Err(no(StatusCode::CONFLICT, refusal)),
        Err(refusal @ (Refusal::Full | Refusal::NoRoom(_))) => {
            Err(no(StatusCode::SERVICE_UNAVAILABLE, refusal))
        }
    }
}

/// The part of the API's description that tells about [`stop`].
#[must_use]
pub fn about_stop() -> About {
    About::new(
        "stopDemo",
        Tag::Cameras,
        "Ends a virtual camera",
        "It is forgotten, with its title and its history.",
    )
    .query::<words::CameraName>("name", "Which one; when it is left out, the one called `demo`.")
    .answer_empty(204, "It has ended.")
    .refuses(StatusCode::BAD_REQUEST, "This is no name of a camera, or the query says something else.")
    .refuses(StatusCode::NOT_FOUND, "No virtual camera of this name is running.")
    .refuses(StatusCode::INTERNAL_SERVER_ERROR, "It has ended, but its title cannot be taken from the disk.")
}

/// `DELETE /api/demo`.
pub async fn stop(
    State(demos): State<Demos>,
    State(cameras): State<Cameras>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Ok(Query(Asked { name, _token })) = asked else {
        return Err(no(StatusCode::BAD_REQUEST, "The query may say name=NAME."));
    };
    let name = name.map_or_else(Which::default, |name| Which { name }).name()?;
    if !demos.stop(&name).await {
        return Err(no(StatusCode::NOT_FOUND, format!("No virtual camera {name} is running.")));
    }
    // Another camera may have come by that name meanwhile; that one is not forgotten.
    let _ = cameras::forget_now(&cameras, name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
