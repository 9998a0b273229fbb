//! Connections that were refused or ended because of a limit, counted by cause.

use super::crowd::NoPlace;
use std::sync::atomic::{AtomicU64, Ordering};

/// Connections that were refused or ended because of a limit, by cause, since the server started.
#[derive(Debug, Default)]
pub struct Ended([AtomicU64; Cause::ALL.len()]);

/// The limit that ended a connection, or kept it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// All places are taken by connections that last (`max_connections`). It was not let in.
    Full,
    /// Its address has as many connections that last as it may (`max_connections_per_address`). It was not let in.
    AddressFull,
    /// It neither watched nor published yet, and made room for a newer one (`max_newcomers`).
    PushedOut,
    /// It did not send the head of its request in time (`handshake_timeout`).
    SlowHead,
    /// It did not send the body of its request in time (`handshake_timeout`).
    SlowBody,
    /// It took nothing for too long (`stall_timeout`).
    Stalled,
    /// It began with a header of the PROXY protocol, and its address is none of `trusted_proxies`.
    StrangeHeader,
    /// It is a trusted proxy's, and began with a header of the PROXY protocol that is no good.
    BrokenHeader,
}

impl From<NoPlace> for Cause {
    fn from(why: NoPlace) -> Self {
        match why {
            NoPlace::Full => Self::Full,
            NoPlace::AddressFull => Self::AddressFull,
        }
    }
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 8] = [
        Self::Full,
        Self::AddressFull,
        Self::PushedOut,
        Self::SlowHead,
        Self::SlowBody,
        Self::Stalled,
        Self::StrangeHeader,
        Self::BrokenHeader,
    ];

    /// The cause as a label of a metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::AddressFull => "address_full",
            Self::PushedOut => "pushed_out",
            Self::SlowHead => "slow_head",
            Self::SlowBody => "slow_body",
            Self::Stalled => "stalled",
            Self::StrangeHeader => "strange_header",
            Self::BrokenHeader => "broken_header",
        }
    }

    /// What happened, in words for the log. It is also the kind under which such lines are summed up.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Full => "a connection is refused: there are as many as there may be (max_connections)",
            Self::AddressFull => {
                "a connection is refused: its address has as many as it may (max_connections_per_address)"
            }
            Self::PushedOut => {
                "a connection that asked for nothing is closed: newer ones need its place (max_newcomers)"
            }
            Self::SlowHead => "a request is given up: its head took too long (handshake_timeout)",
            Self::SlowBody => "a request is given up: its body took too long (handshake_timeout)",
            Self::Stalled => "a connection is closed: it took nothing for too long (stall_timeout)",
            Self::StrangeHeader => {
                "a connection is closed: it begins with a header of the PROXY protocol, and its address is none of \
                 trusted_proxies (docs/proxies.md)"
            }
            Self::BrokenHeader => {
                "a connection of a trusted proxy is closed: its header of the PROXY protocol is no good"
            }
        }
    }
}

impl Ended {
    /// Each cause, and how often it was.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Cause::ALL.into_iter().map(Cause::as_str).zip(counts)
    }

    /// How often a connection ended for that cause.
    #[must_use]
    pub fn of(&self, cause: Cause) -> u64 {
        self.0[cause as usize].load(Ordering::Relaxed)
    }

    /// Counts one more.
    pub(super) fn count(&self, cause: Cause) {
        self.0[cause as usize].fetch_add(1, Ordering::Relaxed);
    }
}
