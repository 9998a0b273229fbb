//! Every route of the contract in `docs/protocol.md`, and who may use it.
//!
//! This is the one place where that is written down. A route cannot be added without saying what it needs.

use super::App;
use crate::access::{self, For, Guard, Needs, Rule};
use crate::api::{self, problem};
use crate::{events, ingest, metrics, output, pages, status};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::routing::{MethodFilter, any, on};
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
}

impl Routes {
    /// All of them.
    #[must_use]
    pub fn of(app: &Arc<App>) -> Self {
        use Needs::{Admin, Nothing, Publish, View, ViewAll, ViewSome};
        let none = Self { app: app.clone(), router: Router::new(), list: Vec::new() };
        none.page("/", ViewSome, pages::viewer)
            .page("/camera/{name}", View, pages::viewer_of)
            .page("/mjpeg", View, pages::mjpeg)
            .page("/mjpeg/{name}", View, pages::mjpeg_of)
            .get("/assets/{file}", Nothing, pages::asset)
            .get("/favicon.ico", Nothing, pages::icon)
            .device("/ws/camera", Publish, ingest::handler)
            .device("/ws/camera/{name}", Publish, ingest::handler)
            .get("/ws/viewer", View, output::viewer::handler)
            .get("/ws/viewer/{name}", View, output::viewer::handler)
            .media("/stream.mjpg", output::mjpeg::default_camera)
            .media("/stream.ts", output::ts::default_camera)
            .media("/stream/{file}", output::stream_file)
            .media("/snapshot.jpg", output::snapshot::default_camera)
            .media("/snapshot/{file}", output::snapshot::named_camera)
            .get("/status", ViewSome, status::handler)
            .get("/metrics", ViewAll, metrics::handler)
            .device("/healthz", Nothing, metrics::healthz)
            .device("/readyz", Nothing, metrics::readyz)
            .get("/api/events", ViewSome, events::handler)
            .get("/api/clock", ViewSome, api::clock::handler)
            .get("/api/cameras/{name}/history", View, api::history::handler)
            .on(Method::PATCH, "/api/cameras/{name}", Admin, api::cameras::change)
            .on(Method::DELETE, "/api/cameras/{name}", Admin, api::cameras::forget)
            .on(Method::POST, "/api/demo", Admin, api::demo::start)
            .on(Method::DELETE, "/api/demo", Admin, api::demo::stop)
            .on(Method::POST, "/api/reload", Admin, api::reload::handler)
            .get("/api/me", Nothing, api::login::me)
            .on(Method::POST, "/api/login", Nothing, api::login::login)
            .on(Method::POST, "/api/logout", Nothing, api::login::logout)
            .get("/api/access", Admin, api::access::list)
            .on(Method::POST, "/api/access/tokens", Admin, api::access::add_token)
            .on(Method::POST, "/api/access/users", Admin, api::access::add_user)
            .on(Method::PUT, "/api/access/users/{name}/password", Admin, api::access::set_password)
            .on(Method::POST, "/api/access/shares", Admin, api::access::add_share)
            .on(Method::DELETE, "/api/access/{id}", Admin, api::access::revoke)
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
    fn media<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs: Needs::View, whom: For::Players }, handler)
    }

    /// For what may know no TLS.
    fn device<H, T>(self, path: &'static str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs, whom: For::Devices }, handler)
    }

    /// For programs.
    fn get<H, T>(self, path: &'static str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.on(Method::GET, path, needs, handler)
    }

    fn on<H, T>(self, method: Method, path: &'static str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add(method, path, Rule { needs, whom: For::Programs }, handler)
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
