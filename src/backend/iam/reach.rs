//! Whether users reach all buckets by their policies: access to one of them can then neither be given nor denied.
//!
//! The right to read policies is one that an admin may leave out: what we may not read is taken for narrow, as is what the store
//! does not have. Groups are not looked at.

use super::user::Whole;
use super::{IamDriver, error, request, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{Error, ErrorKind, Result};
use crate::backend::http::Reply;
use crate::backend::user_policy::reaches_all_buckets;
use crate::domain::ids::UserName;

impl IamDriver {
    /// Whether a policy that each user gets reaches all buckets. One whose text is not understood counts as that: nothing is claimed
    /// that may be a lie, and a store that is of use for users and keys is not lost over it.
    pub(super) async fn reaches_all(&self) -> Result<bool> {
        if self.buckets.is_none() {
            return Ok(false);
        }
        for arn in &self.link.config().policy_arns {
            match self.is_open(arn).await {
                Ok(false) => {}
                Err(error) if error.is_passing() => return Err(error),
                Ok(true) | Err(_) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// By which policy a user reaches all buckets, and what to do about it: one that was attached by hand or by an earlier
    /// `policyArns`, or an inline one of somebody else. Those of the store were looked at by the probe.
    pub(super) async fn beyond(&self, name: &UserName, user: &Whole) -> Result<Option<String>> {
        let of_store = &self.link.config().policy_arns;
        for arn in self.attached(name).await? {
            if !of_store.contains(&arn) && self.is_open(&arn).await? {
                return Ok(Some(advice(name, &arn, "detach")));
            }
        }
        for policy in user.foreign_policies() {
            let text = self.inline_text(name, policy).await?;
            if text.is_some_and(|text| reaches_all_buckets(&text)) {
                return Ok(Some(advice(name, policy, "remove")));
            }
        }
        Ok(None)
    }

    /// Whether a policy reaches all buckets, as far as we are told.
    async fn is_open(&self, arn: &str) -> Result<bool> {
        match self.policy(arn).await {
            Ok(text) => Ok(reaches_all_buckets(&text)),
            Err(error) if is_no_word(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The text of a policy.
    async fn policy(&self, arn: &str) -> Result<Vec<u8>> {
        let call = request::find_policy(arn);
        let reply = self.read_policy(&call).await?;
        let version = wire::default_version(&call, &reply)?;
        let call = request::find_policy_version(arn, &version);
        let reply = self.read_policy(&call).await?;
        wire::version_document(&call, &reply)
    }

    async fn read_policy(&self, call: &Call) -> Result<Reply> {
        let reply = self.link.send(call).await?;
        if is_success(&reply) {
            Ok(reply)
        } else {
            Err(error::refused(call, &reply))
        }
    }
}

/// We may not ask, or there is nothing to be told.
fn is_no_word(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Auth | ErrorKind::NotFound | ErrorKind::Unsupported
    )
}

fn advice(name: &UserName, policy: &str, verb: &str) -> String {
    format!(
        "The user {name} has the policy {policy}, which reaches all buckets, so that access to one of them can neither be given \
         nor denied: {verb} this policy, unless the user is to reach them all."
    )
}
