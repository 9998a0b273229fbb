//! What a device prints on a console that nobody sees, as log lines of this program.

use tracing::Level;

use super::plain::Plain;

/// A longer line is told in pieces.
const LONGEST: usize = 1024;

/// Puts lines together and finds the log lines among them: ESP-IDF's form is `I (1234) text`, with the letter of the
/// level and the milliseconds since the start.
#[derive(Debug)]
pub(crate) struct LogLines {
    plain: Plain,
    line: Vec<u8>,
}

impl LogLines {
    pub(super) fn new() -> Self {
        Self { plain: Plain::new(), line: Vec::new() }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let mut text = Vec::new();
        self.plain.pass(bytes, &mut text);
        for byte in text {
            if byte == b'\n' || self.line.len() == LONGEST {
                tell(&self.line);
                self.line.clear();
            } else {
                self.line.push(byte);
            }
        }
    }
}

fn tell(line: &[u8]) {
    match understand(&String::from_utf8_lossy(line)) {
        Some((Level::ERROR, text)) => tracing::error!("{text}"),
        Some((Level::WARN, text)) => tracing::warn!("{text}"),
        Some((Level::INFO, text)) => tracing::info!("{text}"),
        Some((_, text)) => tracing::debug!("{text}"),
        None => {}
    }
}

/// The level and the text of a log line, which may stand behind a prompt. What else is printed is for debugging.
fn understand(line: &str) -> Option<(Level, &str)> {
    let line = line.trim_start_matches("cam> ").trim_end();
    if line.is_empty() || line == "cam>" {
        return None;
    }
    let log_line = || {
        let (letter, rest) = line.split_once(" (")?;
        let (time, text) = rest.split_once(") ")?;
        time.parse::<u64>().ok()?;
        let level = match letter {
            "E" => Level::ERROR,
            "W" => Level::WARN,
            "I" => Level::INFO,
            "D" => Level::DEBUG,
            _ => return None,
        };
        Some((level, text))
    };
    Some(log_line().unwrap_or((Level::DEBUG, line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_keep_their_level_and_lose_prompt_and_time() {
        let cases = [
            ("cam> W (1234) stream: no answer", Some((Level::WARN, "stream: no answer"))),
            ("I (0) a (b) c", Some((Level::INFO, "a (b) c"))),
            ("E (x) y", Some((Level::DEBUG, "E (x) y"))),
            ("lenscast 0.1.0", Some((Level::DEBUG, "lenscast 0.1.0"))),
            ("cam> ", None),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(understand(line), expected, "{line:?}");
        }
    }
}
