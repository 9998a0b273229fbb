//! Bytes of frames to send.

use super::{MAX_CONTROL_PAYLOAD, Opcode};
use alloc::vec::Vec;

/// Longest head of a frame: 2 bytes, 8 of length, 4 of mask.
const MAX_HEAD: usize = 14;

/// The bytes before a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    bytes: [u8; MAX_HEAD],
    len: usize,
}

impl FrameHead {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The head of an unfragmented frame whose payload has `payload_len` bytes. A client passes its mask and masks the
/// payload with [`mask_in_place`]; a server passes `None`.
#[must_use]
pub fn frame_head(opcode: Opcode, payload_len: usize, mask: Option<[u8; 4]>) -> FrameHead {
    let mut bytes = [0; MAX_HEAD];
    bytes[0] = 0x80 | opcode as u8;
    let mut len = 2;
    match payload_len {
        0..=125 => bytes[1] = payload_len as u8,
        126..=0xFFFF => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&(payload_len as u16).to_be_bytes());
            len = 4;
        }
        _ => {
            bytes[1] = 127;
            bytes[2..10].copy_from_slice(&(payload_len as u64).to_be_bytes());
            len = 10;
        }
    }
    if let Some(mask) = mask {
        bytes[1] |= 0x80;
        bytes[len..len + 4].copy_from_slice(&mask);
        len += 4;
    }
    FrameHead { bytes, len }
}

/// A whole unmasked frame, as a server sends it.
#[must_use]
pub fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let head = frame_head(opcode, payload.len(), None);
    let mut out = Vec::with_capacity(head.as_bytes().len() + payload.len());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(payload);
    out
}

/// An unmasked close frame. The reason is cut to what fits, at a character's border.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let mut end = reason.len().min(MAX_CONTROL_PAYLOAD - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = Vec::with_capacity(2 + end);
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    frame(Opcode::Close, &payload)
}

/// Masks or unmasks `bytes`, which begin `offset` bytes into the payload (RFC 6455 §5.3).
pub fn mask_in_place(bytes: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut mask = mask;
    mask.rotate_left(offset % 4);
    // Eight bytes at once: the loop over single bytes costs as much as the copy itself.
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}
