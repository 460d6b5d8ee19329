//! From what was seen to a store's status. Pure.

use super::Seen;
use crate::{
    api::v1alpha1::{
        BackendStatus, CapabilitiesStatus, InitialUserStatus, ObjectStore, ObjectStoreStatus, OverlapKind,
        QuotaKind,
    },
    controller::error::Trouble,
    domain::{
        capabilities::{Capabilities, Overlap},
        condition::{self, Status},
        reason::Reason,
    },
    names,
};
use jiff::Timestamp;

/// How many users are named in a condition.
const NAMED: usize = 5;

/// The status after `before`.
pub(super) fn status(
    before: &ObjectStoreStatus,
    store: &ObjectStore,
    seen: Result<&Seen, &Trouble>,
    users: usize,
    initial: Option<InitialUserStatus>,
    now: Timestamp,
) -> ObjectStoreStatus {
    let mut status = counted(before, store, users);
    status.initial_user = initial.or(status.initial_user);
    let at = (store.metadata.generation.unwrap_or_default(), now);
    let conditions = &mut status.conditions;
    let abnormal = match seen {
        Ok(seen) => {
            let text = "The store answers and accepts the admin credentials.";
            condition::set(conditions, "Ready", Status::True, Reason::Succeeded, text, at);
            status.backend = Some(BackendStatus {
                product: seen.info.product.clone(),
                version: seen.info.version.clone(),
            });
            status.capabilities = Some(capabilities(&seen.connection.driver.capabilities()));
            None
        }
        Err(trouble) if trouble.reason == Reason::Suspended => {
            condition::set(
                conditions,
                "Ready",
                Status::Unknown,
                trouble.reason,
                &trouble.message,
                at,
            );
            None
        }
        Err(trouble) => {
            condition::set(
                conditions,
                "Ready",
                Status::False,
                trouble.reason,
                &trouble.message,
                at,
            );
            let type_ = if trouble.stalled { "Stalled" } else { "Reconciling" };
            condition::set(
                conditions,
                type_,
                Status::True,
                trouble.reason,
                &trouble.message,
                at,
            );
            Some(type_)
        }
    };
    // Taken off and put on again, one that still holds would seem to be new each time.
    for type_ in ["Reconciling", "Stalled"] {
        if abnormal != Some(type_) {
            condition::unset(conditions, type_);
        }
    }
    status
}

/// The status of a store that is being deleted and has users left.
pub(super) fn deleting(
    before: &ObjectStoreStatus,
    store: &ObjectStore,
    users: &[String],
    now: Timestamp,
) -> ObjectStoreStatus {
    let mut status = counted(before, store, users.len());
    let at = (store.metadata.generation.unwrap_or_default(), now);
    let named = users.get(..NAMED).unwrap_or(users).join(", ");
    let more = if users.len() > NAMED { ", and more" } else { "" };
    let text = format!(
        "Deletion waits for {} ObjectUser(s) on this store: {named}{more}. Delete them, or annotate the store with \
         `{}: \"true\"` to let it go first.",
        users.len(),
        names::FORCE_DELETE,
    );
    condition::set(
        &mut status.conditions,
        "Stalled",
        Status::True,
        Reason::DeletionBlocked,
        &text,
        at,
    );
    status
}

fn counted(before: &ObjectStoreStatus, store: &ObjectStore, users: usize) -> ObjectStoreStatus {
    ObjectStoreStatus {
        observed_generation: store.metadata.generation,
        users: i32::try_from(users).ok(),
        ..before.clone()
    }
}

fn capabilities(of: &Capabilities) -> CapabilitiesStatus {
    let (overlap, max_keys) = match of.overlap {
        Overlap::Slots { max } => (OverlapKind::Slots, max.map(i32::from)),
        Overlap::TwoSecrets { .. } => (OverlapKind::TwoSecrets, Some(2)),
        Overlap::None => (OverlapKind::None, Some(1)),
    };
    let quota = [
        (of.quota.bytes, QuotaKind::MaxBytes),
        (of.quota.objects, QuotaKind::MaxObjects),
        (of.quota.buckets, QuotaKind::MaxBuckets),
    ];
    CapabilitiesStatus {
        overlap,
        max_keys,
        secret_readable: of.secret_readable,
        id_choosable: of.id_choosable,
        lock: of.lock,
        label: of.label,
        last_use: of.last_use,
        bucket_access: of.buckets.grant,
        bucket_creation: of.buckets.make,
        quota: quota
            .into_iter()
            .filter_map(|(can, kind)| can.then_some(kind))
            .collect(),
    }
}
