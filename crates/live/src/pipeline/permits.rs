//! How many pipelines there may be at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the pipelines that there are. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct Permits(Arc<AtomicUsize>);

/// The right to be a pipeline: its thread, and with ffmpeg the process and the threads around that.
///
/// It moves into the thread, and is given back when the thread ends. So a camera that has left while its frame was decoded, or
/// an encoder that hangs and was abandoned, still counts: what it costs is not over.
#[derive(Debug)]
pub(super) struct Permit(Permits);

impl Permits {
    /// A permit for one more pipeline; `None` when there are `most` already.
    pub(super) fn take(&self, most: usize) -> Option<Permit> {
        let more = |count| (count < most).then_some(count + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Permit(self.clone()))
    }

    /// How many pipelines there are.
    pub(super) fn taken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_ask_at_once_no_more_get_in_than_may() {
        let permits = Permits::default();
        let ask = |permits: Permits| std::thread::spawn(move || permits.take(3));
        let asked: Vec<_> = (0..50).map(|_| ask(permits.clone())).collect();
        let taken: Vec<_> = asked.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
        assert_eq!((taken.len(), permits.taken()), (3, 3));
        drop(taken);
        assert_eq!(permits.taken(), 0);
        assert!(permits.take(0).is_none());
    }
}
