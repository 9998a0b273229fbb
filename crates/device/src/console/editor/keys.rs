//! Bytes become keys.

/// Longest parameters of an escape sequence that are waited for, in bytes.
const MAX_PARAMETERS: usize = 16;

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A character to type.
    Char(char),
    /// CR, LF, or both.
    Enter,
    /// Ctrl-C.
    Interrupt,
    /// The terminal says that it is there, and understood the question.
    Alive,
    /// Deletes before the cursor.
    Backspace,
    /// Deletes under the cursor.
    Delete,
    /// Moves the cursor.
    Left,
    /// Moves the cursor.
    Right,
    /// Moves the cursor.
    Home,
    /// Moves the cursor.
    End,
    /// To the line before in the history.
    Up,
    /// To the line after in the history.
    Down,
    /// Completes.
    Tab,
    /// Deletes the line, as `esp_console` does, also what is after the cursor.
    KillLine,
    /// Deletes the word before the cursor.
    KillWord,
    /// Deletes from the cursor on.
    KillToEnd,
    /// Clears the screen.
    Clear,
}

/// What the bytes so far may be the beginning of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// ESC.
    Escape,
    /// ESC O: one more byte (SS3, ECMA-48 §8.3.143).
    Ss3,
    /// ESC [ and this many bytes of parameters (CSI, ECMA-48 §5.4).
    Csi(usize),
    /// This many bytes of a UTF-8 character.
    Utf8(usize),
}

/// Takes bytes one by one. A sequence that is broken off is forgotten, and the byte that broke it counts for itself.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
    /// The bytes that `state` counts.
    held: [u8; MAX_PARAMETERS],
    after_cr: bool,
    was_sequence: bool,
}

impl Decoder {
    /// The key that `byte` completes.
    pub fn push(&mut self, byte: u8) -> Option<Key> {
        let after_cr = core::mem::take(&mut self.after_cr);
        self.was_sequence = false;
        match (core::mem::take(&mut self.state), byte) {
            (State::Escape, b'[') => self.wait(State::Csi(0)),
            (State::Escape, b'O') => self.wait(State::Ss3),
            (State::Ss3, b'@'..=b'~') => self.sequence(byte, &[]),
            (State::Csi(length), b' '..=b'?') if length < MAX_PARAMETERS => {
                self.held[length] = byte;
                self.wait(State::Csi(length + 1))
            }
            (State::Csi(length), b'@'..=b'~') => {
                let parameters = self.held;
                self.sequence(byte, &parameters[..length])
            }
            (State::Utf8(length), 0x80..=0xbf) => self.utf8(length, byte),
            (_, b'\n') if after_cr => None,
            (_, byte) => self.single(byte),
        }
    }

    /// Whether the last key came as an escape sequence.
    pub fn was_sequence(&self) -> bool {
        self.was_sequence
    }

    fn wait(&mut self, state: State) -> Option<Key> {
        self.state = state;
        None
    }

    fn single(&mut self, byte: u8) -> Option<Key> {
        Some(match byte {
            0x01 => Key::Home,
            0x02 => Key::Left,
            0x03 => Key::Interrupt,
            0x05 => Key::End,
            0x06 => Key::Right,
            0x08 | 0x7f => Key::Backspace,
            b'\t' => Key::Tab,
            b'\n' => Key::Enter,
            0x0b => Key::KillToEnd,
            0x0c => Key::Clear,
            b'\r' => {
                self.after_cr = true;
                Key::Enter
            }
            0x0e => Key::Down,
            0x10 => Key::Up,
            0x15 => Key::KillLine,
            0x17 => Key::KillWord,
            0x1b => return self.wait(State::Escape),
            b' '..=b'~' => Key::Char(char::from(byte)),
            0xc2..=0xf4 => return self.utf8(0, byte),
            _ => return None,
        })
    }

    fn sequence(&mut self, end: u8, parameters: &[u8]) -> Option<Key> {
        let key = match (end, parameters) {
            (b'n', b"0") => Key::Alive,
            (b'A', _) => Key::Up,
            (b'B', _) => Key::Down,
            (b'C', _) => Key::Right,
            (b'D', _) => Key::Left,
            (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
            (b'F', _) | (b'~', b"4" | b"8") => Key::End,
            (b'~', b"3") => Key::Delete,
            _ => return None,
        };
        self.was_sequence = true;
        Some(key)
    }

    fn utf8(&mut self, length: usize, byte: u8) -> Option<Key> {
        self.held[length] = byte;
        match core::str::from_utf8(&self.held[..=length]) {
            Ok(text) => text.chars().next().filter(|c| !c.is_control()).map(Key::Char),
            // More bytes may make it whole.
            Err(error) if error.error_len().is_none() => self.wait(State::Utf8(length + 1)),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        bytes.iter().filter_map(|&byte| decoder.push(byte)).collect()
    }

    fn typed(text: &str) -> Vec<Key> {
        text.chars().map(Key::Char).collect()
    }

    #[test]
    fn arrows_and_their_neighbours_come_in_several_dialects() {
        use Key::*;
        assert_eq!(keys(b"\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F"), [Up, Down, Right, Left, Home, End]);
        assert_eq!(keys(b"\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF"), [Up, Down, Right, Left, Home, End]);
        assert_eq!(keys(b"\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[3~"), [Home, End, Home, End, Delete]);
        assert_eq!(keys(b"\x10\x0e\x06\x02\x01\x05"), [Up, Down, Right, Left, Home, End]);
        assert_eq!(keys(b"\x1b[1;5D\x1b[0n"), [Left, Alive]);
    }

    #[test]
    fn every_kind_of_line_end_is_one() {
        use Key::Enter;
        assert_eq!(keys(b"\r\n"), [Enter]);
        assert_eq!(keys(b"\n\r"), [Enter, Enter]);
        assert_eq!(keys(b"\r\r\n\n"), [Enter, Enter, Enter]);
        assert_eq!(keys(b"\ra\n"), [Enter, Key::Char('a'), Enter]);
    }

    #[test]
    fn a_broken_sequence_does_not_eat_what_follows() {
        assert_eq!(keys(b"\x1bwifi"), typed("wifi"));
        assert_eq!(keys(b"\x1b\x1b\x1bwifi"), typed("wifi"));
        assert_eq!(keys(b"\x1b[\x03"), [Key::Interrupt]);
        assert_eq!(keys(b"\x1b[1;\rx"), [Key::Enter, Key::Char('x')]);
        assert_eq!(keys(b"\x1bO\r"), [Key::Enter]);
        assert_eq!(keys(b"\x1b[12\x1b[D"), [Key::Left]);
        assert_eq!(keys(b"\x1b[1234567890123456789"), typed("789"));
        assert_eq!(keys("\x1b[1é".as_bytes()), typed("é"));
        assert_eq!(keys(b"\x1b[99~\x1b[?25h\x1b[5n\x1b[3nab"), typed("ab"));
    }

    #[test]
    fn only_whole_characters_are_typed() {
        assert_eq!(keys("Café 日本 🎥".as_bytes()), typed("Café 日本 🎥"));
        assert_eq!(keys(b"\x80\xbfa\xc3b\xe6\x97c\xf0\x9f\x8ed\xff\xc0\x80e"), typed("abcde"));
        assert_eq!(keys(b"\xc3\xc3\xa9"), typed("é"));
        assert_eq!(keys(b"\xed\xa0\x80x\xf4\x90\x80\x80y"), typed("xy"));
        assert_eq!(keys("\u{85}\u{9b}2Jx".as_bytes()), typed("2Jx"));
        assert_eq!(keys(b"\xe6\x03"), [Key::Interrupt]);
    }

    #[test]
    fn other_control_characters_mean_nothing() {
        assert_eq!(keys(b"\x00\x04\x07\x0f\x11\x13\x14\x16\x18\x19\x1a\x1c\x1d\x1e\x1fx"), typed("x"));
    }
}
