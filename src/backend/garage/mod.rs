#![doc = include_str!("docs.md")]

mod api;
mod buckets;
pub mod config;
mod error;
mod grants;
mod keys;
mod name;
mod request;
mod user;
mod wire;

pub use config::GarageConfig;

use super::call::Call;
use super::error::{ErrorKind, Result};
use super::{
    BackendInfo, BackendKind, Driver, FoundBucket, Grantee, IssueRequest, KeyPair, NewUser,
    ObservedCredential, ObservedUser,
};
use crate::domain::access::{Limits, Permission};
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::facts::LastUse;
use crate::domain::ids::{AccessKeyId, BucketName, CredentialId, UserName};
use api::Api;
use async_trait::async_trait;
use grants::Grants;
use request::Change;
use std::time::Duration;
use user::{Keys, Member};

/// What Garage can do.
///
/// Keys: no limit was met. `settle`: S3 looks a key up in the node's own copy of the table. A change is sent to all nodes at
/// once and answered when most have it, so that on one node it holds at once, and on a slow one some moments later. (One
/// that was cut off learns of it when it is back; until then it answers nobody as a rule.) Names and labels: ours alone.
///
/// `list_lag`: the admin API does not read the node's own copy, but asks as many nodes as have one in common with those that a
/// write waited for, so that each node tells what was written by any other. Source: `read_quorum` and `write_quorum` in
/// `replication/fullcopy.rs` of the crate `garage_table`, 2.0.0, 2.1.0 and 2.5.0. On three nodes of 2.5.0, one that was down when a
/// key was imported was seen to answer 503 and then to show the key, four times of four. Not so in another `consistency_mode` than
/// `consistent`, which the page about what the admin must provide demands.
pub const CAPABILITIES: Capabilities = Capabilities {
    overlap: Overlap::Slots { max: None },
    secret_readable: true,
    id_choosable: true,
    user_comes_with_key: true,
    mark_in_name: false,
    data_is_owned: true,
    lock: true,
    label: true,
    last_use: false,
    buckets: BucketRights {
        grant: true,
        make: true,
        write_only_deletes: true,
    },
    quota: Limitable::NONE,
    settle: Duration::from_secs(10),
    list_lag: Duration::ZERO,
    label_max_chars: 128,
    user_name: UserNameRules {
        max_len: 64,
        punctuation: "-_.",
        capitals: true,
    },
};

/// The admin API of a Garage cluster.
#[derive(Debug)]
pub struct GarageDriver(Api);

impl GarageDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle or the token cannot be used.
    pub fn new(config: GarageConfig) -> Result<Self> {
        Api::new(config).map(Self)
    }

    /// The keys of a user that is there and somebody's.
    async fn keys_to_change(&self, call: &Call, user: &UserName) -> Result<Keys> {
        check_name(call, user)?;
        let keys = self.0.keys_of(user).await?;
        if keys.is_empty() {
            return Err(call.refuse(ErrorKind::NotFound, "no key of it is there"));
        }
        if keys.owner().is_none() {
            return Err(call.refuse(ErrorKind::Conflict, DAMAGED));
        }
        Ok(keys)
    }

    /// A key as the rest of the operator sees it; `None` if it is gone.
    async fn observe(
        &self,
        user: &UserName,
        member: &Member,
        ours: bool,
    ) -> Result<Option<ObservedCredential>> {
        let secret = if ours && member.described.finished {
            let Some(key) = self.0.key(user, &member.id, true).await? else {
                return Ok(None);
            };
            let call = request::key(user, &member.id, true);
            let secret = key.secret;
            Some(secret.ok_or_else(|| call.misunderstood("the API shows a key without its secret half"))?)
        } else {
            None
        };
        let access_key_id = AccessKeyId::new(&member.id);
        Ok(Some(ObservedCredential {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret,
            last_use: LastUse::Unknown,
        }))
    }
}

#[async_trait]
impl Driver for GarageDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Garage
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn key_id(&self, user: &UserName, word: AccessKeyId) -> AccessKeyId {
        name::key_id(user, &word)
    }

    async fn probe(&self) -> Result<BackendInfo> {
        let call = request::token();
        let token: wire::Token = self.0.ask(&call).await?;
        let lacks: Vec<&str> = request::SCOPE
            .into_iter()
            .filter(|name| !token.covers(name))
            .collect();
        if !lacks.is_empty() {
            let text = format!("add to its scope: {}", lacks.join(", "));
            return Err(call.refuse(ErrorKind::Auth, &text));
        }
        let mut version = None;
        // No more than a version: a token need not be good for it.
        if token.covers("GetNodeInfo") {
            let nodes: wire::Nodes = self.0.ask(&request::node()).await?;
            let told = nodes.success.into_values().find_map(|node| node.garage_version);
            version = told.filter(|text| is_version(text));
        }
        Ok(BackendInfo {
            product: "Garage".to_owned(),
            version,
        })
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        check_name(&request::none("ListKeys", name), name)?;
        let keys = self.0.keys_of(name).await?;
        let owner = keys.owner().cloned();
        let mut credentials = Vec::new();
        for member in keys.iter() {
            // Of a stranger's keys nobody here needs the secret.
            credentials.extend(self.observe(name, member, owner.is_some()).await?);
        }
        if credentials.is_empty() {
            return Ok(None);
        }
        Ok(Some(ObservedUser {
            label: keys.label(),
            locked: keys.is_locked(),
            limits: Ok(Limits::new()),
            half_locked: keys.is_half_locked(),
            // A key can do nothing in the admin API, and a token nothing in S3.
            privileged: false,
            owner,
            credentials,
        }))
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        let call = request::none("CreateUser", &user.name);
        check_name(&call, &user.name)?;
        Err(call.refuse(
            ErrorKind::Unsupported,
            "a user is its keys, and is made with the first",
        ))
    }

    async fn set_label(&self, name: &UserName, label: &str) -> Result<()> {
        let call = request::none("SetLabel", name);
        check_name(&call, name)?;
        check_label(&call, label)?;
        let keys = self.keys_to_change(&call, name).await?;
        for member in keys.to_label(label) {
            let Some(owner) = &member.described.owner else {
                continue;
            };
            let text = name::write(label, name, owner, member.described.finished);
            let change = Change {
                name: Some(&text),
                ..Change::default()
            };
            self.0.update(name, &member.id, &change).await?;
        }
        Ok(())
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        let call = request::none("SetLocked", name);
        let keys = self.keys_to_change(&call, name).await?;
        for member in keys.to_lock(locked) {
            let change = Change {
                locked: Some(locked),
                ..Change::default()
            };
            self.0.update(name, &member.id, &change).await?;
        }
        Ok(())
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        let call = request::none("DeleteUser", name);
        check_name(&call, name)?;
        let keys = self.0.keys_of(name).await?;
        if keys.is_empty() {
            return Ok(());
        }
        if keys.owner().is_none() {
            return Err(call.refuse(ErrorKind::Conflict, DAMAGED));
        }
        let going = keys.ids();
        let rights = Grants::of(&self.0.whole(name, &going).await?);
        if let Some(bucket) = self.stranded(name, &going, &rights).await? {
            let text = format!(
                "the bucket {bucket} would be left without a key: delete it, or allow another key on it"
            );
            return Err(call.refuse(ErrorKind::Conflict, &text));
        }
        for id in going {
            self.0.delete(name, id).await?;
        }
        Ok(())
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        self.add_key(user, request).await
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        self.remove_key(name, id).await
    }

    async fn find_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
        self.look_at_bucket(to, bucket).await
    }

    async fn make_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<()> {
        self.put_bucket(to, bucket).await
    }

    async fn set_grant(&self, to: &Grantee, bucket: &BucketName, what: Option<Permission>) -> Result<()> {
        self.change_grant(to, bucket, what).await
    }
}

const DAMAGED: &str = "a key of this user has no mark of ours or a damaged one in its name, or that of another owner, so \
                       that none is touched: correct it";

fn check_name(call: &Call, name: &UserName) -> Result<()> {
    if CAPABILITIES.user_name.accept(name.as_str()) {
        return Ok(());
    }
    let text = "a user name has 1 to 64 letters, digits, - _ or .";
    Err(call.refuse(ErrorKind::Invalid, text))
}

fn check_label(call: &Call, label: &str) -> Result<()> {
    call.check_label(&CAPABILITIES, label)?;
    if name::takes_label(label) {
        return Ok(());
    }
    Err(call.refuse(ErrorKind::Invalid, "a label does not have the words `[gracekey:`"))
}

/// Such as `v2.5.0`, or `cargo:2.5.0` of one that was not built from its repository: nothing that a server may say is shown unseen.
fn is_version(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.+:".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}
