//! Who may speak to this server, and what about: every request passes here before its handler sees it.
//!
//! The core of it is [`auth`](lenscast_auth). Here is what it needs to know of the server: where a request comes from, what its
//! route [`Needs`], and how it is answered when that is missing. Which route needs what stands in
//! [`routes`](crate::server::routes), and nowhere else.

mod answer;
mod cors;
pub mod forwarded;
pub mod hold;
mod link;
mod plain;

use crate::config::Config;
use crate::server::{App, Channel, Peer};
use axum::RequestExt as _;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use forwarded::Client;
use hold::Hold;
use lenscast_auth::Caller;
use lenscast_auth::cookie::SessionCookie;
use lenscast_auth::origin::{Asking, Own};
use lenscast_auth::policy::{Circumstances, Policy};
use lenscast_auth::presented::{Presented, loggable};
use lenscast_auth::rights::{Right, Rights};
use lenscast_base::time::now;
use lenscast_protocol::CameraName;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing: it is for everybody.
    Nothing,
    /// The right to send pictures as the camera that the path names.
    Publish,
    /// The right to watch the camera that the path names.
    View,
    /// The right to watch some camera; the answer is only about those.
    ViewSome,
    /// The right to watch all cameras.
    ViewAll,
    /// The right to do everything.
    Admin,
}

/// For whom a route's refusals are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum For {
    /// A person with a browser: gets a page to log in.
    People,
    /// A player, which asks its owner when it is told to (RFC 7617).
    Players,
    /// A program or a page's script.
    Programs,
    /// A camera, or what looks whether this server is well: they may know no TLS, and are served without.
    Devices,
}

/// What a route asks of those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What they need.
    pub needs: Needs,
    /// Who they are.
    pub whom: For,
}

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub struct Visitor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    local: IpAddr,
    has_origin: bool,
    control_socket: bool,
    /// Whether a page of another origin asks.
    is_foreign_page: bool,
    cookie: SessionCookie,
    caller: Caller,
}

/// One route's guard.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The server.
    pub app: Arc<App>,
    /// What the route asks.
    pub rule: Rule,
}

/// Lets a request through to its handler, with a [`Visitor`] beside it, or answers it.
pub async fn check(State(Guard { app, rule }): State<Guard>, mut request: Request, next: Next) -> Response {
    let Some(peer) = request.extensions().get::<Peer>().copied() else {
        return answer::unknown();
    };
    let config = app.config();
    let client = {
        let trusted = &config.proxy.trusted_proxies;
        Client::of(&peer, request.version(), request.uri(), request.headers(), trusted)
    };
    if let Some(answer) = plain::turned_away(&app, rule, &peer, &client, &request) {
        return answer;
    }
    let readable_by = cors::allowed(request.headers(), &config.access.cors_origins);
    if readable_by.is_some()
        && let Some(answer) = cors::preflight(request.method(), request.headers())
    {
        return finish(answer, readable_by);
    }
    let visitor = Visitor::meet(&app, &config, &peer, client, request.uri(), request.headers()).await;
    tracing::trace!(
        method = %request.method(),
        path = loggable(request.uri()),
        peer = %visitor.peer(),
        who = %visitor.caller().who,
        "request"
    );
    let mut answer = refusal(&app, rule, &visitor, &config, &mut request).await;
    if answer.is_none() && rule.whom == For::People {
        answer = link::open(&app, &visitor, request.uri()).await;
    }
    let answer = match answer {
        Some(answer) => answer,
        None => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
    };
    finish(answer, readable_by)
}

/// What the owner decided about those without a credential.
#[must_use]
pub fn policy(config: &Config) -> Policy {
    let access = &config.access;
    Policy {
        open: access.open,
        open_view: access.open_view,
        require_camera_key: access.require_camera_key,
        hosts: access.host_names.clone(),
    }
}

impl Visitor {
    async fn meet(
        app: &Arc<App>,
        config: &Config,
        peer: &Peer,
        client: Client,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Self {
        let secure = client.secure == Some(true);
        let cookie = SessionCookie::new(secure, &config.proxy.base_path).unwrap_or_default();
        let presented = Presented::read(headers, uri, &cookie);
        let (has_origin, control_socket) =
            (headers.contains_key(header::ORIGIN), peer.channel == Channel::ControlSocket);
        let local = peer.local.ip();
        let (address, now) = (client.address.ip(), now());
        let admit = {
            let (app, client, policy) = (app.clone(), client.clone(), policy(config));
            let presented = presented.clone();
            move || {
                let from = circumstances(&client, local, has_origin, control_socket);
                app.auth.admit(&presented, &from, &policy, now)
            }
        };
        let caller =
            if app.auth.takes_long(&presented, address, now) { app.passwords(admit).await } else { admit() };
        let asking = Asking {
            method: &Method::POST,
            upgrade: false,
            headers,
            own: Own { host: client.host.as_deref(), secure: client.secure },
            cors: &config.access.cors_origins,
            by_browser: false,
        };
        let is_foreign_page = asking.check().is_err();
        Self(Arc::new(Inner { client, local, has_origin, control_socket, is_foreign_page, cookie, caller }))
    }

    /// The client's address; port 0 when nobody tells.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.0.client.address
    }

    /// Who it is.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// What it may do.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.0.caller.rights
    }

    /// Whether it may change something, as far as that can be told beforehand.
    #[must_use]
    pub fn may_change(&self) -> bool {
        self.rights().admin && !self.0.is_foreign_page
    }

    /// How its session's cookie is called.
    #[must_use]
    pub fn cookie(&self) -> &SessionCookie {
        &self.0.cookie
    }

    /// What it may do by now.
    #[must_use]
    pub fn rights_now(&self, app: &App, now: u64) -> Rights {
        let Inner { client, local, has_origin, control_socket, caller, .. } = &*self.0;
        let from = circumstances(client, *local, *has_origin, *control_socket);
        let (_, by_place) = app.auth.place(&from, &policy(&app.config()), now);
        app.auth.holds(caller, &by_place, now)
    }

    /// For a connection that lasts as long as it may watch, or send as, this camera.
    #[must_use]
    pub fn hold(&self, app: &Arc<App>, right: Right, camera: &CameraName) -> Hold {
        Hold::camera(app, self, right, camera)
    }

    /// For a connection that lasts as long as it may do exactly what it may do now.
    #[must_use]
    pub fn hold_all(&self, app: &Arc<App>) -> Hold {
        Hold::all(app, self)
    }
}

fn circumstances(
    client: &Client,
    local: IpAddr,
    has_origin: bool,
    control_socket: bool,
) -> Circumstances<'_> {
    Circumstances {
        peer_ip: client.address.ip(),
        local_ip: local,
        host: client.host.as_deref(),
        has_origin,
        has_forwarding_header: client.was_forwarded,
        through_trusted_proxy: client.through_trusted_proxy,
        control_socket,
    }
}

impl Needs {
    /// Whether it is there.
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
    app: &App,
    rule: Rule,
    visitor: &Visitor,
    config: &Config,
    request: &mut Request,
) -> Option<Response> {
    let client = &visitor.0.client;
    let asking = Asking {
        method: request.method(),
        upgrade: [header::UPGRADE, header::SEC_WEBSOCKET_KEY]
            .iter()
            .any(|name| request.headers().contains_key(name)),
        headers: request.headers(),
        own: Own { host: client.host.as_deref(), secure: client.secure },
        cors: &config.access.cors_origins,
        // What is for everybody is so for every page, too: nobody is to be logged in by one.
        by_browser: rule.needs == Needs::Nothing || visitor.caller().by.is_sent_by_browsers(),
    };
    let answer = match asking.check() {
        Err(foreign) => answer::foreign(foreign),
        Ok(()) => {
            let camera = camera_of(request).await;
            if rule.needs.is_met(visitor.rights(), camera.as_ref()) {
                return None;
            }
            answer::missing(app, rule, visitor, camera.as_ref(), request.uri())
        }
    };
    let path = loggable(request.uri());
    tracing::debug!(%path, peer = %visitor.peer(), who = %visitor.caller().who, code = answer.status().as_u16(), "refused");
    Some(answer)
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
