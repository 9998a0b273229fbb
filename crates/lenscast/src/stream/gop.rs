//! The running GOP, and where a viewer stands in it. Plain data: no lock, no await, no clock.

use super::unit::AccessUnit;
use lenscast_media::time::Micros;
use std::collections::VecDeque;
use std::sync::Arc;

/// The access units since the newest key frame. Its first one, if any, is a key frame.
#[derive(Debug, Default)]
pub struct Gop {
    units: VecDeque<Arc<AccessUnit>>,
    next_sequence: u64,
}

/// Where a viewer stands. It costs the stream nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    next: u64,
    /// Nothing was seen yet, so the next unit must be a key frame.
    needs_key: bool,
}

/// What a viewer gets next.
#[derive(Clone, Debug)]
pub enum Step {
    /// The next access unit, and how many were skipped before it (then it is a key frame).
    Unit(Arc<AccessUnit>, u64),
    /// Nothing yet.
    Wait,
}

impl Gop {
    /// Appends `unit` and numbers it. A key frame begins a new GOP; the old one is let go.
    pub fn push(&mut self, mut unit: AccessUnit) {
        unit.sequence = self.next_sequence;
        self.next_sequence += 1;
        if unit.key {
            self.units.clear();
        }
        if unit.key || !self.units.is_empty() {
            self.units.push_back(Arc::new(unit));
        }
    }

    /// Lets the GOP go, since its camera left. Numbers go on.
    pub fn clear(&mut self) {
        self.units.clear();
    }

    /// When the newest key frame was to be shown, on the arrival clock.
    #[must_use]
    pub fn key_at(&self) -> Option<Micros> {
        self.units.front().map(|unit| unit.timing.at)
    }

    /// A cursor at the newest key frame.
    #[must_use]
    pub fn join_running(&self) -> Cursor {
        Cursor { next: self.units.front().map_or(self.next_sequence, |unit| unit.sequence), needs_key: true }
    }

    /// A cursor that waits for the next key frame.
    #[must_use]
    pub fn join_next_key(&self) -> Cursor {
        Cursor { next: self.next_sequence, needs_key: true }
    }

    /// What comes next for `cursor`, which moves on.
    pub fn step(&self, cursor: &mut Cursor) -> Step {
        let Some(first) = self.units.front().map(|unit| unit.sequence) else {
            return Step::Wait;
        };
        let (index, lost) = if cursor.needs_key || cursor.next < first {
            if first < cursor.next {
                return Step::Wait;
            }
            (0, if cursor.needs_key { 0 } else { first - cursor.next })
        } else {
            ((cursor.next - first) as usize, 0)
        };
        let Some(unit) = self.units.get(index) else {
            return Step::Wait;
        };
        *cursor = Cursor { next: unit.sequence + 1, needs_key: false };
        Step::Unit(unit.clone(), lost)
    }
}
