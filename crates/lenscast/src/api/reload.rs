//! `POST /api/reload`: reads the settings again, as SIGHUP does.

use crate::program::Program;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lenscast_http::api::no;
use lenscast_http::api::openapi::{About, Tag};
use lenscast_http::api::problem::Problem;
use lenscast_settings::mistake::Mistakes;
use lenscast_settings::reload::Reload;

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "Reads the configuration file and the environment again, as SIGHUP does, and puts in force what can be. No connection is lost.";
    About::new("reload", Tag::Server, "Reads the configuration again", text)
        .answer::<Reload>(200, "What became of the keys that have changed.")
        .refuses(
            StatusCode::CONFLICT,
            "This server was started without a configuration that could be read again.",
        )
        .refuses(
            StatusCode::UNPROCESSABLE_ENTITY,
            "The configuration has mistakes, which `errors` lists. Nothing has changed.",
        )
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, "The server failed.")
}

/// `POST /api/reload`: 200 with what was applied and what waits for a restart; 422 with all that is wrong, and then nothing
/// has changed.
pub async fn handler(State(program): State<Program>) -> Response {
    // It reads files, and may wait for ffmpeg.
    match tokio::task::spawn_blocking(move || program.reload()).await {
        Ok(Some(Ok(reload))) => Json(reload).into_response(),
        Ok(Some(Err(mistakes))) => wrong(&mistakes).into_response(),
        Ok(None) => {
            let detail = "This server was started without settings that could be read again.";
            no(StatusCode::CONFLICT, detail).into_response()
        }
        Err(error) => no(StatusCode::INTERNAL_SERVER_ERROR, error).into_response(),
    }
}

fn wrong(mistakes: &Mistakes) -> Problem {
    let errors: Vec<String> = mistakes.0.iter().map(ToString::to_string).collect();
    let detail = "Nothing has changed: the configuration has mistakes.";
    no(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(errors)
}
