//! What the handlers of a server share, slice by slice. Only the table of routes and the server itself name the whole.

use crate::cameras::Cameras;
use crate::demo::Demos;
use crate::gate::Gate;
use crate::http::events::Events;
use crate::http::places::Places;
use crate::http::serving::Serving;
use crate::program::Program;
use axum::extract::FromRef;

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
