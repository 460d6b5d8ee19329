//! What a user may do with buckets, and how much it may store.

#![expect(
    clippy::struct_field_names,
    reason = "limits are called as in other APIs, such as Rook's"
)]

use super::{bytes::Bytes, rules};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Access of a user beyond buckets of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// Buckets that the user has access to, at most 64, each named once. What was given is taken away when it is taken out
    /// of this list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub buckets: Vec<BucketAccess>,
}

impl Access {
    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

/// Access to one bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketAccess {
    /// Name of the bucket: 3 to 63 lower-case letters, digits, '-' and '.'. It must be open to users of this namespace: made
    /// by `create` for one of them, or opened by its owner, or the store admin's own where the store is in this namespace.
    #[schemars(length(min = 3, max = 63))]
    #[x_kube(validation = rules::bucket_name())]
    #[x_kube(validation = rules::no_consent())]
    pub name: String,
    /// What the user may do: `ReadOnly` (read and list objects), `WriteOnly` (store objects; not read or list them, nor delete them where the backend tells that apart)
    /// or `ReadWrite` (all of that, and delete objects; the default). Never the settings of the bucket.
    #[serde(default)]
    pub permission: BucketPermission,
    /// Whether the bucket is made if it is missing. It then belongs to the store's admin, is open to users of this namespace,
    /// and is never deleted by this operator. Default: false.
    #[serde(default)]
    pub create: bool,
}

/// What a user may do with a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BucketPermission {
    /// Read and list objects.
    ReadOnly,
    /// Store objects.
    WriteOnly,
    /// Read, list, store and delete objects.
    #[default]
    ReadWrite,
}

/// Limits on what a user stores in buckets of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Bytes in all its buckets together, from 1 to 1024Pi: a number, or one with a suffix such as '10G' or '512Mi'. Absent: left
    /// as it is on the backend; a limit that this operator set is lifted. Where a backend takes whole steps alone, a condition says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::bytes(), validation = rules::bytes_within())]
    pub max_bytes: Option<Bytes>,
    /// Objects in all its buckets together, from 1 to 1000000000000. Absent: as for `maxBytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_i64))]
    pub max_objects: Option<i64>,
    /// Buckets that the user may own, from 0 (it may make none) to 1000000. Absent: as for `maxBytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_buckets: Option<i32>,
}

impl Quota {
    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
