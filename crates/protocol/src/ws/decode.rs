//! Frames in, whole messages out.

use super::{MAX_CONTROL_PAYLOAD, Opcode, close_code, mask_in_place};
use alloc::string::String;
use alloc::vec::Vec;

/// Which side decodes: a server gets masked frames only, a client unmasked ones only (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Frames come from a client.
    Server,
    /// Frames come from a server.
    Client,
}

/// What a [`Decoder`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole binary message, whether it came in one frame or in many.
    Binary(Vec<u8>),
    /// A whole text message.
    Text(String),
    /// To be answered by a pong with the same payload.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong(Vec<u8>),
    /// The peer's last frame, with its code and reason when it gave them.
    Close(Option<(u16, String)>),
}

/// Why a peer's bytes are no WebSocket conversation that can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A client must mask (RFC 6455 §5.1).
    #[error("a frame without a mask; clients must mask (RFC 6455, section 5.1)")]
    Unmasked,
    /// A server must not mask (RFC 6455 §5.1).
    #[error("a masked frame from a server (RFC 6455, section 5.1)")]
    Masked,
    /// No extension was negotiated.
    #[error("reserved bits are set, but no extension was negotiated (RFC 6455, section 5.2)")]
    ReservedBits,
    /// An opcode that RFC 6455 does not define.
    #[error("unknown opcode {0:#x} (RFC 6455, section 5.2)")]
    Opcode(u8),
    /// A length that is not in its shortest form, or has its top bit set.
    #[error("a frame length that is not in its shortest form (RFC 6455, section 5.2)")]
    Length,
    /// A control frame that is fragmented or over 125 bytes.
    #[error("a control frame that is fragmented or longer than 125 bytes (RFC 6455, section 5.5)")]
    Control,
    /// A continuation without a beginning, or a new message inside a fragmented one.
    #[error("fragments out of order (RFC 6455, section 5.4)")]
    Fragment,
    /// A close frame of one byte, or with a code that must not be sent.
    #[error("a malformed close frame (RFC 6455, section 7.4)")]
    Close,
    /// Text that is no UTF-8.
    #[error("text that is no UTF-8 (RFC 6455, section 8.1)")]
    Utf8,
    /// A message over the limit. `size` is what was announced so far, in bytes.
    #[error("a message of {size} bytes or more; the limit is {limit} bytes")]
    TooBig {
        /// Bytes announced by the message's frames so far.
        size: u64,
        /// The limit in bytes.
        limit: usize,
    },
}

impl Violation {
    /// The code with which the connection is to be closed (RFC 6455 §7.4.1).
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::TooBig { .. } => close_code::TOO_BIG,
            Self::Utf8 => close_code::INVALID_PAYLOAD,
            _ => close_code::PROTOCOL_ERROR,
        }
    }
}

/// Turns a peer's bytes into messages. Memory is bounded by the message limit.
///
/// After a [`Violation`] the decoder must not be used again: where the next frame begins is unknown.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    max_message: usize,
    /// Messages that are longer than this are passed over.
    max_kept: usize,
    passed_over: u64,
    head: Head,
    frame: Option<Frame>,
    /// The data message whose frames are coming in.
    message: Option<Message>,
    control: Vec<u8>,
}

/// A data message.
#[derive(Debug)]
struct Message {
    opcode: Opcode,
    /// Announced by its frames so far, in bytes.
    size: u64,
    /// Its bytes so far; none when it is passed over.
    bytes: Vec<u8>,
}

/// The bytes of a frame's head that have come so far.
#[derive(Debug, Default)]
struct Head {
    bytes: [u8; 14],
    len: usize,
}

/// A frame whose head is known.
#[derive(Debug)]
struct Frame {
    fin: bool,
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    received: u64,
    len: u64,
}

impl Decoder {
    /// A decoder for one direction of one connection. `max_message` bounds a whole message, in bytes.
    #[must_use]
    pub fn new(role: Role, max_message: usize) -> Self {
        Self::passing_over(role, max_message, max_message)
    }

    /// A decoder that keeps messages of at most `max_kept` bytes. Longer ones, up to `max_message` bytes, are passed over:
    /// they are no [`Event`], are counted by [`passed_over`](Self::passed_over), and take no memory.
    #[must_use]
    pub fn passing_over(role: Role, max_kept: usize, max_message: usize) -> Self {
        let (head, frame, message, control) = (Head::default(), None, None, Vec::new());
        Self { role, max_message, max_kept, passed_over: 0, head, frame, message, control }
    }

    /// Messages that were too long to be kept, so far.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// How many bytes are kept of the data message that is not whole yet.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.bytes.len())
    }

    /// Takes bytes from the front of `input` until a message is whole or `input` is empty (then `None`).
    ///
    /// # Errors
    /// [`Violation`]: the connection must be closed with its code.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Violation> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.read_head(input)? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            self.read_payload(&mut frame, input);
            if frame.received < frame.len {
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(event) = self.finish(&frame)? {
                return Ok(Some(event));
            }
        }
    }

    fn read_head(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, Violation> {
        let head = &mut self.head;
        loop {
            let needed = match head.len {
                0 | 1 => 2,
                _ => {
                    let extended = match head.bytes[1] & 0x7F {
                        126 => 2,
                        127 => 8,
                        _ => 0,
                    };
                    2 + extended + if head.bytes[1] & 0x80 != 0 { 4 } else { 0 }
                }
            };
            if head.len == needed {
                break;
            }
            let take = input.len().min(needed - head.len);
            if take == 0 {
                return Ok(None);
            }
            let (front, rest) = input.split_at(take);
            head.bytes[head.len..head.len + take].copy_from_slice(front);
            head.len += take;
            *input = rest;
            // Refuse as soon as the two first bytes are known, not when the mask has come.
            if head.len == 2 {
                check_first_two([head.bytes[0], head.bytes[1]], self.role)?;
            }
        }
        let bytes = core::mem::take(head).bytes;
        let frame = parse_head(&bytes)?;
        self.begin(&frame)?;
        Ok(Some(frame))
    }

    /// Checks the frame against the message that it belongs to, and makes room.
    fn begin(&mut self, frame: &Frame) -> Result<(), Violation> {
        match frame.opcode {
            Opcode::Text | Opcode::Binary => {
                if self.message.is_some() {
                    return Err(Violation::Fragment);
                }
                self.message = Some(Message { opcode: frame.opcode, size: 0, bytes: Vec::new() });
            }
            Opcode::Continuation if self.message.is_none() => return Err(Violation::Fragment),
            _ => {}
        }
        if let (Opcode::Text | Opcode::Binary | Opcode::Continuation, Some(message)) =
            (frame.opcode, &mut self.message)
        {
            message.size = message.size.saturating_add(frame.len);
            if message.size > self.max_message as u64 {
                return Err(Violation::TooBig { size: message.size, limit: self.max_message });
            }
            if message.size > self.max_kept as u64 {
                // What was kept of it is given back at once.
                message.bytes = Vec::new();
                return Ok(());
            }
            // It fits, as it is no longer than `max_kept`.
            let len = frame.len as usize;
            // Exactly for the usual single frame; doubling for fragments, for a peer may send four million of one byte.
            if message.bytes.is_empty() {
                message.bytes.reserve_exact(len);
            } else {
                message.bytes.reserve(len);
            }
        }
        Ok(())
    }

    fn read_payload(&mut self, frame: &mut Frame, input: &mut &[u8]) {
        let rest_of_frame = usize::try_from(frame.len - frame.received).unwrap_or(usize::MAX);
        let (front, rest) = input.split_at(input.len().min(rest_of_frame));
        *input = rest;
        let offset = frame.received;
        frame.received += front.len() as u64;
        let target = match (&mut self.message, frame.opcode) {
            (Some(message), Opcode::Text | Opcode::Binary | Opcode::Continuation) => {
                if message.size > self.max_kept as u64 {
                    return;
                }
                &mut message.bytes
            }
            _ => &mut self.control,
        };
        let start = target.len();
        target.extend_from_slice(front);
        if let Some(mask) = frame.mask {
            // The mask repeats every four bytes, so that its place in the frame is all that counts.
            mask_in_place(&mut target[start..], mask, (offset % 4) as usize);
        }
    }

    fn finish(&mut self, frame: &Frame) -> Result<Option<Event>, Violation> {
        match frame.opcode {
            Opcode::Ping => Ok(Some(Event::Ping(core::mem::take(&mut self.control)))),
            Opcode::Pong => Ok(Some(Event::Pong(core::mem::take(&mut self.control)))),
            Opcode::Close => parse_close(&core::mem::take(&mut self.control)).map(Some),
            Opcode::Text | Opcode::Binary | Opcode::Continuation if !frame.fin => Ok(None),
            Opcode::Text | Opcode::Binary | Opcode::Continuation => match self.message.take() {
                Some(message) if message.size > self.max_kept as u64 => {
                    self.passed_over += 1;
                    Ok(None)
                }
                Some(Message { opcode: Opcode::Text, bytes, .. }) => {
                    String::from_utf8(bytes).map(|text| Some(Event::Text(text))).map_err(|_| Violation::Utf8)
                }
                Some(Message { bytes, .. }) => Ok(Some(Event::Binary(bytes))),
                None => Err(Violation::Fragment),
            },
        }
    }
}

fn check_first_two(bytes: [u8; 2], role: Role) -> Result<(), Violation> {
    if bytes[0] & 0x70 != 0 {
        return Err(Violation::ReservedBits);
    }
    let opcode = parse_opcode(bytes[0])?;
    match (role, bytes[1] & 0x80 != 0) {
        (Role::Server, false) => return Err(Violation::Unmasked),
        (Role::Client, true) => return Err(Violation::Masked),
        _ => {}
    }
    let control = matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong);
    if control && (bytes[0] & 0x80 == 0 || usize::from(bytes[1] & 0x7F) > MAX_CONTROL_PAYLOAD) {
        return Err(Violation::Control);
    }
    Ok(())
}

fn parse_opcode(first: u8) -> Result<Opcode, Violation> {
    Ok(match first & 0x0F {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        other => return Err(Violation::Opcode(other)),
    })
}

fn parse_head(bytes: &[u8; 14]) -> Result<Frame, Violation> {
    let opcode = parse_opcode(bytes[0])?;
    let (len, mask_at) = match bytes[1] & 0x7F {
        126 => {
            let len = u64::from(u16::from_be_bytes([bytes[2], bytes[3]]));
            if len < 126 {
                return Err(Violation::Length);
            }
            (len, 4)
        }
        127 => {
            let len = bytes[2..10].iter().fold(0u64, |len, &byte| (len << 8) | u64::from(byte));
            if len <= 0xFFFF || len >> 63 != 0 {
                return Err(Violation::Length);
            }
            (len, 10)
        }
        short => (u64::from(short), 2),
    };
    let mask = (bytes[1] & 0x80 != 0)
        .then(|| [bytes[mask_at], bytes[mask_at + 1], bytes[mask_at + 2], bytes[mask_at + 3]]);
    Ok(Frame { fin: bytes[0] & 0x80 != 0, opcode, mask, received: 0, len })
}

fn parse_close(payload: &[u8]) -> Result<Event, Violation> {
    match payload {
        [] => Ok(Event::Close(None)),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            // 1004–1006 and 1015 are for local use and must not be sent (RFC 6455 §7.4.1).
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Violation::Close);
            }
            let reason = core::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
            Ok(Event::Close(Some((code, reason.into()))))
        }
        [_] => Err(Violation::Close),
    }
}
