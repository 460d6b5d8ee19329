#![doc = include_str!("docs.md")]

mod calls;
pub mod config;
mod error;
mod keys;
mod request;
mod session;
mod wire;

pub use calls::EcsDriver;
pub use config::EcsConfig;

use super::call::{Call, is_success};
use super::error::{Error, ErrorKind, Outcome, Result};
use super::{
    BackendInfo, BackendKind, Driver, IssueRequest, KeyPair, NewUser, ObservedCredential, ObservedUser,
};
use crate::domain::access::Limits;
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::facts::LastUse;
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};
use async_trait::async_trait;
use calls::check_name;
use std::time::Duration;

/// What ECS and `ObjectScale` can do, where secrets are not hidden.
///
/// Settling: nodes keep secrets for up to two minutes (ECS 3.8 API reference), and cegedim.cloud speaks of a few minutes
/// across sites. Margin: the old secret's end counts from the call that makes the new one, which is not published before
/// it is proven, and a site may be away for a weekend. Three days cost nothing: the operator itself removes the old
/// secret in time, and the end by the system is for the case that it never comes back.
/// Names: the server makes them lower case, and takes more characters than stand here.
pub const CAPABILITIES: Capabilities = Capabilities {
    overlap: Overlap::TwoSecrets {
        backstop_margin: Duration::from_hours(72),
    },
    secret_readable: true,
    id_choosable: false,
    user_comes_with_key: false,
    mark_in_name: false,
    data_is_owned: true,
    lock: true,
    label: true,
    last_use: false,
    buckets: BucketRights::NONE,
    quota: Limitable::NONE,
    settle: Duration::from_mins(5),
    list_lag: Duration::ZERO,
    label_max_chars: 128,
    user_name: UserNameRules {
        max_len: 64,
        punctuation: "-_.",
        capitals: false,
    },
};

/// Secrets that a user may have at a time.
const SECRETS: usize = 2;

#[async_trait]
impl Driver for EcsDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Ecs
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            secret_readable: !self.config.secrets_hidden,
            ..CAPABILITIES
        }
    }

    async fn probe(&self) -> Result<BackendInfo> {
        let call = request::who_am_i(&self.config.username);
        let me: wire::WhoAmI = self.ask(&call).await?;
        if me.may_manage_users() == Some(false) {
            let advice = "it may not manage users: give it the role SYSTEM_ADMIN, or NAMESPACE_ADMIN of this namespace";
            return Err(call.refuse(ErrorKind::Auth, advice));
        }
        let call = request::find_namespace(&self.config.namespace);
        let _users: wire::Users = self.ask(&call).await?;
        // No call that a namespace administrator may make tells a version.
        Ok(BackendInfo {
            product: "Dell ECS".to_owned(),
            version: None,
        })
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        let Some(user) = self.get(name).await? else {
            return Ok(None);
        };
        let call = request::find_keys(&self.config.namespace, name);
        let Some(keys) = self.keys(name).await? else {
            return Ok(None);
        };
        let hidden = self.config.secrets_hidden;
        if !hidden && keys.iter().any(|key| key.secret.is_none()) {
            let advice = "the system shows a key without its secret, so it hides secrets: \
                          set spec.backend.ecs.secretsHidden of the ObjectStore to true";
            return Err(call.refuse(ErrorKind::Auth, advice));
        }
        let observe = |key: keys::Key| ObservedCredential {
            id: key.id,
            access_key_id: AccessKeyId::new(name.as_str()),
            secret: key.secret.filter(|_| !hidden),
            last_use: LastUse::Unknown,
        };
        Ok(Some(ObservedUser {
            limits: Ok(Limits::new()),
            owner: wire::owner(&user.tags),
            label: wire::label(&user.tags).unwrap_or_default().to_owned(),
            locked: user.locked,
            half_locked: false,
            privileged: self.is_admin(name),
            credentials: keys.into_iter().map(observe).collect(),
        }))
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        let call = request::create_user(&self.config.namespace, user);
        check_name(&call, &user.name)?;
        call.check_label(&CAPABILITIES, &user.label)?;
        if self.is_admin(&user.name) {
            return Err(call.refuse(ErrorKind::Conflict, ADMINS_OWN));
        }
        let reply = self.send(&call).await?;
        if !is_success(&reply) {
            let error = error::refused(&call, &reply);
            // Which code says that the name is taken is not documented: whatever was refused, look.
            return if is_about_state(&error) {
                self.is_ours(user, error).await
            } else {
                Err(error)
            };
        }
        let _link: wire::Made = parse(&call, &reply)?;
        if user.locked {
            // There is no key yet, so nobody could do anything between the two calls.
            let locked = self.set_locked(&user.name, true).await;
            locked.map_err(|error| Error {
                outcome: Outcome::Unknown,
                ..error
            })?;
        }
        Ok(())
    }

    async fn set_label(&self, name: &UserName, label: &str) -> Result<()> {
        let call = request::set_label(&self.config.namespace, name, label, true);
        check_name(&call, name)?;
        call.check_label(&CAPABILITIES, label)?;
        let Some(user) = self.get(name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        };
        match wire::label(&user.tags) {
            Some(there) if there == label => Ok(()),
            there => {
                let is_there = there.is_some();
                let call = request::set_label(&self.config.namespace, name, label, is_there);
                self.change(&call, name).await
            }
        }
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        let call = request::set_locked(&self.config.namespace, name, locked);
        check_name(&call, name)?;
        self.change(&call, name).await
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        let call = request::delete_user(&self.config.namespace, name);
        if self.get(name).await?.is_none() {
            return Ok(());
        }
        if self.is_admin(name) {
            return Err(call.refuse(ErrorKind::Conflict, ADMINS_OWN));
        }
        // The system would leave the buckets behind with an owner that is not there.
        if self.owns_buckets(name).await? {
            let text = "the user still owns buckets: remove or hand over its data first";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        match self.change(&call, name).await {
            // Somebody else was first, if a look confirms it: no code says so for sure.
            Err(error) if is_about_state(&error) && self.get(name).await?.is_none() => Ok(()),
            done => done,
        }
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        let name = &user.name;
        let call = request::issue(&self.config.namespace, name, None);
        check_name(&call, name)?;
        // What a third secret does is not documented. One at a time for a user, none of our own calls makes one.
        let _turn = self.turn(name).await;
        let Some(keys) = self.keys(name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        };
        if keys.len() >= SECRETS {
            return Err(call.refuse(ErrorKind::Conflict, NO_SLOT));
        }
        let expiry = request.expire_previous.filter(|_| !keys.is_empty());
        let call = request::issue(&self.config.namespace, name, expiry);
        let reply = self.send(&call).await?;
        if !is_success(&reply) {
            return Err(self.why_no_key(&call, error::refused(&call, &reply), name).await);
        }
        let new: keys::NewKey = parse(&call, &reply)?;
        let Some(secret) = new.secret_key.clone() else {
            return Err(call.misunderstood("the answer to a new key has no secret"));
        };
        Ok(KeyPair {
            id: new.id(name, &secret, self.config.secrets_hidden),
            access_key_id: AccessKeyId::new(name.as_str()),
            secret,
        })
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        let Some(keys) = self.keys(name).await? else {
            return Ok(());
        };
        let Some(key) = keys.iter().find(|key| key.id == *id) else {
            return Ok(());
        };
        let doomed = match (&key.secret, &key.server_id) {
            (Some(secret), server_id) => request::Doomed::Shown(secret, server_id.as_deref()),
            (None, Some(server_id)) => request::Doomed::Hidden(server_id),
            // Not read like this; and nothing is sent that names no key, for it would end all.
            (None, None) => return Ok(()),
        };
        let call = request::revoke(&self.config.namespace, name, &doomed);
        if self.is_admin(name) {
            return Err(call.refuse(ErrorKind::Conflict, ADMINS_OWN));
        }
        let Err(error) = self.change(&call, name).await else {
            return Ok(());
        };
        if !is_about_state(&error) {
            return Err(error);
        }
        // Which code says that the secret is not there is not documented either.
        let left = self.keys(name).await?.unwrap_or_default();
        if left.iter().all(|key| key.id != *id) {
            return Ok(());
        }
        if matches!(doomed, request::Doomed::Hidden(_)) {
            let text =
                "the system does not remove a hidden secret by its id: remove it there, in the user's keys";
            return Err(call.refuse(ErrorKind::Unsupported, text));
        }
        Err(error)
    }

    async fn close(&self) {
        self.session.end().await;
    }
}

const NO_ANSWER: &str = "this is no answer of an ECS management API: is the endpoint right?";
const NO_USER: &str = "there is no such user in the namespace of the ObjectStore";
const NO_SLOT: &str = "it has two secrets already, as many as the system takes: one must go first";
const ADMINS_OWN: &str = "this is the name of the operator's own admin user: choose another userName";

fn parse<T: wire::Answer>(call: &Call, reply: &super::http::Reply) -> Result<T> {
    wire::parse(call, reply, NO_ANSWER)
}

/// Whether the system refused because of how things are there, or because of a value: which of both, codes do not tell
/// for sure.
fn is_about_state(error: &Error) -> bool {
    let kind = matches!(
        error.kind,
        ErrorKind::Conflict | ErrorKind::Invalid | ErrorKind::NotFound
    );
    kind && error.outcome == Outcome::NotApplied
}
