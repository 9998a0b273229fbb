//! `/api/access/…`: credentials, listed, made and revoked.

use super::openapi::words::MAX_FOR_S;
use super::openapi::{About, Tag, credentials, words};
use super::problem::Problem;
use super::{json, no};
use crate::named::Named;
use crate::places::Places;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_auth::cameras::Cameras;
use lenscast_auth::ids::Id;
use lenscast_auth::password::StoredHash;
use lenscast_auth::records::Role;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_auth::store::{Store, StoreError};
use lenscast_base::time::now;
use lenscast_gate::Gate;
use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// When something cannot be written to the disk.
const NOT_KEPT: &str = "This cannot be kept. Nothing has changed.";

/// What a new token, or camera's key, is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What it is for.
    #[schema(value_type = credentials::Kind)]
    kind: Kind,
    /// What the owner calls it.
    #[serde(default)]
    #[schema(value_type = words::Label)]
    label: String,
    /// The cameras that may be watched with it, or whose key it is; null is all.
    #[schema(value_type = Option<Vec<words::CameraName>>, min_items = 1)]
    cameras: Option<Vec<String>>,
    /// For how long; null is for ever.
    #[schema(value_type = Option<words::GoodFor>)]
    expires_in_s: Option<u64>,
}

/// Who a new user is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// What the user logs in with; nobody else has it.
    #[schema(value_type = words::UserName)]
    name: String,
    /// The password.
    #[schema(value_type = words::Password)]
    password: String,
    /// What the user may do.
    #[schema(value_type = credentials::Role)]
    role: Role,
    /// The cameras that one who watches may watch; null is all.
    #[schema(value_type = Option<Vec<words::CameraName>>)]
    cameras: Option<Vec<String>>,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The password.
    #[schema(value_type = words::Password)]
    password: String,
}

/// What a new share link is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewShare {
    /// The camera that may be watched with it; null is all.
    #[schema(value_type = Option<words::CameraName>)]
    camera: Option<String>,
    /// For how long.
    #[schema(value_type = words::GoodFor)]
    for_s: u64,
    /// What the owner calls it.
    #[serde(default)]
    #[schema(value_type = words::Label)]
    label: String,
}

/// A token, with its secret.
#[derive(Serialize, ToSchema)]
struct MadeToken<'a> {
    /// From when on it is no good; null is never.
    #[schema(required)]
    expires: Option<u64>,
    /// What it is revoked by.
    #[schema(value_type = words::Id)]
    id: &'a str,
    /// Addresses at which a browser opens the pages with it; none for a camera's key.
    links: Vec<String>,
    /// The token or key itself. It is shown this once.
    secret: &'a str,
}

/// A user that was made.
#[derive(Serialize, ToSchema)]
struct MadeUser<'a> {
    /// What the user is revoked by.
    #[schema(value_type = words::Id)]
    id: &'a str,
}

/// A share link. Its token is shown this once.
#[derive(Serialize, ToSchema)]
struct MadeShare<'a> {
    /// From when on it is no good.
    expires: u64,
    /// What it is revoked by.
    #[schema(value_type = words::Id)]
    id: &'a str,
    /// The links, for every address of this computer.
    links: Vec<String>,
    /// The path of the links, for who reaches this server by another address.
    path: &'a str,
}

/// The part of the API's description that tells about [`list`].
#[must_use]
pub fn about_list() -> About {
    let text = "With their last use, and never with a secret. Those that have expired are left out.";
    About::new("listAccess", Tag::Access, "Users, tokens, shares and sessions", text)
        .answer::<credentials::Listing>(200, "All of them.")
}

/// The part of the API's description that tells about [`add_token`].
#[must_use]
pub fn about_add_token() -> About {
    let text = "Its secret is shown this once: only its hash is kept. When a camera has a key, nobody elsewhere can be that camera without \
                one, also when the key is taken back or has expired, until its name is opened. A key for all cameras is accepted from every \
                camera, and closes none to those without.";
    About::new("createToken", Tag::Access, "Makes a token, or a camera's key", text)
        .body::<NewToken>("What it is to be.")
        .answer::<MadeToken<'_>>(201, "It is made.")
        .refuses(StatusCode::CONFLICT, "There are as many as there may be.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, NOT_KEPT)
}

/// The part of the API's description that tells about [`add_user`].
#[must_use]
pub fn about_add_user() -> About {
    About::new("createUser", Tag::Access, "Makes a user with a password", "")
        .body::<NewUser>("Who it is to be.")
        .answer::<MadeUser<'_>>(201, "The user is made.")
        .refuses(StatusCode::CONFLICT, "There is a user of this name, or there are as many as there may be.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, NOT_KEPT)
}

/// The part of the API's description that tells about [`set_password`].
#[must_use]
pub fn about_set_password() -> About {
    let text = "The user's sessions end, and connections that were opened with the old password.";
    About::new("setPassword", Tag::Access, "Gives a user another password", text)
        .path::<words::UserName>("name", "The user.")
        .body::<NewPassword>("The password.")
        .answer_empty(204, "It is changed.")
        .refuses(StatusCode::NOT_FOUND, "There is no user of this name.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, NOT_KEPT)
}

/// The part of the API's description that tells about [`add_share`].
#[must_use]
pub fn about_add_share() -> About {
    let text = "With the link one camera, or all, may be watched for a while, without a login.";
    About::new("createShare", Tag::Access, "Makes a share link", text)
        .body::<NewShare>("What it is to be.")
        .answer::<MadeShare<'_>>(201, "It is made.")
        .refuses(StatusCode::CONFLICT, "There are as many as there may be.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, NOT_KEPT)
}

/// The part of the API's description that tells about [`revoke`].
#[must_use]
pub fn about_revoke() -> About {
    let text = "Connections that were let in by it end, and so do the sessions that began with it. A camera whose key it was stays closed to \
                everybody without one.";
    About::new("revokeAccess", Tag::Access, "Takes back a user, token, share or session", text)
        .path::<words::Id>("id", "What it is called in the list.")
        .answer_empty(204, "It is no good any more.")
        .refuses(StatusCode::BAD_REQUEST, "This is no id.")
        .refuses(StatusCode::NOT_FOUND, "There is nothing of this id.")
        .refuses(StatusCode::CONFLICT, "It stands in the configuration.")
        .refuses(
            StatusCode::INTERNAL_SERVER_ERROR,
            "It is no good any more, but that cannot be kept: it is good again when the server is started again.",
        )
}

/// The part of the API's description that tells about [`open_camera`].
#[must_use]
pub fn about_open_camera() -> About {
    let text = "A camera that had a key is closed to everybody elsewhere who has none, until this is done. Then any device that may send \
                pictures without a key may send them as this camera again.";
    About::new("openCamera", Tag::Access, "Opens the name of a camera that had a key", text)
        .path::<words::CameraName>("name", "The camera.")
        .answer_empty(204, "It is open.")
        .refuses(StatusCode::BAD_REQUEST, "This is no name of a camera.")
        .refuses(StatusCode::NOT_FOUND, "The camera is not closed.")
        .refuses(StatusCode::CONFLICT, "It has a key: that has to be taken back first.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, NOT_KEPT)
}

/// `GET /api/access`: all credentials, without their secrets.
pub async fn list(State(gate): State<Gate>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(gate.auth().store().list(now()))).into_response()
}

/// `POST /api/access/tokens`: makes a token or a camera's key, and tells its secret this once.
pub async fn add_token(
    State(gate): State<Gate>,
    State(places): State<Places>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let NewToken { kind, label, cameras, expires_in_s } = json(
        body,
        "a JSON object with a kind (view, admin or camera), and perhaps label, cameras and expires_in_s",
    )?;
    let cameras = self::cameras(cameras)?;
    let expires = expires_in_s.map(ends).transpose()?;
    let (id, secret) =
        change(&gate, move |store| store.add_token(kind, &label, cameras, expires, now())).await?;
    tracing::info!(%id, ?kind, "a token is made");
    let links = if kind == Kind::Camera { Vec::new() } else { links(&places, "", &secret) };
    Ok(made(&MadeToken { expires, id: id.as_str(), links, secret: secret.expose() }))
}

/// `POST /api/access/users`: makes a user.
pub async fn add_user(
    State(gate): State<Gate>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let NewUser { name, password, role, cameras } =
        json(body, "a JSON object with name, password and role (view or admin), and perhaps cameras")?;
    let cameras = self::cameras(cameras)?;
    let hash = hash(&gate, password).await?;
    let id = change(&gate, move |store| store.add_user(&name, role, cameras, hash, now())).await?;
    tracing::info!(%id, "a user is made");
    Ok(made(&MadeUser { id: id.as_str() }))
}

/// `PUT /api/access/users/{name}/password`: gives a user another password.
pub async fn set_password(
    State(gate): State<Gate>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let NewPassword { password } = json(body, "a JSON object with a password")?;
    let hash = hash(&gate, password).await?;
    change(&gate, move |store| store.set_password(&name, hash, now())).await?;
    tracing::info!("a password is changed");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/access/shares`: makes a link with which one camera, or all, may be watched for a while.
pub async fn add_share(
    State(gate): State<Gate>,
    State(places): State<Places>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let NewShare { camera, for_s, label } = json(
        body,
        "a JSON object with camera (a name, or null for all), for_s (seconds) and perhaps a label",
    )?;
    let camera = camera.map(|name| self::camera(&name)).transpose()?;
    let expires = ends(for_s)?;
    let page = camera.as_ref().map_or_else(String::new, |camera| format!("camera/{camera}"));
    let (id, secret) = change(&gate, move |store| store.add_share(camera, &label, expires, now())).await?;
    tracing::info!(%id, "a share is made");
    let path = format!("{}{page}?token={}", places.base_path(), secret.expose());
    let links = links(&places, &page, &secret);
    Ok(made(&MadeShare { expires, id: id.as_str(), links, path: &path }))
}

/// `DELETE /api/access/{id}`: revokes a user, token, share or session.
pub async fn revoke(State(gate): State<Gate>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = Id::new(&id).map_err(|error| no(StatusCode::BAD_REQUEST, format!("Wrong id: {error}.")))?;
    let configured = gate.auth().store().list(now()).configured;
    let mut ids =
        configured.users.iter().map(|user| &user.id).chain(configured.tokens.iter().map(|key| &key.id));
    if ids.any(|known| *known == id) {
        let sentence = "This stands in the configuration: take it out there, and reload.";
        return Err(no(StatusCode::CONFLICT, sentence));
    }
    let told = id.clone();
    change(&gate, move |store| store.revoke(&id, now())).await?;
    tracing::info!(id = %told, "a credential is revoked");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE /api/access/closed/{name}`: opens the name of a camera that had a key.
pub async fn open_camera(State(gate): State<Gate>, Named(name): Named) -> Result<Response, Problem> {
    let opened = name.clone();
    change(&gate, move |store| store.open_camera(&opened, now())).await?;
    tracing::info!(camera = %name, "a camera's name is open again");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a change, which is on the disk when this returns, and is made whole even when nobody waits for it.
async fn change<T: Send + 'static>(
    gate: &Gate,
    change: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let work = gate.clone();
    let done = tokio::task::spawn_blocking(move || change(work.auth().store())).await;
    let not_kept = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "credentials cannot be kept");
        no(StatusCode::INTERNAL_SERVER_ERROR, format!("This cannot be kept: {error}."))
    };
    let refused = |code, error: StoreError| {
        let sentence = error.to_string();
        let (first, rest) = sentence.split_at(sentence.chars().next().map_or(0, char::len_utf8));
        Err(no(code, format!("{}{rest}.", first.to_uppercase())))
    };
    match done.map_err(|error| not_kept(&error))? {
        Ok(done) => Ok(done),
        Err(StoreError::State(error)) => Err(not_kept(&error)),
        Err(error @ StoreError::Unkept(_)) => {
            tracing::error!(%error, "credentials cannot be kept");
            refused(StatusCode::INTERNAL_SERVER_ERROR, error)
        }
        Err(error @ StoreError::Unknown(_)) => refused(StatusCode::NOT_FOUND, error),
        Err(error @ (StoreError::Taken(_) | StoreError::Keyed(_) | StoreError::Full { .. })) => {
            refused(StatusCode::CONFLICT, error)
        }
        Err(error @ (StoreError::Invalid(_) | StoreError::Expired | StoreError::Pointless(_))) => {
            refused(StatusCode::BAD_REQUEST, error)
        }
    }
}

async fn hash(gate: &Gate, password: String) -> Result<StoredHash, Problem> {
    let work = gate.clone();
    let hash = gate.passwords(move || work.auth().passwords().hash(&Secret::new(password))).await;
    hash.map_err(|error| no(StatusCode::BAD_REQUEST, format!("This cannot be the password: {error}.")))
}

fn made(answer: &impl Serialize) -> Response {
    (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// Every address at which a page can be opened, with the token.
fn links(places: &Places, page: &str, secret: &Secret) -> Vec<String> {
    let places = places.all();
    places.iter().map(|place| format!("{place}{page}?token={}", secret.expose())).collect()
}

fn ends(for_s: u64) -> Result<u64, Problem> {
    if (1..=MAX_FOR_S).contains(&for_s) {
        return Ok(now() + for_s);
    }
    Err(no(StatusCode::BAD_REQUEST, format!("It can be good for 1 to {MAX_FOR_S} seconds.")))
}

fn cameras(names: Option<Vec<String>>) -> Result<Cameras, Problem> {
    let names: Option<Result<BTreeSet<CameraName>, Problem>> =
        names.map(|names| names.iter().map(|name| camera(name)).collect());
    names.transpose()
}

fn camera(name: &str) -> Result<CameraName, Problem> {
    CameraName::new(name)
        .map_err(|error| no(StatusCode::BAD_REQUEST, format!("Wrong name of a camera: {error}.")))
}
