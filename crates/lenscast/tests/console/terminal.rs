//! A terminal on which a person types: the other end of the device's pseudo-terminal.

use crate::screen::Screen;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Nothing takes this long unless it never happens.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const PROMPT: &str = "cam> ";

/// A terminal program such as picocom, with somebody in front of it.
pub struct Terminal {
    port: File,
    pub screen: Screen,
    /// Answers when it is asked for its status.
    smart: bool,
}

impl Terminal {
    /// Opens a serial port.
    pub fn open(path: &Path, smart: bool) -> Self {
        let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
        let port = File::options().read(true).write(true).custom_flags(flags.bits() as i32).open(path);
        Self::new(port.expect("the device's terminal is there"), smart)
    }

    /// Has opened one already, which does not block.
    pub fn new(port: File, smart: bool) -> Self {
        Self { port, screen: Screen::new(), smart }
    }

    /// Reads until `condition` holds.
    pub fn until(&mut self, what: &str, mut condition: impl FnMut(&Screen) -> bool) {
        let start = Instant::now();
        while !condition(&self.screen) {
            let rows = self.screen.rows().join("\n");
            assert!(start.elapsed() < PATIENCE, "waited in vain: {what}. The screen:\n{rows}\n");
            self.read();
        }
    }

    /// Reads what has come, or waits a moment.
    pub fn read(&mut self) {
        let mut buffer = [0; 4096];
        match self.port.read(&mut buffer) {
            Ok(length) => {
                self.screen.feed(&buffer[..length]);
                let answers = std::mem::take(&mut self.screen.answers);
                if self.smart {
                    self.send(&answers);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("the terminal fails: {error}"),
        }
    }

    /// Presses a key.
    pub fn send(&mut self, bytes: &[u8]) {
        self.port.write_all(bytes).expect("the device takes a few bytes");
    }

    /// Types text behind the prompt, each character after the one before was seen.
    pub fn type_text(&mut self, text: &str) {
        let mut seen = PROMPT.to_owned();
        self.until("the prompt", |screen| screen.line() == PROMPT);
        for character in text.chars() {
            self.send(character.encode_utf8(&mut [0; 4]).as_bytes());
            seen.push(character);
            self.until(&format!("the echo of {seen:?}"), |screen| screen.line() == seen);
        }
    }

    /// Types a command and presses Enter; returns what is on the screen below it once the next prompt is there.
    pub fn command(&mut self, text: &str) -> Vec<String> {
        self.type_text(text);
        let mark = self.screen.rows().len();
        self.send(b"\r");
        self.until("the next prompt", |screen| screen.rows().len() > mark && screen.line() == PROMPT);
        let rows = self.screen.rows();
        rows[mark..rows.len() - 1].to_vec()
    }
}
