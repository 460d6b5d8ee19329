//! What this process remembers of a user between two reconciliations. A crash loses all of it, on purpose: the plan
//! needs none of it to be right, only to be quick.

use super::error::Trouble;
use crate::{backend::KeyPair, domain::ids::CredentialId};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

/// Memories, by UID of the object.
#[derive(Debug, Default)]
pub struct Memory {
    users: Mutex<BTreeMap<String, UserMemory>>,
    secrets: Mutex<BTreeMap<String, String>>,
    stores: Mutex<BTreeMap<String, i64>>,
    disturbed: Mutex<BTreeSet<String>>,
}

/// Memory of one user.
#[derive(Debug, Default)]
pub struct UserMemory {
    /// See [`Facts::fence`](crate::domain::facts::Facts::fence).
    pub fence: Option<u32>,
    /// See [`Facts::secret_fence`](crate::domain::facts::Facts::secret_fence).
    pub secret_fence: Option<u32>,
    /// Keys issued by this process and not published yet.
    pub staged: BTreeMap<CredentialId, KeyPair>,
    /// Keys that a signed request was accepted for.
    pub proven: BTreeSet<CredentialId>,
    /// Keys that the backend has removed and S3 has not been seen to refuse yet.
    pub dying: BTreeMap<CredentialId, Dying>,
    /// A label that the backend refused, and what it said: not sent again before it changes.
    pub refused_label: Option<(String, Trouble)>,
    /// Failures in a row.
    pub failures: u32,
    /// The object in the cache may be older than what was written last: read it before doing anything.
    pub read_live: bool,
    /// Digest of the status as it was last read or written.
    pub status: u64,
    /// What was settled, and until when nothing is due.
    pub settled: Option<(Fingerprint, Timestamp)>,
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

/// What a settled user depends on. While it is the same, there is nothing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of the object: its spec changed.
    pub generation: Option<i64>,
    /// Of the object: what the annotations ask for.
    pub annotations: Vec<Option<String>>,
    /// Digest of the status: somebody else may spoil or lose it.
    pub status: u64,
    /// The object is being deleted.
    pub deleting: bool,
    /// The store: UID and generation.
    pub store: Option<(String, Option<i64>)>,
    /// The connection to the store.
    pub connection: Option<u64>,
}

impl Memory {
    /// Takes the memory of one user out. Reconciliations of one object never overlap.
    pub fn take(&self, uid: &str) -> UserMemory {
        self.users
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid)
            .unwrap_or_default()
    }

    /// Puts it back.
    pub fn put(&self, uid: &str, memory: UserMemory) {
        self.users
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uid.to_owned(), memory);
    }

    /// The user is gone.
    pub fn forget(&self, uid: &str) {
        self.users
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid);
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid);
        self.was_disturbed(uid);
    }

    /// The user has to be looked at, whatever its fingerprint says. Kept apart from its memory: the news may come
    /// while a pass has that, and would be lost with what the pass puts back.
    pub fn disturb(&self, uid: &str) {
        self.disturbed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uid.to_owned());
    }

    /// Whether somebody disturbed the user since this was asked last.
    pub fn was_disturbed(&self, uid: &str) -> bool {
        self.disturbed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid)
    }

    /// A store was seen in this generation, by whichever watch.
    pub fn saw_store(&self, uid: &str, generation: i64) {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = stores.entry(uid.to_owned()).or_insert(generation);
        *newest = generation.max(*newest);
    }

    /// Whether a later generation of this store was seen.
    pub fn is_old_store(&self, uid: &str, generation: i64) -> bool {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.get(uid).is_some_and(|newest| *newest > generation)
    }

    /// The store is gone.
    pub fn forget_store(&self, uid: &str) {
        self.stores
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid);
    }

    /// The resource version of a user's Secret as this process last read or wrote it.
    pub fn saw_secret(&self, uid: &str, version: &str) {
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uid.to_owned(), version.to_owned());
    }

    /// Whether a watch event of a user's Secret tells something new.
    pub fn is_news(&self, uid: &str, version: &str) -> bool {
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(uid)
            .map(String::as_str)
            != Some(version)
    }
}
