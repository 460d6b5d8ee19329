//! Keys: how one becomes as good as the others, and what has to stay when it goes.

use super::grants::{Grants, Step};
use super::request::{self, Change};
use super::{DAMAGED, GarageDriver, check_label, check_name, name, wire};
use crate::backend::call::Call;
use crate::backend::error::{Error, ErrorKind, Outcome, Result};
use crate::backend::{IssueRequest, KeyPair, NewUser};
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};
use secrecy::SecretString;

impl GarageDriver {
    /// Makes a key: imported first, given what the others have, and named as finished last of all.
    pub(super) async fn add_key(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        let name = &user.name;
        let call = request::none("IssueKey", name);
        check_name(&call, name)?;
        check_label(&call, &user.label)?;
        let id = chosen_id(&call, name, request)?;
        let keys = self.0.keys_of(name).await?;
        if !keys.is_empty() && keys.owner() != Some(&user.owner) {
            let text =
                "keys of a user of this name are there and belong to somebody else: choose another userName";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        if keys.get(id.as_str()).is_some() {
            return Err(call.refuse(ErrorKind::Conflict, "it has a key of this id already"));
        }
        // An unfinished one has what the others had when it was begun, which may have been taken from them since.
        let meant: Vec<&str> = keys.meant().map(|member| member.id.as_str()).collect();
        let mut rights = Grants::of(&self.0.whole(name, &meant).await?);
        // The first key of a user. An admin who does not want that takes it away, and the next key follows.
        rights.create_bucket |= !keys.has_finished();
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

    /// Takes a key from a user, when the others have got what it was given or made since they were issued.
    pub(super) async fn remove_key(&self, name: &UserName, id: &CredentialId) -> Result<()> {
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
        // An unfinished one has nothing of its own.
        if member.described.finished {
            for other in &rest {
                self.hand_over(name, &rights, other).await?;
            }
        }
        self.0.delete(name, &member.id).await
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

    /// A bucket that would be left without a key if these were gone, as a person would call it.
    pub(super) async fn stranded(
        &self,
        user: &UserName,
        going: &[&str],
        rights: &Grants,
    ) -> Result<Option<String>> {
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
}

/// The id that a new key is to have.
fn chosen_id(call: &Call, name: &UserName, request: &IssueRequest) -> Result<AccessKeyId> {
    let id = request.access_key_id.clone();
    let Some(id) = id.filter(|id| name::is_usable(id.as_str())) else {
        let text = "an access key id must be given, of 8 to 128 letters and digits";
        return Err(call.refuse(ErrorKind::Invalid, text));
    };
    if name::is_of(name, id.as_str()) {
        Ok(id)
    } else {
        Err(call.refuse(ErrorKind::Conflict, "the access key id is not one of this user's"))
    }
}
