//! `spec.backend.uptrends`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;
use kube::core::{Reason, Rule};
use serde::{Deserialize, Serialize};

/// API accounts of an operator of Uptrends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = same_operator())]
pub struct UptrendsBackend {
    /// Address of the API without `/v4`: 'http://' or 'https://', a host, and a port if it is not the usual one.
    /// Default: `https://api.uptrends.com`.
    #[serde(default = "default_endpoint")]
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint())]
    pub endpoint: String,
    /// Secret in the store's namespace with the `username` and `password` of an API account of an administrator. It is
    /// not the login of the administrator. A changed Secret is taken up at once.
    pub credentials_secret_ref: SecretRef,
    /// The operator that accounts are made for; they have its rights. Default: the operator of the API account that is
    /// used. It cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 36, max = 36))]
    #[x_kube(validation = rules::guid())]
    pub operator_guid: Option<String>,
    /// Make accounts by the older call `POST /Register` instead of `POST /ApiUser`, for a tenant where only that works. It takes the login of
    /// an administrator who does not sign in by SSO: the Secret then has `operatorUsername` and `operatorPassword` as well.
    #[serde(default)]
    pub legacy_register: bool,
}

fn default_endpoint() -> String {
    "https://api.uptrends.com".to_owned()
}

/// Accounts cannot move to another operator: those of the former one would be lost from sight, and live on.
fn same_operator() -> Rule {
    Rule::new(
        "has(self.operatorGuid) == has(oldSelf.operatorGuid) && \
         (!has(self.operatorGuid) || self.operatorGuid == oldSelf.operatorGuid)",
    )
    .message(
        "`operatorGuid` must not change, as accounts stay with their operator: create another ObjectStore",
    )
    .reason(Reason::FieldValueForbidden)
    .field_path(".operatorGuid")
}
