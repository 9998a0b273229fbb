//! What is typed, and what is to be printed.

use crate::console::editor::{Editor, Input};
use crate::log::Level;
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

/// The prompt, as the original's.
const PROMPT: &str = "cam> ";

/// Bytes waiting to be printed beyond which log lines are dropped: nobody may be reading.
const MAX_LOG: usize = 4096;

/// Bytes waiting to be printed beyond which everything is dropped.
const MAX_OUT: usize = 16 * 1024;

/// Of these, so many are for prompts and for what is typed alone.
const ECHO: usize = 256;

/// Bytes of memory that are kept for what is to be printed, once all of it is. More is taken when more is needed, in steps.
const KEPT: usize = 512;

/// Bytes typed that are read at once: each may have a whole list of words printed.
const PORTION: usize = 16;

#[derive(Debug)]
pub(super) struct Terminal {
    editor: Editor,
    out: VecDeque<u8>,
    level: Level,
    lost_lines: u32,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self { editor: Editor::new(PROMPT), out: VecDeque::new(), level: Level::default(), lost_lines: 0 }
    }

    /// Reads what was typed, up to the end of a line or Ctrl-C; what remains of `bytes` is to be read after that. While no
    /// prompt is shown only Ctrl-C is seen at once, and the rest is kept.
    pub(super) fn read(&mut self, bytes: &mut &[u8]) -> Option<Input> {
        loop {
            let (portion, rest) = bytes.split_at(bytes.len().min(PORTION));
            let (mut unread, mut out) = (portion, Vec::new());
            let input = self.editor.input(&mut unread, &mut out);
            self.push(&out);
            *bytes = &bytes[portion.len() - unread.len()..];
            if input.is_some() || rest.is_empty() {
                return input;
            }
        }
    }

    pub(super) fn prompt(&mut self) {
        let mut out = Vec::new();
        self.editor.prompt(&mut out);
        self.push(&out);
    }

    /// Prints lines above what is being typed. `text` needs no newline at its end. What nobody has room for is left out whole:
    /// a long answer that was cut would leave no room for the short one after it, which somebody may come to read.
    pub(super) fn print(&mut self, text: &str) {
        let text = text.trim_end();
        let lines = text.lines().count();
        // Each line gets a carriage return and a line feed at its end.
        if self.out.len() + text.len() + 2 * lines > MAX_OUT - ECHO {
            self.lost_lines = self.lost_lines.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            return;
        }
        for line in text.lines() {
            let mut out = Vec::new();
            self.editor.print(&format!("{line}\n"), &mut out);
            self.push(&out);
        }
    }

    /// Prints a log line, in ESP-IDF's form, unless its level is not wanted.
    pub(super) fn log(&mut self, now: Instant, level: Level, line: &str) {
        if level > self.level {
            return;
        }
        if self.out.len() > MAX_LOG {
            self.lost_lines = self.lost_lines.saturating_add(1);
            return;
        }
        if self.lost_lines > 0 {
            let lost = core::mem::take(&mut self.lost_lines);
            self.print(&format!("W ({}) {lost} lines were not printed: nobody read them", now.as_millis()));
        }
        let letter = match level {
            Level::Error => 'E',
            Level::Warn => 'W',
            Level::Info => 'I',
            Level::Debug => 'D',
        };
        self.print(&format!("{letter} ({}) {line}", now.as_millis()));
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    /// Copies what is to be printed to `out` and returns how many bytes.
    pub(super) fn poll(&mut self, out: &mut [u8]) -> usize {
        let count = out.len().min(self.out.len());
        for (to, from) in out.iter_mut().zip(self.out.drain(..count)) {
            *to = from;
        }
        if self.out.is_empty() && self.out.capacity() > KEPT {
            self.out.shrink_to(KEPT);
        }
        count
    }

    fn push(&mut self, bytes: &[u8]) {
        let length = self.out.len() + bytes.len();
        if length > MAX_OUT {
            return;
        }
        // Not doubled, as it would be by itself: up to 16 KB might be taken for nothing.
        if length > self.out.capacity() {
            self.out.reserve_exact(length.next_multiple_of(KEPT) - self.out.len());
        }
        self.out.extend(bytes);
    }
}
