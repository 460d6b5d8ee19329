//! `spec.backend.garage`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A Garage cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct GarageBackend {
    /// Address of the admin API, which has a port of its own: 'http://' or 'https://', a host, and its port, which is 3903
    /// as a rule, such as `http://garage.storage.svc:3903`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Secret in the store's namespace with an admin token in `token`. Its scope must name ListKeys, GetKeyInfo, ImportKey,
    /// UpdateKey, DeleteKey, GetBucketInfo, AllowBucketKey, DenyBucketKey, AddBucketAlias and CreateBucket. A changed Secret is taken up at once.
    pub credentials_secret_ref: SecretRef,
}
