//! `spec.backend.iam`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// AWS IAM, or storage that speaks its query API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct IamBackend {
    /// Address of the IAM API: 'http://' or 'https://', a host, and a port if it is not the usual one. That of AWS is
    /// `https://iam.amazonaws.com`; other storage often has it at the address of S3.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Secret in the store's namespace with the key pair of a user that may manage users, in `accessKey` and
    /// `secretKey`. A changed Secret is taken up at once.
    pub credentials_secret_ref: SecretRef,
    /// Region that calls of the IAM API are signed for; not that of S3, which is `spec.s3.region`. Default: us-east-1,
    /// the one of IAM on AWS, which most storage takes.
    #[serde(default = "default_region")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::region())]
    pub region: String,
    /// Where a user says whose it is: in its `Path`, as `/gracekey/<mark>/` (the default; AWS, Ceph), or in its `Name`,
    /// as `<name>@<mark>.owner.gracekey.dev`, for storage that keeps no path (SeaweedFS). It cannot be changed.
    #[serde(default)]
    #[x_kube(validation = rules::same("ownerMark", "users keep their marks"))]
    pub owner_mark: IamOwnerMark,
    /// How many access keys a user may have, from 2 to 100. Default: 2, as on AWS.
    #[serde(default = "default_keys_per_user")]
    #[schemars(range(min = 2, max = 100))]
    pub keys_per_user: i32,
    /// ARNs of policies that are there, at most 20. Each is attached to a user before it gets a key, as a user without
    /// a policy may do nothing. A policy that is added here reaches a user with its next key; one that is taken away
    /// here stays with those who have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 20, max = 2048)))]
    #[x_kube(merge_strategy = ListMerge::Set, validation = rules::rule(
        "self.all(arn, arn.matches('^arn:[!-~]+$'))",
        "each must be the ARN of a policy, such as 'arn:aws:iam::123456789012:policy/buckets'",
    ))]
    pub policy_arns: Vec<String>,
}

/// Where a user says whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IamOwnerMark {
    /// In its path.
    #[default]
    Path,
    /// In its name.
    Name,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

fn default_keys_per_user() -> i32 {
    2
}
