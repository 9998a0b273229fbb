//! What a route asks of those who come.

use axum::http::Method;

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing: the route is for everybody.
    Nothing,
    /// The right to send pictures as the camera that the path names.
    Publish,
    /// The right to watch the camera that the path names.
    View,
    /// The right to watch some camera. The answer is only about those.
    ViewSome,
    /// The right to watch all cameras.
    ViewAll,
    /// The right to do everything.
    Admin,
}

/// For whom a route's refusals are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum For {
    /// A person with a browser, who gets a page to log in.
    People,
    /// A player, which asks its owner when it is told to (RFC 7617).
    Players,
    /// A program or a page's script.
    Programs,
    /// A camera, or what looks whether this server is well. They may know no TLS, and are served without.
    Devices,
}

/// What a route asks of those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The right that a caller needs.
    pub needs: Needs,
    /// The kind of callers that the route is for.
    pub whom: For,
}

/// A route, for tests and lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method. GET is HEAD, too.
    pub method: Method,
    /// The path, as `/camera/{name}`.
    pub path: &'static str,
    /// What the route asks of those who come.
    pub rule: Rule,
}
