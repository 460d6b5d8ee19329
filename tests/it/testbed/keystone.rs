//! A real Keystone, and the Ceph gateway that asks it.

use super::servers::{given, start};
use std::sync::OnceLock;

/// Where they are, and what is there from the start.
#[derive(Clone, Debug)]
pub(crate) struct Keystone {
    /// Without `/v3`.
    pub(crate) endpoint: String,
    /// Of the gateway.
    pub(crate) s3: String,
    pub(crate) region: String,
    /// Name of the admin user.
    pub(crate) admin: String,
    pub(crate) password: String,
    pub(crate) admin_project: String,
    pub(crate) admin_project_id: String,
    pub(crate) admin_role_id: String,
    /// Name of the project that users belong to.
    pub(crate) project: String,
    pub(crate) project_id: String,
    pub(crate) member_role_id: String,
}

/// The shared one: the one that `GRACEKEY_TEST_KEYSTONE_ENV` names (a file as `testbed/keystone` writes it), else one of
/// our own, which ends with this process.
pub(crate) fn keystone() -> &'static Keystone {
    static KEYSTONE: OnceLock<Keystone> = OnceLock::new();
    KEYSTONE.get_or_init(|| {
        let env = given("GRACEKEY_TEST_KEYSTONE_ENV").unwrap_or_else(|| start("keystone"));
        let value = |name: &str| {
            env.get(name)
                .unwrap_or_else(|| panic!("Keystone's env lacks {name}"))
                .clone()
        };
        Keystone {
            endpoint: value("ENDPOINT"),
            s3: value("S3_ENDPOINT"),
            region: value("REGION"),
            admin: value("ADMIN_USERNAME"),
            password: value("ADMIN_PASSWORD"),
            admin_project: value("ADMIN_PROJECT"),
            admin_project_id: value("ADMIN_PROJECT_ID"),
            admin_role_id: value("ADMIN_ROLE_ID"),
            project: value("PROJECT"),
            project_id: value("PROJECT_ID"),
            member_role_id: value("MEMBER_ROLE_ID"),
        }
    })
}
