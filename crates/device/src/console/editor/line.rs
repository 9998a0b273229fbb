//! A line and the cursor in it.

use alloc::string::String;

/// Longest line in bytes. It holds the longest command.
pub const MAX_LINE_BYTES: usize = 256;

/// A line of at most [`MAX_LINE_BYTES`], and a cursor before one of its characters or at its end.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    /// In bytes.
    cursor: usize,
}

impl Line {
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn before_cursor(&self) -> &str {
        &self.text[..self.cursor]
    }

    pub fn after_cursor(&self) -> &str {
        &self.text[self.cursor..]
    }

    /// Its length on the screen.
    pub fn columns(&self) -> usize {
        self.text.chars().count()
    }

    /// Empties it, and returns what it was.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        core::mem::take(&mut self.text)
    }

    /// Makes it `text`, with the cursor at the end.
    pub fn set(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
    }

    /// Puts `text` before the cursor, unless it does not fit.
    pub fn insert(&mut self, text: &str) -> bool {
        let fits = self.text.len() + text.len() <= MAX_LINE_BYTES;
        if fits {
            self.text.insert_str(self.cursor, text);
            self.cursor += text.len();
        }
        fits
    }

    pub fn left(&mut self) {
        self.cursor -= self.before_cursor().chars().next_back().map_or(0, char::len_utf8);
    }

    pub fn right(&mut self) {
        self.cursor += self.after_cursor().chars().next().map_or(0, char::len_utf8);
    }

    pub fn home(&mut self) {
        self.cursor = 0;
    }

    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    pub fn delete(&mut self) {
        if self.cursor < self.text.len() {
            self.text.remove(self.cursor);
        }
    }

    pub fn backspace(&mut self) {
        if self.cursor > 0 {
            self.left();
            self.delete();
        }
    }

    /// Deletes the word before the cursor, and the blanks between them.
    pub fn kill_word(&mut self) {
        let kept = self.before_cursor().trim_end_matches(' ');
        let start = kept.rfind(' ').map_or(0, |blank| blank + 1);
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    pub fn kill_to_end(&mut self) {
        self.text.truncate(self.cursor);
    }
}
