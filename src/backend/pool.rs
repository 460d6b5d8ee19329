//! Live connections to stores: made once, shared by all users of a store, replaced when the store or one of its
//! Secrets changes.

use super::{
    BackendInfo, Driver, Error, ErrorKind, Outcome, Result, error::Detail, gate::Gate, proof::Prover,
};
use futures::Stream;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// How soon a backend is asked again what it can do, after it failed to say.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How long ending the sessions of a connection may take.
const CLOSING: Duration = Duration::from_secs(2);

/// A connection to one store.
#[derive(Debug)]
pub struct Connection {
    /// Generation of the store that it was made for.
    pub generation: i64,
    /// Increases with every connection made: users look at their backend again when it changes.
    pub serial: u64,
    /// Names and resource versions of the Secrets that it was made from.
    pub secrets: Vec<(String, Option<String>)>,
    /// Its admin API.
    pub driver: Arc<dyn Driver>,
    /// Proves keys; `None` where nothing can.
    pub prover: Option<Arc<dyn Prover>>,
    /// Turns for proofs: the side of the applications may hang by itself.
    pub proofs: Gate,
    /// What it answered when it was probed last, and when.
    pub probed: Mutex<Option<(Instant, BackendInfo)>>,
    /// The turn to ask what it can do, and how that failed last.
    pub learning: tokio::sync::Mutex<Option<(Instant, Error)>>,
    /// CA bundle of the store, in PEM, for the Secrets of its users.
    pub ca_bundle: Option<String>,
}

impl Connection {
    /// Asks what the backend can do, where that depends on its version and no probe has told it yet. One asks at a time;
    /// the others are told to come again, so that a store that hangs holds up nobody but itself.
    pub async fn learn(&self) -> Result<()> {
        if !self.driver.needs_probe() {
            return Ok(());
        }
        let Ok(mut failed) = self.learning.try_lock() else {
            return Err(self.busy());
        };
        if let Some((_, error)) = failed.as_ref().filter(|(at, _)| at.elapsed() < ASK_AGAIN) {
            return Err(error.clone());
        }
        let result = self.driver.probe().await;
        *failed = result.as_ref().err().map(|error| (Instant::now(), error.clone()));
        let info = result?;
        let mut probed = self.probed.lock().unwrap_or_else(PoisonError::into_inner);
        *probed = Some((Instant::now(), info));
        Ok(())
    }

    fn busy(&self) -> Error {
        Error {
            kind: ErrorKind::Transient,
            outcome: Outcome::NotApplied,
            backend: self.driver.kind(),
            operation: "probe",
            detail: Detail::new("the store is being asked what it can do"),
            retry_after: Some(Duration::from_secs(1)),
            request_id: None,
        }
    }
}

/// All connections, by UID of their store.
#[derive(Debug, Default)]
pub struct Pool {
    connections: Mutex<BTreeMap<String, Arc<Connection>>>,
    /// Replaced, or of stores that are gone, and not closed yet: somebody may be using them.
    retired: Mutex<Vec<Arc<Connection>>>,
    making: tokio::sync::Mutex<u64>,
    made: watch::Sender<()>,
}

impl Pool {
    /// The connection to this store, whatever generation it was made for.
    pub fn get(&self, uid: &str) -> Option<Arc<Connection>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(uid)
            .cloned()
    }

    /// The right to make connections, one at a time, with the serial of the next one.
    pub async fn make(&self) -> tokio::sync::MutexGuard<'_, u64> {
        let mut serial = self.making.lock().await;
        *serial += 1;
        serial
    }

    /// Puts a connection in the place of the one before it, unless that is of a newer generation.
    pub fn put(&self, uid: &str, connection: Connection) -> Arc<Connection> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newer) = connections
            .get(uid)
            .filter(|there| there.generation > connection.generation)
        {
            return Arc::clone(newer);
        }
        let connection = Arc::new(connection);
        let old = connections.insert(uid.to_owned(), Arc::clone(&connection));
        self.retire(old);
        self.made.send_replace(());
        connection
    }

    /// Tells each time that a connection was made: nothing about a store need change when one of its Secrets does.
    pub fn made(&self) -> impl Stream<Item = ()> + Send + 'static {
        futures::stream::unfold(self.made.subscribe(), async |mut made| {
            made.changed().await.ok()?;
            Some(((), made))
        })
    }

    /// Drops the connection to a store that is gone.
    pub fn remove(&self, uid: &str) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        self.retire(connections.remove(uid));
    }

    fn retire(&self, old: Option<Arc<Connection>>) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.extend(old);
    }

    /// Ends the sessions of connections that are of no use any more and that nobody is using.
    pub async fn close_retired(&self) {
        let mut unused = Vec::new();
        {
            let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
            let all = std::mem::take(&mut *retired);
            for connection in all {
                let is_unused = Arc::strong_count(&connection) == 1;
                (if is_unused { &mut unused } else { &mut *retired }).push(connection);
            }
        }
        close(unused).await;
    }

    /// Ends the sessions of all connections, at the end of the program.
    pub async fn close_all(&self) {
        let live = std::mem::take(&mut *self.connections.lock().unwrap_or_else(PoisonError::into_inner));
        let mut all: Vec<_> = live.into_values().collect();
        all.append(&mut self.retired.lock().unwrap_or_else(PoisonError::into_inner));
        close(all).await;
    }
}

/// Best effort, side by side: none holds up another.
async fn close(connections: Vec<Arc<Connection>>) {
    let each = connections
        .iter()
        .map(async |connection| timeout(CLOSING, connection.driver.close()).await);
    drop(futures::future::join_all(each).await);
}
