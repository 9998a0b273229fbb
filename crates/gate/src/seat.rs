//! One who watches or publishes for longer than a request.

use super::Gate;
use super::admission::Ticket;
use super::hold::{Hold, OVER};
use tokio_util::sync::CancellationToken;

/// A place to watch or publish from: the right to do so, the ticket of admission, and what ends both.
///
/// A seat is taken before anything is sent, and held as long as the connection lasts. Dropping it gives the ticket back.
/// Every transport does the same with it:
///
/// ```ignore
/// let seat = gate.seat(&visitor, &camera)?;
/// tokio::select! {
///     why = seat.over() => goodbye(why),
///     () = send_pictures() => {}
/// }
/// ```
#[derive(Debug)]
pub struct Seat {
    hold: Hold,
    shutdown: CancellationToken,
    _ticket: Option<Ticket>,
}

/// Why a seat is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The server shuts down.
    Shutdown,
    /// The right has gone: it was revoked, has expired, or the owner changed what is allowed.
    Revoked,
}

impl Over {
    /// The reason in words, for whoever had the seat.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Shutdown => "the server shuts down",
            Self::Revoked => OVER,
        }
    }
}

impl Seat {
    pub(super) fn new(gate: &Gate, hold: Hold, ticket: Option<Ticket>) -> Self {
        Self { hold, shutdown: gate.0.shutdown.clone(), _ticket: ticket }
    }

    /// Returns when the seat is over, and why. Cancel-safe.
    pub async fn over(&self) -> Over {
        tokio::select! {
            () = self.shutdown.cancelled() => Over::Shutdown,
            () = self.hold.lost() => Over::Revoked,
        }
    }
}
