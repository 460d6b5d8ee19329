//! Live connections to stores: made once, shared by all users of a store, replaced when the store or one of its
//! Secrets changes.

use super::{BackendInfo, Driver, gate::Gate, proof::Prover};
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
    /// CA bundle of the store, in PEM, for the Secrets of its users.
    pub ca_bundle: Option<String>,
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
