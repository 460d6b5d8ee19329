//! Access to buckets: one inline policy of the user's own. Buckets are the account's.

use super::user::{PRIVILEGED, Whole};
use super::{IamConfig, IamDriver, error, lock, request, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, HttpOptions, Signer};
use crate::backend::user_policy::{Buckets, Document, Holder, Store, check_room};
use crate::backend::{BackendKind, Grantee, access};
use crate::domain::capabilities::BucketRights;
use crate::domain::ids::{BucketName, UserName};
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
pub(super) struct PolicyStore<'a> {
    driver: &'a IamDriver,
    buckets: &'a Buckets,
}

impl IamDriver {
    /// Grants are inline policies, as locks are; and mean something only where users cannot reach all buckets anyway.
    pub(super) fn bucket_rights(&self) -> BucketRights {
        let able = self.learned.able();
        let can = self.buckets.is_some() && able.is_some_and(|able| able.lock && !able.reaches_all);
        BucketRights {
            grant: can,
            make: can,
            write_only_deletes: false,
        }
    }

    pub(super) fn policy_store(
        &self,
        operation: &'static str,
        bucket: &BucketName,
    ) -> Result<PolicyStore<'_>> {
        let buckets = self.buckets.as_ref().filter(|_| self.bucket_rights().grant);
        let unsupported = || access::unsupported(BackendKind::Iam, operation, bucket.as_str());
        buckets
            .map(|buckets| PolicyStore {
                driver: self,
                buckets,
            })
            .ok_or_else(unsupported)
    }

    /// The text of an inline policy; `None`: there is none.
    pub(super) async fn inline_text(&self, name: &UserName, policy: &str) -> Result<Option<Vec<u8>>> {
        let call = request::find_inline(name, policy);
        let reply = self.link.send(&call).await?;
        if error::is_absent(&reply) {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        wire::document(&call, &reply, name).map(Some)
    }

    /// The policy with the user's grants.
    async fn access_of(&self, name: &UserName) -> Result<Document> {
        let text = self.inline_text(name, ACCESS).await?;
        Ok(text.map_or_else(Document::default, |text| Document::parse(&text)))
    }
}

#[async_trait]
impl Store for PolicyStore<'_> {
    type User = Whole;

    fn buckets(&self) -> &Buckets {
        self.buckets
    }

    fn check_user(&self, call: &Call, to: &Grantee) -> Result<()> {
        self.driver.check_name(call, &to.user)
    }

    fn text(&self, policy: &Document) -> String {
        if self.driver.learned.knows_fewer_actions() {
            policy.plain_text()
        } else {
            policy.text()
        }
    }

    fn room(&self) -> usize {
        MAX_BYTES
    }

    async fn holder(&self, to: &Grantee) -> Result<Option<Holder<Whole>>> {
        let user = self.driver.read(&to.user).await?;
        let Some(user) = user.filter(|user| user.owner.as_ref() == Some(&to.owner)) else {
            return Ok(None);
        };
        let policy = if user.has_policy(ACCESS) {
            self.driver.access_of(&to.user).await?
        } else {
            Document::default()
        };
        Ok(Some(Holder { user, policy }))
    }

    async fn beyond(&self, to: &Grantee, user: &Whole) -> Result<Option<String>> {
        self.driver.beyond(&to.user, user).await
    }

    async fn put_policy(&self, to: &Grantee, user: &Whole, policy: &Document) -> Result<()> {
        let text = self.text(policy);
        let call = request::put_inline(&to.user, ACCESS, &text);
        if user.privileged {
            return Err(call.refuse(ErrorKind::Conflict, PRIVILEGED));
        }
        if policy.is_empty() {
            let call = request::delete_inline(&to.user, ACCESS);
            return self.driver.link.remove(&call).await;
        }
        check_room(self, &call, policy)?;
        let reply = self.driver.link.send(&call).await?;
        let plain = policy.plain_text();
        // SeaweedFS 4.48: `not a valid action: 'ListBucketMultipartUploads'`.
        if error::is_malformed_policy(&reply) && text != plain {
            let call = request::put_inline(&to.user, ACCESS, &plain);
            self.driver.link.carry_out(&call).await?;
            self.driver.learned.set_knows_fewer_actions();
            return Ok(());
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        wire::done(&call, &reply)
    }
}
