//! Execute, the steps of the keys: issued, proven, revoked, seen refused.

use super::{
    pass::{Flow, Pass, World},
    tell,
};
use crate::{
    backend::{
        ErrorKind, IssueRequest, Outcome,
        proof::{Death, Proof},
    },
    controller::{
        error::{Failure, Trouble, is_late},
        memory::{Dying, UserMemory},
    },
    domain::{
        facts::{SecretState, UserState},
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
        let user = Self::order(world);
        match world.target.connection.driver.issue(&user, &request).await {
            Ok(pair) => {
                self.ctx.metrics.key("issued");
                if world.seen.user == UserState::Absent {
                    self.note_made(user, world).await;
                }
                if !world.overlaps() {
                    // Read before, and dead by now.
                    world.seen.live.clear();
                    world.seen.halves.clear();
                }
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
        let pending = |what: String| {
            let published =
                matches!(&world.seen.state, SecretState::Ours(secret) if secret.key.as_ref() == Some(id));
            let then = if published {
                "it was published without a proof, and is tried again"
            } else {
                "it is not published before it is accepted"
            };
            Trouble::passing(Reason::ProofPending, format!("{what}; {then}."))
        };
        let key = id.access_key_id();
        let (Some(prover), Some(pair)) = (&world.target.connection.prover, world.seen.halves.get(id)) else {
            return Err(pending(format!("The key {key} cannot be tried yet")).into());
        };
        let Some(turn) = world.target.connection.proofs.enter().await else {
            return Err(pending(format!(
                "The S3 service does not answer, so the key {key} cannot be tried"
            ))
            .into());
        };
        let proof = prover.prove(pair).await;
        drop(turn);
        let what = match proof {
            Proof::Accepted => {
                memory.proven.insert(id.clone());
                return Ok(());
            }
            Proof::Locked => format!("The key {key} is known, and its user is still locked on the backend"),
            Proof::Refused { endpoint, code } => {
                format!("The key {key} is not accepted by {endpoint} yet ({code})")
            }
            Proof::Unclear(error) => format!("The key {key} cannot be tried: {}", error.detail),
        };
        Err(pending(what).into())
    }

    pub(super) async fn revoke(
        &mut self,
        id: &CredentialId,
        world: &mut World,
        memory: &mut UserMemory,
    ) -> Result<Flow, Failure> {
        self.confirm().await?;
        let due = self.ledger.credentials.get(id).and_then(|key| key.revoke_time);
        let connection = &world.target.connection;
        let driver = &connection.driver;
        match driver.revoke(&world.target.user_name, id).await {
            Ok(()) => {}
            // It was listed, and one of the two answers is late. It is no more than not seen: the planner knows how long that is no
            // proof.
            Err(error) if is_late(&error, &driver.capabilities()) => {
                world.seen.live.remove(id);
                world.late.insert(id.clone());
                return Ok(Flow::Anew);
            }
            Err(error) => return Err(error.into()),
        }
        self.ctx.metrics.key("revoked");
        if let Some(due) = due {
            let late = self.ctx.clock.now().duration_since(due);
            self.ctx
                .metrics
                .revoked_after(Duration::try_from(late).unwrap_or_default());
        }
        world.seen.live.remove(id);
        memory.staged.remove(id);
        match world
            .seen
            .halves
            .remove(id)
            .filter(|_| connection.prover.is_some())
        {
            Some(pair) => {
                let (since, told) = (self.ctx.clock.now(), false);
                memory.dying.insert(id.clone(), Dying { pair, since, told });
            }
            // Nobody can ask: the backend's word has to do.
            None => self.tell_revoked(id, "it was removed from the backend").await,
        }
        Ok(Flow::On)
    }

    async fn tell_revoked(&self, id: &CredentialId, how: &str) {
        let note = format!("Revoked the key {}: {how}.", id.access_key_id());
        tell(self.ctx, &self.user, false, Reason::PreviousKeyRevoked, note).await;
    }

    /// A removed key counts as gone when it was seen refused. A site that does not answer holds up nothing else: this
    /// comes at the end of a pass, and again at the end of later ones.
    pub(super) async fn see_them_refused(&self, world: &World, memory: &mut UserMemory) {
        let connection = &world.target.connection;
        let Some(prover) = &connection.prover else {
            memory.dying.clear();
            return;
        };
        let asked = memory.dying.iter().map(async |(id, dying)| {
            let _turn = connection.proofs.enter().await?;
            Some((id.clone(), prover.prove_dead(&dying.pair).await))
        });
        let answers = futures::future::join_all(asked).await;
        for (id, death) in answers.into_iter().flatten() {
            match death {
                Death::Dead => {
                    memory.dying.remove(&id);
                    self.tell_revoked(&id, "it is refused now").await;
                }
                Death::Alive { endpoint } => {
                    self.tell_if_overdue(&id, &format!("still accepted by {endpoint}"), world, memory)
                        .await;
                }
                Death::Unclear(error) => {
                    let what = format!("not seen refused: {}", error.detail);
                    self.tell_if_overdue(&id, &what, world, memory).await;
                }
            }
        }
    }

    async fn tell_if_overdue(&self, id: &CredentialId, what: &str, world: &World, memory: &mut UserMemory) {
        let settle = world.target.connection.driver.capabilities().settle;
        let now = self.ctx.clock.now();
        let overdue = |dying: &&mut Dying| !dying.told && after(dying.since, settle) < now;
        if let Some(dying) = memory.dying.get_mut(id).filter(overdue) {
            dying.told = true;
            let note = format!("The key {} was removed and is {what}.", id.access_key_id());
            tell(self.ctx, &self.user, true, Reason::RevokedKeyStillAccepted, note).await;
        }
    }
}
