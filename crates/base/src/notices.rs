//! Log lines that a stranger can cause: some lines of each kind from each source, and the rest in a sum.
//!
//! Whoever can make a program log can fill its disk. So such a line asks first:
//!
//! ```text
//!  10.0.0.7 connects and leaves 1,207 times in a minute
//!
//!  12:00:00  camera connected camera=door peer=10.0.0.7:5000       three lines, as they come,
//!  12:00:00  camera connected camera=door peer=10.0.0.7:5001
//!  12:00:00  camera connected camera=door peer=10.0.0.7:5002
//!  12:01:00  … and 1,204 more of the kind "camera connected" from 10.0.0.7 in the last minute
//! ```
//!
//! Each minute after that has one line and one sum. At most [`MAX_SOURCES`] sources have lines of their own for each
//! kind; all others are one source together. So neither memory nor log grows with the number of addresses.

use crate::addresses::Network;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time after which what got no line is summed up.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The lines of one kind from one source that are logged as they come, before the first sum.
pub const LINES: u32 = 3;

/// The sources that have lines of their own, for each kind.
pub const MAX_SOURCES: usize = 32;

/// Decides which events get a log line. Clones share what was logged; each is about events from one [`Source`].
#[derive(Clone, Debug, Default)]
pub struct Notices {
    ledger: Arc<Mutex<Ledger>>,
    source: Arc<Mutex<Source>>,
}

/// Who causes what is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// Nobody in particular.
    #[default]
    Nobody,
    /// A client.
    Network(Network),
    /// The clients that are too many to have lines of their own.
    Others,
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self::Network(address.into())
    }
}

/// What was logged, by kind and source.
type Ledger = HashMap<&'static str, HashMap<Source, Entry>>;

#[derive(Debug)]
struct Entry {
    /// When the window began that the numbers are about.
    began: Instant,
    /// Lines that may still be logged in it.
    left: u32,
    /// Events in it that got no line.
    more: u64,
}

/// Events of one kind that got no line: a line about all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    kind: &'static str,
    source: Source,
    more: u64,
    within: Duration,
}

impl Notices {
    /// The same about events that another source causes.
    #[must_use]
    pub fn of(&self, source: impl Into<Source>) -> Self {
        Self { ledger: self.ledger.clone(), source: Arc::new(Mutex::new(source.into())) }
    }

    /// From now on this source causes the events, for every clone of these notices: a camera came from elsewhere.
    pub fn comes_from(&self, source: impl Into<Source>) {
        *lock(&self.source) = source.into();
    }

    /// Counts an event, and says whether it gets a log line: `Some(n)` when it does, where `n` such events got none and
    /// were not summed up yet. `kind` is a few words, which a sum quotes.
    pub fn due(&self, kind: &'static str) -> Option<u64> {
        self.due_at(kind, Instant::now())
    }

    fn due_at(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let source = *lock(&self.source);
        let mut ledger = lock(&self.ledger);
        let known = ledger.entry(kind).or_default();
        let source = match source {
            Source::Network(_) if !known.contains_key(&source) && known.len() >= MAX_SOURCES => {
                Source::Others
            }
            source => source,
        };
        let entry = known.entry(source).or_insert(Entry { began: now, left: LINES, more: 0 });
        let before = if now.saturating_duration_since(entry.began) < WINDOW {
            0
        } else {
            // Nobody has summed up yet: this line does.
            let Entry { more, .. } = std::mem::replace(entry, Entry { began: now, left: LINES, more: 0 });
            more
        };
        if entry.left == 0 {
            entry.more += 1;
            return None;
        }
        entry.left -= 1;
        Some(before)
    }

    /// What got no line in the last minute, as far as that is over. It is to be logged, and to be asked for every second
    /// or so.
    #[must_use]
    pub fn sums(&self) -> Vec<Sum> {
        self.sums_at(Instant::now(), WINDOW)
    }

    /// All that got no line so far, at the end of the program.
    #[must_use]
    pub fn rest(&self) -> Vec<Sum> {
        self.sums_at(Instant::now(), Duration::ZERO)
    }

    fn sums_at(&self, now: Instant, window: Duration) -> Vec<Sum> {
        let mut sums = Vec::new();
        lock(&self.ledger).retain(|kind, known| {
            known.retain(|source, entry| {
                let within = now.saturating_duration_since(entry.began);
                if within < window {
                    return true;
                }
                let more = std::mem::take(&mut entry.more);
                if more > 0 {
                    sums.push(Sum { kind, source: *source, more, within });
                    // It goes on, most likely: one line as an example is enough for the next minute.
                    *entry = Entry { began: now, left: 1, more: 0 };
                }
                more > 0
            });
            !known.is_empty()
        });
        sums
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, source, more, within } = self;
        write!(f, "… and {} more of the kind {kind:?}", grouped(*more))?;
        match source {
            Source::Nobody => {}
            Source::Network(network) => write!(f, " from {network}")?,
            Source::Others => f.write_str(" from other addresses")?,
        }
        match within.as_secs() {
            60..90 => f.write_str(" in the last minute"),
            seconds => write!(f, " in the last {seconds} s"),
        }
    }
}

/// A number with commas between thousands, as in `1,204`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from((0x0A00_0000 + number).to_be_bytes())
    }

    fn texts(sums: &[Sum]) -> Vec<String> {
        sums.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_flood_of_one_kind_is_some_lines_and_a_sum_and_others_are_still_heard() {
        let (notices, start) = (Notices::default(), Instant::now());
        let flapping = notices.of(address(7));
        let lines = (0..1207).filter(|_| flapping.due_at("camera connected", start).is_some()).count();
        assert_eq!(lines, LINES as usize);
        assert_eq!(flapping.due_at("camera left", start), Some(0), "another kind");
        assert_eq!(notices.of(address(8)).due_at("camera connected", start), Some(0), "another source");
        assert_eq!(notices.sums_at(start + WINDOW / 2, WINDOW), []);
        let told = texts(&notices.sums_at(start + WINDOW, WINDOW));
        assert_eq!(
            told,
            ["… and 1,204 more of the kind \"camera connected\" from 10.0.0.7 in the last minute"]
        );
        assert_eq!(notices.sums_at(start + WINDOW, WINDOW), [], "it is told once");
        let again =
            (0..500).filter(|_| flapping.due_at("camera connected", start + WINDOW).is_some()).count();
        assert_eq!(again, 1, "one example a minute while it goes on");
    }

    #[test]
    fn whoever_was_quiet_for_a_minute_is_heard_in_full_again() {
        let (notices, start) = (Notices::default(), Instant::now());
        let lines = |at| (0..10).filter(|_| notices.due_at("accept", at).is_some()).count();
        assert_eq!(lines(start), 3);
        assert_eq!(notices.sums_at(start + WINDOW, WINDOW).len(), 1);
        assert_eq!(notices.sums_at(start + 2 * WINDOW, WINDOW), []);
        assert_eq!(lines(start + 2 * WINDOW), 3);
    }

    #[test]
    fn what_nobody_sums_up_is_told_with_the_next_line() {
        let (notices, start) = (Notices::default(), Instant::now());
        for _ in 0..10 {
            notices.due_at("accept", start);
        }
        assert_eq!(notices.due_at("accept", start + WINDOW), Some(7));
    }

    #[test]
    fn at_the_end_the_rest_is_told_though_its_minute_is_not_over() {
        let notices = Notices::default();
        let start = Instant::now();
        for _ in 0..5 {
            notices.due_at("accept", start);
        }
        let told = texts(&notices.sums_at(start + Duration::from_secs(7), Duration::ZERO));
        assert_eq!(told, ["… and 2 more of the kind \"accept\" in the last 7 s"]);
    }

    #[test]
    fn a_million_addresses_are_some_dozen_lines_and_take_no_memory() {
        let (notices, start) = (Notices::default(), Instant::now());
        let mut lines = 0;
        for number in 0..1_000_000 {
            lines += usize::from(notices.of(address(number)).due_at("login refused", start).is_some());
        }
        assert_eq!(lines, MAX_SOURCES + LINES as usize);
        assert_eq!(lock(&notices.ledger)["login refused"].len(), MAX_SOURCES + 1);
        let sums = notices.sums_at(start + WINDOW, WINDOW);
        assert_eq!(
            texts(&sums),
            ["… and 999,965 more of the kind \"login refused\" from other addresses in the last minute"]
        );
        assert!(notices.sums_at(start + 2 * WINDOW, WINDOW).is_empty());
        assert!(lock(&notices.ledger).is_empty(), "nothing is kept about what is over");
    }

    #[test]
    fn a_camera_that_comes_from_elsewhere_is_another_source() {
        let (notices, start) = (Notices::default().of(address(1)), Instant::now());
        let clone = notices.clone();
        for _ in 0..5 {
            notices.due_at("empty", start);
        }
        notices.comes_from(address(2));
        assert_eq!(clone.due_at("empty", start), Some(0));
    }

    #[test]
    fn numbers_have_commas() {
        let told = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(told, ["0", "999", "1,000", "1,234,567"]);
    }
}
