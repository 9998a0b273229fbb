//! What is said to those who may not.

use crate::guarding::Guarding;
use crate::pages;
use crate::rule::{For, Needs, Rule};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use lenscast_auth::origin::Foreign;
use lenscast_auth::policy::{Hindrance, name_of};
use lenscast_auth::{AuthError, Who};
use lenscast_gate::Visitor;
use lenscast_protocol::CameraName;

/// What a player shows when it asks for name and password.
const CHALLENGE: &str = "Basic realm=\"lenscast\", charset=\"UTF-8\"";

/// The longest name of this server that is repeated, in characters.
const MAX_HOST: usize = 100;

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
    hindrance: Option<Hindrance>,
    camera: Option<&CameraName>,
    uri: &Uri,
) -> Response {
    let caller = visitor.caller();
    let error = caller.refused.unwrap_or(AuthError::Missing);
    let reason = hindrance.map(|hindrance| reason(hindrance, visitor.client().host.as_deref()));
    let code = match (error, &caller.who) {
        (AuthError::Throttled { .. } | AuthError::Busy, _) => StatusCode::TOO_MANY_REQUESTS,
        (_, Who::Anyone(_)) => StatusCode::UNAUTHORIZED,
        _ => StatusCode::FORBIDDEN,
    };
    let sentence = match code {
        StatusCode::FORBIDDEN => format!("This login, link or key does not allow to {}.", deed(needs)),
        StatusCode::UNAUTHORIZED if needs == Needs::Publish => no_camera(camera, reason.as_deref()),
        _ => reason
            .as_ref()
            .map_or_else(|| error.answer().into(), |reason| format!("{} {reason}", error.answer())),
    };
    let mut answer = match whom {
        For::People => pages::login(code, &guarding.places, reason.as_deref()),
        For::Players | For::Programs | For::Devices => {
            (code, [(header::CACHE_CONTROL, "no-store")], format!("{sentence}\n")).into_response()
        }
    };
    let headers = answer.headers_mut();
    match error {
        AuthError::Throttled { seconds } => drop(headers.insert(header::RETRY_AFTER, seconds.into())),
        AuthError::Busy => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
        AuthError::Missing | AuthError::Wrong | AuthError::Expired | AuthError::Revoked => {}
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

/// Why a place does not give the right that others have there, and what can be done.
fn reason(hindrance: Hindrance, host: Option<&str>) -> String {
    match hindrance {
        Hindrance::NoHost => {
            "The request names no host, so that the place where it comes from gives it no right: \
            a program has to send Host."
                .into()
        }
        Hindrance::ForeignHost => {
            let host: String = host.map(name_of).unwrap_or_default().chars().take(MAX_HOST).collect();
            format!(
                "This server does not know that it is called {host:?}, so that the place where the request comes from gives \
                 it no right. Open it by its IP address, or add the name to host_names."
            )
        }
        Hindrance::OldHttp => {
            "The request speaks HTTP/1.0, as proxies do that do not tell who asks, so that the place where \
            it comes from gives it no right: use HTTP/1.1."
                .into()
        }
        Hindrance::Forwarded => {
            "A proxy passed the request on that this server does not know, so that the place where it \
            comes from gives it no right: its owner can name the proxy in trusted_proxies."
                .into()
        }
        Hindrance::Local => {
            "This computer may do less here than everything, as the owner set (local).".into()
        }
    }
}

/// What the camera is told. Its owner is told by [`crate::refused_cameras`].
fn no_camera(camera: Option<&CameraName>, reason: Option<&str>) -> String {
    let Some(camera) = camera else {
        return "This is no name of a camera.".into();
    };
    let key = format!("The camera {camera} needs its key here. On its console: stream set key KEY save");
    reason.map_or_else(|| key.clone(), |reason| format!("{key}\n{reason}"))
}
