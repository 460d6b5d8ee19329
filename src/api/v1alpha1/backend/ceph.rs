//! `spec.backend.ceph`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A Ceph Object Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CephBackend {
    /// Address of the admin API: 'http://' or 'https://', a host, and a port if it is not the usual one, such as
    /// `https://rgw-admin.example:7480`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Secret in the store's namespace with the admin user's key pair in `accessKey` and `secretKey`. The admin user
    /// needs the caps `users=*`. A changed Secret is taken up at once.
    pub credentials_secret_ref: SecretRef,
}
