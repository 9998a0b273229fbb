//! Transcripts: what a person types and sees, committed.
//!
//! A line that begins with the prompt is typed, the lines below it must appear. Only what differs from one run to the
//! next is replaced by `#` or a name in braces. Log lines may come in any order among those below the same command.
//!
//! `LENSCAST_TRANSCRIPTS=write cargo test -p lenscast --test console` writes what appears instead; then read it.

use crate::terminal::{PATIENCE, PROMPT, Terminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Types what the transcript `name` says and compares what appears. `names` are what the names in braces stand for.
pub fn play(terminal: &mut Terminal, name: &str, names: &[(&str, &str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut blocks: Vec<(Option<&str>, Vec<&str>)> = vec![(None, Vec::new())];
    for line in text.lines() {
        match line.strip_prefix(PROMPT) {
            Some(command) => blocks.push((Some(command), Vec::new())),
            None if line == PROMPT.trim_end() => {}
            None => blocks.last_mut().expect("there is one").1.push(line),
        }
    }
    let write = std::env::var_os("LENSCAST_TRANSCRIPTS").is_some_and(|value| value == "write");
    let mut written = Written { path, text: String::new() };
    for (command, expected) in blocks {
        let mut mark = 0;
        if let Some(command) = command {
            let typed =
                names.iter().fold(command.to_owned(), |text, (name, value)| text.replace(name, value));
            terminal.type_text(&typed);
            mark = terminal.screen.rows().len();
            terminal.send(b"\r");
        }
        let shown = |terminal: &Terminal| {
            let rows = terminal.screen.rows();
            let ready = rows.len() > mark && terminal.screen.line() == PROMPT;
            ready.then(|| normalised(&rows[mark..rows.len() - 1], names))
        };
        if write {
            let block = settle(terminal, shown);
            written.push(command, &block);
            continue;
        }
        let (start, expected) = (Instant::now(), sorted(&expected));
        loop {
            let found = shown(terminal);
            if found.as_ref().is_some_and(|found| sorted(found) == expected) {
                break;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{name}: what appeared below {:?} is not what is expected\n--- expected\n{}\n--- appeared\n{}\n",
                command.unwrap_or("the start"),
                expected.1.join("\n") + "\n" + &expected.0.join("\n"),
                found.map_or("no prompt".to_owned(), |found| found.join("\n")),
            );
            terminal.read();
        }
    }
    if write {
        written.finish();
    }
}

struct Written {
    path: PathBuf,
    text: String,
}

impl Written {
    fn push(&mut self, command: Option<&str>, block: &[String]) {
        if let Some(command) = command {
            self.text += &format!("{PROMPT}{command}\n");
        }
        for line in block {
            self.text += &format!("{line}\n");
        }
    }

    fn finish(self) {
        std::fs::write(&self.path, self.text + PROMPT.trim_end() + "\n").expect("a place for transcripts");
    }
}

/// What is shown when nothing more has come for a while.
fn settle(terminal: &mut Terminal, shown: impl Fn(&Terminal) -> Option<Vec<String>>) -> Vec<String> {
    const QUIET: Duration = Duration::from_secs(3);
    let (mut before, mut since) = (None, Instant::now());
    loop {
        let now = shown(terminal);
        if now != before {
            (before, since) = (now, Instant::now());
        } else if let Some(block) = now.filter(|_| since.elapsed() > QUIET) {
            return block;
        }
        terminal.read();
    }
}

/// Log lines, sorted, and the others.
fn sorted<T: AsRef<str>>(lines: &[T]) -> (Vec<&str>, Vec<&str>) {
    let lines = lines.iter().map(AsRef::as_ref);
    let (mut log, text): (Vec<&str>, Vec<&str>) = lines.partition(|line: &&str| is_log(line));
    log.sort_unstable();
    (log, text)
}

fn is_log(line: &str) -> bool {
    ["E (", "W (", "I (", "D ("].iter().any(|start| line.starts_with(start))
}

/// Without what differs from one run to the next.
fn normalised(rows: &[String], names: &[(&str, &str)]) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows {
        let mut line = row.clone();
        if is_log(&line) {
            line = numberless(&line, &["E (", "W (", "I (", "D ("]);
        }
        // What was done in the last five seconds comes when it comes.
        let report = line.starts_with("I (#) stream: frames=");
        if report || line.starts_with("last 5 s: ") {
            continue;
        }
        line = line.replace(concat!("lenscast ", env!("CARGO_PKG_VERSION")), "lenscast {version}");
        if let Some((start, rest)) = line.split_once(", device 02:") {
            line = format!("{start}, device {{id}}{}", &rest["11:22:33:44:55".len()..]);
        }
        for (name, value) in names {
            line = line.replace(value, name);
        }
        lines.push(numberless(
            &line,
            &[
                "rssi=",
                "signal: ",
                "captured=",
                "sent=",
                "dropped=",
                "internal_free=",
                "internal_largest=",
                "next in ",
            ],
        ));
    }
    lines
}

/// Puts `#` in the place of the number behind each of `keys`.
fn numberless(line: &str, keys: &[&str]) -> String {
    let mut line = line.to_owned();
    for key in keys {
        if let Some(at) = line.find(key) {
            let (start, rest) = line.split_at(at + key.len());
            let number =
                rest.find(|c: char| !c.is_ascii_digit() && c != '-' && c != '.').unwrap_or(rest.len());
            if number > 0 {
                line = format!("{start}#{}", &rest[number..]);
            }
        }
    }
    line
}
