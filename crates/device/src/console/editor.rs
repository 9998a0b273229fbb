//! A line editor for a serial terminal. Bytes in, bytes out.
//!
//! **Smart and dumb terminals.** At the first prompt the terminal is asked for its status (DSR, `ESC [ 5 n`, ECMA-48
//! §8.3.35). Until it answers `ESC [ 0 n` it is taken for dumb: what is typed is echoed, what is deleted goes by
//! backspace, blank, backspace, and no other escape sequence is sent. Everything but moving the cursor within the line
//! works there too. A terminal that was connected later, and so never saw the question, is asked again when a key
//! comes from it as an escape sequence: a dumb one never sends such.
//!
//! **One row.** On a smart terminal the line keeps to one row of [`COLUMNS`] and scrolls sideways in it, so that it can
//! always be erased. Each character counts as one column.
//!
//! **Type-ahead.** What is typed while a command runs is kept, up to [`MAX_TYPE_AHEAD`] keys, and handled by the first
//! [`Editor::input`] after [`Editor::prompt`]. Ctrl-C is told at once, and drops what was typed ahead.
//!
//! **What does not fit** is refused with a bell. The line is then not what somebody meant: unless it is mended by a key that
//! deletes, it ends as [`Input::TooLong`].

mod history;
mod keys;
mod line;

use super::complete::{Completion, complete};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use history::History;
use keys::{Decoder, Key};
use lenscast_protocol::plain;
use line::Line;

pub use history::MAX_HISTORY;
pub use line::MAX_LINE_BYTES;

/// Columns that a terminal is taken to have at least.
pub const COLUMNS: usize = 80;
/// Most keys that are kept while no prompt is shown.
pub const MAX_TYPE_AHEAD: usize = 256;

const BELL: u8 = 7;
/// Device status report: are you there?
const ARE_YOU_THERE: &[u8] = b"\x1b[5n";
/// To the first column, and erase the row.
const ERASE_ROW: &[u8] = b"\r\x1b[K";
/// To the top left, and erase everything.
const ERASE_ALL: &[u8] = b"\x1b[H\x1b[2J";

/// What somebody typed.
#[derive(Clone, PartialEq, Eq)]
pub enum Input {
    /// A whole line, without its end. At most [`MAX_LINE_BYTES`].
    Line(String),
    /// A line of which a part did not fit. None of it is to be carried out.
    TooLong,
    /// Ctrl-C: drop what is typed, or end what runs.
    Interrupt,
}

/// A line may hold a password, which stays out of logs.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line(_) => "Line(..)",
            Self::TooLong => "TooLong",
            Self::Interrupt => "Interrupt",
        })
    }
}

/// The line being typed, and what the terminal shows of it.
pub struct Editor {
    prompt: &'static str,
    decoder: Decoder,
    type_ahead: VecDeque<Key>,
    /// Keys were lost behind what was typed ahead.
    lost_ahead: bool,
    line: Line,
    /// Something that was typed is not in the line, since it did not fit.
    cut: bool,
    history: History,
    /// Whether the terminal was asked what it is.
    asked: bool,
    /// Whether it understands escape sequences.
    smart: bool,
    /// Whether prompt and line are on the screen.
    shown: bool,
    /// Whether the terminal's cursor is in the first column; only while nothing is `shown`.
    fresh: bool,
    /// Whether the last key was a Tab that left several words possible.
    undecided: bool,
}

impl fmt::Debug for Editor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Editor")
            .field("smart", &self.smart)
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

impl Editor {
    /// An editor that shows nothing yet. `prompt` is ASCII, and leaves room for a line in [`COLUMNS`].
    #[must_use]
    pub fn new(prompt: &'static str) -> Self {
        Self {
            prompt,
            decoder: Decoder::default(),
            type_ahead: VecDeque::new(),
            lost_ahead: false,
            line: Line::default(),
            cut: false,
            history: History::default(),
            asked: false,
            smart: false,
            shown: false,
            fresh: true,
            undecided: false,
        }
    }

    /// Takes bytes from the front of `input` until a line is complete or Ctrl-C comes, or `input` is empty (then `None`).
    /// Echo and redraw go to `out`.
    ///
    /// With the answer the prompt ends, until [`prompt`](Self::prompt) is called. What is typed meanwhile is kept, so
    /// call this again after it, even without new bytes.
    pub fn input(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Option<Input> {
        loop {
            let typed_ahead = if self.shown { self.next_ahead() } else { None };
            let key = match typed_ahead {
                Some(key) => key,
                None => {
                    let (&byte, rest) = input.split_first()?;
                    *input = rest;
                    let Some(key) = self.decoder.push(byte) else {
                        continue;
                    };
                    if !self.smart && self.decoder.was_sequence() && key != Key::Alive {
                        out.extend_from_slice(ARE_YOU_THERE);
                    }
                    key
                }
            };
            match key {
                Key::Alive => self.become_smart(out),
                Key::Interrupt => {
                    self.interrupt(out);
                    return Some(Input::Interrupt);
                }
                Key::Enter if self.shown => return Some(self.enter(out)),
                key if self.shown => self.edit(key, out),
                // What comes behind a gap is lost with it: else the two would become one line.
                key if self.type_ahead.len() < MAX_TYPE_AHEAD && !self.lost_ahead => {
                    self.type_ahead.push_back(key);
                }
                _ => {
                    self.lost_ahead = true;
                    out.push(BELL);
                }
            }
        }
    }

    /// What was typed ahead next. After the last of it, the line is cut if something was lost.
    fn next_ahead(&mut self) -> Option<Key> {
        let key = self.type_ahead.pop_front();
        if key.is_none() {
            self.type_ahead = VecDeque::new();
            self.cut |= core::mem::take(&mut self.lost_ahead);
        }
        key
    }

    /// Shows the prompt, and the line being typed. Nothing if they are shown.
    pub fn prompt(&mut self, out: &mut Vec<u8>) {
        if self.shown {
            return;
        }
        if !self.fresh {
            out.extend_from_slice(b"\r\n");
        }
        if !self.asked {
            self.asked = true;
            out.extend_from_slice(ARE_YOU_THERE);
        }
        self.shown = true;
        self.draw(out);
    }

    /// Prints text above the line being typed without tearing it, as whole lines. While no prompt is shown, just prints.
    ///
    /// A line end is `\n` or `\r\n`. Other control characters are shown as `?`: text from outside, such as the name of a
    /// network, cannot steer the terminal.
    pub fn print(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        if self.shown {
            self.erase(out);
        }
        for c in text.chars() {
            match c {
                '\r' => {}
                '\n' => out.extend_from_slice(b"\r\n"),
                c if plain::is_unsafe(c) && c != '\t' => out.push(b'?'),
                c => push(c, out),
            }
        }
        self.fresh = text.ends_with('\n');
        if self.shown {
            if !self.fresh {
                out.extend_from_slice(b"\r\n");
            }
            self.draw(out);
        }
    }

    /// Makes room where prompt and line are.
    fn erase(&self, out: &mut Vec<u8>) {
        let columns = self.prompt.len() + self.line.columns();
        if self.smart {
            out.extend_from_slice(ERASE_ROW);
        } else if columns < COLUMNS {
            // Blanks are what every terminal understands.
            out.push(b'\r');
            out.resize(out.len() + columns, b' ');
            out.push(b'\r');
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }

    fn enter(&mut self, out: &mut Vec<u8>) -> Input {
        self.leave(out);
        let line = self.line.take();
        if core::mem::take(&mut self.cut) {
            self.history.leave();
            return Input::TooLong;
        }
        self.history.add(&line);
        Input::Line(line)
    }

    fn interrupt(&mut self, out: &mut Vec<u8>) {
        if self.shown {
            let before = self.line.clone();
            self.line.end();
            self.update(&before, out);
        }
        out.extend_from_slice(b"^C");
        self.leave(out);
        self.line.take();
        self.history.leave();
        self.type_ahead = VecDeque::new();
        (self.cut, self.lost_ahead) = (false, false);
    }

    /// To the next row, where no prompt is.
    fn leave(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        self.shown = false;
        self.fresh = true;
        self.undecided = false;
    }

    fn become_smart(&mut self, out: &mut Vec<u8>) {
        // A longer line went on in the next row, where it cannot be erased: begin anew below it.
        if self.shown && !self.smart && self.line.columns() > self.room() {
            out.extend_from_slice(b"\r\n");
            self.smart = true;
            self.draw(out);
        }
        self.smart = true;
    }

    fn edit(&mut self, key: Key, out: &mut Vec<u8>) {
        let before = self.line.clone();
        let undecided = core::mem::take(&mut self.undecided);
        let line = &mut self.line;
        match key {
            Key::Char(c) => {
                if !line.insert(c.encode_utf8(&mut [0; 4])) {
                    self.cut = true;
                    out.push(BELL);
                }
            }
            Key::Backspace => line.backspace(),
            Key::KillLine => drop(line.take()),
            Key::KillWord => line.kill_word(),
            Key::Tab => self.complete(undecided, out),
            Key::Up => self.history.older(line),
            Key::Down => self.history.newer(line),
            Key::Clear => {
                out.extend_from_slice(if self.smart { ERASE_ALL } else { b"\r\n" });
                self.draw(out);
            }
            // A dumb terminal cannot show where the cursor is, so it stays at the end.
            _ if !self.smart => {}
            Key::Left => line.left(),
            Key::Right => line.right(),
            Key::Home => line.home(),
            Key::End => line.end(),
            Key::Delete => line.delete(),
            Key::KillToEnd => line.kill_to_end(),
            Key::Enter | Key::Interrupt | Key::Alive => {}
        }
        if self.line.text().len() < before.text().len() {
            // Who deletes has seen what is there.
            self.cut = false;
        }
        self.update(&before, out);
    }

    fn complete(&mut self, again: bool, out: &mut Vec<u8>) {
        let Completion { typed, words, values } = complete(self.line.before_cursor());
        // Where a value may stand, a word is not taken for meant before a part of it is typed.
        let meant = if typed.is_empty() && !values.is_empty() { &[] } else { &words[..] };
        let rest = common_start(meant)[..].get(typed.len()..).unwrap_or_default();
        if let [_] = meant {
            let fits = self.line.insert(rest);
            if fits && self.line.after_cursor().starts_with(' ') {
                self.line.right();
            } else if !fits || !self.line.insert(" ") {
                out.push(BELL);
            }
        } else if !rest.is_empty() {
            self.undecided = true;
            if !self.line.insert(rest) {
                out.push(BELL);
            }
        } else if again && !(words.is_empty() && values.is_empty()) {
            list(words.iter().chain(&values), out);
            self.draw(out);
        } else {
            self.undecided = true;
            out.push(BELL);
        }
    }

    /// Columns that the line has in its row. The last column stays free: beyond it a terminal begins a new row.
    fn room(&self) -> usize {
        (COLUMNS - 1).saturating_sub(self.prompt.len()).max(1)
    }

    /// Makes of `before` on the screen what the line is now.
    fn update(&self, before: &Line, out: &mut Vec<u8>) {
        if *before == self.line {
            return;
        }
        let simple = |line: &Line| line.after_cursor().is_empty() && line.columns() <= self.room();
        if self.smart && !(simple(before) && simple(&self.line)) {
            out.extend_from_slice(ERASE_ROW);
            return self.draw(out);
        }
        let same = common_start(&[before.text(), self.line.text()]).len();
        for _ in before.text()[same..].chars() {
            out.extend_from_slice(b"\x08 \x08");
        }
        out.extend_from_slice(&self.line.text().as_bytes()[same..]);
    }

    /// Prompt and line, from the first column of an empty row.
    fn draw(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prompt.as_bytes());
        if !self.smart {
            out.extend_from_slice(self.line.text().as_bytes());
            return;
        }
        let cursor = self.line.before_cursor().chars().count();
        // The character under the cursor is in sight, too.
        let last = cursor + usize::from(!self.line.after_cursor().is_empty());
        let first = last.saturating_sub(self.room());
        let mut end = first;
        for c in self.line.text().chars().skip(first).take(self.room()) {
            push(c, out);
            end += 1;
        }
        if end > cursor {
            out.extend_from_slice(alloc::format!("\x1b[{}D", end - cursor).as_bytes());
        }
    }
}

/// Shows words below the line, in rows.
fn list<'a>(words: impl Iterator<Item = &'a &'static str>, out: &mut Vec<u8>) {
    let mut column = COLUMNS;
    for word in words {
        if column + 2 + word.len() < COLUMNS {
            out.extend_from_slice(b"  ");
            column += 2 + word.len();
        } else {
            out.extend_from_slice(b"\r\n");
            column = word.len();
        }
        out.extend_from_slice(word.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// What all of them begin with.
fn common_start<'a>(texts: &[&'a str]) -> &'a str {
    let Some((first, others)) = texts.split_first() else {
        return "";
    };
    let same = |(i, c): &(usize, char)| others.iter().all(|other| other[*i..].starts_with(*c));
    let length = first.char_indices().take_while(same).map(|(i, c)| i + c.len_utf8()).last();
    &first[..length.unwrap_or(0)]
}
