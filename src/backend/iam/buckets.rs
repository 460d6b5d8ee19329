//! Access to buckets: one inline policy of the user's own. Buckets are the account's.

use super::user::{FOREIGN, PRIVILEGED};
use super::{IamConfig, IamDriver, error, lock, request, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, HttpOptions, Signer};
use crate::backend::user_policy::{Buckets, Document, Store};
use crate::backend::{BackendKind, Grantee, access};
use crate::domain::capabilities::BucketRights;
use crate::domain::ids::BucketName;
use async_trait::async_trait;

/// The inline policy that holds the grants of a user.
pub(super) const ACCESS: &str = "gracekey-access";

/// How much AWS takes of inline policies of a user, all together and without whitespace ("IAM and STS quotas"); without what a
/// lock needs.
const MAX_BYTES: usize = 2048 - lock::ROOM;

/// Regions of other partitions, whose buckets are called otherwise.
const OTHER_PARTITIONS: [&str; 3] = ["cn-", "us-gov-", "us-iso"];

/// S3 with the admin's key; `None`: the store has none, or buckets are not called as this driver calls them. Fails when the CA
/// bundle cannot be used.
pub(super) fn buckets(config: &IamConfig) -> std::result::Result<Option<Buckets>, String> {
    let Some((endpoint, region)) = &config.s3 else {
        return Ok(None);
    };
    if OTHER_PARTITIONS.iter().any(|other| region.starts_with(other)) {
        return Ok(None);
    }
    let options = HttpOptions {
        tls: config.tls.clone(),
        timeout: config.call_limit,
    };
    let (id, secret) = (config.access_key_id.clone(), config.secret.clone());
    Ok(Some(Buckets {
        backend: BackendKind::Iam,
        endpoint: endpoint.clone(),
        region: region.clone(),
        signer: Signer::new(id, secret, region.clone()),
        http: HttpClient::new(&options)?,
    }))
}

/// A store that has all it takes.
pub(super) struct Grants<'a> {
    driver: &'a IamDriver,
    buckets: &'a Buckets,
}

impl IamDriver {
    /// Grants are inline policies, as locks are.
    pub(super) fn bucket_rights(&self) -> BucketRights {
        let can = self.buckets.is_some() && self.learned.able().is_some_and(|able| able.lock);
        BucketRights {
            grant: can,
            make: can,
            write_only_deletes: false,
        }
    }

    pub(super) fn grants(&self, operation: &'static str, bucket: &BucketName) -> Result<Grants<'_>> {
        let buckets = self.buckets.as_ref().filter(|_| self.bucket_rights().grant);
        let unsupported = || access::unsupported(BackendKind::Iam, operation, bucket.as_str());
        buckets
            .map(|buckets| Grants {
                driver: self,
                buckets,
            })
            .ok_or_else(unsupported)
    }
}

#[async_trait]
impl Store for Grants<'_> {
    fn buckets(&self) -> &Buckets {
        self.buckets
    }

    fn check_user(&self, call: &Call, to: &Grantee) -> Result<()> {
        self.driver.check_name(call, &to.user)
    }

    async fn policy(&self, to: &Grantee) -> Result<Option<Document>> {
        let user = self.driver.read(&to.user).await?;
        let Some(user) = user.filter(|user| user.owner.as_ref() == Some(&to.owner)) else {
            return Ok(None);
        };
        if !user.has_policy(ACCESS) {
            return Ok(Some(Document::default()));
        }
        let call = request::find_inline(&to.user, ACCESS);
        let reply = self.driver.link.send(&call).await?;
        if error::is_absent(&reply) {
            return Ok(Some(Document::default()));
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let text = wire::document(&call, &reply, &to.user)?;
        Ok(Some(Document::parse(&text)))
    }

    async fn put_policy(&self, to: &Grantee, policy: &Document) -> Result<()> {
        let learned = &self.driver.learned;
        let text = if learned.knows_fewer_actions() {
            policy.plain_text()
        } else {
            policy.text()
        };
        let call = request::put_inline(&to.user, ACCESS, &text);
        match self.driver.read(&to.user).await? {
            Some(user) if user.privileged => return Err(call.refuse(ErrorKind::Conflict, PRIVILEGED)),
            Some(user) if user.owner.as_ref() == Some(&to.owner) => {}
            Some(_) => return Err(call.refuse(ErrorKind::Conflict, FOREIGN)),
            None => return Err(call.refuse(ErrorKind::NotFound, "there is no such user on the store")),
        }
        if policy.is_empty() {
            let call = request::delete_inline(&to.user, ACCESS);
            return self.driver.link.remove(&call).await;
        }
        if text.len() > MAX_BYTES {
            let text = format!(
                "its access to buckets takes {} bytes, and IAM has room for {MAX_BYTES} in the inline policy of a user: name \
                 fewer buckets, or spread them over several users",
                text.len()
            );
            return Err(call.refuse(ErrorKind::Conflict, &text));
        }
        let reply = self.driver.link.send(&call).await?;
        let plain = policy.plain_text();
        // SeaweedFS 4.48: `not a valid action: 'ListBucketMultipartUploads'`.
        if error::is_malformed_policy(&reply) && text != plain {
            let call = request::put_inline(&to.user, ACCESS, &plain);
            self.driver.link.carry_out(&call).await?;
            learned.set_knows_fewer_actions();
            return Ok(());
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        wire::done(&call, &reply)
    }
}
