//! What was found, for people: a line for each thing, and below it what to do.

use std::fmt::Write as _;

/// How good or bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// As it should be.
    Fine,
    /// Not looked at: that takes something else first.
    Unseen,
    /// It works, and somebody should know it.
    Look,
    /// It does not work, or it is dangerous.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub mark: Mark,
    /// What it is, in a sentence or two.
    pub text: String,
    /// What to do, a line each.
    pub todo: Vec<String>,
}

impl Finding {
    /// Something that is as it should be.
    #[must_use]
    pub fn fine(text: impl Into<String>) -> Self {
        Self { mark: Mark::Fine, text: text.into(), todo: Vec::new() }
    }

    /// Something that could not be looked at.
    #[must_use]
    pub fn unseen(text: impl Into<String>) -> Self {
        Self { mark: Mark::Unseen, ..Self::fine(text) }
    }

    /// Something to look at.
    #[must_use]
    pub fn look(text: impl Into<String>) -> Self {
        Self { mark: Mark::Look, ..Self::fine(text) }
    }

    /// Something that is wrong.
    #[must_use]
    pub fn wrong(text: impl Into<String>) -> Self {
        Self { mark: Mark::Wrong, ..Self::fine(text) }
    }

    /// With one more line about what to do.
    #[must_use]
    pub fn todo(mut self, line: impl Into<String>) -> Self {
        self.todo.push(line.into());
        self
    }
}

/// All that was found, by what it is about.
#[derive(Clone, Debug, Default)]
pub struct Report {
    groups: Vec<(&'static str, Vec<Finding>)>,
}

/// How it is to be shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// With colours.
    pub colours: bool,
    /// Longest line, in characters; `None`: one line, however long.
    pub width: Option<usize>,
}

impl Report {
    /// Adds what was found about something.
    pub fn add(&mut self, about: &'static str, findings: Vec<Finding>) {
        if !findings.is_empty() {
            self.groups.push((about, findings));
        }
    }

    /// Everything, one after the other.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.groups.iter().flat_map(|(_, findings)| findings)
    }

    /// Whether there is something that is wrong.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.count(Mark::Wrong) > 0
    }

    /// As text.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut out = String::new();
        for (about, findings) in &self.groups {
            let _ = writeln!(out, "{}", style.painted("1", about));
            for finding in findings {
                let mark = style.mark(finding.mark);
                let _ = writeln!(out, "  {mark} {}", style.wrapped(4, &finding.text));
                for line in &finding.todo {
                    let _ = writeln!(out, "      {}", style.wrapped(6, line));
                }
            }
            out.push('\n');
        }
        out + &self.sum()
    }

    fn count(&self, mark: Mark) -> usize {
        self.findings().filter(|finding| finding.mark == mark).count()
    }

    fn sum(&self) -> String {
        let wrong = match self.count(Mark::Wrong) {
            0 => "Nothing is wrong".to_owned(),
            1 => "1 thing is wrong (✗)".to_owned(),
            many => format!("{many} things are wrong (✗)"),
        };
        let look = match self.count(Mark::Look) {
            0 => String::new(),
            1 => ", 1 is worth a look (!)".to_owned(),
            many => format!(", {many} are worth a look (!)"),
        };
        let unseen = match self.count(Mark::Unseen) {
            0 => String::new(),
            unseen => format!(", {unseen} not looked at (–)"),
        };
        format!("{wrong}{look}{unseen}.")
    }
}

impl Style {
    fn painted(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn mark(self, mark: Mark) -> String {
        match mark {
            Mark::Fine => self.painted("32", "✓"),
            Mark::Unseen => self.painted("2", "–"),
            Mark::Look => self.painted("1;33", "!"),
            Mark::Wrong => self.painted("1;31", "✗"),
        }
    }

    /// A text that begins in a column, and goes on there.
    fn wrapped(self, column: usize, text: &str) -> String {
        let Some(width) = self.width else {
            return text.to_owned();
        };
        let (mut out, mut at) = (String::new(), column);
        for word in text.split(' ') {
            let length = word.chars().count();
            if at > column && at + 1 + length > width {
                let _ = write!(out, "\n{:column$}", "");
                at = column;
            } else if at > column {
                out.push(' ');
                at += 1;
            }
            out.push_str(word);
            at += length;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.add(
            "Ports",
            vec![
                Finding::fine("Port 8080 is free."),
                Finding::wrong("Port 80 is busy.").todo("Take another."),
            ],
        );
        report.add("Nothing", vec![]);
        report.add("Clock", vec![Finding::look("Nobody sets it.")]);
        report
    }

    #[test]
    fn a_finding_is_a_line_with_what_to_do_below_it() {
        let text = "Ports\n  ✓ Port 8080 is free.\n  ✗ Port 80 is busy.\n      Take another.\n\nClock\n  ! Nobody sets it.\n\n\
            1 thing is wrong (✗), 1 is worth a look (!).";
        assert_eq!(report().text(Style::default()), text);
        assert!(report().is_wrong());
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        assert!(!report().text(Style::default()).contains('\x1b'));
        assert!(report().text(Style { colours: true, ..Style::default() }).contains("\x1b[1;31m✗\x1b[0m"));
    }

    #[test]
    fn long_lines_go_on_below_their_beginning() {
        let mut report = Report::default();
        report.add("A", vec![Finding::look("one two three four").todo("five six seven eight")]);
        let text = report.text(Style { width: Some(14), ..Style::default() });
        assert!(
            text.starts_with("A\n  ! one two\n    three four\n      five six\n      seven\n      eight\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_worth_a_look_is_not_wrong() {
        let mut report = Report::default();
        report.add("A", vec![Finding::fine("x")]);
        assert_eq!(report.text(Style::default()), "A\n  ✓ x\n\nNothing is wrong.");
        report.add("B", vec![Finding::look("x"), Finding::look("y"), Finding::unseen("z")]);
        let sum = "Nothing is wrong, 2 are worth a look (!), 1 not looked at (–).";
        assert!(report.text(Style::default()).ends_with(sum));
        assert!(!report.is_wrong());
    }
}
