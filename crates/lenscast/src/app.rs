//! What the handlers of a server share, slice by slice. Only the table of routes and the server itself name the whole.

use crate::demo::Demos;
use crate::program::Program;
use axum::extract::FromRef;
use lenscast_cameras::Cameras;
use lenscast_gate::Gate;
use lenscast_http::events::Events;
use lenscast_http::places::Places;
use lenscast_http::serving::Serving;

/// The slices of a server. A handler takes those that it needs, as `State<Cameras>`. Clones share all of them.
#[derive(Clone, Debug, FromRef)]
pub struct App {
    /// Who may come in.
    pub gate: Gate,
    /// The cameras.
    pub cameras: Cameras,
    /// Where the server is found.
    pub places: Places,
    /// What all connections share.
    pub serving: Serving,
    /// What is told to pages by itself.
    pub events: Events,
    /// Virtual cameras inside the server.
    pub demos: Demos,
    /// The process, its state directory and its configuration.
    pub program: Program,
}
