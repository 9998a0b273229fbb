//! Reads along what a device hands to its socket, with nobody's code but its own (RFC 6455 §5.2).

/// The bytes of one connection, from its request on.
pub struct Tap {
    /// Bytes of what is being read: the request, or a frame's head and first payload bytes.
    read: Vec<u8>,
    asked: bool,
    /// Bytes of the frame that follow.
    rest: usize,
    /// The number of the newest frame when the frame that is being read began.
    newest: u64,
    closed: bool,
}

/// A frame's bytes that are looked at: the longest head, and the number of a picture.
const NUMBER: usize = 8;

impl Tap {
    pub fn new() -> Self {
        Self { read: Vec::new(), asked: false, rest: 0, newest: 0, closed: false }
    }

    /// Looks at bytes that were handed over when `newest` was the newest frame. `texts`: whether these may be sent.
    pub fn see(&mut self, bytes: &[u8], newest: u64, texts: bool) {
        let mut at = 0;
        while at < bytes.len() {
            if self.rest > 0 {
                let skip = self.rest.min(bytes.len() - at);
                self.rest -= skip;
                at += skip;
                continue;
            }
            assert!(!self.closed, "bytes after a close frame");
            if self.read.is_empty() {
                self.newest = newest;
            }
            self.read.push(bytes[at]);
            at += 1;
            if !self.asked {
                self.asked = self.read.ends_with(b"\r\n\r\n");
                if self.asked {
                    self.read.clear();
                }
            } else {
                self.look(texts);
            }
        }
    }

    /// Looks at a frame of which one more byte is known.
    fn look(&mut self, texts: bool) {
        let [first, second, more @ ..] = &self.read[..] else { return };
        assert_ne!(second & 0x80, 0, "an unmasked frame");
        let extended = [(126, 2), (127, 8)].into_iter().find(|(short, _)| second & 0x7F == *short);
        let extended = extended.map_or(0, |(_, bytes)| bytes);
        let Some((len, more)) = more.split_at_checked(extended) else { return };
        let len = match extended {
            0 => usize::from(second & 0x7F),
            _ => len.iter().fold(0, |len, &byte| len << 8 | usize::from(byte)),
        };
        let shortest = [0, 126, 0x1_0000][extended.div_ceil(4)];
        assert!(len >= shortest, "a length that is not in its shortest form");
        let Some((mask, payload)) = more.split_first_chunk::<4>() else { return };
        let looked_at = if *first == 0x82 { NUMBER } else { 0 };
        if payload.len() < looked_at {
            return;
        }
        match first {
            0x82 => {
                let number: [u8; NUMBER] = std::array::from_fn(|at| payload[at] ^ mask[at % 4]);
                assert_eq!(u64::from_be_bytes(number), self.newest, "not the newest frame");
            }
            0x81 => assert!(texts, "a text, and no subprotocol"),
            0x88 => {
                assert!(len == 0 || len == 2);
                self.closed = true;
            }
            0x89 => assert_eq!(len, 0, "a ping needs no payload"),
            0x8A => assert!(len <= 125),
            other => panic!("a frame that begins with {other:#x}"),
        }
        self.rest = len - looked_at;
        self.read.clear();
    }
}
