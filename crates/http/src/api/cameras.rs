//! `PATCH` and `DELETE /api/cameras/{name}`, `DELETE /api/cameras`: another picture, another title, another way up, and
//! forgetting cameras.

use super::no;
use super::openapi::{About, Tag, words};
use super::problem::Problem;
use crate::named::Named;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lenscast_base::state::StateError;
use lenscast_cameras::titles;
use lenscast_cameras::{Cameras, Forgotten};
use lenscast_live::Session;
use lenscast_media::turn::Turn;
use lenscast_protocol::CameraName;
use lenscast_protocol::control::{FPS, Hello, PictureRequest, QUALITY, SIZES};
use serde::{Deserialize, Deserializer, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What is to be changed about a camera: any of these, and at least one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CameraChange, min_properties = 1)]
struct Change {
    // `Some(None)` is null.
    /// Another title. White space around it is cut; null, or nothing but white space, takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<words::Title>)]
    title: Option<Option<String>>,
    /// How its pictures are to be turned.
    #[schema(value_type = words::Degrees, required = false)]
    turn: Option<i64>,
    /// Whether its pictures are to be mirrored (left and right), before they are turned.
    #[schema(required = false, nullable = false)]
    mirrored: Option<bool>,
    /// Another size.
    #[schema(value_type = words::Size, required = false)]
    size: Option<String>,
    /// Another quality.
    #[schema(value_type = words::Quality, required = false)]
    quality: Option<i64>,
    /// Another rate.
    #[schema(value_type = words::FrameRate, required = false)]
    fps: Option<f64>,
}

/// What is asked for, once it is known to make sense.
#[derive(Debug, PartialEq)]
struct Wish {
    /// `Some(None)` takes the title away.
    title: Option<Option<String>>,
    turn: Option<TurnWish>,
    picture: Option<PictureRequest>,
}

/// How pictures are to be turned: what is not said stays.
#[derive(Clone, Copy, Debug, PartialEq)]
struct TurnWish {
    degrees: Option<u16>,
    mirrored: Option<bool>,
}

impl TurnWish {
    /// What comes of it for pictures that are turned so now.
    fn after(self, now: Turn) -> Turn {
        let degrees = self.degrees.unwrap_or(now.degrees());
        Turn::new(self.mirrored.unwrap_or(now.mirrored()), degrees).unwrap_or(now)
    }
}

/// What was changed, and what was asked of the device. What was not asked for is left out.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = CameraChanged)]
struct Changed {
    /// What is shown as the title from now on: the camera's name when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    title: Option<String>,
    /// How its pictures are turned from the next one on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::Degrees, required = false)]
    turn: Option<u16>,
    /// Whether its pictures are mirrored from the next one on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    mirrored: Option<bool>,
    /// The size that the device was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::Size, required = false)]
    size: Option<String>,
    /// The quality that the device was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::Quality, required = false)]
    quality: Option<u8>,
    /// The rate that the device was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::FrameRate, required = false)]
    fps: Option<f64>,
}

/// The part of the API's description that tells about [`change`].
#[must_use]
pub fn about_change() -> About {
    let text = "Gives a camera a title, turns its pictures, asks its device for another picture, or all of that. All of it is done or \
                nothing. Title and turn work for a camera that is not connected, too; they follow the camera's device to another name. The \
                turn comes after what the EXIF of the pictures says; video is turned, and JPEGs say it in their EXIF. The device keeps to \
                another picture until it restarts.";
    About::new("changeCamera", Tag::Cameras, "Changes a camera's title or picture", text)
        .path::<words::CameraName>("name", "The camera.")
        .body::<Change>("What is to be another.")
        .answer::<Changed>(200, "Title and turn are changed, and nothing was asked of the device.")
        .answer::<Changed>(
            202,
            "The device is asked for another picture; title and turn are changed if they were given.",
        )
        .refuses(
            StatusCode::BAD_REQUEST,
            "This is no name of a camera, or it is more than the camera's sensor can do.",
        )
        .refuses(StatusCode::NOT_FOUND, "Another picture is asked for, and no such camera is connected.")
        .refuses(StatusCode::CONFLICT, "The camera's firmware cannot be asked for another picture.")
        .refuses(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Title or turn cannot be kept. The device is not asked for anything.",
        )
}

/// `PATCH`: gives a camera a title, asks its device for another picture, or both; or does neither.
pub async fn change(
    State(cameras): State<Cameras>,
    Named(name): Named,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = super::body(body)?;
    let Wish { title, turn, picture } =
        wish(&body).map_err(|sentence| no(StatusCode::BAD_REQUEST, sentence))?;
    let session = picture.as_ref().map(|picture| askable(&cameras, &name, picture)).transpose()?;
    let title = match title {
        None => None,
        Some(title) => {
            let (cameras, name) = (cameras.clone(), name.clone());
            Some(written(move || cameras.set_title(&cameras.owner(&name), title)).await?)
        }
    };
    let turn = match turn {
        None => None,
        Some(wish) => {
            let (cameras, name) = (cameras.clone(), name.clone());
            Some(
                written(move || {
                    let turn = wish.after(cameras.turn(&name));
                    cameras.set_turn(&name, turn).map(|()| turn)
                })
                .await?,
            )
        }
    };
    let kept = Changed {
        title,
        turn: turn.map(Turn::degrees),
        mirrored: turn.map(Turn::mirrored),
        ..Changed::default()
    };
    let Some((picture, session)) = picture.zip(session) else {
        return Ok(Json(kept).into_response());
    };
    tracing::info!(camera = %name, request = ?picture, "another picture is asked for");
    if let Some(device) = &session.device {
        device.ask(picture.clone());
    }
    let PictureRequest { size, quality, fps } = picture;
    Ok((StatusCode::ACCEPTED, Json(Changed { size, quality, fps, ..kept })).into_response())
}

/// The part of the API's description that tells about [`forget`].
#[must_use]
pub fn about_forget() -> About {
    let text = "With its counters, its history and its title. Who waits for it goes on waiting.";
    About::new("forgetCamera", Tag::Cameras, "Forgets a camera that is not connected", text)
        .path::<words::CameraName>("name", "The camera.")
        .answer_empty(204, "It is forgotten.")
        .refuses(StatusCode::BAD_REQUEST, "This is no name of a camera.")
        .refuses(StatusCode::NOT_FOUND, "No such camera is known.")
        .refuses(StatusCode::CONFLICT, "It is connected.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, "It cannot be taken from the disk that it had a title.")
}

/// `DELETE`: forgets a camera that is not connected.
pub async fn forget(State(cameras): State<Cameras>, Named(name): Named) -> Result<Response, Problem> {
    match forget_now(&cameras, name.clone()).await? {
        Forgotten::Yes => Ok(StatusCode::NO_CONTENT.into_response()),
        Forgotten::Connected => {
            let sentence =
                format!("The camera {name} is connected. Switch it off first, and then forget it.");
            Err(no(StatusCode::CONFLICT, sentence))
        }
        Forgotten::Unknown => Err(no(StatusCode::NOT_FOUND, format!("No camera {name} is known."))),
    }
}

/// Forgets a camera, its history and its title, unless it is connected.
///
/// # Errors
/// When it cannot be written that the title is gone.
pub async fn forget_now(cameras: &Cameras, name: CameraName) -> Result<Forgotten, Problem> {
    let cameras = cameras.clone();
    written(move || cameras.forget(&name)).await
}

/// The cameras that were forgotten.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CamerasForgotten)]
struct ForgottenAll {
    /// Their names.
    #[schema(value_type = Vec<words::CameraName>)]
    forgotten: Vec<String>,
}

/// The part of the API's description that tells about [`forget_all`].
#[must_use]
pub fn about_forget_all() -> About {
    let text = "All that are remembered and not connected, each with its counters, its history and its title. Who waits for one goes on \
                waiting.";
    About::new("forgetCameras", Tag::Cameras, "Forgets all cameras that are gone", text)
        .answer::<ForgottenAll>(200, "They are forgotten.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, "It cannot be taken from the disk that they had titles.")
}

/// `DELETE /api/cameras`: forgets all cameras that are not connected.
pub async fn forget_all(State(cameras): State<Cameras>) -> Result<Response, Problem> {
    let forgotten = written(move || cameras.forget_absent()).await?;
    let forgotten = forgotten.iter().map(ToString::to_string).collect();
    Ok(Json(ForgottenAll { forgotten }).into_response())
}

/// Does what writes titles and turns to the disk; it is done whole even when whoever asked for it does not wait.
async fn written<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StateError> + Send + 'static,
) -> Result<T, Problem> {
    let not_kept = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "what a camera was given cannot be kept");
        no(StatusCode::INTERNAL_SERVER_ERROR, format!("It cannot be kept: {error}."))
    };
    let result = tokio::task::spawn_blocking(work).await;
    result.map_err(|error| not_kept(&error))?.map_err(|error| not_kept(&error))
}

/// The connection whose device can be asked for a picture, or why there is none.
fn askable(cameras: &Cameras, name: &CameraName, picture: &PictureRequest) -> Result<Arc<Session>, Problem> {
    let Some(session) = cameras.streams().find(name).and_then(|stream| stream.session()) else {
        return Err(no(StatusCode::NOT_FOUND, format!("No camera {name} is connected.")));
    };
    let Some(device) = &session.device else {
        let sentence = format!(
            "The camera {name} cannot be asked: its firmware does not speak lenscast.v1. Change the picture on the camera itself."
        );
        return Err(no(StatusCode::CONFLICT, sentence));
    };
    match device.told().and_then(|told| beyond_sensor(picture, &told.hello)) {
        Some(sentence) => Err(no(StatusCode::BAD_REQUEST, sentence)),
        None => Ok(session),
    }
}

/// Reads a request's body, or says what is wrong with it.
fn wish(body: &[u8]) -> Result<Wish, String> {
    let change: Change = super::object(body).map_err(|error| {
        let why = error.map_or_else(String::new, |error| format!(": {error}"));
        format!(
            "The request must be a JSON object with any of title, size, quality and fps, turn and mirrored, and is not{why}."
        )
    })?;
    let Change { title, turn, mirrored, size, quality, fps } = change;
    let some_picture = size.is_some() || quality.is_some() || fps.is_some();
    let some_turn = turn.is_some() || mirrored.is_some();
    if title.is_none() && !some_turn && !some_picture {
        return Err("The request must say any of title, size, quality and fps, turn and mirrored.".into());
    }
    let degrees = match turn.map(u16::try_from) {
        None => None,
        Some(Ok(degrees)) if Turn::new(false, degrees).is_some() => Some(degrees),
        Some(_) => return Err("A picture is turned by 0, 90, 180 or 270 degrees, clockwise.".into()),
    };
    let title = title.map(|title| titles::parse(&title.unwrap_or_default())).transpose()?;
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
    let turn = some_turn.then_some(TurnWish { degrees, mirrored });
    Ok(Wish { title, turn, picture: some_picture.then_some(PictureRequest { size, quality, fps }) })
}

/// A field that is there, be it null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
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
