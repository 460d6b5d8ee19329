//! Keys: one more, and one less.

use super::user::{FOREIGN, PRIVILEGED};
use super::{IamDriver, error, request, user::Whole, wire};
use crate::backend::call::is_success;
use crate::backend::error::{Error, ErrorKind, Outcome, Result};
use crate::backend::{KeyPair, NewUser};
use crate::domain::facts::LastUse;
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};

impl IamDriver {
    /// Gives a user one key more.
    pub(super) async fn add_key(&self, user: &NewUser) -> Result<KeyPair> {
        let name = &user.name;
        let call = request::issue(name);
        let refuse = |kind, text: &str| Err(call.refuse(kind, text));
        let Some(there) = self.read_ours(&call, name).await? else {
            return refuse(ErrorKind::NotFound, "there is no such user on the store");
        };
        if there.owner.as_ref() != Some(&user.owner) {
            return refuse(ErrorKind::Conflict, FOREIGN);
        }
        let most = self.link.config().keys_per_user;
        if there.keys.len() >= usize::from(most) {
            let text = format!(
                "it has {} keys, and keysPerUser is {most}: revoke one first",
                there.keys.len()
            );
            return refuse(ErrorKind::Conflict, &text);
        }
        self.attach_policies(name).await.map_err(not_issued)?;
        let reply = self.link.send(&call).await?;
        if error::code(&reply).as_deref() == Some("LimitExceeded") {
            let advice = "the store has no room for another key of this user (AccessKeysPerUser): revoke one, or lower \
                          keysPerUser to what the store allows";
            return Err(error::refused_because(&call, &reply, advice));
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let new = wire::new_key(&call, &reply, name)?;
        if there.has(new.id.as_str()) {
            return Err(call.misunderstood("the store answered with a key that was there before"));
        }
        self.lock_out(user, &there, &new.id).await?;
        Ok(KeyPair {
            id: CredentialId::from(&new.id),
            access_key_id: new.id,
            secret: new.secret,
        })
    }

    /// Sets a new key of a locked user inactive, where no policy denies by itself.
    async fn lock_out(&self, user: &NewUser, there: &Whole, id: &AccessKeyId) -> Result<()> {
        if there.is_denied() || !(there.is_locked(self.learned.refuses_deny()) || user.locked) {
            return Ok(());
        }
        let call = request::set_active(&user.name, id.as_str(), false);
        let locked = self.link.carry_out(&call).await;
        // The key is there whatever becomes of this call: reading finds it.
        locked.map_err(|error| Error {
            outcome: Outcome::Unknown,
            ..error
        })
    }

    /// Attaches what is missing of the policies that each user has. No key comes before them, so a crash in between
    /// leaves no key without rights.
    async fn attach_policies(&self, name: &UserName) -> Result<()> {
        let wanted = &self.link.config().policy_arns;
        if wanted.is_empty() {
            return Ok(());
        }
        let there = self.attached(name).await?;
        for arn in wanted.iter().filter(|arn| !there.contains(arn)) {
            let call = request::attach(name, arn);
            let reply = self.link.send(&call).await?;
            if error::is_absent(&reply) {
                let text = format!("the store has no policy {arn}: correct policyArns of the ObjectStore");
                return Err(call.refuse(ErrorKind::Invalid, &text));
            }
            if error::code(&reply).as_deref() == Some("LimitExceeded") {
                let advice = format!(
                    "no more policies can be attached to it, and {arn} is missing: detach others, name fewer in policyArns of \
                     the ObjectStore, or raise the quota that the store names"
                );
                return Err(error::refused_because(&call, &reply, &advice));
            }
            if !is_success(&reply) {
                return Err(error::refused(&call, &reply));
            }
            wire::done(&call, &reply)?;
        }
        Ok(())
    }

    /// Takes a key from a user. Absent: fine.
    pub(super) async fn remove_key(&self, name: &UserName, id: &str) -> Result<()> {
        let call = request::revoke(name, id);
        let user = self.read_ours(&call, name).await?;
        // A list that lags may lack the key, or an answer the user, and the record of the key ends with this: the removal itself
        // tells that there is none.
        if !self.may_lag() && !user.is_some_and(|user| user.has(id)) {
            return Ok(());
        }
        // Of a user that is not told, it is not known whose key we sign with.
        if id == self.link.config().access_key_id.as_str() {
            return Err(call.refuse(ErrorKind::Conflict, PRIVILEGED));
        }
        self.link.remove(&call).await
    }

    /// When a key was last used, as far as the store tells us.
    pub(super) async fn last_use(&self, id: &AccessKeyId) -> Result<LastUse> {
        let call = request::last_use(id);
        let reply = self.link.send(&call).await?;
        if is_success(&reply) {
            return wire::last_use(&call, &reply);
        }
        match error::refused(&call, &reply) {
            // It went away at this moment, or the right to ask did: no reason to know nothing of the user.
            error
                if matches!(
                    error.kind,
                    ErrorKind::NotFound | ErrorKind::Auth | ErrorKind::Unsupported
                ) =>
            {
                Ok(LastUse::Unknown)
            }
            error => Err(error),
        }
    }
}

/// What comes before a key and fails: certainly none was made.
fn not_issued(error: Error) -> Error {
    Error {
        outcome: Outcome::NotApplied,
        ..error
    }
}
