//! Whatever is typed.

use super::*;
use lenscast_device::console::editor::{COLUMNS, MAX_LINE_BYTES};

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Keys as somebody, or something, may press them.
    fn keys(&mut self) -> Vec<u8> {
        const KEYS: &[&str] = &[
            UP,
            DOWN,
            LEFT,
            LEFT,
            LEFT,
            RIGHT,
            DELETE,
            "\x1b[H",
            "\x1bOF",
            "\t",
            "\t\t",
            "\x7f",
            "\x17",
            "\x15",
            "\x0b",
            "\x0c",
            "\x03",
            "\r",
            "\r\n",
            "\x1b",
            "\x1b[",
            "\x1b[1;",
            "\x1bO",
            "wifi ",
            "set ",
            "s",
            "cam ",
            "size ",
            " ",
            "\"",
            "é",
            "\u{3000}",
            "日",
            "a long piece of text that fills the row ",
            "\x10",
            "\x0e",
        ];
        match self.below(8) {
            0 => (0..self.below(6)).map(|_| self.next() as u8).collect(),
            _ => KEYS[self.below(KEYS.len())].into(),
        }
    }
}

#[test]
fn the_screen_shows_the_line_after_whatever_was_typed() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut session = Session::smart();
        for _ in 0..150 {
            session.type_in(random.keys());
            session.lines.iter().for_each(|line| assert!(line.len() <= MAX_LINE_BYTES, "seed {seed}"));
            // A key that is half typed is ended, so that it is not in what comes next.
            session.type_in("\x1b[z");
            let shown = session.terminal.cursor_row();
            assert!(shown.starts_with("cam> "), "seed {seed}: {shown}");
            assert!(shown.chars().count() <= COLUMNS, "seed {seed}: {shown}");
            // Printing draws the line anew, from nothing.
            session.print("x\n");
            assert_eq!(session.terminal.cursor_row(), shown, "seed {seed}");
        }
        // What the screen showed is what was typed, as far as it is in sight.
        session.type_in("\x05");
        let shown = session.terminal.cursor_row();
        let shown = shown.trim_start_matches("cam>").trim_start().trim_end_matches('|').trim_end();
        session.type_in("\r");
        assert!(session.last_line().trim_end().ends_with(shown), "seed {seed}");
    }
}

#[test]
fn it_makes_no_difference_in_which_pieces_bytes_come() {
    for seed in 0..100 {
        let mut random = Random(seed);
        let mut keys: Vec<u8> = if random.below(2) == 0 { ALIVE.into() } else { Vec::new() };
        (0..60).for_each(|_| keys.extend(random.keys()));
        let mut whole = Session::dumb();
        whole.type_in(&keys);
        let mut single = Session::dumb();
        for key in &keys {
            single.type_in([*key]);
        }
        assert_eq!(whole.lines, single.lines, "seed {seed}");
        assert_eq!(whole.written, single.written, "seed {seed}");
    }
}

#[test]
fn a_dumb_terminal_shows_the_line_too() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut session = Session::dumb();
        // Wide enough that no line wraps: a dumb terminal cannot go back over the edge of a row.
        session.terminal = Terminal::new(1000);
        session.terminal.write(b"cam> ");
        for _ in 0..100 {
            session.type_in(random.keys());
            session.type_in("\x1b[z");
            let shown = session.terminal.cursor_row();
            session.print("x\n");
            assert_eq!(session.terminal.cursor_row(), shown, "seed {seed}");
            assert!(shown.ends_with('|'), "seed {seed}: {shown}");
        }
    }
}

#[test]
fn nothing_breaks_while_commands_run() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut session = Session::smart();
        session.busy = true;
        for _ in 0..200 {
            session.type_in(random.keys());
            match random.below(6) {
                0 => drop(session.prompt()),
                1 => drop(session.print("text")),
                2 => drop(session.print("line\n")),
                _ => {}
            }
        }
        assert!(session.lines.iter().all(|line| line.len() <= MAX_LINE_BYTES), "seed {seed}");
    }
}
