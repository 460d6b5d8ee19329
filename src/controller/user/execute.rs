//! Execute: one arm per action. Decides nothing.

use super::{
    pass::{Flow, KeysBeside, Pass, World},
    report::Verdict,
    tell,
};
use crate::{
    api::v1alpha1::ObjectUser,
    controller::{
        context::id_of,
        error::{Error, Failure},
        memory::UserMemory,
        status,
    },
    domain::{
        facts::UserState,
        ids::CredentialId,
        ledger::{Cause, Ledger},
        plan::{Action, Change},
        reason::Reason,
    },
};
use kube::{Api, ResourceExt};

impl Pass<'_> {
    pub(super) async fn execute(
        &mut self,
        action: Action,
        world: &mut World,
        memory: &mut UserMemory,
    ) -> Result<Flow, Failure> {
        tracing::debug!(user = id_of(&self.user), ?action, "step");
        match action {
            Action::AddFinalizer => self.add_finalizer().await?,
            Action::RemoveFinalizer => return self.remove_finalizer(world).await,
            Action::CreateUser => self.create_user(world).await?,
            Action::SetLabel => self.set_label(world, memory).await?,
            Action::SetLocked(locked) => self.set_locked(locked, world).await?,
            Action::SetLimits(changes) => self.set_limits(&changes, world).await?,
            Action::MakeBucket(name) => self.make_bucket(&name, world).await?,
            Action::SetGrant(name, what) => self.set_grant(&name, what, world).await?,
            Action::DeleteUser => self.delete_user(world, memory).await?,
            Action::WriteLedger(ledger, change) => self.write_ledger(*ledger, &change, world, memory).await?,
            Action::Issue {
                access_key_id,
                expire_previous,
            } => {
                self.issue(access_key_id, expire_previous, world, memory).await?;
            }
            Action::Prove(id) => self.prove(&id, world, memory).await?,
            Action::Publish { id, mirror } => self.publish(&id, &mirror, world).await?,
            Action::RestoreSecret { id, mirror } => self.restore(&id, &mirror, world).await?,
            Action::FenceSecret(attempt) => self.fence_secret(attempt, world, memory).await?,
            Action::Revoke(id) => return self.revoke(&id, world, memory).await,
            Action::DeleteSecret => self.delete_secret(world).await?,
            Action::ReleaseSecret => self.release_secret(world).await?,
        }
        Ok(Flow::On)
    }

    async fn add_finalizer(&mut self) -> Result<(), Failure> {
        self.user = status::set_finalizer(&self.ctx.client, &self.user, true).await?;
        self.confirmed = true;
        Ok(())
    }

    async fn remove_finalizer(&mut self, world: &World) -> Result<Flow, Failure> {
        let made = self.ledger.current().is_some() || self.ledger.intent.is_some();
        if made && world.seen.user == UserState::Foreign {
            let note = format!(
                "The user {} on the backend is not this object's any more (its mark was changed, or it was given admin \
                 rights), so it is left alone with all its keys.",
                world.target.user_name
            );
            tell(self.ctx, &self.user, true, Reason::UserAbandoned, note).await;
        }
        match status::set_finalizer(&self.ctx.client, &self.user, false).await {
            Ok(_) | Err(Error::Gone) => Ok(Flow::Gone),
            Err(error) => Err(error.into()),
        }
    }

    async fn write_ledger(
        &mut self,
        ledger: Ledger,
        change: &Change,
        world: &mut World,
        memory: &mut UserMemory,
    ) -> Result<(), Failure> {
        if let Change::Forgotten(gone) = change {
            world.late.retain(|id| !gone.contains(id));
            // So that one write tells that they are gone and refused.
            self.see_them_refused(world, memory).await;
        }
        let before = std::mem::replace(&mut self.ledger, ledger);
        (memory.fence, memory.secret_fence) = (None, None);
        let another = if world.overlaps() {
            "A new key is being issued; the published one stays valid meanwhile."
        } else {
            "A new key is being issued, which ends the published one: applications are refused until they have the new one."
        };
        let verdict = match change {
            Change::Intent if before.current().is_none() => {
                Verdict::Working("The first key is being issued.")
            }
            Change::Intent => Verdict::Working(another),
            Change::Access => Verdict::Working("Access to buckets, or the quota, is being changed."),
            // The intent goes on after this, or is blocked: the next write tells.
            _ if self.ledger.intent.is_some() => Verdict::Working(another),
            Change::Adopted(_)
            | Change::Forgotten(_)
            | Change::Verified
            | Change::Scheduled
            | Change::TokenRecorded => world.complaint().map_or(Verdict::Settled, Verdict::Trouble),
        };
        let keys = KeysBeside {
            unknown: None,
            dying: memory.dying.len(),
        };
        self.write_status(world, verdict, keys).await?;
        match change {
            Change::Intent => memory.fence = self.ledger.intent.as_ref().map(|intent| intent.attempt),
            Change::Adopted(id) => {
                memory.staged.clear();
                memory.proven.clear();
                self.tell_adopted(id, &before, world).await;
            }
            Change::Verified => memory.proven.clear(),
            Change::Forgotten(_) | Change::Scheduled | Change::TokenRecorded | Change::Access => {}
        }
        Ok(())
    }

    async fn tell_adopted(&self, id: &CredentialId, before: &Ledger, world: &World) {
        let completed = before.intent.as_ref().filter(|_| !before.knows(id));
        let Some(intent) = completed else {
            if before.knows(id) {
                let key = id.access_key_id();
                let note =
                    format!("The Secret holds the older key {key} again, so that is the one in use now.");
                tell(self.ctx, &self.user, true, Reason::SecretRolledBack, note).await;
            }
            return;
        };
        self.ctx.metrics.key("published");
        let until = self.ledger.retiring().map(|(_, at)| at).max();
        let old = match until {
            Some(at) => format!(" The key before it is revoked at {at}."),
            None if world.overlaps() => String::new(),
            None => " The key before it has been refused since this one was issued.".to_owned(),
        };
        let key = id.access_key_id();
        let (reason, note) = match intent.cause {
            Cause::First => (
                Reason::CredentialsIssued,
                format!("Issued and published the key {key}."),
            ),
            Cause::Rotate => {
                let token = intent
                    .token
                    .as_ref()
                    .map_or("the schedule".to_owned(), |t| format!("the request {t:?}"));
                (
                    Reason::CredentialsRotated,
                    format!("Rotated to the key {key}, asked for by {token}.{old}"),
                )
            }
            Cause::Repair => (
                Reason::CredentialsRepaired,
                format!("The published key was lost; published the key {key}.{old}"),
            ),
        };
        tell(self.ctx, &self.user, false, reason, note).await;
    }

    /// Before the world is changed: is the object, read after everything else that the plan was made from, still the
    /// one that it was made from? Somebody else may have gone on meanwhile.
    pub(super) async fn confirm(&mut self) -> Result<(), Failure> {
        if self.confirmed {
            return Ok(());
        }
        let api = Api::<ObjectUser>::namespaced(
            self.ctx.client.clone(),
            &self.user.namespace().unwrap_or_default(),
        );
        let live = api.get_metadata(&self.user.name_any()).await?;
        if live.metadata.resource_version != self.user.metadata.resource_version {
            return Err(Error::Stale.into());
        }
        self.confirmed = true;
        Ok(())
    }
}
