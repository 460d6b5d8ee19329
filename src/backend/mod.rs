//! The drivers: one folder per kind of storage, one trait, one error taxonomy.
//!
//! A driver contains no retry, no logging, no Kubernetes. It may import `domain` (ids and capabilities) and
//! `backend::http`; drivers do not import each other, and nothing here imports `controller`.

pub mod access;
pub mod admin;
pub mod call;
pub mod ceph;
pub mod ecs;
pub mod error;
pub mod garage;
pub mod gate;
pub mod http;
pub mod iam;
pub mod keystone;
pub mod layer;
pub mod login;
pub mod minio;
pub mod ontap;
pub mod ostor;
pub mod pool;
pub mod proof;
pub mod registry;
pub mod s3;
pub mod turns;
pub mod uptrends;
pub mod user_policy;

pub use crate::api::v1alpha1::BackendKind;
pub use access::{FoundBucket, Grantee};
pub use error::{Error, ErrorKind, Outcome, Result};

use crate::domain::{
    access::{LimitChanges, Limits, Permission},
    capabilities::Capabilities,
    facts::LastUse,
    ids::{AccessKeyId, BucketName, CredentialId, OwnerMark, UserName},
};
use async_trait::async_trait;
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// What a probe learned. Shown in the store's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendInfo {
    /// Product name, such as `Ceph RGW`.
    pub product: String,
    /// Its version, where the backend tells.
    pub version: Option<String>,
}

/// A user as the backend shows it now.
#[derive(Debug)]
pub struct ObservedUser {
    /// Whose it is; `None`: it carries no mark of ours, so it is somebody else's.
    pub owner: Option<OwnerMark>,
    /// Display name.
    pub label: String,
    /// No S3 operation works.
    pub locked: bool,
    /// Where each key is locked by itself: some are and some are not, as a lock or an unlock that broke off leaves them.
    pub half_locked: bool,
    /// Holds admin rights or is the operator's own admin user: can never be claimed, whatever its mark.
    pub privileged: bool,
    /// Its limits, of what `capabilities().quota` covers, or why they could not be read: where that is a question of its own, whatever
    /// else is known of the user does not wait for its answer.
    pub limits: Result<Limits>,
    /// Its keys, in no particular order.
    pub credentials: Vec<ObservedCredential>,
}

impl ObservedUser {
    /// As it is to be looked at by who wishes it locked or not: what is half done is not what is wished, so that it is
    /// done again.
    #[must_use]
    pub fn seen_by_who_wishes(mut self, locked: bool) -> Self {
        if self.half_locked {
            self.locked = !locked;
        }
        self
    }
}

/// A key as the backend shows it now.
#[derive(Clone, Debug)]
pub struct ObservedCredential {
    /// Which one.
    pub id: CredentialId,
    /// Its public half.
    pub access_key_id: AccessKeyId,
    /// Its secret half, where `capabilities().secret_readable`; but `None` for a key that takes several calls to make and
    /// is not finished, so that nobody publishes it.
    pub secret: Option<SecretString>,
    /// When it was last used, where `capabilities().last_use`.
    pub last_use: LastUse,
}

/// A user as it is to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Name on the backend.
    pub name: UserName,
    /// Display name.
    pub label: String,
    /// Stored with the user in the same call.
    pub owner: OwnerMark,
    /// Made locked at once, so that no key of it ever works before it is unlocked.
    pub locked: bool,
}

/// A key to be issued.
#[derive(Clone, Debug)]
pub struct IssueRequest {
    /// The id to give it, where `capabilities().id_choosable`; always given there, never elsewhere.
    pub access_key_id: Option<AccessKeyId>,
    /// Where the backend ends the previous secret by itself: after how long.
    pub expire_previous: Option<Duration>,
}

/// A key pair; the secret half is wiped when dropped and never printed.
#[derive(Clone)]
pub struct KeyPair {
    /// Which one.
    pub id: CredentialId,
    /// Public half.
    pub access_key_id: AccessKeyId,
    /// Secret half.
    pub secret: SecretString,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// One admin API. Stateless but for connections and session tokens.
///
/// Every method is idempotent **except** [`issue`](Driver::issue). "Absent" is a value, never an error. Names are
/// checked against `capabilities().user_name` before any request: a name that cannot be one is `Invalid`/`NotApplied`.
///
/// What `capabilities().buckets` and `capabilities().quota` do not claim is never asked for; the methods for it answer
/// `Unsupported` unless a driver has its own.
#[async_trait]
pub trait Driver: fmt::Debug + Send + Sync {
    /// Which admin API this is.
    fn kind(&self) -> BackendKind;

    /// What this backend can do. Where that depends on its version: as the last probe found it.
    fn capabilities(&self) -> Capabilities;

    /// What it can do depends on its version, and no probe has told that yet: one comes before anything else.
    fn needs_probe(&self) -> bool {
        false
    }

    /// The access key id that a new key of this user is to have, made from a random word of letters and digits. Where ids
    /// need no form of their own: the word. Pure, and asks nobody.
    fn key_id(&self, _user: &UserName, word: AccessKeyId) -> AccessKeyId {
        word
    }

    /// Reaches it, authenticates, learns product, version and rights. No side effect.
    async fn probe(&self) -> Result<BackendInfo>;

    /// The user with its keys, or `None`.
    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>>;

    /// Creates a user without keys. If it is there already with this owner: nothing changes, `Ok`. If it is there
    /// with another owner or none: `Conflict`, nothing changes. `Unsupported` where a user comes with its first key.
    async fn create_user(&self, user: &NewUser) -> Result<()>;

    /// Changes the display name. The caller has seen that the user is ours.
    async fn set_label(&self, name: &UserName, label: &str) -> Result<()>;

    /// Locks (no S3 operation works, keys and data stay) or unlocks.
    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()>;

    /// Deletes the user and its keys. Absent: `Ok`; or `NotFound` where a read may lag (`capabilities().list_lag`) and nothing
    /// but a read told it. Still owns data (`capabilities().data_is_owned`): `Conflict`, nothing changes.
    async fn delete_user(&self, name: &UserName) -> Result<()>;

    /// Issues one key. Not idempotent: the caller has recorded an intent that names it, and never asks twice for one
    /// access key id. `Conflict` when the id or the last slot is taken, with nothing changed.
    ///
    /// `user` is as it is to be. Where a user comes with its first key (`capabilities().user_comes_with_key`) and is not
    /// there, it is made by this; `Conflict` if it is there and carries another mark or none. Everywhere else a user
    /// that is not there is `NotFound`.
    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair>;

    /// Removes one key of this user. Absent: `Ok`; or `NotFound` where a read may lag (`capabilities().list_lag`) and nothing but
    /// what may lag told it. A key of another user is left alone.
    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()>;

    /// Sets these limits of the user, or lifts them; others stay. The caller has seen that the user is ours, and asks for
    /// nothing that `capabilities().quota` does not cover.
    async fn set_limits(&self, name: &UserName, _changes: &LimitChanges) -> Result<()> {
        Err(access::unsupported(self.kind(), "set_limits", name.as_str()))
    }

    /// A bucket, and what grant of ours for this user is on it. A bucket that is not there, or whose owner does not
    /// consent, is a value. A user that is not there, or not ours by its mark, has no grant where grants are the user's own;
    /// where they are the bucket's and carry our mark, what is on the bucket counts.
    async fn find_bucket(&self, _to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
        Err(access::unsupported(self.kind(), "find_bucket", bucket.as_str()))
    }

    /// Makes a bucket that was seen missing, so that it is open to users of the namespace of `to`, and to no others. There
    /// already: `Ok` if it was made by this for that user, who has got nothing of it yet; else `Conflict`, and nothing changes.
    async fn make_bucket(&self, _to: &Grantee, bucket: &BucketName) -> Result<()> {
        Err(access::unsupported(self.kind(), "make_bucket", bucket.as_str()))
    }

    /// Makes the grant of ours for this user on this bucket allow exactly this, or takes it away. Grants of others stay as
    /// they are. Consent is looked for once more, and where there is none, nothing is granted: `Conflict`. A bucket that is
    /// not there: `NotFound` for a grant, `Ok` for a withdrawal.
    async fn set_grant(&self, _to: &Grantee, bucket: &BucketName, _what: Option<Permission>) -> Result<()> {
        Err(access::unsupported(self.kind(), "set_grant", bucket.as_str()))
    }

    /// Ends sessions on the backend, where there are any: best effort, within 2 s. A later call may begin a new one.
    async fn close(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_half_done_is_never_what_is_wished() {
        for (locked, half_locked, wish, want) in [
            (true, false, true, true),
            (true, false, false, true),
            (false, false, true, false),
            (false, true, true, false),
            (false, true, false, true),
            (true, true, true, false),
        ] {
            let user = ObservedUser {
                owner: None,
                label: String::new(),
                locked,
                half_locked,
                limits: Ok(Limits::new()),
                privileged: false,
                credentials: Vec::new(),
            };
            assert_eq!(user.seen_by_who_wishes(wish).locked, want);
        }
    }
}
