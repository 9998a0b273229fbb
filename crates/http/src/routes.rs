//! Routes, each with what it asks of those who come. A route cannot be added without saying so.

use super::access;
use super::api::openapi::{self, About};
use super::api::{self, problem};
use super::guarding::Guarding;
use super::places::Places;
use super::rule::{For, Needs, Route, Rule};
use super::serving::Serving;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::routing::{MethodFilter, any, on};
use bytes::Bytes;
use lenscast_gate::Gate;

/// The routes of a server.
#[derive(Debug)]
pub struct Routes<S> {
    state: S,
    guarding: Guarding,
    base_path: String,
    router: Router<S>,
    list: Vec<Route>,
    /// Those of the list that the description of the API has, with what their handlers say about themselves.
    described: Vec<(Route, fn() -> About)>,
}

impl<S> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Gate: FromRef<S>,
    Places: FromRef<S>,
    Serving: FromRef<S>,
{
    /// No routes yet, for a server whose state is `state`.
    #[must_use]
    pub fn new(state: &S) -> Self {
        let (router, list, described) = Default::default();
        let guarding = Guarding::of(state);
        let base_path = Places::from_ref(state).base_path();
        Self { state: state.clone(), guarding, base_path, router, list, described }
    }

    /// The routes as a list.
    #[must_use]
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// The router that answers requests. A connection puts its [`Peer`](lenscast_gate::Peer) into each of them; without, nobody is let in.
    pub fn router(self) -> Router {
        let nothing =
            || async { (StatusCode::NOT_FOUND, "There is nothing here. The live picture is at /\n") };
        let nothing = any(nothing).layer(middleware::from_fn_with_state(
            (self.guarding.clone(), Rule { needs: Needs::Nothing, whom: For::Programs }),
            access::check,
        ));
        self.router
            .fallback_service(nothing.with_state(self.state.clone()))
            .layer(DefaultBodyLimit::max(api::MAX_BODY))
            .layer(middleware::from_fn(problem::under_api))
            .layer(middleware::from_fn(access::headers::on_every_answer))
            .with_state(self.state)
    }

    /// Adds a page, for people.
    #[must_use]
    pub fn page<H, T>(self, path: &'static str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs, whom: For::People }, handler)
    }

    /// Adds live pictures, for players.
    #[must_use]
    pub fn media<H, T>(self, path: &'static str, handler: H, about: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let rule = Rule { needs: Needs::View, whom: For::Players };
        self.add(Method::GET, path, rule, handler).with(about)
    }

    /// Adds a file that is a part of a page.
    #[must_use]
    pub fn file<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs: Needs::Nothing, whom: For::Programs }, handler)
    }

    /// Adds a WebSocket, of which the description of the API cannot speak.
    #[must_use]
    pub fn socket<H, T>(self, path: &'static str, needs: Needs, whom: For, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs, whom }, handler)
    }

    /// Adds a route for what may know no TLS.
    #[must_use]
    pub fn device<H, T>(self, path: &'static str, needs: Needs, handler: H, about: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.add(Method::GET, path, Rule { needs, whom: For::Devices }, handler).with(about)
    }

    /// Adds a route to read, for programs.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, needs: Needs, handler: H, about: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(Method::GET, path, needs, handler, about)
    }

    /// Adds a route of any method, for programs.
    #[must_use]
    pub fn on<H, T>(
        self,
        method: Method,
        path: &'static str,
        needs: Needs,
        handler: H,
        about: fn() -> About,
    ) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.add(method, path, Rule { needs, whom: For::Programs }, handler).with(about)
    }

    /// Adds the description of all routes before it, and of itself.
    #[must_use]
    pub fn describing(self, path: &'static str) -> Self {
        let own =
            Route { method: Method::GET, path, rule: Rule { needs: Needs::Nothing, whom: For::Programs } };
        let described = self.described.iter().map(|(route, about)| (route, *about));
        let all = described.chain([(&own, openapi::about as fn() -> About)]);
        let document = openapi::document(all, &self.base_path);
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
        H: Handler<T, S>,
        T: 'static,
    {
        let filter =
            MethodFilter::try_from(method.clone()).expect("the methods above are those that axum knows");
        let guard = middleware::from_fn_with_state((self.guarding.clone(), rule), access::check);
        // Around the answer to a wrong method, too.
        self.router = self.router.route(path, on(filter, handler).layer(guard));
        self.list.push(Route { method, path, rule });
        self
    }
}
