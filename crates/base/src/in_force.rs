//! A configuration that may be replaced while the server runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The configuration that is in force now. All clones share one value: what one clone sets, every clone sees.
///
/// Each crate takes an `InForce` of its own plain `Config`, as a [part](InForce::part) of the owner's whole
/// configuration. So a stream never holds a password, and a reload replaces all parts by one call of [`InForce::set`].
pub struct InForce<T>(Arc<Inner<T>>);

/// Passes a new value of the whole on to one part.
type PassOn<T> = Box<dyn Fn(&T) + Send + Sync>;

struct Inner<T> {
    value: watch::Sender<Arc<T>>,
    /// Called with each new value, once for each part.
    parts: Mutex<Vec<PassOn<T>>>,
}

impl<T: Send + Sync + 'static> InForce<T> {
    /// Puts a first value in force.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(Inner { value: watch::Sender::new(Arc::new(value)), parts: Mutex::default() }))
    }

    /// A part of this configuration, for a crate that must not see the rest. `of` makes the part out of the whole, now
    /// and again whenever the whole is [set](InForce::set).
    ///
    /// For example, `whole.part(|config| config.limits.max_viewers)` follows one number.
    #[must_use]
    pub fn part<U: Send + Sync + 'static>(&self, of: impl Fn(&T) -> U + Send + Sync + 'static) -> InForce<U> {
        // The lock is held while the part begins, so that no value can be set in between and be missed.
        let mut parts = self.0.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let part = InForce::new(of(&self.get()));
        let kept = part.clone();
        parts.push(Box::new(move |whole| kept.set(of(whole))));
        part
    }

    /// The value in force now. A caller that keeps it keeps what was in force at this moment.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        self.0.value.borrow().clone()
    }

    /// Puts another value in force, here and in all parts.
    pub fn set(&self, value: T) {
        let parts = self.0.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let value = Arc::new(value);
        for part in &*parts {
            part(&value);
        }
        self.0.value.send_replace(value);
    }

    /// A receiver that wakes whenever another value is put in force.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<T>> {
        self.0.value.subscribe()
    }
}

impl<T> Clone for InForce<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for InForce<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("InForce").field(&*self.0.value.borrow()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_follows_the_whole_and_so_does_a_part_of_the_part() {
        let whole = InForce::new((1, "one"));
        let part = whole.part(|(number, _)| *number);
        let double = part.part(|number| number * 2);
        let mut changes = double.watch();
        whole.clone().set((2, "two"));
        assert_eq!((*part.get(), *double.get()), (2, 4));
        assert!(changes.has_changed().unwrap());
        assert_eq!(**changes.borrow_and_update(), 4);
    }

    #[test]
    fn what_was_taken_before_stays_as_it_was() {
        let value = InForce::new(1);
        let before = value.get();
        value.set(2);
        assert_eq!((*before, *value.get()), (1, 2));
    }
}
