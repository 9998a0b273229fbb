//! What happened in a world: counted, and told to whom replays it.

use std::collections::BTreeMap;
use std::fmt::Debug;

pub struct Log {
    verbose: bool,
    counts: BTreeMap<String, u32>,
}

impl Log {
    pub fn new(verbose: bool) -> Self {
        Self { verbose, counts: BTreeMap::new() }
    }

    /// Something happened at `now` µs. It is counted by its first word.
    pub fn say(&mut self, now: u64, what: &impl Debug) {
        self.note(now, &format!("{what:?}"));
    }

    /// The same in words.
    pub fn note(&mut self, now: u64, what: &str) {
        if self.verbose {
            println!("{:>12.6} s  {what}", now as f64 / 1e6);
        }
        self.add(what.split([' ', ',', '(']).next().unwrap_or_default(), 1);
    }

    pub fn add(&mut self, what: &str, count: u32) {
        *self.counts.entry(what.into()).or_default() += count;
    }

    pub fn merge(&mut self, other: Self) {
        for (what, count) in other.counts {
            self.add(&what, count);
        }
    }

    pub fn count(&self, what: &str) -> u32 {
        self.counts.get(what).copied().unwrap_or_default()
    }
}

impl Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.counts.fmt(f)
    }
}
