//! `/api/access/…`: credentials, listed, made and revoked.

use super::problem::Problem;
use super::{json, no};
use crate::access::now;
use crate::auth::password::StoredHash;
use crate::auth::records::{Cameras, Id, Role};
use crate::auth::secret::{Kind, Secret};
use crate::auth::store::{Store, StoreError};
use crate::banner;
use crate::server::App;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_protocol::CameraName;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Longest time for which something is good that expires, in seconds: ten years.
const MAX_FOR_S: u64 = 10 * 365 * 86_400;

/// What a new token, or camera's key, is to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    kind: Kind,
    #[serde(default)]
    label: String,
    /// All, when there are none.
    cameras: Option<Vec<String>>,
    expires_in_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
    password: String,
    role: Role,
    cameras: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewShare {
    /// Null is all.
    camera: Option<String>,
    for_s: u64,
    #[serde(default)]
    label: String,
}

/// `GET /api/access`: all credentials, without their secrets.
pub async fn list(State(app): State<Arc<App>>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(app.auth.store().list(now()))).into_response()
}

/// `POST /api/access/tokens`: makes a token or a camera's key, and tells its secret this once.
pub async fn add_token(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let NewToken { kind, label, cameras, expires_in_s } = json(
        body,
        "a JSON object with a kind (view, admin or camera), and perhaps label, cameras and expires_in_s",
    )?;
    let cameras = self::cameras(cameras)?;
    let expires = expires_in_s.map(ends).transpose()?;
    let (id, secret) =
        change(&app, move |store| store.add_token(kind, &label, cameras, expires, now())).await?;
    tracing::info!(%id, ?kind, "a token is made");
    let links = if kind == Kind::Camera { Vec::new() } else { links(&app, "", &secret) };
    Ok(made(&json!({ "id": id.as_str(), "secret": secret.expose(), "expires": expires, "links": links })))
}

/// `POST /api/access/users`: makes a user.
pub async fn add_user(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let NewUser { name, password, role, cameras } =
        json(body, "a JSON object with name, password and role (view or admin), and perhaps cameras")?;
    let cameras = self::cameras(cameras)?;
    let hash = hash(&app, password).await?;
    let id = change(&app, move |store| store.add_user(&name, role, cameras, hash, now())).await?;
    tracing::info!(%id, "a user is made");
    Ok(made(&json!({ "id": id.as_str() })))
}

/// `PUT /api/access/users/{name}/password`: gives a user another password.
pub async fn set_password(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let NewPassword { password } = json(body, "a JSON object with a password")?;
    let hash = hash(&app, password).await?;
    change(&app, move |store| store.set_password(&name, hash, now())).await?;
    tracing::info!("a password is changed");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/access/shares`: makes a link with which one camera, or all, may be watched for a while.
pub async fn add_share(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let NewShare { camera, for_s, label } = json(
        body,
        "a JSON object with camera (a name, or null for all), for_s (seconds) and perhaps a label",
    )?;
    let camera = camera.map(|name| self::camera(&name)).transpose()?;
    let expires = ends(for_s)?;
    let page = camera.as_ref().map_or_else(String::new, |camera| format!("camera/{camera}"));
    let (id, secret) = change(&app, move |store| store.add_share(camera, &label, expires, now())).await?;
    tracing::info!(%id, "a share is made");
    let path = format!("{}{page}?token={}", app.config().proxy.base_path, secret.expose());
    let links = links(&app, &page, &secret);
    Ok(made(&json!({ "id": id.as_str(), "path": path, "expires": expires, "links": links })))
}

/// `DELETE /api/access/{id}`: revokes a user, token, share or session.
pub async fn revoke(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = Id::new(&id).map_err(|error| no(StatusCode::BAD_REQUEST, format!("Wrong id: {error}.")))?;
    let configured = app.auth.store().list(now()).configured;
    let mut ids =
        configured.users.iter().map(|user| &user.id).chain(configured.tokens.iter().map(|key| &key.id));
    if ids.any(|known| *known == id) {
        let sentence = "This stands in the configuration: take it out there, and reload.";
        return Err(no(StatusCode::CONFLICT, sentence));
    }
    let told = id.clone();
    change(&app, move |store| store.revoke(&id, now())).await?;
    tracing::info!(id = %told, "a credential is revoked");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a change, which is on the disk when this returns, and is made whole even when nobody waits for it.
async fn change<T: Send + 'static>(
    app: &Arc<App>,
    change: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let work = app.clone();
    let done = tokio::task::spawn_blocking(move || change(work.auth.store())).await;
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
        Err(error @ (StoreError::Taken(_) | StoreError::Full { .. })) => refused(StatusCode::CONFLICT, error),
        Err(error @ (StoreError::Invalid(_) | StoreError::Expired | StoreError::Pointless(_))) => {
            refused(StatusCode::BAD_REQUEST, error)
        }
    }
}

async fn hash(app: &Arc<App>, password: String) -> Result<StoredHash, Problem> {
    let work = app.clone();
    let hash = app.passwords(move || work.auth.passwords().hash(&Secret::new(password))).await;
    hash.map_err(|error| no(StatusCode::BAD_REQUEST, format!("This cannot be the password: {error}.")))
}

fn made(answer: &serde_json::Value) -> Response {
    (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// Every address at which a page can be opened, with the token.
fn links(app: &App, page: &str, secret: &Secret) -> Vec<String> {
    let places = banner::places(&app.config(), app.listening, &banner::machine_addresses());
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
