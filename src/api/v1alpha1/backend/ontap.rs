//! `spec.backend.ontap`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// One storage VM of an ONTAP cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OntapBackend {
    /// Address of the admin API: 'http://' or 'https://', a host, and a port if it is not the usual one, such as
    /// `https://cluster.example`. It is a management address, of the cluster or of the storage VM.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Secret in the store's namespace with an account of the admin API in `username` and `password`. The account must be
    /// able to read and write S3 users, and S3 groups and policies if users are to be locked. A changed Secret is taken up
    /// at once.
    pub credentials_secret_ref: SecretRef,
    /// Name of the storage VM (SVM) with the S3 server. It cannot be changed.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::svm(), validation = rules::same("svm", "users stay on their storage VM"))]
    pub svm: String,
}
