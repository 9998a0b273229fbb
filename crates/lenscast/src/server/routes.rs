//! Every route of the contract in `docs/protocol.md`, and who may use it.
//!
//! This is the one place where that is written down. A route cannot be added without saying what it needs.

use super::App;
use crate::access::{self, For, Guard, Needs, Rule};
use crate::api::openapi::{self, About};
use crate::api::{self, problem};
use crate::{events, ingest, metrics, output, pages, status};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::routing::{MethodFilter, any, on};
use bytes::Bytes;
use std::sync::Arc;

/// A route, for tests and lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method; GET is HEAD, too.
    pub method: Method,
    /// The path, as `/camera/{name}`.
    pub path: &'static str,
    /// What it asks of those who come.
    pub rule: Rule,
}

/// The routes of a server.
#[derive(Debug)]
pub struct Routes {
    app: Arc<App>,
    router: Router<Arc<App>>,
    list: Vec<Route>,
    /// Those of the list that the description of the API has, with what their handlers say about themselves.
    described: Vec<(Route, fn() -> About)>,
}

impl Routes {
    /// All of them.
    #[must_use]
    pub fn of(app: &Arc<App>) -> Self {
        use Needs::{Admin, Nothing, Publish, View, ViewAll, ViewSome};
        let (router, list, described) = Default::default();
        let none = Self { app: app.clone(), router, list, described };
        none.page("/", ViewSome, pages::viewer)
            .page("/camera/{name}", View, pages::viewer_of)
            .page("/mjpeg", View, pages::mjpeg)
            .page("/mjpeg/{name}", View, pages::mjpeg_of)
            .file("/assets/{file}", pages::asset)
            .file("/favicon.ico", pages::icon)
            .socket("/ws/camera", Publish, For::Devices, ingest::handler)
            .socket("/ws/camera/{name}", Publish, For::Devices, ingest::handler)
            .socket("/ws/viewer", View, For::Programs, output::viewer::handler)
            .socket("/ws/viewer/{name}", View, For::Programs, output::viewer::handler)
            .media("/stream.mjpg", output::mjpeg::default_camera, output::mjpeg::about)
            .media("/stream.ts", output::ts::default_camera, output::ts::about)
            .media("/stream/{file}", output::stream_file, output::about)
            .media("/snapshot.jpg", output::snapshot::default_camera, output::snapshot::about)
            .media("/snapshot/{file}", output::snapshot::named_camera, output::snapshot::about_named)
            .get("/status", ViewSome, status::handler, status::about)
            .get("/metrics", ViewAll, metrics::handler, metrics::about)
            .device("/healthz", Nothing, metrics::healthz, metrics::about_healthz)
            .device("/readyz", Nothing, metrics::readyz, metrics::about_readyz)
            .get("/api/events", ViewSome, events::handler, events::about)
            .get("/api/clock", ViewSome, api::clock::handler, api::clock::about)
            .get("/api/cameras/{name}/history", View, api::history::handler, api::history::about)
            .on(Method::PATCH, "/api/cameras/{name}", Admin, api::cameras::change, api::cameras::about_change)
            .on(
                Method::DELETE,
                "/api/cameras/{name}",
                Admin,
                api::cameras::forget,
                api::cameras::about_forget,
            )
            .on(Method::POST, "/api/demo", Admin, api::demo::start, api::demo::about_start)
            .on(Method::DELETE, "/api/demo", Admin, api::demo::stop, api::demo::about_stop)
            .on(Method::POST, "/api/reload", Admin, api::reload::handler, api::reload::about)
            .get("/api/server", Admin, api::server::handler, api::server::about)
            .get("/api/me", Nothing, api::login::me, api::login::about_me)
            .on(Method::POST, "/api/login", Nothing, api::login::login, api::login::about_login)
            .on(Method::POST, "/api/logout", Nothing, api::login::logout, api::login::about_logout)
            .get("/api/access", Admin, api::access::list, api::access::about_list)
            .on(
                Method::POST,
                "/api/access/tokens",
                Admin,
                api::access::add_token,
                api::access::about_add_token,
            )
            .on(Method::POST, "/api/access/users", Admin, api::access::add_user, api::access::about_add_user)
            .on(
                Method::PUT,
                "/api/access/users/{name}/password",
                Admin,
                api::access::set_password,
                api::access::about_set_password,
            )
            .on(
                Method::POST,
                "/api/access/shares",
                Admin,
                api::access::add_share,
                api::access::about_add_share,
            )
            .on(Method::DELETE, "/api/access/{id}", Admin, api::access::revoke, api::access::about_revoke)
            .describing("/api/openapi.json")
    }

    /// As a list.
    #[must_use]
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// As what answers requests. A connection puts its [`Peer`](super::Peer) into each of them; without, nobody is let in.
    pub fn router(self) -> Router {
        let nothing =
            || async { (StatusCode::NOT_FOUND, "There is nothing here. The live picture is at /\n") };
        let nothing = any(nothing).layer(middleware::from_fn_with_state(
            Guard { app: self.app.clone(), rule: Rule { needs: Needs::Nothing, whom: For::Programs } },
            access::check,
        ));
        self.router
            .fallback_service(nothing.with_state(self.app.clone()))
            .layer(DefaultBodyLimit::max(api::MAX_BODY))
            .layer(middleware::from_fn(problem::under_api))
            .with_state(self.app)
    }

    /// For people.
    fn page<H, T>(self, path: &'static str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs, whom: For::People }, handler)
    }

    /// For players.
    fn media<H, T>(self, path: &'static str, handler: H, about: fn() -> About) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let rule = Rule { needs: Needs::View, whom: For::Players };
        self.add(Method::GET, path, rule, handler).with(about)
    }

    /// A part of a page.
    fn file<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs: Needs::Nothing, whom: For::Programs }, handler)
    }

    /// A WebSocket, of which the description of the API cannot speak.
    fn socket<H, T>(self, path: &'static str, needs: Needs, whom: For, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs, whom }, handler)
    }

    /// For what may know no TLS.
    fn device<H, T>(self, path: &'static str, needs: Needs, handler: H, about: fn() -> About) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs, whom: For::Devices }, handler).with(about)
    }

    /// For programs.
    fn get<H, T>(self, path: &'static str, needs: Needs, handler: H, about: fn() -> About) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.on(Method::GET, path, needs, handler, about)
    }

    fn on<H, T>(
        self,
        method: Method,
        path: &'static str,
        needs: Needs,
        handler: H,
        about: fn() -> About,
    ) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add(method, path, Rule { needs, whom: For::Programs }, handler).with(about)
    }

    /// The description of all routes before it, and of itself.
    fn describing(self, path: &'static str) -> Self {
        let own =
            Route { method: Method::GET, path, rule: Rule { needs: Needs::Nothing, whom: For::Programs } };
        let described = self.described.iter().map(|(route, about)| (route, *about));
        let all = described.chain([(&own, openapi::about as fn() -> About)]);
        let document = openapi::document(all, &self.app.config().proxy.base_path);
        let document = Bytes::from(document.to_json().expect("a document is plain data"));
        self.get(path, Needs::Nothing, move || openapi::answer(document), openapi::about)
    }

    /// The newest route is described.
    fn with(mut self, about: fn() -> About) -> Self {
        self.described.extend(self.list.last().cloned().map(|route| (route, about)));
        self
    }

    fn add<H, T>(mut self, method: Method, path: &'static str, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let filter =
            MethodFilter::try_from(method.clone()).expect("the methods above are those that axum knows");
        let guard = middleware::from_fn_with_state(Guard { app: self.app.clone(), rule }, access::check);
        // Around the answer to a wrong method, too.
        self.router = self.router.route(path, on(filter, handler).layer(guard));
        self.list.push(Route { method, path, rule });
        self
    }
}
