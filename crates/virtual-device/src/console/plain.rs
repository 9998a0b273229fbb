//! What a terminal is told, for readers that are none.

/// Leaves out escape sequences (ECMA-48 §5.4) and carriage returns. What a terminal would erase or write over was passed
/// already: then a new line begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    state: State,
    /// After a carriage return or a backspace, and the blanks that erase.
    back: bool,
    /// Nothing was passed since the last line ended.
    fresh: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Text,
    /// After ESC.
    Escape,
    /// After ESC and `[`.
    Sequence,
}

impl Plain {
    pub(super) fn new() -> Self {
        Self { state: State::Text, back: false, fresh: true }
    }

    /// Puts what is passed of `bytes` behind `text`.
    pub(super) fn pass(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        for &byte in bytes {
            self.state = match (self.state, byte) {
                (_, 0x1b) => State::Escape,
                (State::Escape, b'[') | (State::Sequence, 0x20..=0x3f) => State::Sequence,
                (State::Escape | State::Sequence, _) => State::Text,
                (State::Text, _) => {
                    self.character(byte, text);
                    State::Text
                }
            };
        }
    }

    fn character(&mut self, byte: u8, text: &mut Vec<u8>) {
        match byte {
            b'\r' | 8 => self.back = true,
            b' ' if self.back => {}
            b'\n' => {
                text.push(b'\n');
                (self.back, self.fresh) = (false, true);
            }
            0..=0x1f | 0x7f => {}
            _ => {
                if self.back && !self.fresh {
                    text.push(b'\n');
                }
                text.push(byte);
                (self.back, self.fresh) = (false, false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same whether the bytes come at once or one by one.
    fn plain(bytes: &[u8]) -> String {
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        Plain::new().pass(bytes, &mut whole);
        let mut plain = Plain::new();
        bytes.chunks(1).for_each(|byte| plain.pass(byte, &mut pieces));
        assert_eq!(whole, pieces);
        String::from_utf8(whole).expect("it was text")
    }

    #[test]
    fn text_passes_and_what_steers_a_terminal_does_not() {
        let bytes = b"\x1b[5ncam> \x1b[12;3Hh\xc3\xa9\x1b7y\r\n\x07z";
        assert_eq!(plain(bytes), "cam> h\u{e9}y\nz");
    }

    #[test]
    fn what_is_written_over_a_prompt_is_on_a_line_of_its_own() {
        let expected = "cam> \nI (0) a line\ncam> x";
        assert_eq!(plain(b"cam> \x08 \x08\x08 \x08\rI (0) a line\r\ncam> x"), expected);
        assert_eq!(plain(b"cam> \r     \rI (0) a line\r\ncam> x"), expected);
        assert_eq!(plain(b"\r\x1b[Kcam> \r\x1b[KI (0) a line\r\n\rcam> x"), expected);
    }
}
