//! Who may come in: who asks, what that allows, how many may watch, and what ends a connection that lasts.
//!
//! The gate knows nothing about routes and pictures. A request passes it by [`Gate::meet`], which makes a [`Visitor`] of it;
//! whoever watches or publishes for longer takes a [`Seat`].
//!
//! ```text
//!  Peer ──► Client ──► Visitor ──► Seat
//!  socket   behind a   who asks,   a place to watch or publish from,
//!           proxy?     rights      and what ends it
//! ```
//!
//! | file | what |
//! |---|---|
//! | `config.rs` | what the owner decided: who may come without a credential, proxies, how many may watch |
//! | `peer.rs` | both ends of a connection, and what it came by |
//! | `client.rs` | who asks, when a proxy passed the request on |
//! | `visitor.rs` | who asks, with its rights |
//! | `passwords.rs` | how many passwords are hashed at once, and how many wait for that |
//! | `refusals.rs` | who was refused waits for a moment |
//! | `admission.rs` | how many watch or listen, in total and from one address |
//! | `publishing.rs` | how many cameras are connected, and how many bytes their messages take |
//! | `hold.rs` | a right that a connection hangs on |
//! | `seat.rs` | the three above, as one thing for every transport |

#![forbid(unsafe_code)]

pub mod admission;
pub mod client;
mod config;
pub mod hold;
mod passwords;
mod peer;
pub mod publishing;
mod refusals;
mod seat;
mod visitor;

pub use config::GateConfig;
pub use passwords::MAX_LOGINS;
pub use peer::{Channel, Peer};
pub use seat::{Over, Seat};
pub use visitor::Visitor;

use admission::{Admission, Refusal, Sort};
use hold::Hold;
use lenscast_auth::Auth;
use lenscast_auth::rights::Right;
use lenscast_base::in_force::InForce;
use lenscast_base::notices::Notices;
use lenscast_protocol::CameraName;
use passwords::Turns;
use publishing::{CameraTicket, CamerasFull, Publishing};
use refusals::Refusals;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The gate of a server. Clones share it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    auth: Auth,
    config: InForce<GateConfig>,
    admission: Arc<Admission>,
    publishing: Arc<Publishing>,
    turns: Turns,
    refusals: Refusals,
    notices: Notices,
    /// Cancelled when the server shuts down, which ends every seat.
    shutdown: CancellationToken,
}

impl Gate {
    /// A gate that checks credentials by `auth`. `shutdown` ends every [`Seat`].
    #[must_use]
    pub fn new(auth: Auth, config: InForce<GateConfig>, shutdown: CancellationToken) -> Self {
        let admission = Arc::new(Admission::new(config.clone()));
        let publishing = Arc::new(Publishing::new(config.clone()));
        let (turns, refusals, notices) = Default::default();
        Self(Arc::new(Inner { auth, config, admission, publishing, turns, refusals, notices, shutdown }))
    }

    /// The credentials, and what they allow.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.0.auth
    }

    /// What the owner decided, as it is in force now.
    #[must_use]
    pub fn config(&self) -> Arc<GateConfig> {
        self.0.config.get()
    }

    /// What was logged lately about those who come.
    #[must_use]
    pub fn notices(&self) -> &Notices {
        &self.0.notices
    }

    /// How many watch.
    #[must_use]
    pub fn watching(&self) -> usize {
        self.0.admission.total(Sort::Viewer)
    }

    /// Lets the visitor be connected as a camera. To be asked before its handshake is answered. Takes some seconds when another
    /// one has to leave for it.
    ///
    /// # Errors
    /// [`CamerasFull`] when as many are connected as may.
    pub async fn admit_camera(&self, visitor: &Visitor) -> Result<CameraTicket, CamerasFull> {
        self.0.publishing.admit(visitor.peer().ip()).await
    }

    /// How many connections of cameras there are, and how many bytes their messages take.
    #[must_use]
    pub fn publishing(&self) -> (usize, usize) {
        self.0.publishing.now()
    }

    /// A seat for one who watches `camera`.
    ///
    /// # Errors
    /// [`Refusal`] when as many watch as may.
    pub fn seat(&self, visitor: &Visitor, camera: &CameraName) -> Result<Seat, Refusal> {
        let ticket = self.0.admission.admit(Sort::Viewer, visitor.peer().ip())?;
        Ok(Seat::new(self, Hold::camera(self, visitor, Right::View, camera), Some(ticket)))
    }

    /// A seat for one who publishes as `camera`. It counts as nobody who watches.
    #[must_use]
    pub fn publisher_seat(&self, visitor: &Visitor, camera: &CameraName) -> Seat {
        Seat::new(self, Hold::camera(self, visitor, Right::Publish, camera), None)
    }

    /// A seat for one who is told what the visitor's rights allow, and who has to come again when they change. It counts as
    /// nobody who watches, and there are as many of them at most as may watch.
    ///
    /// # Errors
    /// [`Refusal`] when as many listen as may.
    pub fn listener_seat(&self, visitor: &Visitor) -> Result<Seat, Refusal> {
        let ticket = self.0.admission.admit(Sort::Listener, visitor.peer().ip())?;
        Ok(Seat::new(self, Hold::all(self, visitor), Some(ticket)))
    }
}
