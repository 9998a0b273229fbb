//! `POST /api/login`, `POST /api/logout` and `GET /api/me`: a browser's session.

use super::openapi::{About, Tag, words};
use super::problem::Problem;
use super::{json, no};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use lenscast_auth::presented::{By, Credential, Presented};
use lenscast_auth::rights::{Rights, Scope};
use lenscast_auth::secret::Secret;
use lenscast_auth::store::StoreError;
use lenscast_auth::{AuthError, LoginError, NewSession, Who};
use lenscast_base::time::now;
use lenscast_gate::{Gate, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// With what somebody logs in: either a password, perhaps with a name, or a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
struct Login {
    /// Whose password it is; when it is left out or empty, it is one of the configuration.
    #[serde(default)]
    name: String,
    /// The password.
    password: Option<String>,
    /// A token, or the one of a share link; a camera's key is none.
    token: Option<String>,
}

/// Who somebody is here.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// What the login or link is called; null when there is none.
    #[schema(required)]
    name: Option<String>,
    /// Whether it is a session that can be ended.
    session: bool,
    /// What that allows.
    rights: May,
}

/// What somebody may do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rights)]
struct May {
    /// Which cameras may be watched.
    view: View,
    /// Whether everything may be changed.
    admin: bool,
}

/// Which cameras.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Viewable)]
enum View {
    /// All of them, those to come included.
    All(All),
    /// Those of these names.
    #[schema(value_type = Vec<words::CameraName>)]
    These(Vec<String>),
}

/// The word for all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum All {
    /// All.
    All,
}

/// The part of the API's description that tells about [`me`].
#[must_use]
pub fn about_me() -> About {
    let text = "It is answered to everybody, so that a page can tell whether to log in.";
    About::new("getMe", Tag::Login, "Who asks, and what that allows", text).answer::<Me>(200, "Who asks.")
}

/// The part of the API's description that tells about [`login`].
#[must_use]
pub fn about_login() -> About {
    let text = "A session is a cookie, for browsers. Programs send what they have with each request instead.";
    About::new("login", Tag::Login, "Begins a session", text)
        .body::<Login>("A password or a token.")
        .answer_empty(204, "The session has begun.")
        .header(204, "Set-Cookie", "The session, out of reach of scripts.")
        .refuses(StatusCode::BAD_REQUEST, "There are both a password and a token, or neither.")
        .refuses(StatusCode::UNAUTHORIZED, "The password or token is no good (any more).")
        .refuses(StatusCode::FORBIDDEN, "It is a camera's key.")
        .refuses(StatusCode::TOO_MANY_REQUESTS, "Too many logins failed, or too many log in at this moment.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, "The session cannot be kept.")
}

/// The part of the API's description that tells about [`logout`].
#[must_use]
pub fn about_logout() -> About {
    About::new("logout", Tag::Login, "Ends the session", "Without a session nothing happens.")
        .answer_empty(204, "There is no session (any more).")
        .header(204, "Set-Cookie", "An empty cookie, which ends at once.")
        .refuses(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The session has ended, but that cannot be kept: it is good again when the server is started again.",
        )
}

/// `GET /api/me`: who asks, and what that allows.
pub async fn me(Extension(visitor): Extension<Visitor>) -> Response {
    let caller = visitor.caller();
    let name = match &caller.who {
        Who::Anyone(_) => None,
        Who::User { name, .. } => Some(name.to_string()),
        who => Some(who.to_string()),
    };
    let me = Me { name, session: caller.session.is_some(), rights: May::of(visitor.rights()) };
    ([(header::CACHE_CONTROL, "no-store")], Json(me)).into_response()
}

/// `POST /api/login`: begins a session with a password, or with a token or share link.
pub async fn login(
    State(gate): State<Gate>,
    Extension(visitor): Extension<Visitor>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Login { name, password, token } =
        json(body, "a JSON object with a password and perhaps a name, or with a token")?;
    let session = match (password, token) {
        (Some(password), None) => by_password(&gate, &visitor, &name, &Secret::new(password)).await?,
        (None, Some(token)) if name.is_empty() => by_token(&gate, &visitor, &token).await?,
        _ => return Err(no(StatusCode::BAD_REQUEST, "Log in with a password or with a token.")),
    };
    let cookie = visitor.cookie().set(&session.secret, session.max_age);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// `POST /api/logout`: ends the session.
pub async fn logout(
    State(gate): State<Gate>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let presented = Presented::read(&headers, &uri, visitor.cookie());
    let work = gate.clone();
    // It is written to the disk.
    let ended = tokio::task::spawn_blocking(move || work.auth().logout(&presented, now())).await;
    match ended {
        Ok(Ok(())) => {
            Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, visitor.cookie().clear())]).into_response())
        }
        Ok(Err(StoreError::Unkept(error))) => {
            let notices = gate.notices().of(visitor.peer().ip());
            if let Some(held_back) = notices.due("it cannot be kept that a session has ended") {
                tracing::error!(%error, held_back, "it cannot be kept that a session has ended");
            }
            let sentence =
                format!("You are logged out, but only until this server is started again: {error}.");
            Err(no(StatusCode::INTERNAL_SERVER_ERROR, sentence))
        }
        Ok(Err(error)) => Err(not_kept(&gate, &visitor, &error)),
        Err(error) => Err(not_kept(&gate, &visitor, &error)),
    }
}

async fn by_password(
    gate: &Gate,
    visitor: &Visitor,
    name: &str,
    password: &Secret,
) -> Result<NewSession, Problem> {
    let known = gate.look(&Presented::password(name, password), visitor.peer().ip()).await;
    let work = gate.clone();
    // It is written to the disk.
    let done = tokio::task::spawn_blocking(move || work.auth().session_by(known, now())).await;
    match done.map_err(|error| not_kept(gate, visitor, &error))? {
        Ok(session) => Ok(session),
        Err(error) => Err(refused(gate, visitor, error).await),
    }
}

async fn by_token(gate: &Gate, visitor: &Visitor, token: &str) -> Result<NewSession, Problem> {
    let presented =
        Presented { explicit: Some((By::Bearer, Credential::of_text(token.trim()))), session: None };
    let known = gate.look(&presented, visitor.peer().ip()).await;
    let work = gate.clone();
    let done = tokio::task::spawn_blocking(move || {
        let caller = work.auth().caller(known, &presented, now())?;
        Ok::<_, LoginError>(work.auth().session_from(&caller, now())?)
    });
    match done.await.map_err(|error| not_kept(gate, visitor, &error))? {
        Ok(Some(session)) => Ok(session),
        Ok(None) => Err(no(StatusCode::FORBIDDEN, "This is a camera's key: nobody can watch with it.")),
        Err(error) => Err(refused(gate, visitor, error).await),
    }
}

/// The answer to one who is not logged in.
async fn refused(gate: &Gate, visitor: &Visitor, error: LoginError) -> Problem {
    let error = match error {
        LoginError::Auth(error) => error,
        LoginError::Store(error) => return not_kept(gate, visitor, &error),
    };
    let peer = visitor.peer();
    if let Some(held_back) = gate.notices().of(peer.ip()).due("a login is refused") {
        tracing::info!(%peer, held_back, "a login is refused: {error}");
    }
    if error.was_compared() {
        gate.delay_refusal().await;
    }
    match error {
        AuthError::Throttled { seconds } => {
            let sentence = format!("Too many logins failed. Try again in {seconds} s.");
            no(StatusCode::TOO_MANY_REQUESTS, sentence).retry_after(seconds)
        }
        AuthError::Busy => no(StatusCode::TOO_MANY_REQUESTS, error.answer()).retry_after(1),
        AuthError::Missing | AuthError::Wrong | AuthError::Expired | AuthError::Revoked => {
            no(StatusCode::UNAUTHORIZED, error.answer())
        }
    }
}

fn not_kept(gate: &Gate, visitor: &Visitor, error: &dyn std::fmt::Display) -> Problem {
    if let Some(held_back) = gate.notices().of(visitor.peer().ip()).due("a session cannot be kept") {
        tracing::error!(%error, held_back, "a session cannot be kept");
    }
    no(StatusCode::INTERNAL_SERVER_ERROR, format!("The login cannot be kept: {error}."))
}

impl May {
    fn of(rights: &Rights) -> Self {
        let view = match &rights.view {
            _ if rights.admin => View::All(All::All),
            Scope::AllBut(_) => View::All(All::All),
            Scope::Only(cameras) => View::These(cameras.iter().map(ToString::to_string).collect()),
        };
        Self { view, admin: rights.admin }
    }
}
