//! The report for people: one line for each finding, and below it what to do.

use std::fmt::Write as _;

/// The mark of a finding, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It is as it should be.
    Fine,
    /// It was not looked at, since something else has to be done first.
    Unseen,
    /// It works, and the owner should know it.
    Look,
    /// It does not work, or it is dangerous.
    Wrong,
}

/// One thing that was looked at, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The mark, from good to bad.
    pub mark: Mark,
    /// The finding, in a sentence or two.
    pub text: String,
    /// The advice, one line for each step.
    pub todo: Vec<String>,
}

impl Finding {
    /// A finding that something is as it should be.
    #[must_use]
    pub fn fine(text: impl Into<String>) -> Self {
        Self { mark: Mark::Fine, text: plain(text), todo: Vec::new() }
    }

    /// A finding that something could not be looked at.
    #[must_use]
    pub fn unseen(text: impl Into<String>) -> Self {
        Self { mark: Mark::Unseen, ..Self::fine(text) }
    }

    /// A finding that the owner should look at something.
    #[must_use]
    pub fn look(text: impl Into<String>) -> Self {
        Self { mark: Mark::Look, ..Self::fine(text) }
    }

    /// A finding that something is wrong.
    #[must_use]
    pub fn wrong(text: impl Into<String>) -> Self {
        Self { mark: Mark::Wrong, ..Self::fine(text) }
    }

    /// The same finding with one more line of advice.
    #[must_use]
    pub fn todo(mut self, line: impl Into<String>) -> Self {
        self.todo.push(plain(line));
        self
    }
}

/// A text that may repeat what a camera or another program told, as a terminal may show it.
fn plain(text: impl Into<String>) -> String {
    lenscast_protocol::plain::line(&text.into()).into_owned()
}

/// All findings, sorted by what they are about.
#[derive(Clone, Debug, Default)]
pub struct Report {
    groups: Vec<(&'static str, Vec<Finding>)>,
}

/// The style in which a report is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Whether colours are used.
    pub colours: bool,
    /// The longest line, in characters; `None` means that no line is broken.
    pub width: Option<usize>,
}

impl Report {
    /// Adds the findings about one thing.
    pub fn add(&mut self, about: &'static str, findings: Vec<Finding>) {
        if !findings.is_empty() {
            self.groups.push((about, findings));
        }
    }

    /// All findings, one after the other.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.groups.iter().flat_map(|(_, findings)| findings)
    }

    /// Whether something is wrong.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.count(Mark::Wrong) > 0
    }

    /// The report as text.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut out = String::new();
        for (about, findings) in &self.groups {
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = writeln!(out, "{}", style.painted("1", about));
            for finding in findings {
                let mark = style.mark(finding.mark);
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
                let _ = writeln!(out, "  {mark} {}", style.wrapped(4, &finding.text));
                for line in &finding.todo {
                    #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
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

    /// A text that begins in a column, and whose next lines begin in the same column.
    fn wrapped(self, column: usize, text: &str) -> String {
        let Some(width) = self.width else {
            return text.to_owned();
        };
        let (mut out, mut at) = (String::new(), column);
        for word in text.split(' ') {
            let length = word.chars().count();
            if at > column && at + 1 + length > width {
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
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
    fn what_a_camera_told_does_nothing_to_the_terminal() {
        let found = Finding::look("firmware \u{9b}31m\u{202e}x").todo("ask \u{1b}]0;y\u{7}");
        let text = Report { groups: vec![("cameras", vec![found])] }.text(Style::default());
        assert!(
            text.contains("firmware \\u{9b}31m\\u{202e}x") && text.contains("ask \\u{1b}]0;y\\u{7}"),
            "{text}"
        );
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
