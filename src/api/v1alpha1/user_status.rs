//! What was done for a user and what is under way: ids and times, never a secret half.

use super::{
    access_status::{AccessStatus, QuotaStatus},
    duration::GoDuration,
    schema,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectUserStatus {
    /// The generation of the spec that this status is about; -1 before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// `Ready`: the Secret holds a key that works. `Synced`: the last pass went through. `PreviousKeysRevoked`: no
    /// old key is left, there after a rotation. `Reconciling`, `Stalled` and `UnknownKeys` are there only while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// Name of the user on the backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub user_name: Option<String>,
    /// Name of the Secret that the key is published in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub secret_name: Option<String>,
    /// The Secret in the form that Service Binding for Kubernetes reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<SecretBinding>,
    /// Id of the published key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub access_key_id: Option<String>,
    /// When the last of the old keys is revoked. Absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_key_revoke_time: Option<Time>,
    /// Keys of this user that were issued and are not known to be gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub credentials: Vec<CredentialStatus>,
    /// Ids that were asked for without a clear answer. Should one appear, it is revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub abandoned_credentials: Vec<AbandonedCredential>,
    /// Rotations that were done and that are to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationStatus>,
    /// The key that is being issued. Absent: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentStatus>,
    /// Access to buckets that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessStatus>,
    /// Limits that were set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaStatus>,
}

/// A Secret in the form that Service Binding for Kubernetes reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretBinding {
    /// Name of the Secret.
    #[schemars(length(max = 253))]
    pub name: String,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialStatus {
    /// Tells this key from all others of the user. The access key id, where each key has its own.
    #[schemars(length(max = 256))]
    pub id: String,
    /// The public half.
    #[schemars(length(max = 256))]
    pub access_key_id: String,
    /// When it was asked for.
    pub issue_time: Time,
    /// When it was last proven by a signed request. Absent: not yet, as while the user is locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_time: Option<Time>,
    /// When it is revoked. Absent: it is the published key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_time: Option<Time>,
    /// When it was last used. Absent: this backend does not tell that of any key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_use: Option<LastUseStatus>,
}

/// When a key was last used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastUseStatus {
    /// `Unknown`: the backend does not tell. `Never`: not since it was made. `Used`: at `time`.
    pub state: LastUseState,
    /// When, to the hour or so: status is not written for every use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

/// What is known of the last use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LastUseState {
    /// The backend does not tell.
    Unknown,
    /// Not since it was made.
    Never,
    /// It was used.
    Used,
}

/// An id that was asked for without a clear answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AbandonedCredential {
    /// The id.
    #[schemars(length(max = 256))]
    pub id: String,
    /// Until when it is watched for.
    pub until_time: Time,
}

/// Rotations of a user's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotationStatus {
    /// The value of the annotation `gracekey.dev/rotate` that was handled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub last_handled_token: Option<String>,
    /// Values that were handled and never ask again, newest first, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub handled_tokens: Vec<String>,
    /// When the last rotation was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotation_time: Option<Time>,
    /// When the schedule asks for the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_rotation_time: Option<Time>,
}

/// A key that is being issued. Written before the backend is asked, so that no crash can lose a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentStatus {
    /// Why: `First` (the user has no key yet), `Rotate` (it was asked for) or `Repair` (the published key was lost).
    pub cause: IntentCause,
    /// The value of the annotation `gracekey.dev/rotate` that asked for it. Absent: the schedule, or nobody, did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub token: Option<String>,
    /// How long the keys before it stay valid after it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<GoDuration>,
    /// The access key id that will be issued, where the operator chooses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub access_key_id: Option<String>,
    /// Ids of the keys that were there before, at most 256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub before: Vec<String>,
    /// Counts the tries, from 1.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub attempt: i32,
    /// When the first try began.
    pub start_time: Time,
    /// When the latest try began, where it is not the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_time: Option<Time>,
}

/// Why a key is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IntentCause {
    /// The user has none yet.
    First,
    /// By annotation or schedule.
    Rotate,
    /// The published key was lost.
    Repair,
}
