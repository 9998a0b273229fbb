//! The connection to the server: a WebSocket client (RFC 6455) that keeps itself alive.
//!
//! Here: when to dial, the handshake, one binary message a frame, pings, deadlines, good-byes and back-off. Not here:
//! the socket, the clock, what frames and texts mean, and what is logged.
//!
//! **Call an input when something happens, then [`Client::poll`] until there is nothing more, and
//! [`Client::poll_transmit`] whenever the socket takes bytes; then wait, at most until [`Client::next_wake`], and call
//! [`Client::handle_timeout`].**

mod client;
mod connection;
mod handshake;
mod lost;
mod outgoing;

pub use client::Client;
pub(crate) use lost::one_line;
pub use lost::{Lost, LostKind};

use alloc::string::String;
use core::time::Duration;

/// Names one attempt to connect, so that what comes late from an older one is told apart.
pub type DialId = u32;

/// What the driver is to do with its TCP socket. There is one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAction {
    /// Resolve `host`, connect, no Nagle; answered by [`SocketEvent::Connected`] or [`SocketEvent::Failed`].
    Dial {
        /// This attempt.
        id: DialId,
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// Drop the connection, or the attempt, at once. Not answered.
    Hangup {
        /// Of this attempt.
        id: DialId,
    },
}

/// What happened to the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// TCP is connected.
    Connected,
    /// It could not be: why, in words.
    Failed(String),
    /// The connection is over: why, in words; empty when the peer closed it in order.
    Closed(String),
}

/// What a [`Client`] wants done or known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To be done, in this order.
    Socket(SocketAction),
    /// To be known.
    Event(Event),
}

/// What happened to a connection, or to what was to be sent over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server accepted this device.
    Up {
        /// Where, as `host:port/path`.
        endpoint: String,
        /// Whether control messages may be exchanged: `lenscast.v1` was negotiated.
        extended: bool,
    },
    /// A frame was handed to the socket whole.
    Sent {
        /// Its size in bytes, without framing.
        bytes: usize,
        /// Time from its first byte to its last.
        took: Duration,
    },
    /// A frame will not arrive: a newer one took its place, or there is no connection (any more).
    Dropped,
    /// A control message, at most [`MAX_CONTROL_BYTES`](lenscast_protocol::control::MAX_CONTROL_BYTES) long.
    Text(String),
    /// One or several messages of the server's were longer than a control message may be. They were passed over.
    TooLong,
    /// A connection ended, or an attempt to connect failed.
    Down {
        /// Why; `None` when this device ended an open connection because that was wished.
        lost: Option<Lost>,
        /// Where, as `host:port/path`.
        endpoint: String,
        /// How many attempts failed in a row, this one included; 0 when it did not fail.
        attempt: u32,
        /// When it is tried again: zero for at once without the subprotocol. `None`: not before there is a network or
        /// another target.
        retry_in: Option<Duration>,
    },
}

/// How patient a device is with its connection.
///
/// A link that died without a word is noticed within [`ping_after`](Self::ping_after) + [`frame`](Self::frame) +
/// [`pong`](Self::pong) after the last byte that was heard, 9.5 s by default: the ping is due after the first, waits
/// for the frame on its way at most the second (or the frame ends the connection by itself), and is waited for the
/// third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Connecting, including the WebSocket handshake, takes no longer than this. 10 s by default.
    pub connect: Duration,
    /// Handing over a frame takes no longer than this from its first byte to its last. 4 s by default.
    pub frame: Duration,
    /// A ping is sent when nothing was heard for this long. 2 s by default.
    pub ping_after: Duration,
    /// Something must be heard this long after the ping was handed over. 3.5 s by default.
    pub pong: Duration,
    /// Longest wait for the rest of a frame before a good-bye, and again for the answer to it. 1 s by default.
    pub goodbye: Duration,
    /// Shortest wait before the next attempt. 500 ms by default.
    pub reconnect_min: Duration,
    /// Longest wait before the next attempt. 10 s by default.
    pub reconnect_max: Duration,
    /// After a connection that lasted this long, the wait is short again. 10 s by default: a server that accepts and
    /// drops is to be spared like one that refuses.
    pub stable: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            frame: Duration::from_secs(4),
            ping_after: Duration::from_secs(2),
            pong: Duration::from_millis(3500),
            goodbye: Duration::from_secs(1),
            reconnect_min: Duration::from_millis(500),
            reconnect_max: Duration::from_secs(10),
            stable: Duration::from_secs(10),
        }
    }
}
