//! Who may speak to this server, and what about: every request passes here before its handler sees it.
//!
//! What a request is allowed is decided by the [`gate`](lenscast_gate). Here is what its route [`Needs`], and how it is answered when that is
//! missing. The table of routes is the one place where it stands which route needs what.

mod answer;
mod camera;
mod cors;
pub(super) mod headers;
mod link;
mod plain;

use super::guarding::Guarding;
use super::rule::{For, Needs, Rule};
use axum::RequestExt as _;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use lenscast_auth::origin::{Asking, Own, Warrant};
use lenscast_auth::presented::{By, loggable};
use lenscast_auth::rights::{Right, Rights};
use lenscast_auth::secret::Kind;
use lenscast_auth::{Caller, Who};
use lenscast_gate::client::Client;
use lenscast_gate::{GateConfig, Peer, Visitor};
use lenscast_protocol::CameraName;

/// The guard of one route: lets a request through to its handler, with a [`Visitor`] beside it, or answers it.
pub async fn check(
    State((guarding, rule)): State<(Guarding, Rule)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(peer) = request.extensions().get::<Peer>().copied() else {
        return answer::unknown();
    };
    let config = guarding.gate.config();
    let client = {
        let trusted = &config.trusted_proxies;
        Client::of(&peer, request.version(), request.uri(), request.headers(), trusted)
    };
    guarding.serving.callers().note(client.address.ip());
    let camera = camera::Knocking::of(rule, &client, &mut request).await;
    if let Some(answer) = plain::turned_away(&guarding, rule, &peer, &client, &request) {
        camera.turned_away(&guarding);
        return answer;
    }
    let readable_by = cors::allowed(request.headers(), &config.cors_origins);
    if readable_by.is_some()
        && let Some(answer) = cors::preflight(request.method(), request.headers())
    {
        return finish(answer, readable_by);
    }
    let visitor = guarding.gate.meet(&peer, client, request.uri(), request.headers()).await;
    tracing::trace!(
        method = %request.method(),
        path = loggable(request.uri()),
        peer = %visitor.peer(),
        who = %visitor.caller().who,
        "request"
    );
    let mut answer = refusal(&guarding, rule, &visitor, &config, &camera, &mut request).await;
    if answer.is_none() && rule.whom == For::People {
        answer = link::open(&guarding.gate, &visitor, request.uri(), request.headers()).await;
    }
    let answer = match answer {
        Some(answer) => answer,
        None => {
            let embeddable = rule.whom == For::Players && visitor.caller().by == By::Query;
            request.extensions_mut().insert(visitor);
            let mut answer = next.run(request).await;
            camera.answered(&guarding, answer.status());
            if embeddable {
                headers::allow_embedding(&mut answer);
            }
            answer
        }
    };
    finish(answer, readable_by)
}

impl Needs {
    /// Whether `rights` are enough, for the camera that the path names.
    fn is_met(self, rights: &Rights, camera: Option<&CameraName>) -> bool {
        match self {
            Self::Nothing => true,
            Self::Publish => rights.allows(Right::Publish, camera),
            Self::View => rights.allows(Right::View, camera),
            Self::ViewSome => rights.allows_some(Right::View),
            Self::ViewAll => rights.allows(Right::View, None),
            Self::Admin => rights.allows(Right::Admin, None),
        }
    }
}

/// The answer to who may not.
async fn refusal(
    guarding: &Guarding,
    rule: Rule,
    visitor: &Visitor,
    config: &GateConfig,
    knocking: &camera::Knocking,
    request: &mut Request,
) -> Option<Response> {
    let client = visitor.client();
    let asking = Asking {
        method: request.method(),
        upgrade: asks_for_upgrade(request.headers()),
        headers: request.headers(),
        own: Own { host: client.host.as_deref(), secure: client.secure },
        cors: &config.cors_origins,
        by: warrant(rule, visitor.caller()),
        for_devices: rule.whom == For::Devices,
    };
    let answer = match asking.check() {
        Err(foreign) => {
            knocking.is_foreign(guarding, foreign, request.headers());
            answer::foreign(foreign)
        }
        Ok(()) => {
            let camera = camera_of(request).await;
            if rule.needs.is_met(visitor.rights(), camera.as_ref()) {
                return None;
            }
            let hindrance =
                guarding.gate.hindrance(visitor, |rights| rule.needs.is_met(rights, camera.as_ref()));
            knocking.may_not(guarding, visitor, hindrance);
            answer::missing(guarding, rule, visitor, hindrance, camera.as_ref(), request.uri())
        }
    };
    let path = loggable(request.uri());
    tracing::debug!(%path, peer = %visitor.peer(), who = %visitor.caller().who, code = answer.status().as_u16(), "refused");
    Some(answer)
}

/// What lets a request in, as far as it tells whether a page may have sent it.
fn warrant(rule: Rule, caller: &Caller) -> Warrant {
    let is_key = matches!(caller.who, Who::Token { kind: Kind::Camera | Kind::Admin, .. });
    match caller.by {
        // What is for everybody is so for every page, too: nobody is to be logged in by one.
        _ if rule.needs == Needs::Nothing => Warrant::Nothing,
        By::Place => Warrant::Place,
        By::Cookie => Warrant::Browser,
        // A browser sends what somebody typed into it once, and nobody types a camera's key.
        By::Basic if !matches!(caller.who, Who::Token { kind: Kind::Camera, .. }) => Warrant::Browser,
        // A link to watch may be known to a page that shows it, and gives no right to publish.
        _ if rule.needs == Needs::Publish && !is_key => Warrant::Place,
        By::Basic | By::Bearer | By::Query => Warrant::Secret,
    }
}

/// Whether a request asks for a WebSocket.
fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    [header::UPGRADE, header::SEC_WEBSOCKET_KEY].iter().any(|name| headers.contains_key(name))
}

/// The camera that a path names: `default` when it names none, and nothing when what it names cannot be one.
async fn camera_of(request: &mut Request) -> Option<CameraName> {
    let params = request.extract_parts::<RawPathParams>().await.ok()?;
    match params.iter().next() {
        None => Some(CameraName::default()),
        Some(("file", file)) => CameraName::new(file.rsplit_once('.')?.0).ok(),
        Some((_, name)) => CameraName::new(name).ok(),
    }
}

fn finish(mut answer: Response, readable_by: Option<HeaderValue>) -> Response {
    if let Some(origin) = readable_by {
        cors::open(&mut answer, origin);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_auth::rights::Scope;

    #[test]
    fn what_is_needed_is_met_by_that_right_for_that_camera_alone() {
        let front = CameraName::new("front").unwrap();
        let back = CameraName::new("back").unwrap();
        let only = || Scope::Only([front.clone()].into());
        let all =
            [Needs::Nothing, Needs::Publish, Needs::View, Needs::ViewSome, Needs::ViewAll, Needs::Admin];
        let met = |rights: &Rights, camera: Option<&CameraName>| {
            let letters = "npvsVa".chars().zip(all);
            letters
                .filter(|(_, needs)| needs.is_met(rights, camera))
                .map(|(letter, _)| letter)
                .collect::<String>()
        };
        for (rights, front_letters, back_letters, nothing_letters) in [
            (Rights::NONE, "n", "n", "n"),
            (Rights::viewing(only()), "nvs", "ns", "ns"),
            (Rights::viewing(Scope::all()), "nvsV", "nvsV", "nvsV"),
            (Rights::publishing(only()), "np", "n", "n"),
            (Rights { admin: true, ..Rights::NONE }, "npvsVa", "npvsVa", "npvsVa"),
        ] {
            assert_eq!(met(&rights, Some(&front)), front_letters, "{rights:?}");
            assert_eq!(met(&rights, Some(&back)), back_letters, "{rights:?}");
            assert_eq!(met(&rights, None), nothing_letters, "{rights:?}: what is no camera's name");
        }
    }
}
