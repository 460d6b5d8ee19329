//! `spec.backend.ostor`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Object storage of Virtuozzo (Hybrid) Infrastructure or Acronis Cyber Infrastructure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OstorBackend {
    /// Address of the admin API, which is that of S3: 'http://' or 'https://', a host, and a port if it is not the usual
    /// one, such as `https://s3.example`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Secret in the store's namespace with the key pair of a system user in `accessKey` and `secretKey`. A changed
    /// Secret is taken up at once.
    pub credentials_secret_ref: SecretRef,
    /// How calls of the admin API are signed: `V2` (AWS Signature Version 2, taken by all known versions), `V4`, or
    /// `Auto` (the default: whichever of them the storage takes).
    #[serde(default)]
    pub signature: OstorSignature,
    /// Set this where users may be given a `spec.quota`: the product is Virtuozzo Hybrid Infrastructure 4.7 or later, and accounting was set up
    /// on a node of the cluster (`ostor-ctl add-acc`). Of a quota, `maxBytes` alone can be had, in whole gigabytes such as `10G`. Default: false.
    #[serde(default)]
    pub quotas: bool,
}

/// How calls of the admin API are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OstorSignature {
    /// As the storage takes it.
    #[default]
    Auto,
    /// AWS Signature Version 2.
    V2,
    /// AWS Signature Version 4.
    V4,
}
