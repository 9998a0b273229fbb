//! What a terminal is told, for readers that are none.

/// Leaves out escape sequences (ECMA-48 §5.4) and carriage returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Plain {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and `[`.
    Sequence,
}

impl Plain {
    /// The next byte, if it is text.
    pub(super) fn pass(&mut self, byte: u8) -> Option<u8> {
        let (next, passed) = match (*self, byte) {
            (_, 0x1b) => (Self::Escape, None),
            (Self::Escape, b'[') => (Self::Sequence, None),
            (Self::Sequence, 0x20..=0x3f) => (Self::Sequence, None),
            (Self::Text, b'\n' | b'\t' | 0x20..=0x7e | 0x80..) => (Self::Text, Some(byte)),
            _ => (Self::Text, None),
        };
        *self = next;
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_passes_and_what_steers_a_terminal_does_not() {
        let mut plain = Plain::default();
        let bytes = b"\x1b[5ncam> \x1b[2K\r\x1b[12;3Hh\xc3\xa9\x1b7y\r\n\x07\tz".iter();
        let text: Vec<u8> = bytes.filter_map(|byte| plain.pass(*byte)).collect();
        assert_eq!(String::from_utf8_lossy(&text), "cam> h\u{e9}y\n\tz");
    }
}
