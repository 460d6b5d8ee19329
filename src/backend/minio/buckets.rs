//! Access to buckets: a policy of the user's own, attached to it beside those of the store. Service accounts have what their
//! user has, at once.

use super::request::{
    LOCK, access_policy, read_access, read_group, read_policy, remove_access, write_access,
};
use super::{MinioDriver, NO_ANSWER, check_name, demand_empty, demand_no_admin, error, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::Result;
use crate::backend::http::{HttpClient, HttpOptions, Signer};
use crate::backend::user_policy::{Buckets, Document, Holder, Store, reaches_all_buckets};
use crate::backend::{BackendKind, Grantee};
use crate::domain::identity::Identity;
use crate::domain::ids::UserName;
use async_trait::async_trait;

/// Both servers were seen to refuse a longer policy with 400 `EntityTooLarge` (`maxBucketPolicySize` in `MinIO`'s
/// `cmd/bucket-policy-handlers.go`).
const MAX_BYTES: usize = 20 * 1024;

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

/// The server as one whose users can do with buckets only what they are given.
pub(super) struct PolicyStore<'a>(pub(super) &'a MinioDriver);

#[async_trait]
impl Store for PolicyStore<'_> {
    type User = wire::User;

    fn buckets(&self) -> &Buckets {
        &self.0.buckets
    }

    fn check_user(&self, call: &Call, to: &Grantee) -> Result<()> {
        check_name(call, &to.user)
    }

    fn room(&self) -> usize {
        MAX_BYTES
    }

    async fn holder(&self, to: &Grantee) -> Result<Option<Holder<wire::User>>> {
        if Identity::mark_in(to.user.as_str()).as_ref() != Some(&to.owner) {
            return Ok(None);
        }
        let Some(user) = self.0.get(&to.user).await? else {
            return Ok(None);
        };
        let policy = self.0.access_of(to, &user).await?;
        Ok(Some(Holder { user, policy }))
    }

    async fn beyond(&self, to: &Grantee, user: &wire::User) -> Result<Option<String>> {
        self.0.beyond(to, user).await
    }

    async fn put_policy(&self, to: &Grantee, user: &wire::User, policy: &Document) -> Result<()> {
        let name = access_policy(&to.user, &to.owner);
        let call = write_access(&to.user, &to.owner, policy);
        demand_no_admin(&call, user)?;
        let is_attached = user.has_policy(&name);
        if policy.is_empty() {
            if is_attached {
                self.0.detach(&to.user, user, &name).await?;
            }
            return self.0.forget_access(&to.user).await;
        }
        demand_empty(&call, &self.0.link.send(&call).await?)?;
        if is_attached {
            return Ok(());
        }
        self.0.attach(&to.user, Some(user), &[name]).await
    }
}

impl MinioDriver {
    /// The policy with a user's grants. What is there and not attached gives nobody anything: a change that broke off, or a user
    /// that is gone.
    async fn access_of(&self, to: &Grantee, user: &wire::User) -> Result<Document> {
        if !user.has_policy(&access_policy(&to.user, &to.owner)) {
            return Ok(Document::default());
        }
        let call = read_access(&to.user, &to.owner);
        let reply = self.link.send(&call).await?;
        if error::is_no_policy(&reply) {
            return Ok(Document::default());
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        call.parse::<wire::Policy>(&reply, NO_ANSWER)?;
        Ok(Document::parse(&reply.body))
    }

    /// By which other policy of its own, or of a group, a user reaches all buckets, and what to do about it. Those of the store
    /// count as well: they may have been others when the user was made.
    async fn beyond(&self, to: &Grantee, user: &wire::User) -> Result<Option<String>> {
        let name = &to.user;
        let own = access_policy(name, &to.owner);
        for policy in user.policies().filter(|policy| ![LOCK, &own].contains(policy)) {
            if self.is_open(name, policy).await? {
                return Ok(Some(format!(
                    "The user {name} has the policy {policy}, which reaches all buckets, so that access to one of them can neither be \
                     given nor denied: detach this policy from the user."
                )));
            }
        }
        for group in user.groups() {
            let beyond = self.beyond_by(name, group).await?;
            if beyond.is_some() {
                return Ok(beyond);
            }
        }
        Ok(None)
    }

    /// The same of one group.
    async fn beyond_by(&self, name: &UserName, group: &str) -> Result<Option<String>> {
        let call = read_group(name, group);
        let reply = self.link.send(&call).await?;
        if error::is_no_group(&reply) {
            return Ok(None);
        }
        if error::is_denied(&reply) {
            return Ok(Some(format!(
                "The user {name} is in the group {group}, and the admin may not see what that allows: give the admin the action \
                 admin:GetGroup, or take the user out of the group."
            )));
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let told: wire::Group = self.link.read(&call, &reply).await?;
        for policy in told.policies() {
            if self.is_open(name, policy).await? {
                return Ok(Some(format!(
                    "The user {name} is in the group {group}, whose policy {policy} reaches all buckets, so that access to one of \
                     them can neither be given nor denied: take the user out of the group, or detach the policy from it."
                )));
            }
        }
        Ok(None)
    }

    /// Whether a policy reaches all buckets. One that is not there gives nothing.
    async fn is_open(&self, name: &UserName, policy: &str) -> Result<bool> {
        let call = read_policy(name, policy);
        let reply = self.link.send(&call).await?;
        if error::is_no_policy(&reply) {
            return Ok(false);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        call.parse::<wire::Policy>(&reply, NO_ANSWER)?;
        Ok(reaches_all_buckets(&reply.body))
    }

    /// Takes its grants from a user that is to be deleted: once it is gone, nobody would come back for them. `false`: the server does
    /// not allow it, as of one that somebody disabled. What time heals is an error; nothing else keeps a user alive.
    pub(super) async fn end_access(&self, name: &UserName, user: &wire::User) -> Result<bool> {
        match self.take_access(name, user).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_passing() => Err(error),
            Err(_) => Ok(false),
        }
    }

    async fn take_access(&self, name: &UserName, user: &wire::User) -> Result<()> {
        if let Some(owner) = Identity::mark_in(name.as_str()) {
            let policy = access_policy(name, &owner);
            if user.has_policy(&policy) {
                self.detach(name, user, &policy).await?;
            }
        }
        self.forget_access(name).await
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::ErrorKind;
    use crate::backend::http::{Endpoint, TlsOptions};
    use crate::backend::minio::MinioConfig;
    use crate::backend::user_policy::check_room;
    use crate::domain::access::Permission;
    use crate::domain::ids::{AccessKeyId, BucketName};
    use crate::entropy::OsEntropy;
    use std::{sync::Arc, time::Duration};

    #[tokio::test]
    async fn a_policy_that_the_server_would_refuse_is_refused_before_anything_is_changed() {
        let driver = MinioDriver::new(MinioConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            region: "us-east-1".to_owned(),
            access_key_id: AccessKeyId::new("admin"),
            secret: "s3cret".into(),
            policies: Vec::new(),
            tls: TlsOptions::default(),
            call_limit: Duration::from_secs(1),
            entropy: Arc::new(OsEntropy),
        })
        .unwrap();
        let store = PolicyStore(&driver);
        let call = read_group(&UserName::new("u"), "g");
        let mut policy = Document::default();
        let mut fits = 0;
        while check_room(&store, &call, &policy).is_ok() {
            fits += 1;
            let bucket = BucketName::new(format!("{fits:063}"));
            policy.set(&bucket, Some(Permission::ReadWrite));
        }
        assert!((100..130).contains(&fits), "{fits}");
        let error = check_room(&store, &call, &policy).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    }
}
