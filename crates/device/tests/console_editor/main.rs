//! The line editor, as a person at a terminal sees it.

mod dumb;
mod random;
mod smart;
mod terminal;

use lenscast_device::console::editor::{Editor, Input};
use terminal::Terminal;

const PROMPT: &str = "cam> ";
const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";
const RIGHT: &str = "\x1b[C";
const LEFT: &str = "\x1b[D";
const DELETE: &str = "\x1b[3~";
/// What a terminal answers that understands escape sequences.
const ALIVE: &str = "\x1b[0n";

/// An editor with a terminal at it. Each line that is typed is a command that ends at once and prints nothing, unless
/// `busy`.
struct Session {
    editor: Editor,
    terminal: Terminal,
    /// Everything that was written.
    written: Vec<u8>,
    lines: Vec<String>,
    interrupts: usize,
    /// Lines of which a part did not fit.
    too_long: usize,
    /// Whether commands go on running.
    busy: bool,
}

impl Session {
    /// At the first prompt of a terminal that has not answered.
    fn dumb() -> Self {
        let (editor, terminal) = (Editor::new(PROMPT), Terminal::new(80));
        let mut session = Self {
            editor,
            terminal,
            written: vec![],
            lines: vec![],
            interrupts: 0,
            too_long: 0,
            busy: false,
        };
        session.prompt();
        session
    }

    /// At the first prompt of a terminal that understands escape sequences.
    fn smart() -> Self {
        let mut session = Self::dumb();
        session.type_in(ALIVE);
        session
    }

    /// Types, and returns what was written meanwhile.
    fn type_in(&mut self, keys: impl AsRef<[u8]>) -> String {
        let mut input = keys.as_ref();
        let mut out = Vec::new();
        while let Some(answer) = self.editor.input(&mut input, &mut out) {
            match answer {
                Input::Line(line) => self.lines.push(line),
                Input::TooLong => self.too_long += 1,
                Input::Interrupt => self.interrupts += 1,
            }
            if !self.busy {
                self.editor.prompt(&mut out);
            }
        }
        assert!(input.is_empty());
        self.wrote(out)
    }

    fn prompt(&mut self) -> String {
        let mut out = Vec::new();
        self.editor.prompt(&mut out);
        self.wrote(out)
    }

    fn print(&mut self, text: &str) -> String {
        let mut out = Vec::new();
        self.editor.print(text, &mut out);
        self.wrote(out)
    }

    fn wrote(&mut self, out: Vec<u8>) -> String {
        self.terminal.write(&out);
        self.written.extend_from_slice(&out);
        String::from_utf8(out).expect("whole characters are written")
    }

    fn last_line(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }

    #[track_caller]
    fn shows(&self, row: &str) {
        assert_eq!(self.terminal.cursor_row(), row);
    }
}
