//! What the gateway itself says, past the operator and any proxy.

use super::World;
use gracekey::{
    api::v1alpha1::ObjectUser,
    backend::{
        Driver as _, ObservedUser,
        ceph::{CephConfig, CephDriver, config::CALL_LIMIT},
        http::{Endpoint, TlsOptions},
    },
    domain::ids::{AccessKeyId, UserName},
};
use std::collections::BTreeSet;

impl World {
    /// The gateway's admin API.
    pub(crate) fn admin(&self) -> CephDriver {
        let config = CephConfig {
            endpoint: Endpoint::parse(&self.gateway.endpoint).unwrap(),
            region: self.gateway.region.clone(),
            access_key_id: AccessKeyId::new(&self.gateway.admin_access_key),
            secret: self.gateway.admin_secret_key.clone().into(),
            tls: TlsOptions::default(),
            call_limit: CALL_LIMIT,
        };
        CephDriver::new(config).unwrap()
    }

    /// The user as the gateway has it.
    pub(crate) async fn observed(&self, user: &ObjectUser) -> Option<ObservedUser> {
        self.admin().find_user(&user_name(user)).await.unwrap()
    }

    /// Ids of all keys that the user has on the gateway.
    pub(crate) async fn live_keys(&self, user: &ObjectUser) -> BTreeSet<String> {
        let found = self.observed(user).await.expect("the user is on the gateway");
        found.credentials.iter().map(|key| key.id.to_string()).collect()
    }
}

/// Name on the gateway.
pub(crate) fn user_name(user: &ObjectUser) -> UserName {
    let status = user.status.as_ref().expect("the user has a status");
    UserName::new(status.user_name.as_ref().expect("status has a user name"))
}
