//! What the guard of a route needs of a server.

use super::places::Places;
use super::serving::Serving;
use axum::extract::FromRef;
use lenscast_gate::Gate;

/// The parts of a server that a guard needs.
#[derive(Clone, Debug)]
pub struct Guarding {
    pub(super) gate: Gate,
    pub(super) places: Places,
    pub(super) serving: Serving,
}

impl Guarding {
    /// The parts of the server whose state is `state`.
    pub fn of<S>(state: &S) -> Self
    where
        Gate: FromRef<S>,
        Places: FromRef<S>,
        Serving: FromRef<S>,
    {
        Self {
            gate: FromRef::from_ref(state),
            places: FromRef::from_ref(state),
            serving: FromRef::from_ref(state),
        }
    }
}
