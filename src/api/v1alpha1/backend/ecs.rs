//! `spec.backend.ecs`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Dell ECS or `ObjectScale`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EcsBackend {
    /// Address of the management API: 'http://' or 'https://', a host, and its port, which is 4443 as a rule, such as
    /// `https://ecs.example:4443`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Secret in the store's namespace with a management user's name and password in `username` and `password`. It must
    /// have the role SYSTEM_ADMIN, or NAMESPACE_ADMIN of `namespace`. A changed Secret is taken up at once.
    pub credentials_secret_ref: SecretRef,
    /// ECS namespace of the users. It must be there, and is named in every call. It cannot be changed.
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::same("namespace", "users stay in their namespace"))]
    #[x_kube(validation = rules::rule(
        "self.matches('^[A-Za-z0-9_-][A-Za-z0-9._-]*$')",
        "must be a name that an ECS namespace can have: letters, digits, '-', '_' and '.', with no '.' at its start",
    ))]
    pub namespace: String,
    /// Set this where the feature "hide secret key" of the system is on. Secrets are then told once, when they are
    /// made, so that a lost Secret of a user is replaced by a new key instead of being restored. Default: false.
    #[serde(default)]
    pub secrets_hidden: bool,
}
