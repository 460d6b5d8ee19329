#![doc = include_str!("docs.md")]

mod api;
mod buckets;
pub mod config;
mod error;
mod grants;
mod name;
mod request;
mod wire;

pub use config::GarageConfig;

use super::call::Call;
use super::error::{Error, ErrorKind, Outcome, Result};
use super::{
    BackendInfo, BackendKind, Driver, FoundBucket, Grantee, IssueRequest, KeyPair, NewUser,
    ObservedCredential, ObservedUser,
};
use crate::domain::access::{Limits, Permission};
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::facts::LastUse;
use crate::domain::ids::{AccessKeyId, BucketName, CredentialId, UserName};
use api::{Api, Keys, Member};
use async_trait::async_trait;
use grants::{Grants, Step};
use request::Change;
use secrecy::SecretString;
use std::time::Duration;

/// What Garage can do.
///
/// Keys: no limit was met. `settle`: S3 looks a key up in the node's own copy of the table. A change is sent to all nodes at
/// once and answered when most have it, so that on one node it holds at once, and on a slow one some moments later. (One
/// that was cut off learns of it when it is back; until then it answers nobody as a rule.) Names and labels: ours alone.
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

    /// Gives a key all of this that it lacks. A bucket that is gone meanwhile is left out.
    async fn give(&self, user: &UserName, key: &str, wanted: &Grants, has: &Grants) -> Result<()> {
        for step in wanted.beyond(has) {
            let call = match &step {
                Step::Allow(bucket, what) => request::allow(user, key, bucket, *what),
                Step::Alias(bucket, alias) => request::alias(user, key, bucket, alias),
            };
            self.0.step(&call).await?;
        }
        Ok(())
    }

    /// Gives a key what another one has that is about to go.
    async fn hand_over(&self, user: &UserName, rights: &Grants, to: &wire::Key) -> Result<()> {
        let has = Grants::of([to]);
        self.give(user, &to.access_key_id, rights, &has).await?;
        if rights.create_bucket && !has.create_bucket {
            let change = Change {
                create_bucket: true,
                ..Change::default()
            };
            self.0.update(user, &to.access_key_id, &change).await?;
        }
        Ok(())
    }

    /// Makes a key that was imported as good as the others, and says so in its name last of all.
    async fn finish(&self, user: &NewUser, key: &AccessKeyId, rights: &Grants) -> Result<()> {
        let (name, key) = (&user.name, key.as_str());
        self.give(name, key, rights, &Grants::default()).await?;
        let text = name::write(&user.label, name, &user.owner, true);
        let change = Change {
            name: Some(&text),
            locked: user.locked.then_some(true),
            create_bucket: rights.create_bucket,
        };
        if self.0.update(name, key, &change).await?.is_some() {
            return Ok(());
        }
        let gone = "the new key went away while it was made: somebody else is at work";
        Err(request::none("UpdateKey", name).refuse(ErrorKind::Transient, gone))
    }

    /// A bucket that would be left without a key if these were gone, as a person would call it.
    async fn stranded(&self, user: &UserName, going: &[&str], rights: &Grants) -> Result<Option<String>> {
        for id in rights.touched() {
            let Some(bucket) = self.0.bucket(user, id).await? else {
                continue;
            };
            let goes = |key: &&wire::BucketKey| going.contains(&key.access_key_id.as_str());
            let has_other = |key: &wire::BucketKey| !goes(&key) && !key.permissions.is_none();
            // What has a name for every key, the admin can reach.
            if bucket.global_aliases.is_empty() && !bucket.keys.iter().any(has_other) {
                let of_these = bucket.keys.iter().filter(goes);
                let mut local = of_these.flat_map(|key| &key.bucket_local_aliases);
                return Ok(Some(local.next().unwrap_or(&bucket.id).clone()));
            }
        }
        Ok(None)
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

    /// Imports a key that is not finished yet.
    async fn import(&self, user: &NewUser, id: &AccessKeyId, secret: &SecretString) -> Result<()> {
        let name = name::write(&user.label, &user.name, &user.owner, false);
        let call = request::import(&user.name, id, secret, &name);
        let made: wire::Key = self.0.ask(&call).await?;
        if made.access_key_id == id.as_str() && made.name == name {
            Ok(())
        } else {
            Err(call.misunderstood("Garage made another key than was asked for"))
        }
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
            limits: Limits::new(),
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
        let name = &user.name;
        let call = request::none("IssueKey", name);
        let refuse = |kind, text: &str| Err(call.refuse(kind, text));
        check_name(&call, name)?;
        check_label(&call, &user.label)?;
        let Some(id) = request
            .access_key_id
            .clone()
            .filter(|id| name::is_usable(id.as_str()))
        else {
            return refuse(
                ErrorKind::Invalid,
                "an access key id must be given, of 8 to 128 letters and digits",
            );
        };
        if !name::is_of(name, id.as_str()) {
            return refuse(ErrorKind::Conflict, "the access key id is not one of this user's");
        }
        let keys = self.0.keys_of(name).await?;
        if !keys.is_empty() && keys.owner() != Some(&user.owner) {
            let text =
                "keys of a user of this name are there and belong to somebody else: choose another userName";
            return refuse(ErrorKind::Conflict, text);
        }
        if keys.get(id.as_str()).is_some() {
            return refuse(ErrorKind::Conflict, "it has a key of this id already");
        }
        let mut rights = Grants::of(&self.0.whole(name, &keys.ids()).await?);
        // The first key of a user. An admin who does not want that takes it away, and the next key follows.
        rights.create_bucket |= !keys.iter().any(|member| member.described.finished);
        let user = NewUser {
            locked: user.locked || keys.is_shut(),
            ..user.clone()
        };
        let secret = self.0.config.entropy.secret();
        self.import(&user, &id, &secret).await?;
        let finished = self.finish(&user, &id, &rights).await;
        // From here on there is a key, whatever becomes of it.
        finished.map_err(|error| Error {
            outcome: Outcome::Unknown,
            ..error
        })?;
        Ok(KeyPair {
            id: CredentialId::from(&id),
            access_key_id: id,
            secret,
        })
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        let call = request::none("RevokeKey", name);
        check_name(&call, name)?;
        let keys = self.0.keys_of(name).await?;
        let Some(member) = keys.get(id.as_str()) else {
            return Ok(());
        };
        if member.described.owner.is_none() {
            return Err(call.refuse(ErrorKind::Conflict, DAMAGED));
        }
        let Some(key) = self.0.key(name, &member.id, false).await? else {
            return Ok(());
        };
        let rights = Grants::of([&key]);
        let mut others = keys.ids();
        others.retain(|other| *other != member.id);
        let rest = self.0.whole(name, &others).await?;
        if rest.is_empty()
            && let Some(bucket) = self.stranded(name, &[member.id.as_str()], &rights).await?
        {
            let text = format!("it is the last key of the bucket {bucket}: allow another key on it first");
            return Err(call.refuse(ErrorKind::Conflict, &text));
        }
        // What it was given or made since the others were issued. An unfinished one has nothing of its own.
        if member.described.finished {
            for other in &rest {
                self.hand_over(name, &rights, other).await?;
            }
        }
        self.0.delete(name, &member.id).await
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
