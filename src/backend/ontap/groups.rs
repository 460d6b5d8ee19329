//! The lock, and what else groups have to do with a user.
//!
//! Each locked user has a group of its own under a policy that denies everything. One group for all would have to be
//! changed by replacing its list of users, which two operators on one storage VM would do to each other, and no document
//! says for certain that a list replaces the one before it. A group cannot be empty, so it goes with its user.

use super::access::{Group, Policy};
use super::client::{Client, carried_out};
use super::{error, request};
use crate::backend::Result;
use crate::backend::call::Call;
use crate::backend::error::{ErrorKind, Outcome};
use crate::domain::ids::UserName;

const NO_RIGHT: &str = "locking takes an account that may make S3 groups and policies on the storage VM";

impl Client {
    /// The groups that this user is in. None where the account may not see them: then it can lock nobody either.
    pub(super) async fn groups_of(&self, svm: &str, name: &UserName) -> Result<Vec<Group>> {
        let groups = self.list::<Group>(request::list_groups(svm)).await?;
        let groups = groups.into_iter().flatten();
        Ok(groups.filter(|group| group.holds(name)).collect())
    }

    /// Locks a user that has a key. One that is locked stays so.
    pub(super) async fn lock(&self, svm: &str, name: &UserName) -> Result<()> {
        let create = request::create_lock_group(svm, name);
        let groups = self.lock_is_ready(svm, name).await?;
        if groups.iter().any(|group| group.locks() && group.holds(name)) {
            return Ok(());
        }
        let own = request::lock_group(name);
        let call = match groups.iter().find(|group| group.name == own) {
            Some(stale) => request::mend_lock_group(svm, id_of(&create, stale)?, name),
            None => create,
        };
        self.change_group(&call).await?;
        let groups = self.groups_of(svm, name).await?;
        if groups.iter().any(Group::locks) {
            return Ok(());
        }
        Err(call.misunderstood("the cluster said yes, and the user is not locked"))
    }

    /// Sees to the policy that denies everything, and gives all groups.
    pub(super) async fn lock_is_ready(&self, svm: &str, name: &UserName) -> Result<Vec<Group>> {
        let lock = request::create_lock_group(svm, name);
        let unsupported = || lock.refuse(ErrorKind::Unsupported, NO_RIGHT);
        let groups = self.list::<Group>(request::list_groups(svm)).await?;
        let groups = groups.ok_or_else(unsupported)?;
        if self.has_lock_policy(svm, &lock).await? {
            return Ok(groups);
        }
        if let Some(group) = groups.iter().find(|group| group.has_every_policy()) {
            let text = format!(
                "group {} stands under all policies (`*`), so one that denies would lock its users as well: \
                 name its policies one by one",
                printable(&group.name)
            );
            return Err(lock.refuse(ErrorKind::Conflict, &text));
        }
        let create = request::create_lock_policy(svm);
        match self.change_group(&create).await {
            // Somebody else may have made it at the same moment.
            Err(error) if error.kind == ErrorKind::Conflict || error.kind == ErrorKind::Invalid => {
                if self.has_lock_policy(svm, &lock).await? {
                    Ok(groups)
                } else {
                    Err(error)
                }
            }
            done => done.map(|()| groups),
        }
    }

    async fn has_lock_policy(&self, svm: &str, lock: &Call) -> Result<bool> {
        let policies = self.list::<Policy>(request::list_policies(svm)).await?;
        let policies = policies.ok_or_else(|| lock.refuse(ErrorKind::Unsupported, NO_RIGHT))?;
        match policies.iter().find(|policy| policy.name == request::LOCK) {
            Some(policy) if policy.denies_all() => Ok(true),
            Some(_) => {
                let text =
                    "the policy gracekey-locked does not deny everything: delete it, and it is made anew";
                Err(lock.refuse(ErrorKind::Conflict, text))
            }
            None => Ok(false),
        }
    }

    /// Takes a user out of every group that locks it.
    pub(super) async fn unlock(&self, svm: &str, name: &UserName) -> Result<()> {
        let _turn = self.groups_turn().await;
        for group in self.groups_of(svm, name).await? {
            if group.locks() {
                self.leave(svm, &group, name).await?;
            }
        }
        if self.groups_of(svm, name).await?.iter().any(Group::locks) {
            let call = request::create_lock_group(svm, name);
            return Err(call.misunderstood("the cluster said yes, and the user is still locked"));
        }
        Ok(())
    }

    /// Takes a user out of a group: the group goes if it is the lock's and nobody else is in it.
    async fn leave(&self, svm: &str, group: &Group, name: &UserName) -> Result<()> {
        let call = request::delete_user(svm, name);
        let id = id_of(&call, group)?;
        let others = group.others(name);
        if others.is_empty() && group.locks() {
            self.change_group(&request::delete_group(svm, id, name)).await
        } else {
            self.change_group(&request::set_members(svm, id, &others, name))
                .await
        }
    }

    /// Takes a user that is to be deleted out of its groups, those that lock it last. Gives those that it left, and the
    /// names of those that it could not leave.
    ///
    /// A group that is not ours is not deleted, though this user be the only one in it.
    pub(super) async fn leave_all(&self, svm: &str, name: &UserName) -> Result<Left> {
        let _turn = self.groups_turn().await;
        let mut groups = self.groups_of(svm, name).await?;
        groups.sort_by_key(Group::locks);
        let mut left = Left::default();
        if let Some(group) = groups
            .iter()
            .find(|group| !group.locks() && group.others(name).is_empty())
        {
            left.stuck = Some(printable(&group.name));
            return Ok(left);
        }
        for group in groups {
            match self.leave(svm, &group, name).await {
                Ok(()) => left.groups.push(group),
                Err(error) if error.kind == ErrorKind::Conflict || error.kind == ErrorKind::Invalid => {
                    left.stuck = Some(printable(&group.name));
                    break;
                }
                Err(error) => {
                    self.rejoin(svm, left.groups, name).await;
                    return Err(error);
                }
            }
        }
        // No document says for certain that the list of a change replaces the one before it.
        let stayed = self.groups_of(svm, name).await?;
        left.stuck = left
            .stuck
            .or_else(|| stayed.first().map(|group| printable(&group.name)));
        Ok(left)
    }

    /// Puts a user whose deletion failed back where it was. What fails here is mended by the next reconciliation, if it is
    /// the lock, and else was somebody's to mend before.
    pub(super) async fn rejoin(&self, svm: &str, groups: Vec<Group>, name: &UserName) {
        for group in groups.into_iter().rev() {
            let others = group.others(name);
            let done = if others.is_empty() {
                self.lock(svm, name).await
            } else {
                let all: Vec<String> = others.into_iter().chain([name.as_str().to_owned()]).collect();
                let id = group.id.as_deref().unwrap_or_default();
                self.change_group(&request::set_members(svm, id, &all, name))
                    .await
            };
            drop(done);
        }
    }

    /// A change of groups or policies: one that is not allowed cannot be done at all.
    async fn change_group(&self, call: &Call) -> Result<()> {
        let reply = self.send(call).await?;
        if error::is_forbidden(&reply) {
            let judgement = (ErrorKind::Unsupported, Outcome::NotApplied);
            return Err(call.refused(&reply, judgement, NO_RIGHT, error::code(&reply).as_deref()));
        }
        // Gone already: nobody is locked by it.
        if call.method == http::Method::DELETE && error::is_missing(&reply) {
            return Ok(());
        }
        carried_out(call, &reply)
    }
}

/// What became of a user's groups.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Those that it is out of.
    pub(super) groups: Vec<Group>,
    /// One that it cannot leave.
    pub(super) stuck: Option<String>,
}

fn id_of<'a>(call: &Call, group: &'a Group) -> Result<&'a str> {
    let id = group.id.as_deref();
    id.ok_or_else(|| call.refuse(ErrorKind::Protocol, "the cluster shows a group without an id"))
}

/// A name that somebody else chose, as far as it is one.
fn printable(name: &str) -> String {
    let is_fit = |c: &char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(*c);
    name.chars().filter(is_fit).take(64).collect()
}
