//! One S3 user, its key and its Secret.

use super::{
    access::{Access, Quota},
    duration::GoDuration,
    refs::ObjectStoreRef,
    rules, schema,
    user_status::ObjectUserStatus,
};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One user on an ObjectStore, its key, and the Secret it is published in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "gracekey.dev",
    version = "v1alpha1",
    kind = "ObjectUser",
    namespaced,
    status = "ObjectUserStatus",
    derive = "PartialEq",
    doc = "An ObjectUser is one S3 user on an ObjectStore. Its key is published in a Secret, and rotated by the annotation `gracekey.dev/rotate` or by a schedule.",
    shortname = "ouser",
    category = "gracekey",
    selectable = ".spec.objectStoreRef.name",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Synced")].reason"#
    ),
    printcolumn(name = "Store", type_ = "string", json_path = ".spec.objectStoreRef.name"),
    printcolumn(name = "Access key", type_ = "string", json_path = ".status.accessKeyId"),
    printcolumn(
        name = "Old key until",
        type_ = "string",
        json_path = ".status.previousKeyRevokeTime"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Secret",
        type_ = "string",
        json_path = ".status.secretName",
        priority = 1
    ),
    printcolumn(
        name = "User name",
        type_ = "string",
        json_path = ".status.userName",
        priority = 1
    ),
    printcolumn(
        name = "Rotated",
        type_ = "date",
        json_path = ".status.rotation.lastRotationTime",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.userName) == has(oldSelf.userName)")
    .message("`userName` must not be added or removed later: create another ObjectUser")
    .reason(Reason::FieldValueForbidden).field_path(".userName"))]
pub struct ObjectUserSpec {
    /// The store that the user is on. It cannot be changed.
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("`objectStoreRef` must not change: create another ObjectUser").reason(Reason::FieldValueForbidden))]
    pub object_store_ref: ObjectStoreRef,
    /// Name of the user on the backend: letters, digits, '.', '_' and '-', at most 64 characters, starting with a
    /// letter or digit and not with 'gk-'. Default: derived from cluster, namespace and name, see `status.userName`. It cannot be
    /// changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::user_name())]
    #[x_kube(validation = rules::user_name_is_free())]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("`userName` must not change: create another ObjectUser").reason(Reason::FieldValueForbidden))]
    pub user_name: Option<String>,
    /// Display name on the backend, at most 128 characters. It may change at any time. Default: `<namespace>/<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::label())]
    pub label: Option<String>,
    /// While true, no S3 operation of this user works. Keys, data and Secret stay. Default: false.
    #[serde(default)]
    pub locked: bool,
    /// The Secret that the key is published in.
    #[serde(default)]
    pub secret: SecretSpec,
    /// How keys are renewed.
    #[serde(default)]
    pub rotation: Rotation,
    /// What else the user may do. Where the backend cannot grant that, a condition says so.
    #[serde(default, skip_serializing_if = "Access::is_empty")]
    pub access: Access,
    /// Limits on what the user stores. Where the backend has no such limit, a condition says so.
    #[serde(default, skip_serializing_if = "Quota::is_empty")]
    pub quota: Quota,
    /// What the deletion of this object does on the backend. `Delete` (the default): the user, its keys and its access to
    /// buckets go; while the user owns data, the deletion waits. `Retain`: all that and the Secret stay; the deletion waits until no key is left but the
    /// published one: for the end of grace periods, and for an hour after a request for a key that had no answer.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// While true, nothing is changed on the backend or in the Secret, unless the object is deleted. What is due is done
    /// afterwards: an old key then outlives its grace period. Default: false.
    #[serde(default)]
    pub suspend: bool,
}

/// The Secret that a key is published in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::template_beside_aws_env(), validation = rules::template_beside_basic_auth())]
pub struct SecretSpec {
    /// Name of the Secret, in the namespace of this object. Default: the name of this object. When it changes, the
    /// new Secret is written first, then the old one is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name("a Secret"))]
    pub name: Option<String>,
    /// See [`SecretFormat`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<SecretFormat>,
    /// Further keys of the Secret, at most 32, each with its text of at most 4096 characters. The text may have the
    /// placeholders ${accessKeyId}, ${secretAccessKey}, ${endpoint}, ${host}, ${port}, ${scheme}, ${region},
    /// ${userName} and ${caBundle}; `$$` stands for one `$`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::template")]
    #[x_kube(validation = rules::template_keys(), validation = rules::template_values())]
    pub template: BTreeMap<String, String>,
    /// Labels and annotations of the Secret. Nothing is copied from this object.
    #[serde(default, skip_serializing_if = "SecretMetadata::is_empty")]
    pub metadata: SecretMetadata,
    /// Whether a Secret that is already there may be overwritten. `Never`: only one that was written for this object.
    /// `IfOwned` (the default): also one that was written for an object of this name before it. `Always`: any that no
    /// other controller owns.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,
}

/// Which keys the Secret has. `AWSEnv`: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION,
/// AWS_DEFAULT_REGION and AWS_ENDPOINT_URL_S3, which the AWS SDKs read from the environment; beside them
/// S3_ADDRESSING_STYLE (path or virtual), and ca.crt where the store has a CA bundle. `BasicAuth`: username and
/// password, and ca.crt likewise. Default: AWSEnv where the store has S3, BasicAuth where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::EnumIter)]
pub enum SecretFormat {
    /// Environment variables of the AWS SDKs.
    #[serde(rename = "AWSEnv")]
    AwsEnv,
    /// User name and password.
    BasicAuth,
}

/// Labels and annotations of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretMetadata {
    /// Labels, at most 32.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels")]
    #[x_kube(validation = rules::metadata_keys(), validation = rules::metadata_prefixes(), validation = rules::label_values())]
    pub labels: BTreeMap<String, String>,
    /// Annotations, at most 32.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::annotations")]
    #[x_kube(validation = rules::metadata_keys(), validation = rules::metadata_prefixes())]
    pub annotations: BTreeMap<String, String>,
}

impl SecretMetadata {
    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}

/// Whether a Secret that is already there may be overwritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdoptionPolicy {
    /// Only one that was written for this object.
    Never,
    /// Also one that was written for an object of this name before it.
    #[default]
    IfOwned,
    /// Any that no other controller owns.
    Always,
}

/// How keys are renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::interval_beyond_grace())]
pub struct Rotation {
    /// How long the old key stays valid after the new one is published, from 0s to 2160h, such as `90m` or `1h30m`.
    /// 0s: it is revoked as soon as the new key is proven and published. Applications take a minute or two to see a
    /// changed Secret, longer if they must be restarted. Default: 24h.
    #[serde(default = "default_grace")]
    #[x_kube(validation = rules::duration(), validation = rules::duration_within("0s", "2160h"))]
    pub grace_period: GoDuration,
    /// Age at which a key is rotated without being asked for, up to a tenth earlier so that a fleet does not rotate
    /// at once. From 1m to 8760h, and longer than `gracePeriod`; under 1h is for trials. Default: no schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::duration(), validation = rules::duration_within("1m", "8760h"))]
    pub interval: Option<GoDuration>,
    /// Consent to rotations that break applications until they have the new key, where the backend cannot hold two
    /// keys. Without it such a rotation is refused. Default: false.
    #[serde(default)]
    pub allow_interruption: bool,
    /// What to do when a rotation is asked for and the backend holds no further key. `Wait` (the default): until the
    /// oldest key's grace period ends. `RevokeOldest`: end that grace period now.
    #[serde(default)]
    pub on_key_limit: OnKeyLimit,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            grace_period: default_grace(),
            interval: None,
            allow_interruption: false,
            on_key_limit: OnKeyLimit::default(),
        }
    }
}

fn default_grace() -> GoDuration {
    GoDuration::DAY
}

/// What to do when no slot is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnKeyLimit {
    /// Wait for the end of the oldest key's grace period.
    #[default]
    Wait,
    /// End it now.
    RevokeOldest,
}

/// What a deletion does to the backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// The user goes.
    #[default]
    Delete,
    /// The user stays.
    Retain,
}
