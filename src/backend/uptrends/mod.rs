#![doc = include_str!("docs.md")]

mod api;
pub mod config;
mod description;
mod error;
mod prover;
mod request;
mod wire;

pub use config::{OperatorLogin, UptrendsConfig};
pub use prover::UptrendsProver;

use super::call::{Call, is_success};
use super::error::{ErrorKind, Outcome, Result};
use super::{BackendInfo, BackendKind, Driver, IssueRequest, KeyPair, NewUser, ObservedUser};
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};
use api::{Api, Listed, Member, NO_ANSWER, is_id, is_plausible, is_user_name};
use async_trait::async_trait;
use std::time::Duration;

/// What the API of Uptrends can do.
///
/// Keys: no cap of accounts is documented. Names and labels: ours alone, as both stand in the description; together with
/// the mark they stay below 255 characters, since no document says how long one may be.
pub const CAPABILITIES: Capabilities = Capabilities {
    overlap: Overlap::Slots { max: None },
    secret_readable: false,
    id_choosable: false,
    user_comes_with_key: true,
    mark_in_name: false,
    data_is_owned: false,
    lock: false,
    label: true,
    last_use: true,
    buckets: BucketRights::NONE,
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

/// The API accounts of an operator of Uptrends.
#[derive(Debug)]
pub struct UptrendsDriver(Api);

impl UptrendsDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle, the user name or the operator cannot be used.
    pub fn new(config: UptrendsConfig) -> Result<Self> {
        Api::new(config).map(Self)
    }

    /// The account of an answer.
    fn parse(call: &Call, body: &super::http::Reply) -> Result<wire::Account> {
        let account: wire::Account = call.parse(body, NO_ANSWER)?;
        if account.is_failure() {
            let text = "the API answered with success, and with a status other than OK within";
            return Err(call.own(ErrorKind::Transient, Outcome::Unknown, text));
        }
        Ok(account)
    }

    /// The description that an account has now.
    async fn description_of(&self, guid: &str, name: &UserName) -> Result<String> {
        let call = request::get(guid, name);
        let reply = self.0.succeed(&call).await?;
        let told = Self::parse(&call, &reply)?.description;
        told.ok_or_else(|| call.misunderstood("the API tells no description"))
    }

    /// Describes one account anew. One that was stored otherwise, such as cut short, is put back: without its mark the
    /// account would be lost from sight.
    async fn describe(&self, name: &UserName, member: &Member, text: &str) -> Result<()> {
        let put = |text: &str| request::describe(&member.guid, &member.operator, text, name);
        let call = put(text);
        let reply = self.0.send(&call).await?;
        if error::is_absent(&reply) {
            let text = "an account of it went away meanwhile: read again";
            return Err(call.refuse(ErrorKind::Transient, text));
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        // 204 and 200 are both in the API's style.
        let told = if reply.body.is_empty() {
            None
        } else {
            Self::parse(&call, &reply)?.description
        };
        let stored = match told {
            Some(told) => told,
            None => self
                .description_of(&member.guid, name)
                .await
                .map_err(|error| unknown(&call, &error))?,
        };
        if stored == text {
            return Ok(());
        }
        let restored = self.0.succeed(&put(&member.description)).await;
        Err(spoilt(&call, restored.is_ok()))
    }

    /// Deletes one account. It may have gone meanwhile.
    async fn delete(&self, call: &Call) -> Result<()> {
        let reply = self.0.send(call).await?;
        if error::is_absent(&reply) {
            return Ok(());
        }
        if !is_success(&reply) {
            return Err(error::refused(call, &reply));
        }
        if is_plausible(&reply) {
            Ok(())
        } else {
            Err(call.misunderstood(NO_ANSWER))
        }
    }

    /// Makes an account, whichever way.
    async fn make(&self, operator: &str, text: &str, name: &UserName) -> Result<(Call, wire::Account)> {
        let Some(login) = &self.0.config.register_as else {
            let call = request::create(operator, text, name);
            let reply = self.0.succeed(&call).await?;
            let made = Self::parse(&call, &reply)?;
            return Ok((call, made));
        };
        let call = request::register(operator, text, name);
        let reply = self.0.send_as(&call, &login.user_name, &login.password).await?;
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let mut made = Self::parse(&call, &reply)?;
        self.look_up(&call, name, &mut made).await?;
        Ok((call, made))
    }

    /// What the older way does not tell of a new account.
    async fn look_up(&self, call: &Call, name: &UserName, made: &mut wire::Account) -> Result<()> {
        let list = request::list_for(self.0.config.operator_guid.as_deref(), name);
        let listed = self.0.list(&list).await.map_err(|error| unknown(call, &error))?;
        let same = |account: &wire::Account| made.user_name.is_some() && account.user_name == made.user_name;
        let Some(found) = listed.all.into_iter().find(same) else {
            let text = "the account that was made is not listed: it is looked for again, and removed";
            return Err(call.own(ErrorKind::Transient, Outcome::Unknown, text));
        };
        (made.guid, made.description) = (found.guid, found.description);
        Ok(())
    }

    /// Whether a new account carries its description. One that does not is nobody's, so it is removed at once: later it
    /// could not be found again.
    async fn check_made(&self, call: &Call, name: &UserName, made: &wire::Account, text: &str) -> Result<()> {
        let guid = made.guid.as_deref().filter(|guid| is_id(guid));
        let stored = match (&made.description, guid) {
            (Some(told), _) => Some(told.clone()),
            (None, Some(guid)) => Some(
                self.description_of(guid, name)
                    .await
                    .map_err(|error| unknown(call, &error))?,
            ),
            (None, None) => None,
        };
        if stored.as_deref() == Some(text) {
            return Ok(());
        }
        let Some(guid) = guid else {
            return Err(call.misunderstood("the API made an account and does not tell its GUID"));
        };
        let removed = self.delete(&request::delete("RevokeKey", guid, name)).await;
        Err(spoilt(call, removed.is_ok()))
    }
}

/// A change was made, and what came of it could not be read.
fn unknown(call: &Call, error: &super::Error) -> super::Error {
    super::Error {
        retry_after: error.retry_after,
        ..call.own(
            error.kind,
            Outcome::Unknown,
            "what the API made of it cannot be read",
        )
    }
}

/// The API stored another description than was sent.
fn spoilt(call: &Call, undone: bool) -> super::Error {
    let (outcome, text) = if undone {
        let text = "the API stored another description than was sent, so it was undone: use a shorter, plainer label";
        (Outcome::NotApplied, text)
    } else {
        let text = "the API stored another description than was sent, and it could not be undone: look for API \
                    accounts with a damaged description in Uptrends, and use a shorter, plainer label";
        (Outcome::Unknown, text)
    };
    call.own(ErrorKind::Invalid, outcome, text)
}

#[async_trait]
impl Driver for UptrendsDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Uptrends
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn probe(&self) -> Result<BackendInfo> {
        let operator = self.0.config.operator_guid.as_deref();
        let call = request::list(operator, &format!("API account {}", self.0.config.user_name));
        if self.0.list(&call).await?.operator.is_none() {
            return Err(call.refuse(ErrorKind::Invalid, NO_OPERATOR));
        }
        Ok(BackendInfo {
            product: "Uptrends".to_owned(),
            version: None,
        })
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        check_name(&request::none("GetUser", name), name)?;
        Ok(self.0.accounts_of(name).await?.observe())
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        let call = request::none("CreateUser", &user.name);
        Err(call.refuse(ErrorKind::Unsupported, "a user is made by its first key"))
    }

    async fn set_label(&self, name: &UserName, label: &str) -> Result<()> {
        let call = request::none("SetLabel", name);
        check_name(&call, name)?;
        check_label(&call, label)?;
        let listed = self.0.accounts_of(name).await?;
        if listed.members.is_empty() {
            return Err(call.refuse(ErrorKind::NotFound, "there is no account of this user"));
        }
        let Some(owner) = owner_to_touch(&call, &listed)? else {
            return Err(call.refuse(ErrorKind::Conflict, DAMAGED));
        };
        let text = description::write(label, name, owner);
        for member in listed.members.iter().filter(|m| m.description != text) {
            self.describe(name, member, &text).await?;
        }
        Ok(())
    }

    async fn set_locked(&self, name: &UserName, _locked: bool) -> Result<()> {
        let call = request::none("SetLocked", name);
        Err(call.refuse(ErrorKind::Unsupported, NO_LOCK))
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        let call = request::none("DeleteUser", name);
        check_name(&call, name)?;
        let listed = self.0.accounts_of(name).await?;
        if listed.members.is_empty() {
            return Ok(());
        }
        if owner_to_touch(&call, &listed)?.is_none() {
            return Err(call.refuse(ErrorKind::Conflict, DAMAGED));
        }
        for member in &listed.members {
            self.delete(&request::delete("DeleteUser", &member.guid, name))
                .await?;
        }
        Ok(())
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        let name = &user.name;
        let call = request::none("IssueKey", name);
        let refuse = |kind, text: &str| Err(call.refuse(kind, text));
        check_name(&call, name)?;
        check_label(&call, &user.label)?;
        if user.locked {
            return refuse(ErrorKind::Unsupported, NO_LOCK);
        }
        if request.access_key_id.is_some() {
            return refuse(ErrorKind::Invalid, "the API chooses user names by itself");
        }
        let listed = self.0.accounts_of(name).await?;
        let known = owner_to_touch(&call, &listed)?;
        if !listed.members.is_empty() && known != Some(&user.owner) {
            let text = "accounts of a user of this name are there and belong to somebody else: choose another userName";
            return refuse(ErrorKind::Conflict, text);
        }
        let Some(operator) = &listed.operator else {
            return refuse(ErrorKind::Invalid, NO_OPERATOR);
        };
        let text = description::write(&user.label, name, &user.owner);
        let (call, mut made) = self.make(operator, &text, name).await?;
        let (Some(user_name), Some(secret)) = (made.user_name.take(), made.password.take()) else {
            return Err(
                call.misunderstood("the API's answer lacks the user name or the password of the new account")
            );
        };
        if !is_user_name(&user_name) {
            return Err(call.misunderstood("the API gave the new account a user name that cannot be used"));
        }
        self.check_made(&call, name, &made, &text).await?;
        let access_key_id = AccessKeyId::new(user_name);
        Ok(KeyPair {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret,
        })
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        let call = request::none("RevokeKey", name);
        check_name(&call, name)?;
        let listed = self.0.accounts_of(name).await?;
        let Some(member) = listed.members.iter().find(|m| m.credential.id == *id) else {
            return Ok(());
        };
        if member.own {
            return Err(call.refuse(ErrorKind::Conflict, OWN));
        }
        if member.owner.is_none() {
            return Err(call.refuse(ErrorKind::Conflict, DAMAGED));
        }
        self.delete(&request::delete("RevokeKey", &member.guid, name))
            .await
    }
}

const NO_OPERATOR: &str = "the API does not tell whose API account calls are made with: create the ObjectStore anew, with operatorGuid";
const NO_LOCK: &str = "API accounts cannot be locked, only deleted";
const OWN: &str = "the API account that calls are made with carries this user's mark, and is never touched: correct its \
                   description in Uptrends";
const DAMAGED: &str = "an account of this user has a damaged mark in its description, and is not touched: correct it in Uptrends";

/// Whose the user is, before anything of it is changed. Never one that has the account that calls are made with.
fn owner_to_touch<'a>(call: &Call, listed: &'a Listed) -> Result<Option<&'a crate::domain::ids::OwnerMark>> {
    if listed.is_privileged() {
        return Err(call.refuse(ErrorKind::Conflict, OWN));
    }
    Ok(listed.owner())
}

fn check_name(call: &Call, name: &UserName) -> Result<()> {
    if CAPABILITIES.user_name.accept(name.as_str()) {
        return Ok(());
    }
    let text = "a user name has 1 to 64 letters, digits, - _ or .";
    Err(call.refuse(ErrorKind::Invalid, text))
}

fn check_label(call: &Call, label: &str) -> Result<()> {
    if CAPABILITIES.takes_label(label) && description::takes_label(label) {
        return Ok(());
    }
    let text =
        "a label has 1 to 128 characters, none of them a control character, and not the words `[gracekey:`";
    Err(call.refuse(ErrorKind::Invalid, text))
}
