//! A user as the cache keeps it.

use super::{guarded::Guarded, status::has_finalizer};
use crate::{
    api::v1alpha1::{ObjectStoreRef, ObjectUser},
    names,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt, core::error_boundary::InvalidObject};
use serde::{Deserialize, Deserializer};
use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
};

/// What the cache keeps of an `ObjectUser`: enough to tell whose it is and whether it changed. A pass reads the object
/// itself, which a cache may lag behind anyway; thousands of them would be most of the memory of this process.
#[derive(Clone, Debug)]
pub struct CachedUser {
    metadata: ObjectMeta,
    /// `Err`: why the object cannot be decoded.
    pub decoded: Result<Glance, String>,
}

/// A user at a glance.
#[derive(Clone, Debug)]
pub struct Glance {
    /// The store that it refers to.
    pub store: ObjectStoreRef,
    /// Our finalizer is on it: the store took it, so there may be something of it on the backend.
    pub held: bool,
    /// See [`digest`].
    pub digest: u64,
}

/// Tells one state of a user from another, as far as there is something to do about it: spec, what the annotations ask
/// for, deletion, and status, which somebody else may spoil or lose.
pub fn digest(user: &ObjectUser) -> u64 {
    let mut hasher = DefaultHasher::new();
    user.metadata.generation.hash(&mut hasher);
    user.metadata.deletion_timestamp.is_some().hash(&mut hasher);
    for key in [names::ROTATE, names::ROTATE_GRACE_PERIOD, names::FORCE_DELETE] {
        user.annotations().get(key).hash(&mut hasher);
    }
    // What was decoded can be encoded.
    let status = serde_json::to_vec(&user.status).unwrap_or_default();
    status.hash(&mut hasher);
    hasher.finish()
}

impl From<Guarded<ObjectUser>> for CachedUser {
    fn from(object: Guarded<ObjectUser>) -> Self {
        match object.0 {
            Ok(user) => {
                let digest = digest(&user);
                let held = has_finalizer(&user);
                let store = user.spec.object_store_ref;
                Self {
                    metadata: pruned(user.metadata),
                    decoded: Ok(Glance { store, held, digest }),
                }
            }
            Err(InvalidObject { error, metadata }) => Self {
                metadata: pruned(metadata),
                decoded: Err(error),
            },
        }
    }
}

impl CachedUser {
    /// See [`Glance::held`].
    pub fn is_held(&self) -> bool {
        self.decoded.as_ref().is_ok_and(|glance| glance.held)
    }
}

/// What the glance stands for is left out.
fn pruned(metadata: ObjectMeta) -> ObjectMeta {
    ObjectMeta {
        annotations: None,
        finalizers: None,
        ..metadata
    }
}

impl<'de> Deserialize<'de> for CachedUser {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Guarded::deserialize(deserializer).map(Self::from)
    }
}

impl Resource for CachedUser {
    type DynamicType = ();
    type Scope = <ObjectUser as Resource>::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        ObjectUser::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        ObjectUser::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        ObjectUser::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        ObjectUser::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn object() -> Value {
        json!({
            "metadata": {"name": "billing", "generation": 1, "annotations": {"gracekey.dev/rotate": "1", "team": "shop"}},
            "spec": {"objectStoreRef": {"name": "prod"}},
            "status": {"observedGeneration": 1},
        })
    }

    fn digest_of(object: &Value) -> u64 {
        CachedUser::deserialize(object).unwrap().decoded.unwrap().digest
    }

    #[test]
    fn what_there_is_something_to_do_about_changes_the_digest() {
        for (pointer, value) in [
            ("/metadata/generation", json!(2)),
            ("/metadata/annotations/gracekey.dev~1rotate", json!("2")),
            ("/status/observedGeneration", json!(2)),
        ] {
            let mut changed = object();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_ne!(digest_of(&changed), digest_of(&object()), "{pointer}");
        }
        let mut deleting = object();
        deleting["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_ne!(digest_of(&deleting), digest_of(&object()));
    }

    #[test]
    fn what_others_do_to_the_object_does_not() {
        let mut changed = object();
        changed["metadata"]["annotations"]["team"] = json!("other");
        changed["metadata"]["resourceVersion"] = json!("77");
        assert_eq!(digest_of(&changed), digest_of(&object()));
    }

    #[test]
    fn of_an_object_that_cannot_be_read_name_and_reason_are_kept() {
        let cached =
            CachedUser::deserialize(json!({"metadata": {"name": "billing"}, "spec": {"objectStoreRef": 1}}));
        let cached = cached.unwrap();
        assert_eq!(cached.name_any(), "billing");
        assert!(cached.decoded.unwrap_err().contains("ObjectStoreRef"));
    }
}
