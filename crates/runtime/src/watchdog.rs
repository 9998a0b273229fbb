//! Which task hangs.

use crate::now;
use core::time::Duration;
use portable_atomic::{AtomicU32, Ordering};

/// How long a task may be silent. The longest that one does in one piece is encoding a frame: some tenths of a second.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// Tasks that are watched, by number. A task must be heard every [`PATIENCE`] once it was heard.
#[derive(Debug)]
pub struct Watch<const N: usize> {
    names: [&'static str; N],
    /// When each task was heard, in ms since the start; 0 as long as it was not.
    heard: [AtomicU32; N],
}

impl<const N: usize> Watch<N> {
    /// Tasks with these names, as a sentence calls them: `the camera task`. None was heard yet.
    #[must_use]
    pub const fn new(names: [&'static str; N]) -> Self {
        Self { names, heard: [const { AtomicU32::new(0) }; N] }
    }

    /// Tells that task `number` lives.
    pub fn alive(&self, number: usize) {
        self.heard[number].store(clock(), Ordering::Relaxed);
    }

    /// The name of a task that hangs.
    #[must_use]
    pub fn hung(&self) -> Option<&'static str> {
        let now = clock();
        let hangs = |heard: &AtomicU32| {
            let heard = heard.load(Ordering::Relaxed);
            heard != 0 && u128::from(now.wrapping_sub(heard)) > PATIENCE.as_millis()
        };
        self.heard.iter().position(hangs).map(|number| self.names[number])
    }
}

/// Milliseconds since the start. They begin anew after 49 days, and differences stay right.
fn clock() -> u32 {
    now().as_millis() as u32
}
