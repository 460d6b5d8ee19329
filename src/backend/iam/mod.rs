#![doc = include_str!("docs.md")]

mod buckets;
pub mod config;
mod error;
mod keys;
mod learned;
mod link;
mod lock;
mod probe;
mod reach;
mod request;
mod user;
mod wire;
mod xml;

pub use config::IamConfig;

use super::call::{Call, is_success};
use super::error::{Error, ErrorKind, Outcome, Result};
use super::user_policy::{self, Buckets};
use super::{
    BackendInfo, BackendKind, Driver, FoundBucket, Grantee, IssueRequest, KeyPair, NewUser,
    ObservedCredential, ObservedUser,
};
use crate::api::v1alpha1::IamOwnerMark;
use crate::domain::access::{Limits, Permission};
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::facts::LastUse;
use crate::domain::identity::Identity;
use crate::domain::ids::{BucketName, CredentialId, OwnerMark, UserName};
use async_trait::async_trait;
use learned::Learned;
use link::Link;
use std::time::Duration;
use user::{FOREIGN, PRIVILEGED, Whole};

/// What such a store can do, as far as a driver knows that has not asked it. Its settings tell more, and a probe tells whether
/// users can be locked and given access to buckets, and the last use of keys is told.
///
/// Settling: AWS says "eventually consistent" without a figure; users report up to some minutes. Lists lag as well,
/// but for those of products that are known to keep users in one place.
/// Names: up to 64 of `[\w+=,.@-]` (`CreateUser` of the API reference), unique whatever their capitals.
pub const CAPABILITIES: Capabilities = Capabilities {
    overlap: Overlap::Slots { max: Some(2) },
    secret_readable: false,
    id_choosable: false,
    user_comes_with_key: false,
    mark_in_name: false,
    data_is_owned: false,
    lock: false,
    label: false,
    last_use: false,
    buckets: BucketRights::NONE,
    quota: Limitable::NONE,
    settle: Duration::from_mins(5),
    list_lag: Duration::from_mins(5),
    label_max_chars: 0,
    user_name: UserNameRules {
        max_len: 64,
        punctuation: "-_.",
        capitals: false,
    },
};

/// Names with a mark in them: 64 characters, and 52 of the mark. For stores without AWS's limit.
const MARKED_NAME: UserNameRules = UserNameRules {
    max_len: 116,
    punctuation: "@-_.",
    capitals: false,
};

/// The IAM query API of AWS, or of storage that speaks a part of it.
#[derive(Debug)]
pub struct IamDriver {
    link: Link,
    learned: Learned,
    buckets: Option<Buckets>,
}

impl IamDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle cannot be used.
    pub fn new(config: IamConfig) -> Result<Self> {
        let buckets = buckets::buckets(&config).map_err(|text| {
            let call = request::find_user(&request::nobody());
            call.refuse(ErrorKind::Invalid, &text)
        })?;
        Ok(Self {
            link: Link::new(config)?,
            learned: Learned::default(),
            buckets,
        })
    }

    fn check_name(&self, call: &Call, name: &UserName) -> Result<()> {
        let rules = self.capabilities().user_name;
        if rules.accept(name.as_str()) {
            return Ok(());
        }
        let most = rules.max_len;
        let text = format!("a user name has 1 to {most} small letters, digits, - _ or . here, with its mark");
        Err(call.refuse(ErrorKind::Invalid, &text))
    }

    /// A marked name carries this mark.
    fn check_mark(&self, call: &Call, user: &NewUser) -> Result<()> {
        let in_name = self.link.config().owner_mark == IamOwnerMark::Name;
        if in_name && Identity::mark_in(user.name.as_str()).as_ref() != Some(&user.owner) {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        Ok(())
    }

    /// What an `EntityAlreadyExists` means: fine if the user carries this mark.
    async fn is_ours(&self, call: &Call, name: &UserName, mark: &OwnerMark) -> Result<()> {
        let refuse = |kind, text: &str| Err(call.refuse(kind, text));
        match self.read(name).await? {
            None => refuse(
                ErrorKind::Transient,
                "it was there and is gone: somebody else is at work",
            ),
            Some(user) if user.privileged => refuse(ErrorKind::Conflict, PRIVILEGED),
            Some(user) if user.owner.as_ref() != Some(mark) => refuse(ErrorKind::Conflict, FOREIGN),
            Some(_) => Ok(()),
        }
    }

    /// A user that is not seen is gone where reads do not lag.
    fn unless_late(&self, call: &Call) -> Result<()> {
        if self.may_lag() {
            Err(call.refuse(ErrorKind::NotFound, "the user is not seen, which may be late"))
        } else {
            Ok(())
        }
    }

    fn may_lag(&self) -> bool {
        self.capabilities().reads_lag()
    }

    /// A user that was made just now and does not carry its mark is taken away again: nobody would know it.
    async fn take_back(&self, call: &Call, name: &UserName) -> Error {
        let gone = self.link.remove(&request::delete_user(name)).await;
        let outcome = gone.map_or(Outcome::Unknown, |()| Outcome::NotApplied);
        call.own(ErrorKind::Unsupported, outcome, NO_PATH)
    }

    /// Makes a user that was not there.
    async fn create(&self, call: &Call, user: &NewUser) -> Result<()> {
        // Not every store says so of a name that is taken.
        if self.read(&user.name).await?.is_some() {
            return self.is_ours(call, &user.name, &user.owner).await;
        }
        let reply = self.link.send(call).await?;
        if reply.status == 409 && error::code(&reply).as_deref() == Some("EntityAlreadyExists") {
            return self.is_ours(call, &user.name, &user.owner).await;
        }
        if !is_success(&reply) {
            return Err(error::refused(call, &reply));
        }
        let made = wire::user(call, &reply, &user.name)?;
        let in_path = self.link.config().owner_mark == IamOwnerMark::Path;
        if in_path && request::path_to_mark(&made.path).as_ref() != Some(&user.owner) {
            return Err(self.take_back(call, &user.name).await);
        }
        if !user.locked {
            return Ok(());
        }
        let blank = Whole {
            owner: Some(user.owner.clone()),
            privileged: false,
            keys: Vec::new(),
            inline: Vec::new(),
        };
        let locked = self.lock(&user.name, &blank).await;
        // It was made, whatever became of the lock: reading tells.
        locked.map_err(|error| Error {
            outcome: Outcome::Unknown,
            ..error
        })
    }
}

#[async_trait]
impl Driver for IamDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Iam
    }

    fn capabilities(&self) -> Capabilities {
        let config = self.link.config();
        let able = self.learned.able().unwrap_or_default();
        let mark_in_name = config.owner_mark == IamOwnerMark::Name;
        Capabilities {
            overlap: Overlap::Slots {
                max: Some(config.keys_per_user),
            },
            mark_in_name,
            lock: able.lock,
            buckets: self.bucket_rights(),
            last_use: able.last_use,
            list_lag: if able.is_consistent {
                Duration::ZERO
            } else {
                CAPABILITIES.list_lag
            },
            user_name: if mark_in_name {
                MARKED_NAME
            } else {
                CAPABILITIES.user_name
            },
            ..CAPABILITIES
        }
    }

    fn needs_probe(&self) -> bool {
        self.learned.able().is_none()
    }

    async fn probe(&self) -> Result<BackendInfo> {
        self.look().await
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        let Some(user) = self.read(name).await? else {
            return Ok(None);
        };
        let tells_use = self.capabilities().last_use;
        let locked = user.is_locked(self.learned.refuses_deny());
        let mut credentials = Vec::new();
        for key in user.keys {
            let last_use = if tells_use {
                self.last_use(&key.id).await?
            } else {
                LastUse::Unknown
            };
            credentials.push(ObservedCredential {
                id: CredentialId::from(&key.id),
                access_key_id: key.id,
                secret: None,
                last_use,
            });
        }
        Ok(Some(ObservedUser {
            limits: Ok(Limits::new()),
            owner: user.owner,
            label: String::new(),
            locked,
            half_locked: false,
            privileged: user.privileged,
            credentials,
        }))
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        let call = request::create_user(&user.name, &user.owner, self.link.config().owner_mark);
        self.check_name(&call, &user.name)?;
        self.check_mark(&call, user)?;
        if user.locked && !self.capabilities().lock {
            return Err(call.refuse(ErrorKind::Unsupported, NO_LOCK));
        }
        self.create(&call, user).await
    }

    async fn set_label(&self, name: &UserName, _label: &str) -> Result<()> {
        let mut call = request::find_user(name);
        call.operation = "SetLabel";
        self.check_name(&call, name)?;
        let text = "users of this API have no display name: leave spec.label out";
        Err(call.refuse(ErrorKind::Unsupported, text))
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        let mut call = request::find_user(name);
        call.operation = "SetLocked";
        self.check_name(&call, name)?;
        if !self.capabilities().lock {
            return Err(call.refuse(ErrorKind::Unsupported, NO_LOCK));
        }
        let Some(user) = self.read_ours(&call, name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, "there is no such user on the store"));
        };
        if locked {
            self.lock(name, &user).await
        } else {
            self.unlock(name, &user).await
        }
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        let call = request::delete_user(name);
        let Some(user) = self.read_ours(&call, name).await? else {
            return self.unless_late(&call);
        };
        let foreign = user.foreign_policies();
        if !foreign.is_empty() {
            let names = foreign.join(", ");
            let text = format!("inline policies of others are on it, remove them first: {names}");
            return Err(call.refuse(ErrorKind::Conflict, &text));
        }
        // All is read before anything goes.
        let attached = self.attached(name).await?;
        for key in &user.keys {
            self.link.remove(&request::revoke(name, key.id.as_str())).await?;
        }
        for policy in &user.inline {
            self.link.remove(&request::delete_inline(name, policy)).await?;
        }
        for arn in &attached {
            self.link.remove(&request::detach(name, arn)).await?;
        }
        let reply = self.link.send(&call).await?;
        if error::code(&reply).as_deref() == Some("DeleteConflict") {
            let or_late = if self.may_lag() { OR_LATE } else { "" };
            let advice = format!("{STILL_HELD}{or_late}");
            return Err(error::refused_because(&call, &reply, &advice));
        }
        if error::is_absent(&reply) {
            return Ok(());
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        wire::done(&call, &reply)
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        let call = request::issue(&user.name);
        self.check_name(&call, &user.name)?;
        if request.access_key_id.is_some() {
            let text = "the store chooses access key ids by itself";
            return Err(call.refuse(ErrorKind::Invalid, text));
        }
        self.add_key(user).await
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        self.remove_key(name, id.as_str()).await
    }

    async fn find_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
        user_policy::find(&self.policy_store("FindBucket", bucket)?, to, bucket).await
    }

    async fn make_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<()> {
        user_policy::make(&self.policy_store("MakeBucket", bucket)?, to, bucket).await
    }

    async fn set_grant(&self, to: &Grantee, bucket: &BucketName, what: Option<Permission>) -> Result<()> {
        user_policy::set(&self.policy_store("SetGrant", bucket)?, to, bucket, what).await
    }
}

const NO_LOCK: &str =
    "this store keeps no policies of users, so they cannot be locked: leave spec.locked out";
const NO_PATH: &str = "this store keeps no paths of users: set ownerMark: Name in a new ObjectStore";
const STILL_HELD: &str = "its keys are gone, and what others gave it is in the way: groups, a login profile, MFA devices, certificates";
const OR_LATE: &str = ", or a key that is not told yet";
