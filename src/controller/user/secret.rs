//! Writes of the Secret: created where there is none, replaced where it is still the one that was read.
//!
//! Not by server-side apply: an apply cannot say "only if there is none", and would take a stranger's Secret over that
//! came up since it was looked for (docs/adr/0003).

use crate::{
    backend::error::Detail,
    controller::error::{Error, Failure, Trouble},
    domain::reason::Reason,
    names,
};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};

/// A value shorter than this may be a word of a message by chance.
const QUOTABLE: usize = 12;

/// Creates or replaces.
pub(super) async fn write(client: &Client, secret: &Secret) -> Result<Secret, Failure> {
    let api = Api::<Secret>::namespaced(client.clone(), &secret.namespace().unwrap_or_default());
    let params = PostParams {
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let written = match secret.resource_version() {
        None => api.create(&params, secret).await,
        Some(_) => api.replace(&secret.name_any(), &params, secret).await,
    };
    match written {
        // It vanished since it was read: look again.
        Err(kube::Error::Api(status)) if status.is_not_found() => Err(Error::Stale.into()),
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 413 | 422) => {
            Err(refused(secret, &status).into())
        }
        other => Ok(other?),
    }
}

/// Somebody made it immutable, or a quota, a policy or a right is in the way.
fn refused(secret: &Secret, status: &kube::core::Status) -> Trouble {
    let name = secret.name_any();
    let message = if secret.immutable == Some(true) {
        format!(
            "The Secret {name} is immutable, so it cannot be brought up to date. Delete it: it is written again."
        )
    } else {
        // An admission webhook may quote what it was shown.
        let values = secret.data.iter().flat_map(|data| data.values());
        let quotes = values
            .filter_map(|value| std::str::from_utf8(&value.0).ok())
            .any(|value| value.len() >= QUOTABLE && status.message.contains(value));
        let said = Detail::new(if quotes { "" } else { &status.message });
        format!(
            "The API server refuses to write the Secret {name} ({} {}): {said}",
            status.code, status.reason
        )
    };
    Trouble::stalled(Reason::SecretRefused, message)
}

/// Deletes exactly this one. Gone already: fine.
pub(super) async fn delete(client: &Client, secret: &Secret) -> Result<(), Error> {
    let api = Api::<Secret>::namespaced(client.clone(), &secret.namespace().unwrap_or_default());
    let preconditions = Preconditions {
        uid: secret.uid(),
        resource_version: secret.resource_version(),
    };
    let params = DeleteParams {
        preconditions: Some(preconditions),
        ..DeleteParams::default()
    };
    match api.delete(&secret.name_any(), &params).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// Takes the owner off, so that the Secret outlives its `ObjectUser`.
pub(super) async fn release(client: &Client, secret: &Secret, owner_uid: &str) -> Result<(), Error> {
    let api = Api::<Secret>::namespaced(client.clone(), &secret.namespace().unwrap_or_default());
    let owners: Vec<_> = secret
        .owner_references()
        .iter()
        .filter(|o| o.uid != owner_uid)
        .collect();
    let patch = serde_json::json!({
        "metadata": { "resourceVersion": secret.resource_version(), "ownerReferences": owners },
    });
    let params = PatchParams {
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    match api
        .patch_metadata(&secret.name_any(), &params, &Patch::Merge(&patch))
        .await
    {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}
