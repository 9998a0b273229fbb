//! What is said to those who may not.

use crate::guarding::Guarding;
use crate::pages;
use crate::rule::{For, Needs, Rule};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use lenscast_auth::origin::Foreign;
use lenscast_auth::{AuthError, Who};
use lenscast_gate::Visitor;
use lenscast_protocol::CameraName;

/// What a player shows when it asks for name and password.
const CHALLENGE: &str = "Basic realm=\"lenscast\", charset=\"UTF-8\"";

/// To a connection of which nothing is known. It is a mistake of this program.
pub(super) fn unknown() -> Response {
    (StatusCode::FORBIDDEN, "The address of the connection is unknown.\n").into_response()
}

/// To a page from elsewhere.
pub(super) fn foreign(foreign: Foreign) -> Response {
    let sentence = foreign.to_string();
    let (first, rest) = sentence.split_at(1);
    (StatusCode::FORBIDDEN, format!("{}{rest}.\n", first.to_uppercase())).into_response()
}

/// To who lacks what a route needs.
pub(super) fn missing(
    guarding: &Guarding,
    Rule { needs, whom }: Rule,
    visitor: &Visitor,
    camera: Option<&CameraName>,
    uri: &Uri,
) -> Response {
    let caller = visitor.caller();
    let error = caller.refused.unwrap_or(AuthError::Missing);
    let code = match (error, &caller.who) {
        (AuthError::Throttled { .. }, _) => StatusCode::TOO_MANY_REQUESTS,
        (_, Who::Anyone(_)) => StatusCode::UNAUTHORIZED,
        _ => StatusCode::FORBIDDEN,
    };
    let sentence = match code {
        StatusCode::FORBIDDEN => format!("This login, link or key does not allow to {}.", deed(needs)),
        StatusCode::UNAUTHORIZED if needs == Needs::Publish => no_camera(guarding, visitor, camera),
        _ => error.answer().to_owned(),
    };
    let mut answer = match whom {
        For::People => pages::login(code, &guarding.places),
        For::Players | For::Programs | For::Devices => {
            (code, [(header::CACHE_CONTROL, "no-store")], format!("{sentence}\n")).into_response()
        }
    };
    let headers = answer.headers_mut();
    if let AuthError::Throttled { seconds } = error {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    // Not where the credential is in the address already: asking for another would not help.
    let in_query = uri.query().is_some_and(|query| query.contains("token="));
    if code == StatusCode::UNAUTHORIZED && whom == For::Players && !in_query {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    }
    answer
}

/// What somebody is not allowed to do.
const fn deed(needs: Needs) -> &'static str {
    match needs {
        Needs::Nothing => "do this",
        Needs::Publish => "send pictures as this camera",
        Needs::View => "watch this camera",
        Needs::ViewSome => "watch",
        Needs::ViewAll => "watch all cameras",
        Needs::Admin => "change anything",
    }
}

/// Tells it to the camera, and, since nobody reads what a camera is told, to the owner.
fn no_camera(guarding: &Guarding, visitor: &Visitor, camera: Option<&CameraName>) -> String {
    let Some(camera) = camera else {
        return "This is no name of a camera.".into();
    };
    if let Some(held_back) = guarding.serving.notices().due("camera without key") {
        let peer = visitor.peer();
        tracing::warn!(%camera, %peer, held_back, "a camera is refused: it needs its key (docs/access.md)");
    }
    format!("The camera {camera} needs its key here. On its console: stream set key KEY save")
}
