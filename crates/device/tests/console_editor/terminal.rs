//! A terminal as a person sees it: what was written becomes rows of characters.

/// A screen without a bottom. Knows the controls that the editor may send, and panics on others.
#[derive(Clone, Debug)]
pub struct Terminal {
    columns: usize,
    rows: Vec<Vec<char>>,
    pub row: usize,
    pub column: usize,
    pub bells: usize,
    /// How often it was asked whether it is there.
    pub asked: usize,
}

impl Terminal {
    pub fn new(columns: usize) -> Self {
        Self { columns, rows: vec![Vec::new()], row: 0, column: 0, bells: 0, asked: 0 }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("whole characters are written");
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.down(),
                '\x08' => self.column = self.column.saturating_sub(1),
                '\x07' => self.bells += 1,
                '\t' => self.column = (self.column / 8 + 1) * 8,
                '\x1b' => {
                    assert_eq!(rest.next(), Some('['), "only CSI is known");
                    let sequence = rest.as_str();
                    let length = sequence.find(|c: char| c.is_ascii_alphabetic()).expect("a sequence ends");
                    self.control(&sequence[..length], sequence.as_bytes()[length]);
                    rest = sequence[length + 1..].chars();
                }
                c => {
                    assert!(!c.is_control(), "{c:?} steers the terminal");
                    self.put(c);
                }
            }
        }
    }

    fn control(&mut self, parameters: &str, end: u8) {
        match (end, parameters) {
            (b'K', "") => {
                let column = self.column;
                self.rows[self.row].truncate(column);
            }
            (b'D', count) => {
                let count: usize = count.parse().expect("a count");
                assert!(0 < count && count <= self.column, "the cursor moves within the row");
                self.column -= count;
            }
            (b'H', "") => (self.row, self.column) = (0, 0),
            (b'J', "2") => self.rows.iter_mut().for_each(Vec::clear),
            (b'n', "5") => self.asked += 1,
            other => panic!("unknown sequence {other:?}"),
        }
    }

    fn put(&mut self, c: char) {
        if self.column == self.columns {
            self.column = 0;
            self.down();
        }
        let row = &mut self.rows[self.row];
        if row.len() <= self.column {
            row.resize(self.column + 1, ' ');
        }
        row[self.column] = c;
        self.column += 1;
    }

    fn down(&mut self) {
        self.row += 1;
        if self.rows.len() <= self.row {
            self.rows.push(Vec::new());
        }
    }

    /// What is on the screen, without blanks at the ends of rows.
    pub fn screen(&self) -> String {
        let rows = self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_string());
        rows.collect::<Vec<_>>().join("\n")
    }

    /// The row with the cursor, and the cursor in it as `|`.
    pub fn cursor_row(&self) -> String {
        let mut row = self.rows[self.row].clone();
        row.resize(row.len().max(self.column), ' ');
        row.insert(self.column, '|');
        row.into_iter().collect::<String>().trim_end().to_string()
    }
}
