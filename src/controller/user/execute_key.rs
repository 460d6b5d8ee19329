//! Execute, the steps of the keys: issued, proven, revoked, seen refused.

use super::{
    pass::{Pass, World},
    tell,
};
use crate::{
    backend::{
        ErrorKind, IssueRequest, Outcome,
        proof::{Death, Proof},
    },
    controller::{
        error::{Failure, Trouble},
        memory::{Dying, UserMemory},
    },
    domain::{
        ids::{AccessKeyId, CredentialId},
        ledger::after,
        reason::Reason,
    },
};
use std::time::Duration;

impl Pass<'_> {
    pub(super) async fn issue(
        &mut self,
        access_key_id: Option<AccessKeyId>,
        expire_previous: Option<Duration>,
        world: &mut World,
        memory: &mut UserMemory,
    ) -> Result<(), Failure> {
        self.confirm().await?;
        // Whatever happens from here on, this right is used up; only a clear "no" gives it back.
        let fence = memory.fence.take();
        let request = IssueRequest {
            access_key_id,
            expire_previous,
        };
        match world
            .target
            .connection
            .driver
            .issue(&world.target.user_name, &request)
            .await
        {
            Ok(pair) => {
                self.ctx.metrics.key("issued");
                world.seen.live.insert(pair.id.clone());
                world.seen.halves.insert(pair.id.clone(), pair.clone());
                memory.staged.insert(pair.id.clone(), pair);
                Ok(())
            }
            Err(error) => {
                let taken = error.kind == ErrorKind::Conflict;
                memory.fence = fence.filter(|_| error.outcome == Outcome::NotApplied && !taken);
                Err(error.into())
            }
        }
    }

    pub(super) async fn prove(
        &self,
        id: &CredentialId,
        world: &World,
        memory: &mut UserMemory,
    ) -> Result<(), Failure> {
        let (Some(prober), Some(pair)) = (&world.target.connection.prober, world.seen.halves.get(id)) else {
            return Err(Trouble::passing(Reason::ProofPending, "The new key cannot be proven yet.").into());
        };
        let Some(turn) = world.target.connection.proofs.enter().await else {
            let message = "The S3 service does not answer, so the new key cannot be proven, and is not published before it is.";
            return Err(Trouble::passing(Reason::ProofPending, message).into());
        };
        let proof = prober.prove(pair).await;
        drop(turn);
        let message = match proof {
            Proof::Accepted => {
                memory.proven.insert(id.clone());
                return Ok(());
            }
            Proof::Locked => "The key is known, and the user is still locked on the backend.".to_owned(),
            Proof::Refused { endpoint, code } => {
                format!(
                    "The key {} is not accepted by {endpoint} yet ({code}); it is not published before it is.",
                    id.access_key_id()
                )
            }
            Proof::Unclear(error) => format!(
                "The key {} cannot be proven, and is not published before it is: {}",
                id.access_key_id(),
                Trouble::from(&error).message
            ),
        };
        Err(Trouble::passing(Reason::ProofPending, message).into())
    }

    pub(super) async fn revoke(
        &mut self,
        id: &CredentialId,
        world: &mut World,
        memory: &mut UserMemory,
    ) -> Result<(), Failure> {
        self.confirm().await?;
        let due = self.ledger.credentials.get(id).and_then(|key| key.revoke_time);
        let connection = &world.target.connection;
        connection.driver.revoke(&world.target.user_name, id).await?;
        self.ctx.metrics.key("revoked");
        if let Some(due) = due {
            let late = self.ctx.clock.now().duration_since(due);
            self.ctx
                .metrics
                .revoked_after(Duration::try_from(late).unwrap_or_default());
        }
        world.seen.live.remove(id);
        memory.staged.remove(id);
        if let Some(pair) = world.seen.halves.remove(id) {
            let since = self.ctx.clock.now();
            memory.dying.insert(
                id.clone(),
                Dying {
                    pair,
                    since,
                    told: false,
                },
            );
        }
        self.see_them_refused(world, memory).await;
        if !memory.dying.contains_key(id) {
            let note = format!("Revoked the key {}; it is refused now.", id.access_key_id());
            tell(self.ctx, &self.user, false, Reason::PreviousKeyRevoked, note).await;
        }
        Ok(())
    }

    /// A removed key counts as gone when it was seen refused. Where its secret half is not known, the backend's word
    /// has to do. A site that does not answer holds up nothing else: it is asked again at the end of later passes.
    pub(super) async fn see_them_refused(&self, world: &World, memory: &mut UserMemory) {
        let connection = &world.target.connection;
        let Some(prober) = &connection.prober else {
            memory.dying.clear();
            return;
        };
        let now = self.ctx.clock.now();
        let mut dead = Vec::new();
        for (id, dying) in &mut memory.dying {
            let Some(_turn) = connection.proofs.enter().await else {
                return;
            };
            let death = prober.prove_dead(&dying.pair).await;
            let overdue = after(dying.since, connection.driver.capabilities().settle) < now;
            match death {
                Death::Dead => dead.push(id.clone()),
                Death::Alive { endpoint } if overdue && !dying.told => {
                    dying.told = true;
                    let note = format!(
                        "The key {} was removed and is still accepted by {endpoint}.",
                        id.access_key_id()
                    );
                    tell(self.ctx, &self.user, true, Reason::RevokedKeyStillAccepted, note).await;
                }
                Death::Alive { .. } | Death::Unclear(_) => {}
            }
        }
        memory.dying.retain(|id, _| !dead.contains(id));
    }
}
