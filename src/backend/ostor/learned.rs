//! What was learned of a store: products differ in how changes of keys are asked for, and in whether users can be
//! locked. No call tells the version.

use super::request::Verb;
use std::sync::{Mutex, PoisonError};

/// Filled by the probe, and by the first change of a key.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    lock: Option<bool>,
    verb: Option<Verb>,
}

impl Learned {
    /// Whether users can be disabled; `None`: not asked yet.
    pub(super) fn lock(&self) -> Option<bool> {
        self.state().lock
    }

    /// The store said so.
    pub(super) fn set_lock(&self, lock: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lock = Some(lock);
    }

    /// The verb for changes of keys, and whether it has worked before.
    pub(super) fn verb(&self) -> (Verb, bool) {
        let state = self.state();
        // Disabling users and the newer verb came together, as far as the documents show.
        let guess = if state.lock == Some(false) {
            Verb::Put
        } else {
            Verb::Post
        };
        (state.verb.unwrap_or(guess), state.verb.is_some())
    }

    /// This verb worked.
    pub(super) fn set_verb(&self, verb: Verb) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).verb = Some(verb);
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_guessed_until_one_worked() {
        let learned = Learned::default();
        assert_eq!(learned.verb(), (Verb::Post, false));
        learned.set_lock(false);
        assert_eq!(learned.verb(), (Verb::Put, false));
        learned.set_verb(Verb::Post);
        assert_eq!(
            (learned.verb(), learned.lock()),
            ((Verb::Post, true), Some(false))
        );
    }
}
