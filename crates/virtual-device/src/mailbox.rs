//! Room for one frame between capturing and sending, where the newest wins.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A slot for one frame. One side puts and never waits, the other takes.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    slot: Mutex<Option<T>>,
    filled: Notify,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self { slot: Mutex::new(None), filled: Notify::new() }
    }
}

impl<T> Mailbox<T> {
    /// Puts a frame in and returns whether it replaced one that nobody took.
    pub(crate) fn put(&self, frame: T) -> bool {
        let replaced = self.slot().replace(frame).is_some();
        self.filled.notify_one();
        replaced
    }

    /// Takes the newest frame, as soon as there is one. Cancelling this loses nothing. One task at a time may wait.
    pub(crate) async fn take(&self) -> T {
        loop {
            if let Some(frame) = self.slot().take() {
                return frame;
            }
            self.filled.notified().await;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<T>> {
        // A slot is whole at any time, whoever panicked.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_wins_and_what_it_replaced_is_told() {
        let mailbox = Mailbox::default();
        assert_eq!([1, 2, 3].map(|frame| mailbox.put(frame)), [false, true, true]);
        assert_eq!(mailbox.take().await, 3);
        assert!(!mailbox.put(4));
        assert_eq!(mailbox.take().await, 4);
    }
}
