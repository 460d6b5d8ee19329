//! Writes of the Secret: created where there is none, replaced where it is still the one that was read.
//!
//! Not by server-side apply: an apply cannot say "only if there is none", and would take a stranger's Secret over that
//! came up since it was looked for (docs/adr/0003).

use crate::{
    controller::error::{Error, Failure, Trouble},
    domain::reason::Reason,
    names,
};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};

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
        Err(kube::Error::Api(status)) if !status.is_conflict() && !status.is_already_exists() => {
            Err(refused(secret, &status).into())
        }
        other => Ok(other?),
    }
}

/// Somebody made it immutable, or a quota, a policy or a right is in the way. What the server says is not repeated: an
/// admission webhook may quote what it was shown, and it was shown the key.
fn refused(secret: &Secret, status: &kube::core::Status) -> Trouble {
    let name = secret.name_any();
    let cause = if secret.immutable == Some(true) {
        "it is immutable: delete it, and it is written again".to_owned()
    } else if status.message.contains("exceeded quota") {
        "a ResourceQuota of the namespace is used up".to_owned()
    } else if status.message.contains("is being terminated") {
        "the namespace is being deleted".to_owned()
    } else if let Some(webhook) = webhook(&status.message) {
        format!("the admission webhook {webhook} is in the way; its own log says why")
    } else {
        "a policy or a missing right is in the way; the audit log of the API server says which".to_owned()
    };
    let message = format!(
        "The API server does not take the Secret {name} ({}): {cause}.",
        status.code
    );
    if status.code >= 500 || status.code == 429 {
        Trouble::passing(Reason::SecretRefused, message)
    } else {
        Trouble::stalled(Reason::SecretRefused, message)
    }
}

/// The name in `admission webhook "NAME" denied ...` or `failed calling webhook "NAME"`, if it is one.
fn webhook(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("webhook \"")?;
    let (name, _) = rest.split_once('"')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    (name.len() <= 63 && name.contains('.') && name.chars().all(is_name)).then_some(name)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, message: &str) -> Trouble {
        let mut secret = Secret::default();
        secret.metadata.name = Some("app".to_owned());
        let mut status = kube::core::Status::failure(message, "Forbidden");
        status.code = code;
        refused(&secret, &status)
    }

    #[test]
    fn what_the_server_says_of_a_secret_is_not_repeated() {
        let half = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let denial = format!(
            "admission webhook \"policy.example\" denied the request: {{data: {{AWS_SECRET_ACCESS_KEY: {half}}}}}"
        );
        for code in [400, 403, 422, 500] {
            let text = said(code, &denial).message;
            assert!(!text.contains(half), "{text}");
            assert!(text.contains("policy.example"), "{text}");
        }
        let odd = format!("webhook \"{half}\" denied");
        assert!(!said(403, &odd).message.contains(half));
    }

    #[test]
    fn what_time_heals_is_told_from_what_a_person_has_to_end() {
        assert!(!said(500, "failed calling webhook \"a.b\"").stalled);
        assert!(said(403, "secrets \"app\" is forbidden: exceeded quota: q").stalled);
    }
}
