//! The storage backend and who may use it.

use super::{Backend, backend, refs::SecretKeyRef, rules, schema, store_status::ObjectStoreStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What storage there is, how to reach it, and who may have users on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "gracekey.dev",
    version = "v1alpha1",
    kind = "ObjectStore",
    namespaced,
    status = "ObjectStoreStatus",
    derive = "PartialEq",
    doc = "An ObjectStore is storage that somebody else runs: where its admin API is, how to reach it, and who may have users on it.",
    shortname = "ostore",
    category = "gracekey",
    validation = Rule::new("self.metadata.name.size() <= 55")
        .message("`metadata.name` must have at most 55 characters, so that '<name>-initial' can name the initial user")
        .reason(Reason::FieldValueInvalid),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "Backend", type_ = "string", json_path = ".status.backend.product"),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".spec.s3.endpoint"),
    printcolumn(name = "Users", type_ = "integer", json_path = ".status.users"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.backend.version", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = backend::needs_s3(), validation = backend::has_no_s3())]
pub struct ObjectStoreSpec {
    /// The kind of storage and its admin API. Exactly one member must be set, and its kind cannot be changed later.
    #[schemars(schema_with = "backend::schema")]
    #[x_kube(validation = backend::exactly_one(), validation = backend::same_kind())]
    pub backend: Backend,
    /// Where applications reach the storage. Absent exactly where the backend has no S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,
    /// How TLS servers are verified, for the admin API and for S3.
    #[serde(default)]
    pub tls: Tls,
    /// Namespaces whose ObjectUsers may refer to this store.
    #[serde(default)]
    pub allowed_namespaces: AllowedNamespaces,
    /// The ObjectUser that comes with the store.
    #[serde(default)]
    pub initial_user: InitialUser,
    /// How hard the admin API may be used.
    #[serde(default)]
    pub limits: Limits,
    /// While true, no request is sent to the backend for this store and its users. What is due is done afterwards.
    #[serde(default)]
    pub suspend: bool,
}

/// The S3 side of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct S3 {
    /// Address that applications use; it is written into their Secrets. 'http://' or 'https://', a host, and a port
    /// if it is not the usual one, such as `https://s3.example`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Region that applications sign for. Default: us-east-1, which most storage takes.
    #[serde(default = "default_region")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::region())]
    pub region: String,
    /// How a bucket is addressed: `Path` (`https://s3.example/bucket`, the default) or `Virtual`
    /// (`https://bucket.s3.example`).
    #[serde(default)]
    pub addressing_style: AddressingStyle,
    /// Further sites, at most 16, on which a new key must work before it is published. For storage that copies keys
    /// from site to site with a delay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 2048)))]
    #[x_kube(merge_strategy = ListMerge::Set, validation = rules::endpoints())]
    pub verify_endpoints: Vec<String>,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

/// How a bucket is addressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AddressingStyle {
    /// In the path.
    #[default]
    Path,
    /// In the host name.
    Virtual,
}

/// How TLS servers are verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Certificates in PEM that servers are verified against instead of the system's, those of the admin API and of S3
    /// alike. Read from a Secret in the store's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_secret_ref: Option<SecretKeyRef>,
    /// Take any certificate. Whoever is on the way can then read and change everything: for trials only.
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// Namespaces whose ObjectUsers may refer to a store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.from) && self.from == 'Selector') == has(self.selector)")
    .message("`selector` must be set if `from` is 'Selector', and only then")
    .reason(Reason::FieldValueInvalid).field_path(".selector"))]
pub struct AllowedNamespaces {
    /// `Same` (the store's own namespace, the default), `All`, or `Selector` (those whose labels `selector` matches).
    #[serde(default)]
    pub from: NamespacesFrom,
    /// Labels of the allowed namespaces. Set exactly when `from` is `Selector`. The store's own namespace is always
    /// allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub selector: Option<LabelSelector>,
}

/// Which namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NamespacesFrom {
    /// The store's own.
    #[default]
    Same,
    /// All.
    All,
    /// By label.
    Selector,
}

/// The ObjectUser that comes with a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct InitialUser {
    /// Whether an ObjectUser `<store>-initial` is made beside the store, once: deleted by its owner, it stays
    /// deleted. Default: true.
    #[serde(default = "yes")]
    pub create: bool,
    /// Label of that user, at most 128 characters. Read only when it is made. Default: Initial S3 user.
    #[serde(default = "initial_label")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::label())]
    pub label: String,
}

impl Default for InitialUser {
    fn default() -> Self {
        Self {
            create: yes(),
            label: initial_label(),
        }
    }
}

fn yes() -> bool {
    true
}

fn initial_label() -> String {
    "Initial S3 user".to_owned()
}

/// Limits towards the admin API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// How many calls may be under way at once, from 1 to 64. Default: 8.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: i32,
    /// How many calls may be begun per second, from 1 to 10000; 0 (the default) for no limit. One that looks before it
    /// changes something makes two requests.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10000))]
    pub requests_per_second: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: default_concurrency(),
            requests_per_second: 0,
        }
    }
}

fn default_concurrency() -> i32 {
    8
}
