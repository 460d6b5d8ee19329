//! What is known of a storage backend.

use super::schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStoreStatus {
    /// The generation of the spec that this status is about; -1 before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// `Ready` tells whether users can be looked after; `Reconciling` and `Stalled` are there only while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// What answered at the admin endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendStatus>,
    /// What this backend can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<CapabilitiesStatus>,
    /// How many ObjectUsers this store took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub users: Option<i32>,
    /// The initial user, once it was made. It is never made again while this is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_user: Option<InitialUserStatus>,
}

/// What answered at the admin endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendStatus {
    /// The product, such as `Ceph RGW`.
    #[schemars(length(max = 128))]
    pub product: String,
    /// Its version, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub version: Option<String>,
}

/// What a backend can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapabilitiesStatus {
    /// What becomes of the old key when a new one is issued. `Slots`: both live until the old one is revoked.
    /// `TwoSecrets`: one access key with two secrets. `None`: the old key dies at once.
    pub overlap: OverlapKind,
    /// How many keys a user may have. Absent: no limit is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 255))]
    pub max_keys: Option<i32>,
    /// The secret half of a living key can be read again, so that a lost Secret is restored without a new key.
    pub secret_readable: bool,
    /// The access key id is chosen by the operator, not by the backend.
    pub id_choosable: bool,
    /// Users can be locked and unlocked.
    pub lock: bool,
    /// Users have a label that may change.
    pub label: bool,
    /// The backend tells when a key was last used.
    #[serde(default)]
    pub last_use: bool,
    /// Users can be given access to buckets.
    #[serde(default)]
    pub bucket_access: bool,
    /// Buckets can be made for users.
    #[serde(default)]
    pub bucket_creation: bool,
    /// What can be limited for a user: `MaxBytes`, `MaxObjects`, `MaxBuckets`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub quota: Vec<QuotaKind>,
}

/// What can be limited for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum QuotaKind {
    /// Bytes in all its buckets.
    MaxBytes,
    /// Objects in all its buckets.
    MaxObjects,
    /// Buckets that it owns.
    MaxBuckets,
}

/// How the keys of one user overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OverlapKind {
    /// Each key lives until it is revoked.
    Slots,
    /// Two secrets on one access key.
    TwoSecrets,
    /// A new key kills the old one.
    None,
}

/// The initial user of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InitialUserStatus {
    /// Name of the ObjectUser.
    #[schemars(length(max = 253))]
    pub name: String,
    /// When it was made.
    pub create_time: Time,
}
