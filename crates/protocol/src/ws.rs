//! WebSocket framing (RFC 6455) without I/O: a [`Decoder`] that takes bytes as they come and gives whole messages, and
//! the bytes of frames to send.
//!
//! Own code, because the server needs frames that are made once and shared by all viewers, and the device needs framing
//! without an async runtime; the tests speak to it with other people's implementations. No extension is ever
//! negotiated, so the reserved bits are always zero.

mod decode;
mod encode;

pub use decode::{Decoder, Event, Role, Violation};
pub use encode::{FrameHead, close_frame, frame, frame_head, mask_in_place};

use alloc::string::String;
use base64::Engine as _;
use sha1::Digest as _;

/// Opcodes (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further part of a fragmented message.
    Continuation = 0,
    /// UTF-8 text.
    Text = 1,
    /// Bytes.
    Binary = 2,
    /// The last frame of a direction.
    Close = 8,
    /// To be answered by a pong with the same payload.
    Ping = 9,
    /// The answer.
    Pong = 10,
}

/// Longest payload of a control frame, in bytes (RFC 6455 §5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// Close codes (RFC 6455 §7.4.1) that this project sends.
pub mod close_code {
    /// Done, nothing is wrong.
    pub const NORMAL: u16 = 1000;
    /// The server shuts down, or a page is left.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer broke RFC 6455.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// Text that is no UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// The connection breaks a rule of this server for which there is no other code.
    pub const POLICY: u16 = 1008;
    /// A message over the limit.
    pub const TOO_BIG: u16 = 1009;
    /// The server cannot go on.
    pub const INTERNAL: u16 = 1011;
    /// The server has no room now: to be tried again later.
    pub const TRY_AGAIN: u16 = 1013;
}

/// The value of `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key` (RFC 6455 §4.2.2).
#[must_use]
pub fn accept_key(key: &str) -> String {
    let mut hash = sha1::Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64::engine::general_purpose::STANDARD.encode(hash.finalize())
}

/// Whether `key` is what a client must send as `Sec-WebSocket-Key`: 16 bytes in base64 (RFC 6455 §4.1).
#[must_use]
pub fn is_valid_key(key: &str) -> bool {
    base64::engine::general_purpose::STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_that_of_the_standards_example() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_sixteen_bytes() {
        assert!(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(!is_valid_key("dGhlIHNhbXBsZQ=="));
        assert!(!is_valid_key("not base64!"));
    }
}
