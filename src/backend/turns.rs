//! One at a time for each thing: what is read, changed and written back must not be changed by two of this process at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Turns by name, made when they are asked for and forgotten when nobody holds or awaits them.
#[derive(Debug, Default)]
pub struct Turns(Mutex<BTreeMap<String, Weak<Turn<()>>>>);

impl Turns {
    /// None is taken.
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Waits for the turn of this name. It ends when what is returned is dropped.
    pub async fn take(&self, name: String) -> OwnedMutexGuard<()> {
        self.of(name).lock_owned().await
    }

    fn of(&self, name: String) -> Arc<Turn<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&name).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Turn::new(()));
        turns.insert(name, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn one_at_a_time_has_the_turn_of_a_name_and_nothing_is_kept_of_it() {
        let turns = Turns::new();
        let first = turns.take("a".to_owned()).await;
        assert!(turns.take("a".to_owned()).now_or_never().is_none());
        let other = turns.take("b".to_owned()).now_or_never();
        assert!(other.is_some());
        drop((first, other));
        drop(turns.take("a".to_owned()).await);
        drop(turns.take("c".to_owned()).await);
        assert!(turns.0.lock().unwrap().len() <= 1);
    }
}
