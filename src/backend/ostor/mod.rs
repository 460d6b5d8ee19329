#![doc = include_str!("docs.md")]

pub mod config;
mod error;
mod keys;
mod learned;
mod link;
mod name;
mod quota;
mod request;
mod wire;

pub use config::OstorConfig;

use super::call::{Call, is_success};
use super::error::{Error, ErrorKind, Outcome, Result};
use super::http::Reply;
use super::{BackendInfo, BackendKind, Driver, IssueRequest, KeyPair, NewUser, ObservedUser};
use crate::domain::access::LimitChanges;
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::identity::Identity;
use crate::domain::ids::{CredentialId, UserName};
use async_trait::async_trait;
use learned::Learned;
use link::Link;
use name::check_name;
use quota::QUOTAS;
use std::time::Duration;

/// Key pairs of one user. (Orchestration reference, "POST service ostor-users"; admin guide 6.2.)
const MAX_KEYS: u8 = 2;

/// What such a store can do, as far as a driver knows that has not asked it. A probe tells whether users can be locked, and
/// the `ObjectStore` whether they have quotas.
///
/// Settling: "eventually consistent" by the vendor's own words, without a figure.
/// Names: an address has at most 64 characters before its `@`, and a mark makes 51 of what follows. Which characters the
/// store takes is not documented, nor whether it tells capitals apart.
pub const CAPABILITIES: Capabilities = Capabilities {
    overlap: Overlap::Slots { max: Some(MAX_KEYS) },
    secret_readable: true,
    id_choosable: false,
    user_comes_with_key: true,
    mark_in_name: true,
    data_is_owned: true,
    lock: false,
    label: false,
    last_use: false,
    buckets: BucketRights::NONE,
    quota: Limitable::NONE,
    settle: Duration::from_mins(1),
    list_lag: Duration::ZERO,
    label_max_chars: 0,
    user_name: UserNameRules {
        max_len: 116,
        punctuation: "@._-",
        capitals: false,
    },
};

/// The `ostor-users` of a Virtuozzo or Acronis store.
#[derive(Debug)]
pub struct OstorDriver {
    /// Users have quotas, by the word of the store's admin: no call tells it beyond doubt.
    quotas: bool,
    link: Link,
    learned: Learned,
}

impl OstorDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle cannot be used.
    pub fn new(config: OstorConfig) -> Result<Self> {
        Ok(Self {
            quotas: config.quotas,
            link: Link::new(config)?,
            learned: Learned::default(),
        })
    }

    /// The user as the store shows it, or `None`.
    async fn get(&self, name: &UserName) -> Result<Option<wire::User>> {
        let call = request::find_user(name);
        check_name(&call, name)?;
        let reply = self.link.send(&call).await?;
        if error::is_absent(&reply) {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        parse_user(&call, &reply, name).map(Some)
    }

    /// The user, if it is there; `Conflict` if it is not ours to change.
    async fn get_ours(&self, call: &Call, name: &UserName) -> Result<Option<wire::User>> {
        let Some(user) = self.get(name).await? else {
            return Ok(None);
        };
        if user.holds(self.link.own_key().as_str()) {
            let text = "it is the system user whose key this operator signs with, and is left alone";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        if Identity::mark_in(&user.email).is_none() {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        Ok(Some(user))
    }

    /// Asks once whether users can be disabled, about an address that nobody has.
    async fn learn(&self) -> Result<()> {
        let call = request::ask_for_lock();
        // There is nothing that it could change.
        let reply = self.link.send(&call).await.map_err(not_applied)?;
        let lock = if error::is_absent(&reply) {
            true
        } else if error::is_wrong_method(&reply) || (error::is_refusal(&reply) && reply.status == 400) {
            false
        } else if is_success(&reply) {
            return Err(not_applied(
                call.misunderstood("nobody has this address, and it was disabled"),
            ));
        } else {
            return Err(not_applied(error::refused(&call, &reply)));
        };
        self.learned.set_lock(lock);
        Ok(())
    }

    async fn owns_buckets(&self, name: &UserName) -> Result<bool> {
        let call = request::list_buckets(name);
        let reply = self.link.send(&call).await?;
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let buckets: wire::Buckets = call.parse(&reply, NO_ANSWER)?;
        Ok(!buckets.is_empty())
    }
}

#[async_trait]
impl Driver for OstorDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Ostor
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            lock: self.learned.lock() == Some(true),
            quota: if self.quotas { QUOTAS } else { Limitable::NONE },
            ..CAPABILITIES
        }
    }

    fn needs_probe(&self) -> bool {
        self.learned.lock().is_none()
    }

    async fn probe(&self) -> Result<BackendInfo> {
        let nobody = request::nobody();
        // Whoever may ask for a user may do all with users: there is one kind of system user.
        if self.get(&nobody).await?.is_some() {
            let text = "a user has the address that stands for nobody: delete it";
            return Err(request::find_user(&nobody).refuse(ErrorKind::Conflict, text));
        }
        if self.needs_probe() {
            self.learn().await?;
        }
        if self.quotas {
            self.check_quotas().await?;
        }
        Ok(BackendInfo {
            product: "Virtuozzo or Acronis object storage".to_owned(),
            version: None,
        })
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        let Some(user) = self.get(name).await? else {
            return Ok(None);
        };
        let limits = self.limits(name).await;
        Ok(Some(user.observe(self.link.own_key(), limits)))
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        let call = request::create_user(&user.name);
        check_name(&call, &user.name)?;
        let text = "a user of this store is made by its first key, and never without one";
        Err(call.refuse(ErrorKind::Unsupported, text))
    }

    async fn set_label(&self, name: &UserName, _label: &str) -> Result<()> {
        let mut call = request::find_user(name);
        call.operation = "SetLabel";
        check_name(&call, name)?;
        let text = "users of this store have no display name: leave spec.label out";
        Err(call.refuse(ErrorKind::Unsupported, text))
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        let call = request::set_locked(name, locked);
        check_name(&call, name)?;
        if !self.capabilities().lock {
            return Err(call.refuse(ErrorKind::Unsupported, NO_LOCK));
        }
        if Identity::mark_in(name.as_str()).is_none() {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        let reply = self.link.send(&call).await?;
        if error::is_absent(&reply) {
            return Err(error::refused(&call, &reply));
        }
        if error::is_refusal(&reply) {
            // What it says to a user that is in this state already is not documented.
            match self.get(name).await? {
                None => return Err(call.refuse(ErrorKind::NotFound, "there is no such user on the store")),
                Some(user) if user.state.is_some() && user.is_locked() == locked => return Ok(()),
                Some(_) => {}
            }
        }
        demand_empty(
            &call,
            &reply,
            "the store refuses to disable or enable this user now",
        )
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        let call = request::delete_user(name);
        if self.get_ours(&call, name).await?.is_none() {
            return Ok(());
        }
        if self.owns_buckets(name).await? {
            let text = "the user still owns buckets: remove or hand over its data first";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        let reply = self.link.send(&call).await?;
        // The text of "DELETE service ostor-users" says 204, its sample 203.
        if matches!(reply.status, 203 | 204) || error::is_absent(&reply) {
            return Ok(());
        }
        let advice = "the store refuses to delete this user now: does it own buckets or accounts?";
        demand_empty(&call, &reply, advice)
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        let call = request::create_user(&user.name);
        check_name(&call, &user.name)?;
        if request.access_key_id.is_some() {
            let text = "the store chooses access key ids by itself";
            return Err(call.refuse(ErrorKind::Invalid, text));
        }
        if Identity::mark_in(user.name.as_str()).as_ref() != Some(&user.owner) {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        match self.get_ours(&call, &user.name).await? {
            None => self.create(user).await,
            Some(there) => self.add_key(&user.name, &there).await,
        }
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        self.remove_key(name, id.as_str()).await
    }

    async fn set_limits(&self, name: &UserName, changes: &LimitChanges) -> Result<()> {
        self.change_limits(name, changes).await
    }
}

const NO_ANSWER: &str = "this is no answer of a Virtuozzo or Acronis store: is the endpoint right?";
const NO_LOCK: &str = "this version of the store cannot disable users: leave spec.locked out";
const FOREIGN: &str = "its address carries no mark of this owner: it is somebody else's user and left alone";

/// The user that an answer is about. A server that answers for somebody else would make us hand out foreign keys.
fn parse_user(call: &Call, reply: &Reply, name: &UserName) -> Result<wire::User> {
    let user: wire::User = call.parse(reply, NO_ANSWER)?;
    // It may keep addresses as it likes: whether it tells capitals apart is not documented.
    if !user.email.eq_ignore_ascii_case(name.as_str()) {
        return Err(call.misunderstood("the store answered for another user"));
    }
    Ok(user)
}

/// A change that the documents answer with an empty body. A page of something in front is none.
fn demand_empty(call: &Call, reply: &Reply, advice: &str) -> Result<()> {
    if !is_success(reply) {
        return Err(error::refused_in_this_state(call, reply, advice));
    }
    if reply.body.trim_ascii().is_empty() {
        Ok(())
    } else {
        Err(call.misunderstood(NO_ANSWER))
    }
}

fn not_applied(error: Error) -> Error {
    Error {
        outcome: Outcome::NotApplied,
        ..error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_without_words_is_one_and_a_page_is_none() {
        let call = request::set_locked(&UserName::new("a@b"), true);
        for body in ["", "\n"] {
            demand_empty(&call, &Reply::made_up(200, body), "why").unwrap();
        }
        let error = demand_empty(&call, &Reply::made_up(200, "<html>"), "why").unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Protocol, Outcome::Unknown)
        );
    }

    #[test]
    fn an_answer_about_somebody_else_is_not_taken() {
        let name = UserName::new("a@b");
        let call = request::find_user(&name);
        let answer = |email: &str| {
            let body = format!(r#"{{"UserEmail":"{email}","AWSAccessKeys":[]}}"#);
            parse_user(&call, &Reply::made_up(200, &body), &name)
        };
        assert!(answer("a@b").is_ok() && answer("A@B").is_ok());
        assert_eq!(answer("b@b").err().unwrap().kind, ErrorKind::Protocol);
    }
}
