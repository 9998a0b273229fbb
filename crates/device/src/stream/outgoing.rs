//! One frame of the WebSocket on its way out, masked while it is copied.

use crate::backoff::Random;
use crate::time::Instant;
use alloc::string::String;
use alloc::vec::Vec;
use lenscast_protocol::ws::{FrameHead, Opcode, frame_head, mask_in_place};

/// What a frame of the WebSocket carries.
#[derive(Debug)]
pub(super) enum Payload<F> {
    Frame(F),
    Text(String),
    Ping,
    Pong(Vec<u8>),
    Close(Vec<u8>),
}

impl<F: AsRef<[u8]>> Payload<F> {
    fn opcode(&self) -> Opcode {
        match self {
            Self::Frame(_) => Opcode::Binary,
            Self::Text(_) => Opcode::Text,
            Self::Ping => Opcode::Ping,
            Self::Pong(_) => Opcode::Pong,
            Self::Close(_) => Opcode::Close,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Frame(frame) => frame.as_ref(),
            Self::Text(text) => text.as_bytes(),
            Self::Ping => &[],
            Self::Pong(payload) | Self::Close(payload) => payload,
        }
    }
}

/// A frame of the WebSocket, of which a part may be handed over already.
#[derive(Debug)]
pub(super) struct Outgoing<F> {
    head: FrameHead,
    mask: [u8; 4],
    pub(super) payload: Payload<F>,
    /// Bytes of head and payload together.
    handed_over: usize,
    /// When it began.
    pub(super) since: Instant,
}

impl<F: AsRef<[u8]>> Outgoing<F> {
    /// With a fresh mask, as every frame (RFC 6455 §5.3).
    pub(super) fn new(payload: Payload<F>, now: Instant, random: &mut Random) -> Self {
        let mask = random.bytes();
        let head = frame_head(payload.opcode(), payload.bytes().len(), Some(mask));
        Self { head, mask, payload, handed_over: 0, since: now }
    }

    /// Copies as much as fits and returns how many bytes that is.
    pub(super) fn copy(&mut self, out: &mut [u8]) -> usize {
        let head = self.head.as_bytes();
        let from_head = head.len().saturating_sub(self.handed_over).min(out.len());
        let (for_head, for_payload) = out.split_at_mut(from_head);
        for_head.copy_from_slice(&head[self.handed_over.min(head.len())..][..from_head]);

        let offset = self.handed_over.saturating_sub(head.len());
        let rest = &self.payload.bytes()[offset..];
        let from_payload = rest.len().min(for_payload.len());
        for_payload[..from_payload].copy_from_slice(&rest[..from_payload]);
        mask_in_place(&mut for_payload[..from_payload], self.mask, offset);

        self.handed_over += from_head + from_payload;
        from_head + from_payload
    }

    pub(super) fn is_done(&self) -> bool {
        self.handed_over == self.head.as_bytes().len() + self.len()
    }

    /// Bytes of the payload.
    pub(super) fn len(&self) -> usize {
        self.payload.bytes().len()
    }
}
