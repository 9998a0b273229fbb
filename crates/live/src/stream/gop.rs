//! The running group of pictures (GOP): the newest key frame and what follows it, and where a viewer stands in it.
//!
//! Plain data: no lock, no await, no clock.

use crate::unit::AccessUnit;
use lenscast_media::time::Micros;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many access units before the newest key frame are kept, until as many have come after it.
///
/// A viewer that reads everything may have been woken a little late, when the key frame is there already. It still gets the units
/// before that, and loses nothing.
const TAIL: usize = 8;

/// The access units since the newest key frame, and for a while the last ones before it.
#[derive(Debug, Default)]
pub struct Gop {
    units: VecDeque<Arc<AccessUnit>>,
    /// The place of the newest key frame in `units`.
    key: usize,
    /// The number of the unit that comes next.
    next_sequence: u64,
}

/// A viewer's place in the video. It costs the stream nothing: no copy, no queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The number of the unit that the viewer needs next.
    next: u64,
    /// Whether the viewer has seen nothing yet, so that the next unit must be a key frame.
    needs_key: bool,
}

/// What a viewer gets next.
#[derive(Clone, Debug)]
pub enum Step {
    /// The next access unit, and how many were skipped before it (then it is a key frame).
    Unit(Arc<AccessUnit>, u64),
    /// There is nothing yet.
    Wait,
}

impl Gop {
    /// Appends a unit, which `make` makes with the next number. A key frame begins a new GOP; of the old one only the tail is kept.
    ///
    /// `None`, and no unit is made, when nobody could decode it, since no key frame came before it.
    pub fn push(&mut self, key: bool, make: impl FnOnce(u64) -> AccessUnit) -> Option<&Arc<AccessUnit>> {
        if key {
            self.units.drain(..self.units.len().saturating_sub(TAIL));
            self.key = self.units.len();
        } else if self.units.is_empty() {
            return None;
        }
        self.units.push_back(Arc::new(make(self.next_sequence)));
        self.next_sequence += 1;
        // Once more than the tail's length has come since the key frame, the tail before it goes. Whoever still needs it is late.
        if self.units.len() - self.key > TAIL {
            self.units.drain(..self.key);
            self.key = 0;
        }
        self.units.back()
    }

    /// Lets all units go, since the camera left. The numbers go on with the next camera.
    pub fn clear(&mut self) {
        self.units.clear();
        self.key = 0;
    }

    /// When the newest key frame was to be shown, on the arrival clock.
    #[must_use]
    pub fn key_at(&self) -> Option<Micros> {
        self.units.get(self.key).map(|unit| unit.timing.at)
    }

    /// A cursor for a viewer that begins with the newest key frame.
    #[must_use]
    pub fn join_running(&self) -> Cursor {
        let next = self.units.get(self.key).map_or(self.next_sequence, |key| key.sequence);
        Cursor { next, needs_key: true }
    }

    /// A cursor for a viewer that waits for the next key frame.
    #[must_use]
    pub fn join_next_key(&self) -> Cursor {
        Cursor { next: self.next_sequence, needs_key: true }
    }

    /// What comes next for the viewer at `cursor`, which moves on.
    pub fn step(&self, cursor: &mut Cursor) -> Step {
        // Say that units 92 to 103 are kept, and 100 is the newest key frame. Then
        // - a viewer that needs 101 gets 101,
        // - one that needs 104 waits,
        // - one that needs 95 gets 95: it is a little late, and the tail before the key frame is there for it,
        // - one that needs 80 gets the key frame 100, and is told that it lost 20: what it needs is gone, and without it
        //   nothing before the key frame can be decoded,
        // - one that has seen nothing gets the key frame 100; but when it came for a later one (`join_next_key`), it waits.
        let (Some(first), Some(key)) = (self.units.front(), self.units.get(self.key)) else {
            return Step::Wait;
        };
        let (index, lost) = if cursor.needs_key {
            if key.sequence < cursor.next {
                return Step::Wait;
            }
            (self.key, 0)
        } else if cursor.next < first.sequence {
            (self.key, key.sequence - cursor.next)
        } else {
            ((cursor.next - first.sequence) as usize, 0)
        };
        let Some(unit) = self.units.get(index) else {
            return Step::Wait;
        };
        *cursor = Cursor { next: unit.sequence + 1, needs_key: false };
        Step::Unit(unit.clone(), lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::CodedPicture;
    use lenscast_media::ts::Muxer;
    use proptest::prelude::*;

    fn push(gop: &mut Gop, key: bool) -> Option<&Arc<AccessUnit>> {
        let make = |sequence| AccessUnit::new(sequence, CodedPicture::for_test(key), &mut Muxer::new());
        gop.push(key, make)
    }

    /// What may happen to a stream and its viewers.
    #[derive(Clone, Debug)]
    enum Action {
        Push {
            key: bool,
        },
        CameraLeaves,
        JoinRunning,
        JoinNextKey,
        /// A viewer takes what is there, up to a number of units.
        Read {
            viewer: prop::sample::Index,
            units: usize,
        },
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            6 => prop::bool::weighted(0.2).prop_map(|key| Action::Push { key }),
            1 => Just(Action::CameraLeaves),
            1 => Just(Action::JoinRunning),
            1 => Just(Action::JoinNextKey),
            6 => (any::<prop::sample::Index>(), 0usize..8).prop_map(|(viewer, units)| Action::Read { viewer, units }),
        ]
    }

    /// A viewer, and what it saw last.
    struct Viewer {
        cursor: Cursor,
        previous: Option<u64>,
    }

    proptest! {
        #[test]
        fn no_viewer_sees_a_frame_twice_or_out_of_order_or_undecodable(
            actions in prop::collection::vec(action(), 1..200),
        ) {
            let mut gop = Gop::default();
            let mut keys = Vec::new();
            let mut viewers: Vec<Viewer> = Vec::new();
            // After a camera left, the next one begins with a key frame: so does every encoder.
            let mut fresh = true;
            for action in actions {
                match action {
                    Action::Push { key } => {
                        let key = key || fresh;
                        fresh = false;
                        keys.push(key);
                        push(&mut gop, key);
                    }
                    Action::CameraLeaves => {
                        gop.clear();
                        fresh = true;
                    }
                    Action::JoinRunning | Action::JoinNextKey => {
                        let running = matches!(action, Action::JoinRunning);
                        let cursor = if running { gop.join_running() } else { gop.join_next_key() };
                        viewers.push(Viewer { cursor, previous: None });
                    }
                    Action::Read { .. } if viewers.is_empty() => {}
                    Action::Read { viewer, units } => {
                        let index = viewer.index(viewers.len());
                        let viewer = &mut viewers[index];
                        for _ in 0..units {
                            let Step::Unit(unit, lost) = gop.step(&mut viewer.cursor) else { break };
                            let number = unit.sequence;
                            prop_assert_eq!(unit.key, keys[number as usize]);
                            match viewer.previous {
                                None => prop_assert!(unit.key && lost == 0, "begins with a key frame"),
                                Some(previous) => {
                                    prop_assert!(number > previous, "twice or out of order");
                                    prop_assert_eq!(number - previous - 1, lost, "each gap is told exactly");
                                    prop_assert!(lost == 0 || unit.key, "resumes at a key frame");
                                }
                            }
                            viewer.previous = Some(number);
                        }
                    }
                }
            }
            // Whoever reads on now has seen everything since the newest key frame.
            for viewer in &mut viewers {
                while let Step::Unit(unit, _) = gop.step(&mut viewer.cursor) {
                    viewer.previous = Some(unit.sequence);
                }
                if let (Some(seen), Some(last)) = (viewer.previous, gop.units.back()) {
                    prop_assert_eq!(seen, last.sequence);
                }
            }
        }
    }

    #[test]
    fn the_gop_holds_no_more_than_the_units_since_the_newest_key_frame_and_a_tail() {
        let mut gop = Gop::default();
        for number in 0..200 {
            push(&mut gop, number % 20 == 0);
            let since_key = number % 20 + 1;
            let tail = if number >= 20 && since_key <= TAIL { TAIL } else { 0 };
            assert_eq!(gop.units.len(), since_key + tail);
        }
    }

    #[test]
    fn a_viewer_that_is_a_little_behind_at_a_key_frame_loses_nothing() {
        let mut gop = Gop::default();
        push(&mut gop, true);
        let mut cursor = gop.join_running();
        assert!(matches!(gop.step(&mut cursor), Step::Unit(_, 0)));
        for key in [false, false, true, false] {
            push(&mut gop, key);
        }
        for expected in 1..5 {
            let Step::Unit(unit, lost) = gop.step(&mut cursor) else { panic!("nothing to read") };
            assert_eq!((unit.sequence, lost), (expected, 0));
        }
        // Who joins now begins with the key frame, not with the tail.
        let mut joiner = gop.join_running();
        let Step::Unit(unit, 0) = gop.step(&mut joiner) else { panic!("nothing to read") };
        assert_eq!((unit.sequence, unit.key), (3, true));
    }

    #[test]
    fn what_cannot_be_decoded_is_not_kept() {
        let mut gop = Gop::default();
        assert!(push(&mut gop, false).is_none());
        let mut cursor = gop.join_running();
        assert!(matches!(gop.step(&mut cursor), Step::Wait));
    }
}
