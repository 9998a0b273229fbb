//! What a terminal shows: as much of one as a console needs.

/// Rows of text and a cursor in the last of them.
#[derive(Debug)]
pub struct Screen {
    rows: Vec<Vec<char>>,
    column: usize,
    state: State,
    /// Bytes of a character that is not whole yet.
    character: Vec<u8>,
    /// What the terminal answers.
    pub answers: Vec<u8>,
    /// How many escape sequences came, but for the question whether somebody is there.
    pub escapes: usize,
}

#[derive(Debug, PartialEq)]
enum State {
    Text,
    Escape,
    /// The parameters so far.
    Sequence(String),
}

impl Screen {
    pub fn new() -> Self {
        Self {
            rows: vec![Vec::new()],
            column: 0,
            state: State::Text,
            character: Vec::new(),
            answers: Vec::new(),
            escapes: 0,
        }
    }

    /// All rows, without what is blank at their ends.
    pub fn rows(&self) -> Vec<String> {
        let text = |row: &Vec<char>| row.iter().collect::<String>().trim_end().to_owned();
        self.rows.iter().map(text).collect()
    }

    /// The row with the cursor, up to the cursor.
    pub fn line(&self) -> String {
        let last = self.rows.last().expect("there is always one");
        last.iter().chain(std::iter::repeat(&' ')).take(self.column).collect()
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.byte(*byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        match (&mut self.state, byte) {
            (State::Escape, b'[') => self.state = State::Sequence(String::new()),
            (State::Escape, _) => panic!("ESC {byte:#x} is not understood"),
            (State::Sequence(parameters), 0x20..=0x3f) => parameters.push(byte as char),
            (State::Sequence(parameters), _) => {
                let parameters = std::mem::take(parameters);
                self.state = State::Text;
                self.sequence(&parameters, byte);
            }
            (State::Text, 0x1b) => self.state = State::Escape,
            (State::Text, b'\r') => self.column = 0,
            (State::Text, b'\n') => self.rows.push(Vec::new()),
            (State::Text, 8) => self.column = self.column.saturating_sub(1),
            (State::Text, 7) => {}
            (State::Text, 0..=0x1f | 0x7f) => panic!("{byte:#x} is not understood"),
            (State::Text, _) => {
                self.character.push(byte);
                if let Ok(text) = std::str::from_utf8(&self.character) {
                    let character = text.chars().next().expect("it was just put there");
                    self.character.clear();
                    self.put(character);
                }
            }
        }
    }

    fn put(&mut self, character: char) {
        let row = self.rows.last_mut().expect("there is always one");
        row.resize(row.len().max(self.column + 1), ' ');
        row[self.column] = character;
        self.column += 1;
    }

    fn sequence(&mut self, parameters: &str, end: u8) {
        let row = self.rows.last_mut().expect("there is always one");
        self.escapes += usize::from((parameters, end) != ("5", b'n'));
        match (parameters, end) {
            ("5", b'n') => self.answers.extend(b"\x1b[0n"),
            ("" | "0", b'K') => row.truncate(self.column),
            (count, b'D') => self.column -= count.parse::<usize>().unwrap_or(1),
            ("" | "1;1", b'H') => self.column = 0,
            ("2", b'J') => self.rows = vec![Vec::new()],
            _ => panic!("ESC [ {parameters} {} is not understood", end as char),
        }
    }
}
