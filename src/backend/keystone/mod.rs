#![doc = include_str!("docs.md")]

mod calls;
pub mod config;
mod error;
mod request;
mod session;
mod wire;

pub use calls::KeystoneDriver;
pub use config::KeystoneConfig;

use super::call::{Call, is_success};
use super::error::{ErrorKind, Result};
use super::{BackendInfo, BackendKind, Driver, IssueRequest, KeyPair, NewUser, ObservedUser};
use crate::domain::access::Limits;
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};
use async_trait::async_trait;
use calls::{ADMINS_OWN, NO_USER, NOT_OURS, check_name, half_done};
use std::time::Duration;

/// What Keystone can do, with a RADOS Gateway behind it.
///
/// Settling: Keystone itself forgets at once. A gateway keeps a pair that it has seen to work for 300 s
/// (`SecretCache` in `rgw_auth_keystone.h`; in newer releases `rgw_keystone_token_cache_ttl`), unless
/// `rgw_keystone_token_cache_size` is 0; Swift's `s3token` keeps none by default (`secret_cache_duration`).
/// Names: Keystone takes nearly any 255 characters (`identity/schema.py`).
pub const CAPABILITIES: Capabilities = Capabilities {
    overlap: Overlap::Slots { max: None },
    secret_readable: true,
    id_choosable: true,
    user_comes_with_key: false,
    mark_in_name: false,
    data_is_owned: false,
    lock: true,
    label: true,
    last_use: false,
    buckets: BucketRights::NONE,
    quota: Limitable::NONE,
    settle: Duration::from_mins(6),
    list_lag: Duration::ZERO,
    label_max_chars: 128,
    user_name: UserNameRules {
        max_len: 255,
        punctuation: "-_.",
        capitals: true,
    },
};

/// Longest access key id that is sent.
const ACCESS_KEY_ID_MAX: usize = 128;

#[async_trait]
impl Driver for KeystoneDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Keystone
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn probe(&self) -> Result<BackendInfo> {
        // The login looks up domains, project and role, which takes an admin by Keystone's own rules.
        let token = self.session.token().await?;
        if !wire::is_id(&token.own) {
            return Err(request::login(&self.config).misunderstood(wire::NO_ANSWER));
        }
        // Nobody else may see what others may do.
        let name = UserName::new(&self.config.username);
        let _rights: wire::Rights = self.ask(&request::find_rights(&token.own, &name)).await?;
        let call = request::version();
        let version: wire::Version = self.ask(&call).await?;
        let version = version.id().ok_or_else(|| call.misunderstood(wire::NO_ANSWER))?;
        // The version of the API: Keystone does not tell its own.
        Ok(BackendInfo {
            product: "OpenStack Keystone".to_owned(),
            version: Some(version),
        })
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        let Some(user) = self.get(name).await? else {
            return Ok(None);
        };
        let Some(rights) = self.rights(&user, name).await? else {
            return Ok(None);
        };
        let Some(credentials) = self.keys(&rights.token, &user, name).await? else {
            return Ok(None);
        };
        Ok(Some(ObservedUser {
            limits: Ok(Limits::new()),
            owner: user.owner(),
            label: user.label().to_owned(),
            locked: !user.enabled,
            half_locked: false,
            privileged: rights.privileged,
            credentials,
        }))
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        let call = request::create_user("", user);
        check_name(&call, &user.name)?;
        call.check_label(&CAPABILITIES, &user.label)?;
        let token = self.session.token().await?;
        let call = request::create_user(&token.places.domain, user);
        let reply = self.send(&call).await?;
        if reply.status == 409 && wire::Refusal::of(&reply).is_some() {
            return self.is_ours(&call, user).await;
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let made: wire::OneUser = wire::parse(&call, &reply)?;
        let made = made.user;
        let is_it = made.name == user.name.as_str() && made.owner().as_ref() == Some(&user.owner);
        if !is_it || made.enabled == user.locked || !wire::is_id(&made.id) {
            return Err(call.misunderstood("Keystone made another user than was asked for"));
        }
        let given = self.give_role(&token, &made.id, &user.name).await;
        given.map_err(half_done)
    }

    async fn set_label(&self, name: &UserName, label: &str) -> Result<()> {
        let call = request::set_label("", name, label);
        check_name(&call, name)?;
        call.check_label(&CAPABILITIES, label)?;
        let user = self.get_ours(&call, name).await?;
        let call = request::set_label(&user.id, name, label);
        if self.ask::<wire::OneUser>(&call).await?.user.label() != label {
            return Err(call.misunderstood("Keystone answered with another label than was sent"));
        }
        Ok(())
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        let call = request::set_locked("", name, locked);
        let user = self.get_ours(&call, name).await?;
        let call = request::set_locked(&user.id, name, locked);
        if self.ask::<wire::OneUser>(&call).await?.user.enabled == locked {
            return Err(call.misunderstood("Keystone answered 200 and did not do it"));
        }
        Ok(())
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        let Some(user) = self.get(name).await? else {
            return Ok(());
        };
        let Some(rights) = self.rights(&user, name).await? else {
            return Ok(());
        };
        let call = request::delete_user(&user.id, name);
        if rights.privileged {
            let text = "it holds admin rights and is never deleted by this operator";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        if user.owner().is_none() {
            return Err(call.refuse(ErrorKind::Conflict, NOT_OURS));
        }
        self.do_or_gone(&call, name).await
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        let name = &user.name;
        let secret = self.config.entropy.secret();
        let id = request
            .access_key_id
            .clone()
            .unwrap_or_else(|| AccessKeyId::new(""));
        let call = request::issue("", "", name, &id, &secret);
        check_name(&call, name)?;
        check_key_id(&call, &id)?;
        // Keystone would make a pair for a user that is not there, too.
        let Some(found) = self.get(name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        };
        let Some(rights) = self.rights(&found, name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        };
        if rights.privileged {
            let text = "the user holds admin rights, and so would its key: take them away first";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        if found.owner().as_ref() != Some(&user.owner) {
            let text = "a user of this name is there and belongs to somebody else: choose another userName";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        let token = &rights.token;
        if !rights.has_role {
            // Its making was cut short, or somebody took the role away: no key would work.
            self.give_role(token, &found.id, name).await?;
        }
        let project = &token.places.project;
        let call = request::issue(project, &found.id, name, &id, &secret);
        let made: wire::NewKey = self.ask(&call).await?;
        if !made.is(project, &found.id, &id) {
            return Err(call.misunderstood("Keystone made another key than was asked for"));
        }
        Ok(KeyPair {
            id: CredentialId::from(&id),
            access_key_id: id,
            secret,
        })
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        let Some(user) = self.get(name).await? else {
            return Ok(());
        };
        if !self.has_key(&user, name, id).await? {
            return Ok(());
        }
        let call = request::revoke(&user.id, name, id.as_str());
        if user.id == self.session.token().await?.own {
            return Err(call.refuse(ErrorKind::Conflict, ADMINS_OWN));
        }
        let reply = self.send(&call).await?;
        match reply.status {
            204 => Ok(()),
            200..=299 => Err(call.misunderstood(wire::NO_ANSWER)),
            // Somebody else was first, if a look confirms it: what is not there and what the server does not know are
            // answered alike.
            404 if error::is_absent(&reply) && !self.has_key(&user, name, id).await? => Ok(()),
            _ => Err(error::refused(&call, &reply)),
        }
    }

    async fn close(&self) {
        self.session.end().await;
    }
}

/// Letters and digits: others break the signatures of those who use the key.
fn check_key_id(call: &Call, id: &AccessKeyId) -> Result<()> {
    let id = id.as_str();
    let is_usable =
        (1..=ACCESS_KEY_ID_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_usable {
        return Ok(());
    }
    let text = "an access key id must be given, of 1 to 128 letters and digits";
    Err(call.refuse(ErrorKind::Invalid, text))
}
