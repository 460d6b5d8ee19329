//! Quotas: how many gigabytes a user may store in all its buckets.

use super::name::check_name;
use super::request;
use super::wire::{self, GIGABYTE};
use super::{FOREIGN, OstorDriver, demand_empty, error};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{Error, ErrorKind, Outcome, Result};
use crate::backend::http::Reply;
use crate::domain::access::{LimitChanges, Limits, Resource};
use crate::domain::capabilities::Limitable;
use crate::domain::identity::Identity;
use crate::domain::ids::UserName;

/// Of a store with quotas. ("PUT service ostor-quotas": "storage usage limit per user or bucket, … in gigabytes. Type:
/// integer".)
pub(super) const QUOTAS: Limitable = Limitable {
    bytes: true,
    byte_step: GIGABYTE,
    ..Limitable::NONE
};

const OFF: &str = "the ObjectStore does not say that this store has quotas: set `quotas: true` where it has, or leave \
                   `spec.quota` out";
const BYTES_ALONE: &str = "this store limits bytes alone: leave `maxObjects` and `maxBuckets` out";
const NOT_WHOLE: &str = "quotas of this store are whole gigabytes, from 1G to less than 1000000000G, and nothing is rounded: \
                         set such a `maxBytes`, for example `10G`";
const NO_ANSWER: &str = "this is no answer about quotas: does this version of the store have them? If not, take `quotas` out of \
                         the ObjectStore";
const NO_USER: &str = "there is no such user on the store";
const BINARY: &str = "this store took the quota, and counts 2^30 bytes as a gigabyte, so that the user may store more than was \
                      asked for: take `spec.quota.maxBytes` out, and set the quota on the store";

impl OstorDriver {
    /// Whether the store tells quotas, as its admin says: where it does not, that is better known before any user wants one.
    pub(super) async fn check_quotas(&self) -> Result<()> {
        self.read_quota(&request::find_default_quota()).await.map(drop)
    }

    /// The limits of a user that was just seen.
    pub(super) async fn limits(&self, name: &UserName) -> Result<Limits> {
        if !self.quotas {
            return Ok(Limits::new());
        }
        let quota = self.read_quota(&request::find_quota(name)).await?;
        Ok(quota.map(|bytes| (Resource::Bytes, bytes)).into_iter().collect())
    }

    pub(super) async fn change_limits(&self, name: &UserName, changes: &LimitChanges) -> Result<()> {
        let call = request::lift_quota(name);
        check_name(&call, name)?;
        if !self.quotas {
            return Err(call.refuse(ErrorKind::Unsupported, OFF));
        }
        if Identity::mark_in(name.as_str()).is_none() {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        if changes.keys().any(|of| *of != Resource::Bytes) {
            return Err(call.refuse(ErrorKind::Unsupported, BYTES_ALONE));
        }
        match changes.get(&Resource::Bytes) {
            None => Ok(()),
            Some(None) => self.lift_quota(name).await,
            Some(Some(bytes)) => self.set_quota(name, *bytes).await,
        }
    }

    async fn set_quota(&self, name: &UserName, bytes: u64) -> Result<()> {
        let gigabytes = bytes / GIGABYTE;
        let call = request::set_quota(name, gigabytes);
        // As many gigabytes as a gigabyte has bytes could not be told from one gigabyte when they are read.
        let fits = QUOTAS.takes(Resource::Bytes, bytes) && (1..GIGABYTE).contains(&gigabytes);
        if !fits {
            return Err(call.refuse(ErrorKind::Invalid, NOT_WHOLE));
        }
        let reply = self.link.send(&call).await?;
        if !is_success(&reply) {
            return Err(self.why_no_quota(name, &call, &reply).await);
        }
        demand_empty(&call, &reply, "")?;
        // A store that tells bytes tells what it takes for a gigabyte. Whatever else is read now, the next look tells.
        let there = self.read_quota(&request::find_quota(name)).await;
        if there.is_ok_and(|there| there == Some(gigabytes << 30)) {
            return Err(call.own(ErrorKind::Unsupported, Outcome::Unknown, BINARY));
        }
        Ok(())
    }

    async fn lift_quota(&self, name: &UserName) -> Result<()> {
        let call = request::lift_quota(name);
        let reply = self.link.send(&call).await?;
        // As with users: the text of "DELETE service ostor-users" says 204, its sample 203.
        if matches!(reply.status, 203 | 204) {
            return Ok(());
        }
        if is_success(&reply) {
            return demand_empty(&call, &reply, "");
        }
        let error = self.why_no_quota(name, &call, &reply).await;
        // What it says where there is none is not documented.
        let is_gone = error.kind == ErrorKind::Unsupported
            && self.read_quota(&request::find_quota(name)).await?.is_none();
        if is_gone { Ok(()) } else { Err(error) }
    }

    /// Why a change was refused: what the store says is not documented.
    async fn why_no_quota(&self, name: &UserName, call: &Call, reply: &Reply) -> Error {
        if !error::is_unoffered(reply) {
            return error::refused(call, reply);
        }
        match self.get(name).await {
            Err(error) => error,
            Ok(None) => call.refuse(ErrorKind::NotFound, NO_USER),
            Ok(Some(_)) => error::without_quotas(call, reply),
        }
    }

    /// A quota in bytes, or `None`.
    async fn read_quota(&self, call: &Call) -> Result<Option<u64>> {
        let reply = self.link.send(call).await?;
        if error::is_absent(&reply) {
            return Ok(None);
        }
        if error::is_unoffered(&reply) {
            return Err(error::without_quotas(call, &reply));
        }
        if !is_success(&reply) {
            return Err(error::refused(call, &reply));
        }
        let quota: wire::Quota = call.parse(&reply, NO_ANSWER)?;
        Ok(quota.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::OstorSignature;
    use crate::backend::http::{Endpoint, TlsOptions};
    use crate::backend::ostor::OstorConfig;
    use crate::domain::ids::AccessKeyId;
    use std::time::Duration;

    /// To nowhere: what is sent fails as something that time heals.
    fn driver(quotas: bool) -> OstorDriver {
        OstorDriver::new(OstorConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            signature: OstorSignature::V2,
            quotas,
            region: "us-east-1".into(),
            access_key_id: AccessKeyId::new("AK"),
            secret: "made-up".into(),
            tls: TlsOptions::default(),
            call_limit: Duration::from_secs(1),
        })
        .unwrap()
    }

    async fn kind(driver: &OstorDriver, name: &str, of: Resource, most: Option<u64>) -> ErrorKind {
        let name = UserName::new(name);
        let changes = LimitChanges::from([(of, most)]);
        driver.change_limits(&name, &changes).await.unwrap_err().kind
    }

    const OURS: &str = "a@0123456789abcdef0123456789abcdef.owner.gracekey.dev";

    #[tokio::test]
    async fn what_the_store_cannot_count_is_refused_before_any_request() {
        let driver = driver(true);
        for (bytes, want) in [
            (0, ErrorKind::Invalid),
            (1, ErrorKind::Invalid),
            (GIGABYTE - 1, ErrorKind::Invalid),
            (GIGABYTE, ErrorKind::Transient),
            (GIGABYTE + 1, ErrorKind::Invalid),
            (10 << 30, ErrorKind::Invalid),
            (GIGABYTE * (GIGABYTE - 1), ErrorKind::Transient),
            (GIGABYTE * GIGABYTE, ErrorKind::Invalid),
            (u64::MAX, ErrorKind::Invalid),
        ] {
            let kind = kind(&driver, OURS, Resource::Bytes, Some(bytes)).await;
            assert_eq!(kind, want, "{bytes}");
        }
        for of in [Resource::Objects, Resource::Buckets] {
            assert_eq!(kind(&driver, OURS, of, Some(1)).await, ErrorKind::Unsupported);
        }
        let foreign = kind(&driver, "a@b.example", Resource::Bytes, None).await;
        assert_eq!(foreign, ErrorKind::Conflict);
        let odd = kind(&driver, "a", Resource::Bytes, None).await;
        assert_eq!(odd, ErrorKind::Invalid);
    }

    #[tokio::test]
    async fn without_the_switch_nothing_is_offered_and_nothing_sent() {
        let driver = driver(false);
        for most in [None, Some(GIGABYTE)] {
            let kind = kind(&driver, OURS, Resource::Bytes, most).await;
            assert_eq!(kind, ErrorKind::Unsupported);
        }
        assert!(driver.limits(&UserName::new(OURS)).await.unwrap().is_empty());
    }
}
