//! `spec.backend.minio`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A `MinIO` server, or another with its admin API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MinioBackend {
    /// Address of the admin API, which is that of S3: 'http://' or 'https://', a host, and a port if it is not the usual
    /// one, such as `https://minio.example:9000`. It is not the address of the console.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Secret in the store's namespace with the key pair of an administrator in `accessKey` and `secretKey`. A changed
    /// Secret is taken up at once.
    pub credentials_secret_ref: SecretRef,
    /// Names of policies that are there already, at most 8. They are attached to each user when it is made; none may allow
    /// admin actions. Default: `readwrite`, by which every user may read, write and delete everything in all buckets: name
    /// a narrower one where users are not to see the data of each other. An empty list leaves users without any right
    /// until somebody gives them one.
    #[serde(default = "default_policies")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = rules::policy_names(), validation = rules::policies_of_others())]
    pub policies: Vec<String>,
}

fn default_policies() -> Vec<String> {
    vec!["readwrite".to_owned()]
}
