//! Why there is no connection (any more), in words.

use alloc::format;
use alloc::string::String;
use core::mem::Discriminant;
use core::time::Duration;
use lenscast_protocol::{plain, ws};

/// Longest text of a server's that is repeated, in characters.
const MAX_WORDS: usize = 200;

/// A [`Lost`] without its details, to log each kind once in a while.
pub type LostKind = Discriminant<Lost>;

/// Why there is no connection (any more).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// TCP could not be connected.
    #[error("cannot reach the server: {0}")]
    Unreachable(String),
    /// Connecting, including the handshake, took too long.
    #[error("the server did not answer within {:.1} s", .0.as_secs_f32())]
    ConnectTimeout(Duration),
    /// It speaks HTTP, but does not let us in.
    #[error("the server refused the camera: HTTP {status}{}", after_colon(.sentence))]
    Refused {
        /// HTTP status code.
        status: u16,
        /// First line of what it said, at most 200 characters.
        sentence: String,
    },
    /// It answered something else than a WebSocket handshake.
    #[error("what answered is no WebSocket server: {0}")]
    NotWebSocket(&'static str),
    /// It did not do RFC 6455 §4.2.2 with our key: a cache or a proxy answered.
    #[error("what answered is no WebSocket server: it does not know our key")]
    WrongAccept,
    /// It said good-bye.
    #[error("the server closed the connection{}", in_brackets(*.code, .reason))]
    Closed {
        /// Close code (RFC 6455 §7.4), if it told one.
        code: Option<u16>,
        /// Why, if it told that.
        reason: String,
    },
    /// The connection ended without a good-bye; why, if that is known.
    #[error("the connection broke without a good-bye{}", after_colon(.0))]
    Broken(String),
    /// Not even an answer to a ping came for so long.
    #[error("nothing was heard from the server for {:.1} s", .0.as_secs_f32())]
    Silent(Duration),
    /// A frame was on its way for so long and not yet handed over whole. Half a message cannot be resumed, so the
    /// connection ends with it.
    #[error("a frame could not be sent within {:.1} s", .0.as_secs_f32())]
    Slow(Duration),
    /// What the server sent is against RFC 6455, or too long.
    #[error("the server sent what it must not: {0}")]
    Violation(ws::Violation),
    /// The device left its network, or was thrown out.
    #[error("the network is down")]
    NetworkDown,
}

impl Lost {
    /// The kind of cause, without its details.
    #[must_use]
    pub fn kind(&self) -> LostKind {
        core::mem::discriminant(self)
    }
}

fn in_brackets(code: Option<u16>, reason: &str) -> String {
    code.map_or(String::new(), |code| format!(" (code {code}{})", after_colon(reason)))
}

fn after_colon(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

/// The first line of a stranger's words, without what would confuse a terminal.
pub(crate) fn one_line(words: &str) -> String {
    let line = words.trim_start().lines().next().unwrap_or_default().trim_end();
    line.chars().map(|c| if plain::is_unsafe(c) { ' ' } else { c }).take(MAX_WORDS).collect()
}
