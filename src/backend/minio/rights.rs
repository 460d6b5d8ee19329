//! Policies: without one, a user can do nothing.

use super::request::LOCK;
use super::{MinioDriver, NO_ANSWER, demand_empty, error, request, wire};
use crate::backend::NewUser;
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::Reply;
use crate::backend::user_policy::reaches_all_buckets;
use crate::domain::ids::UserName;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Which of the two ways to give policies a server has.
#[derive(Debug, Default)]
pub(super) struct Way {
    is_older: AtomicBool,
    /// It was seen that keys are made for whom they are asked for.
    is_safe: AtomicBool,
    /// What was seen of the policies of the store: nothing yet, [`SOME`] or [`ALL`].
    reach: AtomicU8,
}

/// No policy of the store reaches all buckets.
const SOME: u8 = 1;
/// One does: no user can be given less.
const ALL: u8 = 2;

/// Policies that come with the server and reach all buckets (`MinIO`, `policy/constants.go` of its `pkg`).
const OPEN: [&str; 3] = ["readonly", "readwrite", "writeonly"];

const DISABLED: &str =
    "somebody disabled it, and the server changes no policies of a disabled user: enable it";

const OWN_IS_A_KEY: &str = "it is a service account, and this server is too old for that: it would make keys of the \
                            administrator. Use the key of the administrator itself";

impl MinioDriver {
    /// Gives a user that has no rights the policies of the store. One that has some keeps them, whatever they are: an
    /// admin may have narrowed them.
    pub(super) async fn mend_rights(&self, name: &UserName, user: &wire::User) -> Result<()> {
        if user.has_rights() {
            return Ok(());
        }
        self.attach(name, Some(user), &self.link.config().policies).await
    }

    /// Gives a user that was just made its rights, and locks it where that is wished.
    pub(super) async fn finish(&self, user: &NewUser) -> Result<()> {
        self.attach(&user.name, None, &self.link.config().policies)
            .await?;
        // It has no key yet, so that nothing works before this.
        if user.locked {
            self.lock(&user.name).await?;
        }
        Ok(())
    }

    /// Adds policies to those of a user; `None`: it has none.
    pub(super) async fn attach(
        &self,
        name: &UserName,
        user: Option<&wire::User>,
        policies: &[String],
    ) -> Result<()> {
        if policies.is_empty() {
            return Ok(());
        }
        if !self.way.is_older.load(Ordering::Relaxed) {
            let call = request::attach_policies(name, policies);
            let reply = self.link.send(&call).await?;
            if error::is_changed(&reply) {
                return Ok(());
            }
            demand_enabled(&call, &reply, user)?;
            if !error::is_unknown_call(&reply) {
                return demand_message(&call, &reply);
            }
        }
        // It replaces what a user has.
        let there = user.into_iter().flat_map(wire::User::policies).map(str::to_owned);
        let all: Vec<_> = there.chain(policies.iter().cloned()).collect();
        self.set_policies(name, &all).await
    }

    /// Takes a policy from a user that has it.
    pub(super) async fn detach(&self, name: &UserName, user: &wire::User, policy: &str) -> Result<()> {
        if !self.way.is_older.load(Ordering::Relaxed) {
            let call = request::detach_policies(name, &[policy.to_owned()]);
            let reply = self.link.send(&call).await?;
            if error::is_changed(&reply) {
                return Ok(());
            }
            demand_enabled(&call, &reply, Some(user))?;
            if !error::is_unknown_call(&reply) {
                return demand_message(&call, &reply);
            }
        }
        let rest = user.policies().filter(|there| *there != policy);
        let rest: Vec<_> = rest.map(str::to_owned).collect();
        self.set_policies(name, &rest).await
    }

    async fn set_policies(&self, name: &UserName, policies: &[String]) -> Result<()> {
        let call = request::set_policies(name, policies);
        demand_empty(&call, &self.link.send(&call).await?)?;
        self.way.is_older.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Sees that a key would be made for the user that is named.
    ///
    /// Servers of 2021 make it for the user of the service account that asks: whoever got it would be an administrator.
    /// They are told by not knowing how to attach policies, which is asked about a user that nobody can be.
    pub(super) async fn check_own_key(&self) -> Result<()> {
        if self.way.is_safe.load(Ordering::Relaxed) {
            return Ok(());
        }
        let nobody = request::nobody();
        let call = request::find_own_key(self.link.own_key());
        let reply = self.link.send(&call).await?;
        if error::is_a_key(&reply) {
            let ask = request::attach_policies(&nobody, &[LOCK.to_owned()]);
            let reply = self.link.send(&ask).await?;
            if error::is_unknown_call(&reply) {
                return Err(call.refuse(ErrorKind::Auth, OWN_IS_A_KEY));
            }
            if !error::is_no_user(&reply) && !error::is_no_policy(&reply) {
                return Err(error::refused(&ask, &reply));
            }
        } else if !is_success(&reply) && !error::is_no_user(&reply) {
            return Err(error::refused(&call, &reply));
        } else if is_success(&reply) {
            call.parse::<wire::User>(&reply, NO_ANSWER)?;
        }
        self.way.is_safe.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Locks a user: by a policy that denies everything, which newer servers can give and take without regard to others;
    /// they give neither keys nor policies to a disabled user, and a rotation goes on behind a lock. Older ones know no
    /// such call, and do give keys to a disabled user.
    pub(super) async fn lock(&self, name: &UserName) -> Result<()> {
        if self.way.is_older.load(Ordering::Relaxed) {
            return self.set_state(name, true).await;
        }
        let call = request::attach_policies(name, &[LOCK.to_owned()]);
        let mut reply = self.link.send(&call).await?;
        let is_missing = error::is_no_policy(&reply);
        if is_missing {
            self.write_lock(name).await?;
            reply = self.link.send(&call).await?;
        }
        if error::is_unknown_call(&reply) {
            self.set_state(name, true).await?;
            self.way.is_older.store(true, Ordering::Relaxed);
            return Ok(());
        }
        // A user that somebody else disabled is said not to be there, and is locked.
        if error::is_no_user(&reply) && self.get(name).await?.is_some_and(|user| user.is_disabled()) {
            return Ok(());
        }
        if !error::is_changed(&reply) {
            demand_message(&call, &reply)?;
        }
        if is_missing {
            return Ok(());
        }
        // It is known by its name: somebody may have edited what it says.
        self.write_lock(name).await
    }

    async fn write_lock(&self, name: &UserName) -> Result<()> {
        let make = request::create_lock_policy(name);
        demand_empty(&make, &self.link.send(&make).await?)
    }

    /// Takes the policy that denies everything from a user. One that is disabled is enabled first: from that no policy can
    /// be taken.
    pub(super) async fn unlock(&self, name: &UserName, user: &wire::User) -> Result<()> {
        if user.is_disabled() {
            self.set_state(name, false).await?;
        }
        if user.is_denied() {
            let call = request::detach_policies(name, &[LOCK.to_owned()]);
            let reply = self.link.send(&call).await?;
            if !error::is_changed(&reply) {
                demand_message(&call, &reply)?;
            }
        }
        Ok(())
    }

    /// Disables or enables a user.
    async fn set_state(&self, name: &UserName, locked: bool) -> Result<()> {
        let call = request::set_locked(name, locked);
        demand_empty(&call, &self.link.send(&call).await?)
    }

    /// Sees that the policies of the store are there, and that none of them makes an admin of a user. Learns whether one of them
    /// reaches all buckets.
    pub(super) async fn check_policies(&self) -> Result<()> {
        let mut all_buckets = false;
        for name in &self.link.config().policies {
            let call = request::find_policy(name);
            let reply = self.link.succeed(&call).await?;
            let policy: wire::Policy = call.parse(&reply, NO_ANSWER)?;
            if policy.is_admin() {
                let text = "it allows admin actions, which no user may have: name another in spec.backend.minio.policies";
                return Err(call.refuse(ErrorKind::Invalid, text));
            }
            all_buckets |= reaches_all_buckets(&reply.body);
        }
        let reach = if all_buckets { ALL } else { SOME };
        self.way.reach.store(reach, Ordering::Relaxed);
        Ok(())
    }

    /// Whether users can do with buckets only what they are given; `None`: no probe has told it yet.
    pub(super) fn is_confined(&self) -> Option<bool> {
        let policies = &self.link.config().policies;
        if policies.iter().any(|policy| OPEN.contains(&policy.as_str())) {
            return Some(false);
        }
        match self.way.reach.load(Ordering::Relaxed) {
            _ if policies.is_empty() => Some(true),
            ALL => Some(false),
            SOME => Some(true),
            _ => None,
        }
    }
}

/// A disabled user is said not to be there.
fn demand_enabled(call: &Call, reply: &Reply, user: Option<&wire::User>) -> Result<()> {
    if error::is_no_user(reply) && user.is_some_and(wire::User::is_disabled) {
        return Err(call.refuse(ErrorKind::Conflict, DISABLED));
    }
    Ok(())
}

/// A change whose answer is a message, or nothing: what it says is known already, and to decrypt it is costly.
fn demand_message(call: &Call, reply: &Reply) -> Result<()> {
    if is_success(reply) && super::Scheme::of(&reply.body).is_some() {
        return Ok(());
    }
    demand_empty(call, reply)
}
