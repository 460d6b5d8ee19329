//! The loop of one pass: plan, execute, until a plan is empty; then report.

use super::{
    access::Buckets,
    blocked,
    form::Form,
    gather::{self, Gathered},
    ledger, parse, report,
    report::{Standing, Verdict},
    target::{self, Target},
    unmet,
};
use crate::{
    api::v1alpha1::ObjectUser,
    controller::{
        cached::digest,
        context::{Context, id_of},
        error::{Error, Failure, Trouble},
        memory::UserMemory,
        status,
    },
    domain::{
        capabilities::Overlap,
        facts::{Desired, Facts, UserState},
        ids::CredentialId,
        ledger::{Ledger, after},
        plan::{Action, Blocked, Change, Plan, plan},
        reason::Reason,
    },
    names,
};
use jiff::Timestamp;
use kube::ResourceExt;
use std::{collections::BTreeSet, time::Duration};

/// Rounds of one pass. A rotation takes six; the rest is room for revocations.
const MAX_ROUNDS: usize = 32;

/// How often a deletion is tried before `gracekey.dev/force-delete` counts, where time may heal what is in its way.
const GIVE_UP_AFTER: u32 = 3;
/// How often a removed key is tried that is accepted for longer than it should be.
const DEATH_CHECK: Duration = Duration::from_mins(1);

/// How a pass ended.
#[derive(Debug)]
pub(super) enum Rest {
    /// Everything is as it should be until then.
    Settled {
        /// [`digest`] of the object as it is then.
        digest: u64,
        wake: Option<Timestamp>,
    },
    /// Something failed that time heals. `due`: a key is waiting to be revoked.
    Retry {
        wake: Option<Timestamp>,
        due: bool,
        retry_after: Option<Duration>,
    },
    /// A new key is not accepted yet.
    Proof { wake: Option<Timestamp> },
    /// Somebody has to change something.
    Stalled { wake: Option<Timestamp> },
    /// Nothing is to be done until the object or its store changes.
    Suspended,
    /// The object is gone.
    Gone,
}

/// What is told of keys beside the ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeysBeside<'a> {
    /// See [`Standing::unknown`].
    pub unknown: Option<&'a BTreeSet<CredentialId>>,
    /// See [`Standing::dying`].
    pub dying: usize,
}

/// Trouble that somebody has to end, or that time had its chances to heal.
fn is_lasting(trouble: &Trouble, memory: &UserMemory) -> bool {
    trouble.stalled || memory.failures >= GIVE_UP_AFTER
}

/// What a pass works on.
pub(super) struct Pass<'a> {
    pub ctx: &'a Context,
    /// The object as last read or written.
    pub user: ObjectUser,
    /// It was seen to be so after everything else was read.
    pub confirmed: bool,
    pub ledger: Ledger,
}

/// What a pass has once the store is found and the world is read.
pub(super) struct World {
    pub target: Target,
    pub form: Form,
    pub desired: Desired,
    pub seen: Gathered,
    pub buckets: Buckets,
    /// What of access and quota cannot be had, by the last plan.
    pub unmet: Option<Trouble>,
    /// Something about the spec cannot be done; the rest is.
    pub complaint: Option<Trouble>,
    /// What the backend said of a user that it would not make.
    pub conflict: Option<String>,
    /// Keys that were listed, and that a revocation did not find: whether they are gone is not known.
    pub late: BTreeSet<CredentialId>,
    /// The Secret was restored in this pass. Needed twice, something else changes it back.
    pub restored: bool,
}

impl World {
    /// As the backend shows it.
    fn is_locked(&self) -> bool {
        matches!(self.seen.user, UserState::Ours { locked: true, .. })
    }

    /// The backend keeps the keys before a new one.
    pub(super) fn overlaps(&self) -> bool {
        self.target.connection.driver.capabilities().overlap != Overlap::None
    }

    /// What is to be told of the spec while nothing stands in the way of the keys.
    pub(super) fn complaint(&self) -> Option<Trouble> {
        self.unmet.clone().or_else(|| self.complaint.clone())
    }

    /// A key that a revocation did not find, and that is on record still. Keys beside it are revoked and forgotten before that is told;
    /// nothing else is done while it may be there.
    fn late_key(&self, plan: &Plan) -> Option<Trouble> {
        let forgets = |action: &Action| matches!(action, Action::WriteLedger(_, Change::Forgotten(_)));
        if plan.revokes() || plan.actions.first().is_some_and(forgets) {
            return None;
        }
        let id = self.late.first()?.access_key_id();
        let message = format!(
            "The backend listed the key {id}, and did a moment later not find it to revoke it: it may answer late. It is looked for again."
        );
        Some(Trouble::passing(Reason::ProgressingWithRetry, message))
    }

    /// Leaves the label as it is on the backend, which refused the one that is wished.
    pub(super) fn leave_label(&mut self, memory: &UserMemory) {
        if let Some((refused, trouble)) = &memory.refused_label
            && *refused == self.desired.label
            && let UserState::Ours { label, .. } = &self.seen.user
        {
            self.desired.label.clone_from(label);
            self.complaint = Some(trouble.clone());
        }
    }
}

/// What a step leads to.
pub(super) enum Flow {
    /// The next one.
    On,
    /// Another plan: this one rests on what is not so.
    Anew,
    /// The object is gone.
    Gone,
}

impl<'a> Pass<'a> {
    pub(super) fn new(user: ObjectUser, ctx: &'a Context) -> Self {
        let ledger = user.status.as_ref().map(ledger::read).unwrap_or_default();
        Self {
            ctx,
            user,
            confirmed: false,
            ledger,
        }
    }

    pub(super) async fn run(mut self, memory: &mut UserMemory) -> Result<Rest, Error> {
        match self.rounds(memory).await {
            Ok(rest) => Ok(rest),
            Err((Failure::Error(error), _)) => Err(error),
            Err((Failure::Trouble(trouble), _)) if self.gives_up() && is_lasting(&trouble, memory) => {
                self.leave_behind().await
            }
            Err((Failure::Trouble(trouble), world)) => {
                self.report_trouble(trouble, world.map(|w| *w), memory).await
            }
        }
    }

    /// Everything up to the report. A failure brings along what was seen by then.
    async fn rounds(&mut self, memory: &mut UserMemory) -> Result<Rest, (Failure, Option<Box<World>>)> {
        let mut world = match self.look(memory).await {
            Ok(world) => world,
            Err(failure) => return Err((failure, None)),
        };
        for _ in 0..MAX_ROUNDS {
            let mut plan = self.plan(&world, memory);
            if let Some(late) = world.late_key(&plan) {
                return Err((late.into(), Some(Box::new(world))));
            }
            // A key that is due does not wait for buckets, of which there may be many.
            if !world.buckets.looked && !plan.revokes() {
                let World {
                    target,
                    desired,
                    seen,
                    ..
                } = &world;
                world.buckets = Buckets::look(target, desired, &seen.user, &self.ledger).await;
                plan = self.plan(&world, memory);
            }
            world.unmet = unmet::trouble(&plan.unmet, &world.buckets, &world.seen.quota);
            if plan.actions.is_empty() {
                return self
                    .settle(&world, &plan, memory)
                    .await
                    .map_err(|failure| (failure, Some(Box::new(world))));
            }
            for action in plan.actions {
                match self.execute(action, &mut world, memory).await {
                    Ok(Flow::On) => {}
                    Ok(Flow::Anew) => break,
                    Ok(Flow::Gone) => return Ok(Rest::Gone),
                    Err(failure) => return Err((failure, Some(Box::new(world)))),
                }
            }
        }
        tracing::error!(
            user = id_of(&self.user),
            "a pass did not come to rest; this is a defect"
        );
        Ok(Rest::Retry {
            wake: None,
            due: false,
            retry_after: None,
        })
    }

    async fn look(&mut self, memory: &UserMemory) -> Result<World, Failure> {
        if self.user.spec.suspend && self.user.metadata.deletion_timestamp.is_none() {
            return Err(blocked::trouble(&Blocked::Suspended, "", "").into());
        }
        let target = target::find(&self.user, self.ctx).await?;
        let s3 = target.store.spec.s3.as_ref();
        let provable = target.connection.prover.is_some();
        let (desired, annotation) = parse::parse(&self.user, provable, target.closed);
        let ca = target.connection.ca_bundle.as_deref();
        let (form, template) = Form::new(&self.user, &target.user_name, s3, ca);
        let seen = gather::gather(&self.user, &target, &form, memory, self.ctx).await?;
        // What the object says was read before the rest: it has to be confirmed before anything is changed.
        self.confirmed = false;
        let mut world = World {
            target,
            form,
            desired,
            seen,
            buckets: Buckets::default(),
            unmet: None,
            complaint: annotation.or(template),
            conflict: None,
            late: BTreeSet::new(),
            restored: false,
        };
        world.leave_label(memory);
        Ok(world)
    }

    fn plan(&self, world: &World, memory: &UserMemory) -> Plan {
        let in_hand: BTreeSet<CredentialId> = world.seen.halves.keys().cloned().collect();
        let driver = &world.target.connection.driver;
        let mut draw = self.ctx.entropy.draw();
        draw.access_key_id = driver.key_id(&world.target.user_name, draw.access_key_id);
        plan(&Facts {
            desired: &world.desired,
            capabilities: &driver.capabilities(),
            finalizer: status::has_finalizer(&self.user),
            user: &world.seen.user,
            deleted: memory.deleted,
            live: &world.seen.live,
            limits: world.seen.quota.state(),
            buckets: &world.buckets.states,
            secret: &world.seen.state,
            ledger: &self.ledger,
            in_hand: &in_hand,
            proven: &memory.proven,
            fence: memory.fence,
            secret_fence: memory.secret_fence,
            draw: &draw,
            now: self.ctx.clock.now(),
        })
    }

    /// The owner gave up what is on the backend.
    fn gives_up(&self) -> bool {
        self.user.metadata.deletion_timestamp.is_some()
            && self
                .user
                .annotations()
                .get(names::FORCE_DELETE)
                .is_some_and(|v| v == names::TRUE)
    }

    async fn leave_behind(&mut self) -> Result<Rest, Error> {
        let user_name = self
            .user
            .status
            .as_ref()
            .and_then(|s| s.user_name.clone())
            .unwrap_or_default();
        let note = format!(
            "Removed without touching the backend, as asked: the user {user_name} and its keys may still be there."
        );
        super::tell(self.ctx, &self.user, true, Reason::UserAbandoned, note).await;
        status::set_finalizer(&self.ctx.client, &self.user, false).await?;
        Ok(Rest::Gone)
    }

    async fn settle(&mut self, world: &World, plan: &Plan, memory: &mut UserMemory) -> Result<Rest, Failure> {
        self.see_them_refused(world, memory).await;
        let (user_name, secret_name) = (world.target.user_name.as_str(), world.form.name.as_str());
        let said = world
            .conflict
            .as_ref()
            .map(|said| Trouble::stalled(Reason::UserConflict, said));
        let blocked = plan
            .blocked
            .as_ref()
            .map(|b| blocked::trouble(b, user_name, secret_name));
        let blocked = said
            .filter(|_| plan.blocked == Some(Blocked::UserConflict))
            .or(blocked);
        let blocked = unmet::together(blocked, world.unmet.clone());
        if blocked.is_some() && self.gives_up() {
            return Ok(self.leave_behind().await?);
        }
        let trouble = blocked.or_else(|| world.complaint.clone());
        let verdict = trouble.clone().map_or(Verdict::Settled, Verdict::Trouble);
        let keys = KeysBeside {
            unknown: Some(&plan.unknown),
            dying: memory.dying.len(),
        };
        self.write_status(world, verdict, keys).await?;
        Ok(match trouble {
            None if memory.dying.values().any(|dying| !dying.told) => Rest::Proof { wake: plan.wake },
            None if !memory.dying.is_empty() => {
                let again = after(self.ctx.clock.now(), DEATH_CHECK);
                self.at_rest(plan.wake.map_or(Some(again), |wake| Some(wake.min(again))))
            }
            None => self.at_rest(plan.wake),
            Some(t) if t.reason == Reason::Suspended => Rest::Suspended,
            // It moves when a grace period ends, and the plan knows when.
            Some(t) if matches!(t.reason, Reason::RotationQueued | Reason::GracePeriod) => {
                self.at_rest(plan.wake)
            }
            Some(t) if t.stalled => Rest::Stalled { wake: plan.wake },
            Some(t) => Rest::Retry {
                wake: plan.wake,
                due: false,
                retry_after: t.retry_after,
            },
        })
    }

    fn at_rest(&self, wake: Option<Timestamp>) -> Rest {
        Rest::Settled {
            digest: digest(&self.user),
            wake,
        }
    }

    /// Writes status if it says something new.
    pub(super) async fn write_status(
        &mut self,
        world: &World,
        verdict: Verdict,
        keys: KeysBeside<'_>,
    ) -> Result<(), Error> {
        let published = self.published(world);
        let standing = Standing {
            verdict,
            failed: false,
            published: Some(published),
            locked: world.is_locked(),
            dying: keys.dying,
            unknown: keys.unknown,
            last_uses: Some(&world.seen.last_uses),
            ledger: &self.ledger,
            user_name: Some(world.target.user_name.as_str()),
            secret_name: published.then_some(&world.form.name),
        };
        self.apply(&standing.status_of(self)).await
    }

    /// The Secret holds a live key of ours.
    fn published(&self, world: &World) -> bool {
        let key = world.seen.state.key();
        key.is_some_and(|id| world.seen.live.contains(id) && self.ledger.knows(id))
    }

    async fn apply(&mut self, status: &crate::api::v1alpha1::ObjectUserStatus) -> Result<(), Error> {
        if self.user.status.as_ref() != Some(status) {
            let news = report::news(self.user.status.as_ref(), status);
            self.user = status::apply(&self.ctx.client, &self.user, status).await?;
            self.confirmed = true;
            if let Some((reason, note)) = news {
                super::tell(self.ctx, &self.user, true, reason, note).await;
            }
        }
        Ok(())
    }

    async fn report_trouble(
        &mut self,
        mut trouble: Trouble,
        world: Option<World>,
        memory: &UserMemory,
    ) -> Result<Rest, Error> {
        if self.user.metadata.deletion_timestamp.is_some() && trouble.reason != Reason::StoreNotAvailable {
            if !trouble.message.ends_with('.') {
                trouble.message.push('.');
            }
            trouble.message += " The deletion waits for that. Annotate this object with `gracekey.dev/force-delete: \"true\"` \
                                to leave the user behind on the backend.";
        }
        tracing::info!(user = id_of(&self.user), reason = %trouble.reason, message = trouble.message, "not settled");
        let published = world.as_ref().map(|world| self.published(world));
        let standing = Standing {
            verdict: Verdict::Trouble(trouble.clone()),
            failed: true,
            published,
            locked: world.as_ref().is_some_and(World::is_locked),
            dying: memory.dying.len(),
            unknown: None,
            last_uses: world.as_ref().map(|world| &world.seen.last_uses),
            ledger: &self.ledger,
            user_name: world.as_ref().map(|w| w.target.user_name.as_str()),
            secret_name: None,
        };
        self.apply(&standing.status_of(self)).await?;
        let now = self.ctx.clock.now();
        let due = self.ledger.due(now).next().is_some();
        let wake = self
            .ledger
            .retiring()
            .map(|(_, at)| at)
            .filter(|at| *at > now)
            .min();
        let retry_after = trouble.retry_after;
        Ok(if trouble.reason == Reason::Suspended {
            Rest::Suspended
        } else if trouble.reason == Reason::ProofPending {
            Rest::Proof { wake }
        } else if trouble.stalled {
            Rest::Stalled { wake }
        } else {
            Rest::Retry {
                wake,
                due,
                retry_after,
            }
        })
    }
}

impl Standing<'_> {
    fn status_of(&self, pass: &Pass<'_>) -> crate::api::v1alpha1::ObjectUserStatus {
        let before = pass.user.status.clone().unwrap_or_default();
        report::status(
            &before,
            self,
            pass.user.metadata.generation.unwrap_or_default(),
            pass.ctx.clock.now(),
        )
    }
}
