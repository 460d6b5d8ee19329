//! What a user was given beside keys.

use super::access::BucketPermission;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Grants on buckets. Each is written here before the backend is asked, and stays until it was seen gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessStatus {
    /// Grants that were made or are being made. Only these are ever changed or withdrawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub buckets: Vec<GrantStatus>,
    /// Grants that were withdrawn. Should one come back by a late request, it is withdrawn again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub withdrawn: Vec<WithdrawnStatus>,
}

/// A grant on a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantStatus {
    /// Name of the bucket.
    #[schemars(length(max = 63))]
    pub name: String,
    /// `ReadOnly`, `WriteOnly` or `ReadWrite`.
    pub permission: BucketPermission,
}

/// A grant that was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WithdrawnStatus {
    /// Name of the bucket.
    #[schemars(length(max = 63))]
    pub name: String,
    /// Until when it is looked for.
    pub until_time: Time,
}

/// Limits that were set or are being set. Only these are ever lifted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaStatus {
    /// Bytes in all buckets of the user together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_bytes: Option<i64>,
    /// Objects in all its buckets together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_objects: Option<i64>,
    /// Buckets that it may own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_buckets: Option<i64>,
}
