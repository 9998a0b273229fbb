//! Bytes that are made once, for sockets and for everybody else.

use bytes::Bytes;
use lenscast_protocol::ws::{Opcode, frame_head};

/// Bytes of the longest head of a WebSocket frame that is not masked (RFC 6455 §5.2): two, and a length of eight.
const MAX_HEAD: usize = 10;

/// The bytes of something in one format, with the head of a WebSocket message in front.
///
/// The bytes are made once and shared: a clone, [`Framed::message`] and [`Framed::body`] copy nothing. WebSocket viewers get the
/// message as it is. HTTP, RTSP and every other output with its own way of framing takes the body.
#[derive(Clone, Debug)]
pub struct Framed {
    message: Bytes,
    body_at: usize,
}

impl Framed {
    /// The bytes that `append` appends to the buffer that it is given, and what `append` returns. `size` is about how many bytes
    /// that will be; with a good guess, nothing is copied while the buffer grows.
    pub fn made<R>(size: usize, append: impl FnOnce(&mut Vec<u8>) -> R) -> (Self, R) {
        // The head has 2, 4 or 10 bytes, as long as it must be to tell the body's length, which is known when the body is there.
        // So there is room for the longest head, and the head is written right before the body. With a body of 300 bytes:
        //
        //     0          6             10         310
        //     | left out | 82 7E 01 2C | body     |
        let mut bytes = Vec::with_capacity(MAX_HEAD + size);
        bytes.resize(MAX_HEAD, 0);
        let result = append(&mut bytes);
        let head = frame_head(Opcode::Binary, bytes.len() - MAX_HEAD, None);
        let head = head.as_bytes();
        let head_at = MAX_HEAD - head.len();
        bytes[head_at..MAX_HEAD].copy_from_slice(head);
        let message = Bytes::from(bytes).slice(head_at..);
        (Self { message, body_at: head.len() }, result)
    }

    /// The bytes as one WebSocket message, head included: a binary frame that is not masked (RFC 6455 §5.2).
    #[must_use]
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// The bytes without the head.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.message.slice(self.body_at..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_protocol::ws;

    #[test]
    fn a_message_is_the_head_and_the_body_whatever_its_length() {
        for len in [0, 1, 125, 126, 127, 300, 0xFFFF, 0x1_0000, 200_000] {
            let body: Vec<u8> = (0..len).map(|at: usize| at as u8).collect();
            let (framed, given) = Framed::made(len / 2, |out| {
                out.extend_from_slice(&body);
                7
            });
            assert_eq!(given, 7);
            assert!(framed.message() == &ws::frame(Opcode::Binary, &body), "{len}");
            assert!(framed.body() == body, "{len}");
        }
    }

    #[test]
    fn all_who_take_it_share_the_same_bytes() {
        let (framed, ()) = Framed::made(5, |out| out.extend_from_slice(b"hello"));
        let clone = framed.clone();
        assert_eq!(framed.message().as_ptr(), clone.message().as_ptr());
        assert_eq!(framed.body().as_ptr(), clone.body().as_ptr());
        assert_eq!(framed.body().as_ptr(), framed.message()[2..].as_ptr());
    }
}
