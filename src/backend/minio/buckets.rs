//! Access to buckets: a policy of the user's own, attached to it beside those of the store. Service accounts have what their
//! user has, at once.

use super::request::{access_policy, read_access, remove_access, write_access};
use super::{MinioDriver, NO_ANSWER, NO_USER, check_name, demand_empty, error, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, HttpOptions, Signer};
use crate::backend::user_policy::{Buckets, Document, Store};
use crate::backend::{BackendKind, Grantee};
use crate::domain::identity::Identity;
use crate::domain::ids::UserName;
use async_trait::async_trait;

/// S3 at the endpoint of the admin API, with the admin's key. Fails when the CA bundle cannot be used.
pub(super) fn buckets(config: &super::MinioConfig) -> std::result::Result<Buckets, String> {
    let options = HttpOptions {
        tls: config.tls.clone(),
        timeout: config.call_limit,
    };
    let (id, secret) = (config.access_key_id.clone(), config.secret.clone());
    Ok(Buckets {
        backend: BackendKind::Minio,
        endpoint: config.endpoint.clone(),
        region: config.region.clone(),
        signer: Signer::new(id, secret, config.region.clone()),
        http: HttpClient::new(&options)?,
    })
}

#[async_trait]
impl Store for MinioDriver {
    fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    fn check_user(&self, call: &Call, to: &Grantee) -> Result<()> {
        check_name(call, &to.user)
    }

    /// What is there and not attached gives nobody anything: a change that broke off, or a user that is gone.
    async fn policy(&self, to: &Grantee) -> Result<Option<Document>> {
        if Identity::mark_in(to.user.as_str()).as_ref() != Some(&to.owner) {
            return Ok(None);
        }
        let Some(user) = self.get(&to.user).await? else {
            return Ok(None);
        };
        if !user.has_policy(&access_policy(&to.owner)) {
            return Ok(Some(Document::default()));
        }
        let call = read_access(&to.user, &to.owner);
        let reply = self.link.send(&call).await?;
        if error::is_no_policy(&reply) {
            return Ok(Some(Document::default()));
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        call.parse::<wire::Policy>(&reply, NO_ANSWER)?;
        Ok(Some(Document::parse(&reply.body)))
    }

    async fn put_policy(&self, to: &Grantee, policy: &Document) -> Result<()> {
        let name = access_policy(&to.owner);
        let call = write_access(&to.user, &to.owner, policy);
        let Some(user) = self.get_ours(&call, &to.user).await? else {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        };
        let is_attached = user.has_policy(&name);
        if policy.is_empty() {
            if is_attached {
                self.detach(&to.user, &user, &name).await?;
            }
            return self.forget_access(&to.user).await;
        }
        demand_empty(&call, &self.link.send(&call).await?)?;
        if is_attached {
            return Ok(());
        }
        self.attach(&to.user, Some(&user), &[name]).await
    }
}

impl MinioDriver {
    /// Removes the policy of a user that has it no more, or is gone.
    pub(super) async fn forget_access(&self, name: &UserName) -> Result<()> {
        let Some(owner) = Identity::mark_in(name.as_str()) else {
            return Ok(());
        };
        let call = read_access(name, &owner);
        let reply = self.link.send(&call).await?;
        if error::is_no_policy(&reply) {
            return Ok(());
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let call = remove_access(name, &owner);
        let reply = self.link.send(&call).await?;
        if error::is_no_policy(&reply) {
            return Ok(());
        }
        demand_empty(&call, &reply)
    }
}
