//! What objects say.

use crate::testbed::cluster::Cluster;
use gracekey::{
    api::v1alpha1::ObjectUser,
    backend::KeyPair,
    domain::{
        condition,
        ids::{AccessKeyId, CredentialId},
    },
};
use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::Condition};
use serde_json::Value;
use std::{collections::BTreeMap, fs};

/// The key that a Secret in the format `AWSEnv` or `BasicAuth` holds.
pub(crate) fn pair_of(secret: &Secret) -> Option<KeyPair> {
    let text = |key| String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok();
    let access_key_id = text("AWS_ACCESS_KEY_ID").or_else(|| text("username"))?;
    let access_key_id = AccessKeyId::new(access_key_id);
    Some(KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: text("AWS_SECRET_ACCESS_KEY").or_else(|| text("password"))?.into(),
    })
}

/// The generation is observed, and nothing is left to do but wait for a grace period.
pub(crate) fn is_settled(user: &ObjectUser) -> bool {
    let Some(status) = &user.status else {
        return false;
    };
    let is_true = |type_| condition::is_true(&status.conditions, type_);
    status.observed_generation == user.metadata.generation
        && is_true("Ready")
        && is_true("Synced")
        && !is_true("Reconciling")
        && !is_true("Stalled")
        && status.intent.is_none()
}

/// The tokens that a user's status remembers.
pub(crate) fn handled(user: &ObjectUser) -> Vec<String> {
    let rotation = user.status.as_ref().and_then(|s| s.rotation.clone());
    rotation.map(|r| r.handled_tokens).unwrap_or_default()
}

/// Id of the published key by status.
pub(crate) fn current(user: &ObjectUser) -> String {
    user.status
        .as_ref()
        .and_then(|s| s.access_key_id.clone())
        .unwrap_or_default()
}

/// The reason of a condition that is there.
pub(crate) fn reason(user: &ObjectUser, type_: &str) -> String {
    told(user, type_).map(|c| c.reason.clone()).unwrap_or_default()
}

/// The message of a condition that is there.
pub(crate) fn message(user: &ObjectUser, type_: &str) -> String {
    told(user, type_).map(|c| c.message.clone()).unwrap_or_default()
}

fn told<'a>(user: &'a ObjectUser, type_: &str) -> Option<&'a Condition> {
    condition::find(&user.status.as_ref()?.conditions, type_)
}

/// Merges as RFC 7396 says.
pub(crate) fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    drop(into.remove(&key));
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (into, patch) => *into = patch,
    }
}

/// Address and authority of an API server.
pub(super) fn server_of(cluster: &Cluster) -> (String, Vec<u8>) {
    let config: Value = serde_saphyr::from_str(&fs::read_to_string(&cluster.kubeconfig).unwrap()).unwrap();
    let cluster = config["clusters"][0]["cluster"].clone();
    let ca: ByteString = serde_json::from_value(cluster["certificate-authority-data"].clone()).unwrap();
    (cluster["server"].as_str().unwrap().to_owned(), ca.0)
}

/// Keys in their grace period, with its end.
pub(crate) fn retiring(user: &ObjectUser) -> BTreeMap<String, Timestamp> {
    let keys = user.status.iter().flat_map(|s| &s.credentials);
    keys.filter_map(|key| Some((key.id.clone(), key.revoke_time.clone()?.0)))
        .collect()
}
