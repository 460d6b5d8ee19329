//! Status writes: the whole of it, only onto the version that was read.
//!
//! Not by server-side apply: what somebody else wrote into a status (a restored backup, an administrator) would be
//! theirs, and stay when it is left out: an intent that is never closed, a key that is never forgotten.

use super::error::Error;
use crate::names;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Writes a status, if the object is still the one that `read` shows. Returns the object as it is then.
///
/// # Errors
///
/// [`Error::Stale`] when somebody wrote the object meanwhile, [`Error::Gone`] when it is not there any more.
pub async fn apply<K, S>(client: &Client, read: &K, status: &S) -> Result<K, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    S: Serialize + Sync,
{
    let api = Api::<K>::namespaced(client.clone(), &read.namespace().unwrap_or_default());
    let patch = serde_json::json!([
        // The API server refuses a patch whose result is of another version than what is there.
        { "op": "replace", "path": "/metadata/resourceVersion", "value": read.meta().resource_version },
        { "op": "add", "path": "/status", "value": status },
    ]);
    let patch = serde_json::from_value(patch).map_err(kube::Error::SerdeError)?;
    let params = PatchParams {
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    Ok(api
        .patch_status(&read.name_any(), &params, &Patch::<()>::Json(patch))
        .await?)
}

/// Whether our finalizer is on the object.
pub fn has_finalizer(object: &impl ResourceExt) -> bool {
    object.finalizers().iter().any(|f| f == names::FINALIZER)
}

/// Adds or removes our finalizer, if the object is still the one that `read` shows.
///
/// # Errors
///
/// As [`apply`].
pub async fn set_finalizer<K>(client: &Client, read: &K, wanted: bool) -> Result<K, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let api = Api::<K>::namespaced(client.clone(), &read.namespace().unwrap_or_default());
    let mut finalizers: Vec<&str> = read
        .finalizers()
        .iter()
        .map(String::as_str)
        .filter(|f| *f != names::FINALIZER)
        .collect();
    if wanted {
        finalizers.push(names::FINALIZER);
    }
    let patch = serde_json::json!({
        "metadata": { "resourceVersion": read.meta().resource_version, "finalizers": finalizers },
    });
    let params = PatchParams {
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    Ok(api
        .patch(&read.name_any(), &params, &Patch::Merge(&patch))
        .await?)
}
