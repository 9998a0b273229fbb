//! A camera that knocks, and what becomes of it: when it is refused, its owner is told.

use super::{asks_for_upgrade, camera_of};
use crate::guarding::Guarding;
use crate::refused_cameras::Cause;
use crate::rule::{For, Needs, Rule};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use lenscast_auth::AuthError;
use lenscast_auth::origin::Foreign;
use lenscast_auth::policy::Hindrance;
use lenscast_gate::Visitor;
use lenscast_gate::client::Client;
use lenscast_protocol::CameraName;
use std::net::IpAddr;

/// Who knocks at the door for cameras.
pub(super) enum Knocking {
    /// A camera, or what claims to be one. The name is that of its path, if that can be one.
    Camera { address: IpAddr, name: Option<CameraName> },
    /// Anybody else, of whom nothing is told.
    Another,
}

impl Knocking {
    /// Whether a request is one of a camera that connects.
    pub(super) async fn of(rule: Rule, client: &Client, request: &mut Request) -> Self {
        let is_camera = rule.whom == For::Devices && rule.needs == Needs::Publish;
        if !is_camera || !asks_for_upgrade(request.headers()) {
            return Self::Another;
        }
        Self::Camera { address: client.address.ip(), name: camera_of(request).await }
    }

    /// It has to come by TLS, and does not.
    pub(super) fn turned_away(&self, guarding: &Guarding) {
        self.note(guarding, || Cause::NoTls);
    }

    /// A page seems to have sent the request.
    pub(super) fn is_foreign(&self, guarding: &Guarding, foreign: Foreign, headers: &HeaderMap) {
        let origin = headers.get_all(header::ORIGIN).iter().next_back().map(|origin| origin.as_bytes());
        self.note(guarding, || Cause::foreign(foreign, origin));
    }

    /// It lacks the right to publish.
    pub(super) fn may_not(&self, guarding: &Guarding, visitor: &Visitor, hindrance: Option<Hindrance>) {
        let Self::Camera { name, .. } = self else {
            return;
        };
        let caller = visitor.caller();
        let needs_key = |name: &CameraName| {
            guarding.gate.config().policy.require_camera_key || guarding.gate.auth().store().is_closed(name)
        };
        self.note(guarding, || match (caller.refused, hindrance) {
            _ if name.is_none() => Cause::Name,
            (Some(AuthError::Throttled { .. } | AuthError::Busy), _) => Cause::Guessing,
            (Some(_), _) => Cause::WrongKey,
            _ if caller.who.id().is_some() => Cause::WrongKey,
            (_, Some(Hindrance::Forwarded | Hindrance::OldHttp)) => Cause::Hidden,
            (_, Some(Hindrance::NoHost | Hindrance::ForeignHost)) => {
                Cause::host(visitor.client().host.as_deref())
            }
            (_, Some(Hindrance::Local)) => Cause::Local,
            (_, None) if name.as_ref().is_some_and(needs_key) => Cause::NoKey,
            (_, None) => Cause::Elsewhere,
        });
    }

    /// It was let in, and this is what its handler said.
    pub(super) fn answered(&self, guarding: &Guarding, code: StatusCode) {
        let Self::Camera { address, name } = self else {
            return;
        };
        match code {
            StatusCode::SWITCHING_PROTOCOLS => {
                guarding.serving.refused_cameras().let_in(*address, name.as_ref());
            }
            StatusCode::SERVICE_UNAVAILABLE => self.note(guarding, || Cause::Full),
            _ if name.is_none() => self.note(guarding, || Cause::Name),
            _ if code.is_client_error() => self.note(guarding, || Cause::Handshake),
            _ => {}
        }
    }

    fn note(&self, guarding: &Guarding, cause: impl FnOnce() -> Cause) {
        if let Self::Camera { address, name } = self {
            guarding.serving.refused_cameras().note(*address, name.as_ref(), cause());
        }
    }
}
