//! Which changes of one kind concern the other kind. Most do not, and each of thousands would be a look.

use super::{cached::CachedUser, guarded::Guarded};
use crate::{api::v1alpha1::ObjectStore, domain::condition};
use kube::ResourceExt;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

/// Which users count on stores. A store is looked at when one comes or goes, not each time that one changes: else whoever
/// may change a user could keep its store busy.
#[derive(Debug, Default)]
pub(super) struct UserNews(Mutex<BTreeSet<u64>>);

impl UserNews {
    pub(super) fn is_news(&self, user: &CachedUser) -> bool {
        let key = hash(&user.uid());
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if user.is_held() {
            counted.insert(key)
        } else {
            counted.remove(&key)
        }
    }
}

/// How stores looked to their users last: what they ask for, whether they are ready, whether they go. Users are looked at
/// when that changes, not each time that a store counts them.
#[derive(Debug, Default)]
pub(super) struct StoreNews(Mutex<BTreeMap<String, u64>>);

impl StoreNews {
    pub(super) fn is_news(&self, store: &Guarded<ObjectStore>) -> bool {
        let (Ok(known), Some(uid)) = (&store.0, store.uid()) else {
            return true;
        };
        let conditions = known.status.as_ref().map(|status| status.conditions.as_slice());
        let ready = condition::is_true(conditions.unwrap_or_default(), "Ready");
        let deleting = known.metadata.deletion_timestamp.is_some();
        let now = hash(&(known.metadata.generation, ready, deleting, is_gone(known)));
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(uid, now) != Some(now)
    }
}

/// Gone with the last of its finalizers; the event of a deletion shows no other sign of it.
pub(super) fn is_gone(store: &ObjectStore) -> bool {
    store.metadata.deletion_timestamp.is_some() && store.metadata.finalizers.is_none()
}

/// Tells one value from another.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
