//! Calls with their token, and the reads that the driver's steps share.

use super::session::{Session, Token};
use super::{CAPABILITIES, KeystoneConfig, error, request, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{Error, ErrorKind, Outcome, Result};
use crate::backend::http::{HttpClient, HttpOptions, Reply};
use crate::backend::{NewUser, ObservedCredential};
use crate::domain::ids::{CredentialId, UserName};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Users and EC2 credentials of one project, by Keystone's Identity API v3.
#[derive(Debug)]
pub struct KeystoneDriver {
    pub(super) config: KeystoneConfig,
    pub(super) session: Session,
}

impl KeystoneDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle cannot be used.
    pub fn new(config: KeystoneConfig) -> Result<Self> {
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let http =
            HttpClient::new(&options).map_err(|text| request::version().refuse(ErrorKind::Invalid, &text))?;
        Ok(Self {
            session: Session::new(config.clone(), http),
            config,
        })
    }

    /// Sends a call; any answer is a value. Once more with a new token, where the first was refused: then nothing was
    /// carried out.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply> {
        let token = self.session.token().await?;
        let reply = self.session.send_with(call, &token).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        let token = self.session.other_than(&token).await?;
        self.session.send_with(call, &token).await
    }

    /// Sends a call and demands a success.
    pub(super) async fn succeed(&self, call: &Call) -> Result<Reply> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            Ok(reply)
        } else {
            Err(error::refused(call, &reply))
        }
    }

    /// A call and what its answer says.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let reply = self.succeed(call).await?;
        wire::parse(call, &reply)
    }

    /// A call about a user who was just found, and what its answer says; `None`: the user went away meanwhile.
    async fn ask_about<T: DeserializeOwned>(&self, call: &Call, name: &UserName) -> Result<Option<T>> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            return wire::parse(call, &reply).map(Some);
        }
        self.unless_gone(call, &reply, name).await.map(|()| None)
    }

    /// A call that has nothing to tell, and is done as well when the user is gone.
    pub(super) async fn do_or_gone(&self, call: &Call, name: &UserName) -> Result<()> {
        let reply = self.send(call).await?;
        match reply.status {
            204 => Ok(()),
            // Other successes are no answer of Keystone to this.
            200..=299 => Err(call.misunderstood(wire::NO_ANSWER)),
            _ => self.unless_gone(call, &reply, name).await,
        }
    }

    /// The error of this refusal, unless it says that the user is gone and a look confirms it: a call that the server
    /// does not know is answered alike.
    async fn unless_gone(&self, call: &Call, reply: &Reply, name: &UserName) -> Result<()> {
        if error::is_absent(reply) && self.get(name).await?.is_none() {
            return Ok(());
        }
        Err(error::refused(call, reply))
    }

    /// The user without keys, or `None`.
    pub(super) async fn get(&self, name: &UserName) -> Result<Option<wire::User>> {
        check_name(&request::find_user("", name), name)?;
        let token = self.session.token().await?;
        let call = request::find_user(&token.places.domain, name);
        let found: wire::Users = self.ask(&call).await?;
        let mut users = found.users.into_iter();
        let user = users.find(|user| user.name == name.as_str() && user.domain_id == token.places.domain);
        match user {
            Some(user) if !wire::is_id(&user.id) => Err(call.misunderstood(wire::NO_ANSWER)),
            user => Ok(user),
        }
    }

    /// The user without keys, who must be there, be one of this operator's, and not the admin's own.
    pub(super) async fn get_ours(&self, call: &Call, name: &UserName) -> Result<wire::User> {
        let Some(user) = self.get(name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        };
        if user.owner().is_none() {
            return Err(call.refuse(ErrorKind::Conflict, NOT_OURS));
        }
        if user.id == self.session.token().await?.own {
            return Err(call.refuse(ErrorKind::Conflict, ADMINS_OWN));
        }
        Ok(user)
    }

    /// The pairs that a user has on the project; `None`: it went away.
    pub(super) async fn keys(
        &self,
        token: &Token,
        user: &wire::User,
        name: &UserName,
    ) -> Result<Option<Vec<ObservedCredential>>> {
        let keys: Option<wire::Keys> = self.ask_about(&request::find_keys(&user.id, name), name).await?;
        Ok(keys.map(|keys| keys.of(&token.places.project).collect()))
    }

    /// Whether the user has this pair now.
    pub(super) async fn has_key(
        &self,
        user: &wire::User,
        name: &UserName,
        id: &CredentialId,
    ) -> Result<bool> {
        let token = self.session.token().await?;
        let keys = self.keys(&token, user, name).await?;
        Ok(keys.into_iter().flatten().any(|key| key.id == *id))
    }

    /// What a user may do; `None`: it went away.
    pub(super) async fn rights(&self, user: &wire::User, name: &UserName) -> Result<Option<Rights>> {
        let token = self.session.token().await?;
        let (rights, system) = (
            request::find_rights(&user.id, name),
            request::find_system_roles(&user.id, name),
        );
        let rights = self.ask_about::<wire::Rights>(&rights, name);
        let system = self.ask_about::<wire::Things>(&system, name);
        let (Some(rights), Some(system)) = futures::future::try_join(rights, system).await? else {
            return Ok(None);
        };
        Ok(Some(Rights {
            privileged: user.id == token.own || rights.are_an_admins() || !system.is_empty(),
            has_role: rights.hold(&token.places.role, &token.places.project),
            token,
        }))
    }

    /// Gives the role on the project.
    pub(super) async fn give_role(&self, token: &Token, id: &str, name: &UserName) -> Result<()> {
        let places = &token.places;
        let call = request::give_role(&places.project, id, &places.role, name);
        let reply = self.succeed(&call).await?;
        if reply.status == 204 {
            Ok(())
        } else {
            Err(call.misunderstood(wire::NO_ANSWER))
        }
    }

    /// What a taken name means: fine if the user carries this mark. Then it may still lack its role.
    pub(super) async fn is_ours(&self, call: &Call, order: &NewUser) -> Result<()> {
        let refuse = |text: &str| Err(call.refuse(ErrorKind::Conflict, text));
        let Some(user) = self.get(&order.name).await? else {
            return refuse(
                "a user is there whose name differs in capital letters only: choose another userName",
            );
        };
        let Some(rights) = self.rights(&user, &order.name).await? else {
            let text = "it was there and is gone: somebody else is at work";
            return Err(call.refuse(ErrorKind::Transient, text));
        };
        if rights.privileged {
            return refuse("a user of this name is there and holds admin rights: choose another userName");
        }
        if user.owner().as_ref() != Some(&order.owner) {
            return refuse(
                "a user of this name is there and belongs to somebody else: choose another userName",
            );
        }
        if rights.has_role {
            return Ok(());
        }
        self.give_role(&rights.token, &user.id, &order.name).await
    }
}

/// What a user may do.
pub(super) struct Rights {
    /// The token with which this was found out.
    pub(super) token: Arc<Token>,
    /// It may act for others, or is the admin's own user.
    pub(super) privileged: bool,
    /// It has the role on the project, without which its keys do not work.
    pub(super) has_role: bool,
}

pub(super) const NO_USER: &str = "there is no such user in the domain of the ObjectStore";
pub(super) const NOT_OURS: &str = "the user has no mark of this operator any more: it is left alone";
pub(super) const ADMINS_OWN: &str = "this is the operator's own admin user: choose another userName";

pub(super) fn check_name(call: &Call, name: &UserName) -> Result<()> {
    if CAPABILITIES.user_name.accept(name.as_str()) {
        return Ok(());
    }
    let text = "a user name has 1 to 255 letters, digits, - _ or .";
    Err(call.refuse(ErrorKind::Invalid, text))
}

/// The same error about a later part of a change, of which the first was carried out.
pub(super) fn half_done(error: Error) -> Error {
    Error {
        outcome: Outcome::Unknown,
        ..error
    }
}
