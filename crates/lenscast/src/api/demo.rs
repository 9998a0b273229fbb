//! `POST /api/demo` and `DELETE /api/demo`: a virtual camera, for somebody who has none.

use super::problem::Problem;
use super::{cameras, no};
use crate::demo::{self, Refusal};
use crate::server::App;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lenscast_protocol::CameraName;
use serde::Deserialize;
use std::sync::Arc;

/// Which one.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Which {
    name: String,
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

/// `POST /api/demo`.
pub async fn start(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = super::body(body)?;
    let which = if body.is_empty() { Ok(Which::default()) } else { serde_json::from_slice(&body) };
    let which = which.map_err(|error| {
        let sentence = format!("The request is empty or a JSON object with a name, and is not: {error}.");
        no(StatusCode::BAD_REQUEST, sentence)
    })?;
    let name = which.name()?;
    let answer =
        |code: StatusCode| (code, Json(serde_json::json!({ "name": name.as_str() }))).into_response();
    match demo::start(&app, name.clone(), demo::picture()) {
        Ok(_task) => Ok(answer(StatusCode::CREATED)),
        Err(Refusal::Running) => Ok(answer(StatusCode::OK)),
        Err(refusal @ Refusal::Taken) => Err(no(StatusCode::CONFLICT, refusal)),
        Err(refusal @ (Refusal::Full | Refusal::NoRoom(_))) => {
            Err(no(StatusCode::SERVICE_UNAVAILABLE, refusal))
        }
    }
}

/// `DELETE /api/demo`.
pub async fn stop(
    State(app): State<Arc<App>>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let Ok(Query(which)) = which else {
        return Err(no(StatusCode::BAD_REQUEST, "The query may say name=NAME."));
    };
    let name = which.name()?;
    if !demo::stop(&app, &name).await {
        return Err(no(StatusCode::NOT_FOUND, format!("No virtual camera {name} is running.")));
    }
    // Another camera may have come by that name meanwhile; that one is not forgotten.
    let _ = cameras::forget_now(&app, name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
