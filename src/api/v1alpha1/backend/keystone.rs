//! `spec.backend.keystone`.

use crate::api::v1alpha1::{SecretRef, rules};
use kube::KubeSchema;
use kube::core::Rule;
use serde::{Deserialize, Serialize};

/// A project of `OpenStack`, by Keystone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeystoneBackend {
    /// Address of Keystone, with or without `/v3` at its end: 'http://' or 'https://', a host, a port if it is not the
    /// usual one, and a path where Keystone has one, such as `https://keystone.example:5000` or
    /// `https://cloud.example/identity/v3`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::endpoint_with_path())]
    pub endpoint: String,
    /// Secret in the store's namespace with the admin user's name and password in `username` and `password`. It must
    /// have the role `admin` on `adminProject`. A changed Secret is taken up at once.
    pub credentials_secret_ref: SecretRef,
    /// Name of the project whose object storage the users share: to the storage, all of them are that project. It cannot
    /// be changed.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::label())]
    #[x_kube(validation = rules::same("projectName", "keys stay with their project"))]
    pub project_name: String,
    /// Name of the domain of the project. It cannot be changed. Default: `Default`.
    #[serde(default = "default_domain")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::label())]
    #[x_kube(validation = rules::same("projectDomain", "keys stay with their project"))]
    pub project_domain: String,
    /// Name of the domain in which users are made. Users of a domain that comes from LDAP cannot be made. It cannot be
    /// changed. Default: `Default`.
    #[serde(default = "default_domain")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::label())]
    #[x_kube(validation = rules::same("userDomain", "users stay in their domain"))]
    pub user_domain: String,
    /// Name of the role that each user is given on the project: one that the storage accepts, and no admin's. Users that
    /// are there get a changed one with their next key. Default: `member`.
    #[serde(default = "default_role")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::label())]
    #[x_kube(validation = no_admins_role())]
    pub role: String,
    /// Name of the project on which the admin user has the role `admin`. Default: `admin`.
    #[serde(default = "default_admin_project")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::label())]
    pub admin_project: String,
    /// Name of the domain of the admin user and its project. Default: `Default`.
    #[serde(default = "default_domain")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::label())]
    pub admin_domain: String,
}

fn default_domain() -> String {
    "Default".to_owned()
}

fn default_role() -> String {
    "member".to_owned()
}

fn default_admin_project() -> String {
    "admin".to_owned()
}

/// Keystone takes names of roles in rules whatever their case.
fn no_admins_role() -> Rule {
    rules::rule(
        "!(self.lowerAscii() in ['admin', 'manager', 'service'])",
        "must not be 'admin', 'manager' or 'service': a user with such a role could rule over others",
    )
}
