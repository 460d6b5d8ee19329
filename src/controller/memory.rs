//! What this process remembers of a user between two reconciliations. A crash loses all of it, on purpose: the plan
//! needs none of it to be right, only to be quick.

use super::error::Trouble;
use crate::{backend::KeyPair, domain::ids::CredentialId};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How far one watch may be ahead of another.
const CATCH_UP: Duration = Duration::from_secs(2);

/// Memories, by UID of the object. Thousands of users are settled at any time, so what is kept of one of those is little.
#[derive(Debug, Default)]
pub struct Memory {
    users: Mutex<BTreeMap<Box<str>, Remembered>>,
    stores: Mutex<BTreeMap<String, Newest>>,
}

/// The newest generation of a store that any watch told of.
#[derive(Debug)]
struct Newest {
    generation: i64,
    /// When it was told.
    at: Instant,
}

/// What is remembered of one user.
#[derive(Debug, Default)]
struct Remembered {
    /// Work that is not done yet.
    work: Option<Box<UserMemory>>,
    /// There is none.
    settled: Option<Settled>,
    /// The resource version of its Secret as this process last read or wrote it.
    secret: Option<Box<str>>,
    /// Somebody else changed its Secret.
    disturbed: bool,
}

/// A user for whom nothing is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What it depended on. While that is the same, there is nothing to look at.
    pub fingerprint: u64,
    /// Until when nothing is due.
    pub until: Timestamp,
}

/// Memory of the work on one user.
#[derive(Debug, Default)]
pub struct UserMemory {
    /// See [`Facts::fence`](crate::domain::facts::Facts::fence).
    pub fence: Option<u32>,
    /// See [`Facts::secret_fence`](crate::domain::facts::Facts::secret_fence).
    pub secret_fence: Option<u32>,
    /// Keys issued by this process and not published yet.
    pub staged: BTreeMap<CredentialId, KeyPair>,
    /// Keys that a signed request was accepted for, while nothing of it is on record.
    pub proven: BTreeSet<CredentialId>,
    /// Keys that the backend has removed and S3 has not been seen to refuse yet.
    pub dying: BTreeMap<CredentialId, Dying>,
    /// A label that the backend refused, and what it said: not sent again before it changes.
    pub refused_label: Option<(String, Trouble)>,
    /// See [`Facts::deleted`](crate::domain::facts::Facts::deleted).
    pub deleted: bool,
    /// Failures in a row.
    pub failures: u32,
}

impl UserMemory {
    /// Nothing in it tells the next pass anything.
    fn is_blank(&self) -> bool {
        let keys = self.staged.is_empty() && self.proven.is_empty() && self.dying.is_empty();
        let fences = self.fence.is_none() && self.secret_fence.is_none();
        keys && fences && !self.deleted && self.refused_label.is_none() && self.failures == 0
    }
}

/// A key that was removed.
#[derive(Debug)]
pub struct Dying {
    /// To ask S3 with.
    pub pair: KeyPair,
    /// When the backend removed it.
    pub since: Timestamp,
    /// An event told that it is still accepted.
    pub told: bool,
}

impl Memory {
    fn users(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Remembered>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stores(&self) -> MutexGuard<'_, BTreeMap<String, Newest>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the user was found settled, unless somebody disturbed it since.
    pub fn settled(&self, uid: &str) -> Option<Settled> {
        let users = self.users();
        let user = users.get(uid).filter(|user| !user.disturbed)?;
        user.settled
    }

    /// Takes the memory of the work on one user out, for a pass. It does not count as settled or disturbed any more:
    /// what comes while the pass runs is news for the next one. Reconciliations of one object never overlap.
    pub fn take(&self, uid: &str) -> UserMemory {
        let mut users = self.users();
        let Some(user) = users.get_mut(uid) else {
            return UserMemory::default();
        };
        user.settled = None;
        user.disturbed = false;
        user.work.take().map(|work| *work).unwrap_or_default()
    }

    /// Puts it back after the pass.
    pub fn put(&self, uid: &str, work: UserMemory, settled: Option<Settled>) {
        let mut users = self.users();
        let user = users.entry(uid.into()).or_default();
        user.work = (!work.is_blank()).then(|| Box::new(work));
        user.settled = settled;
    }

    /// The user is gone.
    pub fn forget(&self, uid: &str) {
        self.users().remove(uid);
    }

    /// The user has to be looked at, whatever its fingerprint says.
    pub fn disturb(&self, uid: &str) {
        // Of whom nothing is remembered is looked at in any case.
        if let Some(user) = self.users().get_mut(uid) {
            user.disturbed = true;
        }
    }

    /// The resource version of a user's Secret as this process last read or wrote it.
    pub fn saw_secret(&self, uid: &str, version: &str) {
        self.users().entry(uid.into()).or_default().secret = Some(version.into());
    }

    /// Whether a watch event of a user's Secret tells something new.
    pub fn is_news(&self, uid: &str, version: &str) -> bool {
        self.users().get(uid).and_then(|user| user.secret.as_deref()) != Some(version)
    }

    /// A store was seen in this generation, by whichever watch.
    pub fn saw_store(&self, uid: &str, generation: i64) {
        let mut stores = self.stores();
        if stores
            .get(uid)
            .is_none_or(|newest| newest.generation < generation)
        {
            let at = Instant::now();
            stores.insert(uid.to_owned(), Newest { generation, at });
        }
    }

    /// Whether a later generation of this store was just seen, so that the cache has yet to catch up. Not for ever: a
    /// cluster restored from a backup goes back to an earlier one.
    pub fn is_old_store(&self, uid: &str, generation: i64) -> bool {
        let stores = self.stores();
        let newest = stores.get(uid);
        newest.is_some_and(|newest| newest.generation > generation && newest.at.elapsed() < CATCH_UP)
    }

    /// The store is gone.
    pub fn forget_store(&self, uid: &str) {
        self.stores().remove(uid);
    }

    /// Forgets everybody but these: objects may vanish without a last pass, and events of them may come late.
    pub fn keep(&self, users: &BTreeSet<String>, stores: &BTreeSet<String>) {
        self.users().retain(|uid, _| users.contains(&**uid));
        self.stores().retain(|uid, _| stores.contains(uid));
    }
}
