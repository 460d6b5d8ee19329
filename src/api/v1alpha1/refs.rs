//! References to other objects.

use super::rules;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Names the ObjectStore that a user belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStoreRef {
    /// Name of the ObjectStore.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name("an ObjectStore"))]
    pub name: String,
    /// Namespace of the ObjectStore. Default: the namespace of this object. Another namespace works only if the
    /// ObjectStore allows it in `allowedNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::namespace_name())]
    pub namespace: Option<String>,
}

/// Names a Secret in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret. It is read from the namespace of the object that refers to it.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name("a Secret"))]
    pub name: String,
}

/// Names one key of a Secret in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret. It is read from the namespace of the object that refers to it.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name("a Secret"))]
    pub name: String,
    /// Key within the Secret, such as `ca.crt`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::secret_key())]
    pub key: String,
}
