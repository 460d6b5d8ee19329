#![doc = include_str!("docs.md")]

mod access;
mod client;
mod cluster;
pub mod config;
mod error;
mod groups;
mod keys;
mod request;
#[cfg(test)]
mod tests;
mod wire;

pub use config::OntapConfig;

use super::call::Call;
use super::error::{Error, ErrorKind, Outcome, Result};
use super::http::Reply;
use super::{BackendInfo, BackendKind, Driver, IssueRequest, KeyPair, NewUser, ObservedUser};
use crate::domain::capabilities::Capabilities;
use crate::domain::ids::{CredentialId, UserName};
use access::Group;
use async_trait::async_trait;
use client::Client;
use cluster::Known;
use keys::{IS_ROOT, TAKEN, check_name, check_ours};
use tokio::sync::{Mutex, MutexGuard};

/// The S3 users of one storage VM, by the REST API of its cluster.
#[derive(Debug)]
pub struct OntapDriver {
    client: Client,
    /// Two keys for one user at the same moment would both find the same slot free: one at a time, for users that share
    /// a place here.
    turns: [Mutex<()>; 16],
}

impl OntapDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle or the account cannot be used.
    pub fn new(config: OntapConfig) -> Result<Self> {
        let client = Client::new(config)?;
        let turns = Default::default();
        Ok(Self { client, turns })
    }

    async fn turn(&self, name: &UserName) -> Option<MutexGuard<'_, ()>> {
        let sum = name.as_str().bytes().map(usize::from).sum::<usize>();
        match self.turns.get(sum % self.turns.len()) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}

impl OntapDriver {
    /// Why a user was not deleted; `None` if it was. The pages document no code for it: whatever the cluster says against it,
    /// a read tells whether the user stayed, and then something still needs it.
    async fn not_deleted(
        &self,
        known: &Known,
        name: &UserName,
        reply: &Reply,
        stuck: Option<&str>,
    ) -> Option<Error> {
        let call = request::delete_user(&known.svm, name);
        if error::is_missing(reply) {
            return None;
        }
        let error = client::carried_out(&call, reply).err()?;
        let code = error::code(reply);
        if code.is_none()
            || matches!(
                error.kind,
                ErrorKind::Auth | ErrorKind::RateLimited | ErrorKind::NotFound
            )
        {
            return Some(error);
        }
        match self.client.find(known, name).await {
            Ok(None) => return None,
            Ok(Some(_)) => {}
            Err(_) => return Some(error),
        }
        let text = match stuck {
            Some(group) => format!(
                "it cannot leave group {group}: take it out there, or delete the group if it is the only one in it"
            ),
            None => {
                "the cluster keeps it: hand over its buckets, and take it out of bucket policies".to_owned()
            }
        };
        let judgement = (ErrorKind::Conflict, Outcome::NotApplied);
        Some(call.refused(reply, judgement, &text, code.as_deref()))
    }
}

/// A call that stands for one that is not made yet, for errors about the user.
fn about(operation: &'static str, name: &UserName) -> Call {
    let call = request::delete_user("", name);
    Call { operation, ..call }
}

#[async_trait]
impl Driver for OntapDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Ontap
    }

    fn capabilities(&self) -> Capabilities {
        cluster::capabilities(self.client.remembered().as_ref())
    }

    fn needs_probe(&self) -> bool {
        self.client.remembered().is_none()
    }

    async fn probe(&self) -> Result<BackendInfo> {
        let known = self.client.learn().await?;
        Ok(BackendInfo {
            product: "NetApp ONTAP".to_owned(),
            version: known.version.map(|version| version.to_string()),
        })
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        check_name(&about("GetUser", name), name)?;
        let known = self.client.known().await?;
        let Some(user) = self.client.find(&known, name).await? else {
            return Ok(None);
        };
        let groups = self.client.groups_of(&known.svm, name).await?;
        Ok(Some(user.observe(groups.iter().any(Group::locks))))
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        let call = about("CreateUser", &user.name);
        check_name(&call, &user.name)?;
        let text = "a user comes with its first key here: one is issued instead";
        Err(call.refuse(ErrorKind::Unsupported, text))
    }

    async fn set_label(&self, name: &UserName, label: &str) -> Result<()> {
        let call = about("SetLabel", name);
        check_name(&call, name)?;
        call.check_label(&cluster::capabilities(None), label)?;
        let known = self.client.known().await?;
        let Some(user) = self.client.find(&known, name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, GONE));
        };
        check_ours(&call, name)?;
        let Some(owner) = user.owner() else {
            return Err(call.refuse(
                ErrorKind::Conflict,
                "its comment carries no mark of this operator, so it stays",
            ));
        };
        let comment = wire::comment_of(label, &owner);
        self.client
            .change(&request::set_comment(&known.svm, name, &comment))
            .await
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        let call = about("SetLocked", name);
        check_name(&call, name)?;
        let known = self.client.known().await?;
        let Some(user) = self.client.find(&known, name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, GONE));
        };
        check_ours(&call, name)?;
        match locked {
            // Nothing works without a key, and a group does not take such a user: its next key is locked as it is made.
            true if user.pairs().is_empty() => Ok(()),
            true => self.client.lock(&known.svm, name).await,
            false => self.client.unlock(&known.svm, name).await,
        }
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        check_name(&about("DeleteUser", name), name)?;
        let known = self.client.known().await?;
        let Some(user) = self.client.find(&known, name).await? else {
            return Ok(());
        };
        let call = request::delete_user(&known.svm, name);
        if user.is_root() {
            return Err(call.refuse(ErrorKind::Conflict, IS_ROOT));
        }
        let left = self.client.leave_all(&known.svm, name).await?;
        let error = match self.client.send(&call).await {
            Ok(reply) => match self
                .not_deleted(&known, name, &reply, left.stuck.as_deref())
                .await
            {
                Some(error) => error,
                None => return Ok(()),
            },
            Err(error) => error,
        };
        // A user that may be gone is not put back among those that are granted something; a lock does no harm.
        let unknown = error.outcome == Outcome::Unknown;
        let back = left.groups.into_iter().filter(|group| group.locks() || !unknown);
        self.client.rejoin(&known.svm, back.collect(), name).await;
        Err(error)
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        let name = &user.name;
        let call = about("IssueKey", name);
        check_name(&call, name)?;
        call.check_label(&cluster::capabilities(None), &user.label)?;
        let known = self.client.known().await?;
        let chosen = keys::chosen(&self.client, &known, &call, request)?;
        check_ours(&call, name)?;
        let _turn = self.turn(name).await;
        let Some(found) = self.client.find(&known, name).await? else {
            return self.client.create(&known, user, chosen.as_ref()).await;
        };
        if found.owner().as_ref() != Some(&user.owner) {
            return Err(call.refuse(ErrorKind::Conflict, TAKEN));
        }
        self.client
            .regenerate(&known, user, &found, chosen.as_ref())
            .await
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        check_name(&about("RevokeKey", name), name)?;
        let known = self.client.known().await?;
        let _turn = self.turn(name).await;
        self.client.revoke(&known, name, id).await
    }
}

const GONE: &str = "there is no such user on the storage VM";
