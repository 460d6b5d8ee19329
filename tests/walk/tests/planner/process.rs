//! An operator at work: it reads, plans, and acts; what it planned on may be out of date by then.

use super::{
    access,
    execute::{self, Answer},
    scenario::{Planner, Scenario},
    violation::{Checked, ensure},
    world::{Key, NOW, Object, Process, Run, SECOND, World, limit},
};
use gracekey::domain::{
    access::{BucketState, LimitsState, change_limits},
    capabilities::Overlap,
    facts::{Draw, Facts, Published, SecretState, UserState},
    ids::{AccessKeyId, CredentialId},
    ledger::after,
    plan::{Action, Change, Plan},
};
use std::collections::BTreeSet;

/// What befalls one action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Done,
    /// Carried out, and the answer is lost.
    AnswerLost,
    /// Not carried out, and nobody says so.
    RequestLost,
    /// Clearly not carried out.
    Refused,
    /// It hangs in a gateway, and may be carried out later.
    Hangs,
}

/// How up to date is what an operator reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sight {
    Clear,
    /// The list of keys lacks the young ones.
    ShortList,
    /// No bucket answers.
    NoBuckets,
    /// A user that was made a short while ago is not seen.
    NoUser,
}

/// Which of the two operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    Lead,
    Paused,
}

impl World {
    pub(super) fn process(&mut self, who: Who) -> &mut Process {
        match who {
            Who::Lead => &mut self.lead,
            Who::Paused => &mut self.paused.as_mut().expect("somebody is paused").process,
        }
    }
}

/// Reads everything, and plans. Nothing to do: nothing is kept.
pub(super) fn read(world: &mut World, scenario: &Scenario, planner: &Planner, sight: Sight) -> Checked<Plan> {
    let listed = |key: &Key| match sight {
        Sight::Clear | Sight::NoBuckets => true,
        Sight::ShortList => !key.young,
        Sight::NoUser => false,
    };
    let mut run = Run {
        object: world.object.clone().expect("read only while it is there"),
        user: if sight == Sight::NoUser {
            UserState::Absent
        } else {
            world.user.clone()
        },
        limits: LimitsState::Known(world.limits.clone()),
        buckets: std::collections::BTreeMap::new(),
        live: world
            .keys
            .iter()
            .filter(|(_, key)| listed(key))
            .map(|(id, _)| id.clone())
            .collect(),
        secret: world.secret.clone(),
        object_moved: false,
        secret_moved: false,
        secret_edited: false,
        todo: Vec::new(),
    };
    run.buckets = access::look(world, &run.object, scenario);
    if sight == Sight::NoBuckets {
        run.buckets
            .values_mut()
            .for_each(|state| *state = BucketState::Unknown);
    }
    let plan = plan(&world.lead, &run, world.next, scenario, planner);
    check_plan(&plan, &run, scenario)?;
    let silent = plan.actions.is_empty() && plan.blocked.is_none() && plan.unmet.is_empty();
    let keyless = !run.object.desired.deleting && run.secret == SecretState::Absent;
    ensure(!(silent && keyless), "L1", || {
        "it says that all is well, and nothing is published".into()
    })?;
    run.todo.clone_from(&plan.actions);
    world.lead.run = (!run.todo.is_empty()).then(|| Box::new(run));
    Ok(plan)
}

/// Does the next action of a reconcile, and plans again after the last.
pub(super) fn act(
    world: &mut World,
    who: Who,
    fate: Fate,
    scenario: &Scenario,
    planner: &Planner,
) -> Checked {
    let mut run = world.process(who).run.take().expect("only a reconcile acts");
    let action = run.todo.remove(0);
    if fate != Fate::Refused {
        execute::ask_once(world, &action)?;
    }
    let mut answer = Answer::Denied;
    if matches!(fate, Fate::Done | Fate::AnswerLost) {
        answer = execute::carry_out(world, who, &run, &action, scenario)?;
        execute::take_back(world, &action, &answer);
    }
    if fate == Fate::Hangs {
        execute::hang(world, &action);
    }
    let next = world.next;
    let process = world.process(who);
    let unclear = !matches!(fate, Fate::Done | Fate::Refused);
    if unclear && matches!(action, Action::Issue { .. }) {
        process.fence = None;
    }
    let failed = fate != Fate::Done || answer == Answer::Denied;
    if failed && !access::is_given_up(&mut run, &action) {
        return Ok(());
    }
    if !failed {
        remember(process, &mut run, &action, answer);
    }
    if run.todo.is_empty() && run.object.finalizer {
        let plan = plan(process, &run, next, scenario, planner);
        check_plan(&plan, &run, scenario)?;
        run.todo = plan.actions;
    }
    if !run.todo.is_empty() {
        world.process(who).run = Some(run);
    }
    Ok(())
}

fn plan(process: &Process, run: &Run, next: u8, scenario: &Scenario, planner: &Planner) -> Plan {
    let in_secret = run.secret.key().cloned();
    let mut in_hand: BTreeSet<CredentialId> = process.halves.iter().cloned().chain(in_secret).collect();
    if scenario.capabilities.secret_readable {
        in_hand.extend(run.live.iter().cloned());
    }
    planner(&Facts {
        desired: &run.object.desired,
        capabilities: &scenario.capabilities,
        finalizer: run.object.finalizer,
        user: &run.user,
        deleted: process.deleted,
        live: &run.live,
        limits: &run.limits,
        buckets: &run.buckets,
        secret: &run.secret,
        ledger: &run.object.ledger,
        in_hand: &in_hand,
        proven: &process.proven,
        fence: process.fence,
        secret_fence: process.secret_fence,
        draw: &Draw {
            access_key_id: AccessKeyId::new(format!("k{next}")),
            jitter_permille: 50,
        },
        now: NOW,
    })
}

/// What a process that remembers nothing would do now.
pub(super) fn plan_afresh(world: &World, scenario: &Scenario, planner: &Planner) -> Checked<Plan> {
    let mut world = world.clone();
    world.lead = Process::default();
    read(&mut world, scenario, planner, Sight::Clear)
}

/// The answer of an action that was carried out changes what its process knows.
fn remember(process: &mut Process, run: &mut Run, action: &Action, answer: Answer) {
    match action {
        Action::AddFinalizer => run.object.finalizer = true,
        Action::RemoveFinalizer => run.object.finalizer = false,
        Action::CreateUser => run.user = ours(run.object.desired.locked),
        Action::SetLocked(locked) => run.user = ours(*locked),
        Action::DeleteUser => {
            process.deleted = true;
            run.user = UserState::Absent;
            run.live.clear();
        }
        Action::WriteLedger(ledger, change) => {
            match &ledger.intent {
                Some(intent) if *change == Change::Intent => process.fence = Some(intent.attempt),
                Some(_) => {}
                None => (process.fence, process.secret_fence) = (None, None),
            }
            run.object.ledger = (**ledger).clone();
        }
        Action::Prove(id) => {
            process.proven.insert(id.clone());
        }
        Action::Revoke(id) => {
            run.live.remove(id);
            process.halves.remove(id);
        }
        Action::SetLimits(changes) => {
            if let LimitsState::Known(limits) = &mut run.limits {
                change_limits(limits, changes);
            }
        }
        Action::MakeBucket(_) | Action::SetGrant(..) => access::remember(run, action),
        Action::FenceSecret(attempt) => process.secret_fence = Some(*attempt),
        Action::SetLabel | Action::Issue { .. } | Action::Publish { .. } | Action::RestoreSecret { .. } => {}
        Action::DeleteSecret | Action::ReleaseSecret => run.secret = SecretState::Absent,
    }
    match answer {
        Answer::Issued(id, ended) => {
            if run.user == UserState::Absent {
                run.user = ours(run.object.desired.locked);
            }
            run.live.retain(|old| !ended.contains(old));
            run.live.insert(id.clone());
            process.halves.insert(id);
            process.fence = None;
        }
        Answer::Written(published) => {
            process.halves.retain(|id| published.key.as_ref() != Some(id));
            run.secret = SecretState::Ours(published);
        }
        Answer::Done | Answer::Denied => {}
    }
}

pub(super) fn ours(locked: bool) -> UserState {
    UserState::Ours {
        label: String::new(),
        locked,
    }
}

/// What can be told of a plan from the plan itself.
fn check_plan(plan: &Plan, run: &Run, scenario: &Scenario) -> Checked {
    let repeatable = plan.actions.iter().rev().skip(1).all(Action::is_repeatable);
    ensure(repeatable, "I6", || {
        format!("something follows what cannot be repeated: {:?}", plan.actions)
    })?;
    ensure(plan.wake.is_none_or(|at| at > NOW), "L1", || {
        format!("wakes in the past: {:?}", plan.wake)
    })?;
    access::check_plan(plan, run)?;
    let issues = plan.actions.iter().any(|a| matches!(a, Action::Issue { .. }));
    let full =
        run.live.len() >= limit(&scenario.capabilities) && scenario.capabilities.overlap != Overlap::None;
    ensure(!(issues && full), "I2", || {
        format!("one more key than fits: {:?}", run.live)
    })?;
    let revoked = |action: &Action| {
        if let Action::Revoke(id) = action {
            Some(id.clone())
        } else {
            None
        }
    };
    let gone: BTreeSet<_> = plan.actions.iter().filter_map(revoked).collect();
    let key = run.secret.key();
    // A list that lags may lack the published key.
    let unseen = key.is_some_and(|id| scenario.lists_lag() && !gone.contains(id));
    let empties =
        !gone.is_empty() && run.live.is_subset(&gone) && !unseen && limit(&scenario.capabilities) > 1;
    // A key that was never published is of no use to the user that is left behind, and nobody would know of it.
    let published = key.is_some();
    let left_behind = run.object.desired.deleting && !published;
    ensure(!empties || left_behind, "I8", || {
        format!("no key is left: {gone:?}")
    })
}

/// What is in our Secret after this write.
pub(super) fn published(id: &CredentialId, mirror: &gracekey::domain::plan::Mirror) -> Published {
    Published {
        key: Some(id.clone()),
        intact: true,
        at: Some(after(NOW, SECOND)),
        handled: mirror.handled.clone(),
        retiring: mirror.retiring.clone(),
    }
}

/// The object as the API server has it, for a write by this operator.
pub(super) fn object_for<'w>(world: &'w mut World, run: &Run) -> Option<&'w mut Object> {
    if run.object_moved {
        return None;
    }
    world.object_moves();
    world.object.as_mut()
}
