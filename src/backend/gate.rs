//! Turns for calls: so many at once, and no waiting where nothing moves.
//!
//! Whoever waits here holds a worker that users of other stores need. Waiting for a server that answers is short;
//! waiting for one that hangs would take all workers along.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

/// All turns are taken and none was given for this long: the server hangs.
const HANGS: Duration = Duration::from_secs(2);

/// So many turns at once.
#[derive(Debug)]
pub struct Gate {
    turns: Semaphore,
    last: Mutex<Instant>,
}

impl Gate {
    /// With at least one turn.
    pub fn new(turns: usize) -> Self {
        Self {
            turns: Semaphore::new(turns.max(1)),
            last: Mutex::new(Instant::now()),
        }
    }

    /// A turn, given back when dropped; `None` where it makes no sense to wait for one.
    pub async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        loop {
            if let Ok(turn) = self.turns.try_acquire() {
                return Some(self.begin(turn));
            }
            let hangs = self.last() + HANGS;
            if hangs <= Instant::now() {
                return None;
            }
            if let Ok(Ok(turn)) = timeout_at(hangs, self.turns.acquire()).await {
                return Some(self.begin(turn));
            }
        }
    }

    fn begin<'a>(&self, turn: SemaphorePermit<'a>) -> SemaphorePermit<'a> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        turn
    }

    fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(runtime: &tokio::runtime::Runtime, test: impl Future<Output = ()>) {
        let _elapsed: () = runtime.block_on(async { tokio::time::timeout(HANGS * 5, test).await.unwrap() });
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    }

    #[test]
    fn who_comes_to_a_full_gate_waits_for_a_turn() {
        at(&runtime(), async {
            let gate = Gate::new(1);
            let turn = gate.enter().await.unwrap();
            let back = async {
                tokio::time::sleep(HANGS / 20).await;
                drop(turn);
            };
            let (waited, ()) = futures::future::join(gate.enter(), back).await;
            assert!(waited.is_some());
        });
    }

    #[test]
    fn nobody_waits_long_at_a_gate_where_nothing_moves() {
        at(&runtime(), async {
            let gate = Gate::new(2);
            let _taken = (gate.enter().await.unwrap(), gate.enter().await.unwrap());
            let begun = Instant::now();
            assert!(gate.enter().await.is_none());
            assert!(begun.elapsed() <= HANGS + HANGS / 2, "{:?}", begun.elapsed());
            let begun = Instant::now();
            assert!(gate.enter().await.is_none());
            assert!(begun.elapsed() <= HANGS / 2, "{:?}", begun.elapsed());
        });
    }
}
