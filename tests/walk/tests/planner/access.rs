//! Access to buckets and quota in the world of the planner.

use super::{
    environment::{self, change_spec},
    execute::Answer,
    scenario::{Scenario, want},
    violation::{Checked, ensure},
    world::{Bucket, Object, Run, World},
};
use gracekey::domain::{
    access::{BucketState, Held, LimitChanges, LimitsState, Permission, Resource, change_limits},
    facts::{Desired, UserState},
    ids::BucketName,
    ledger::{Cause, Ledger},
    plan::{Action, Change, Plan, Unmet},
};
use std::collections::BTreeMap;

/// One that is there, and one that the spec may ask to make.
pub(super) const THERE: &str = "there";
pub(super) const MADE: &str = "made";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edit {
    Want(&'static str, Permission, bool),
    Leave(&'static str),
    DeleteBucket,
    /// Its owner opens or closes it.
    Open(bool),
    Limit(Option<u64>),
}

pub(super) fn edits_of_spec(object: &Object) -> Vec<Option<environment::Edit>> {
    let has = |name: &str| object.desired.grants.get(&BucketName::new(name)).copied();
    let edit = |holds: bool, edit: Edit| holds.then_some(environment::Edit::Access(edit));
    let there = has(THERE).map(|wanted| wanted.permission);
    vec![
        edit(there.is_some(), Edit::Leave(THERE)),
        edit(
            there != Some(Permission::ReadOnly),
            Edit::Want(THERE, Permission::ReadOnly, false),
        ),
        edit(
            there == Some(Permission::ReadOnly),
            Edit::Want(THERE, Permission::ReadWrite, false),
        ),
        edit(has(MADE).is_some(), Edit::Leave(MADE)),
        edit(has(MADE).is_none(), Edit::Want(MADE, Permission::ReadWrite, true)),
    ]
}

pub(super) fn edits_of_buckets(world: &World) -> Vec<Option<environment::Edit>> {
    let there = world.buckets.get(&BucketName::new(THERE));
    let edit = |holds: bool, edit: Edit| holds.then_some(environment::Edit::Access(edit));
    vec![
        edit(there.is_some(), Edit::DeleteBucket),
        edit(there.is_none_or(|bucket| !bucket.open), Edit::Open(true)),
        edit(there.is_some_and(|bucket| bucket.open), Edit::Open(false)),
    ]
}

pub(super) fn edits_of_quota(object: &Object) -> Vec<Option<environment::Edit>> {
    let now = object.desired.limits.get(&Resource::Bytes).copied();
    let all = [None, Some(10), Some(20)];
    let others = all.into_iter().filter(|limit| *limit != now);
    others
        .map(|limit| Some(environment::Edit::Access(Edit::Limit(limit))))
        .collect()
}

pub(super) fn apply(world: &mut World, edit: Edit) {
    match edit {
        Edit::Want(name, permission, create) => change_spec(world, |desired| {
            want(desired, name, permission, create);
        }),
        Edit::Leave(name) => change_spec(world, |desired| {
            desired.grants.remove(&BucketName::new(name));
        }),
        Edit::Limit(limit) => change_spec(world, |desired| {
            desired.limits = limit.map(|limit| (Resource::Bytes, limit)).into_iter().collect();
        }),
        Edit::DeleteBucket => drop(world.buckets.remove(&BucketName::new(THERE))),
        Edit::Open(open) => {
            let bucket = world.buckets.entry(BucketName::new(THERE));
            bucket.or_insert(Bucket::OPEN).open = open;
        }
    }
}

/// What a reconcile reads of the buckets that its object names.
pub(super) fn look(world: &World, object: &Object, scenario: &Scenario) -> BTreeMap<BucketName, BucketState> {
    let ledger = &object.ledger;
    let recorded = ledger.grants.keys().chain(ledger.withdrawn.keys());
    let names = object.desired.grants.keys().chain(recorded);
    let state = |name: &BucketName| match world.buckets.get(name) {
        None => BucketState::Missing,
        Some(bucket) if bucket.open => BucketState::Open(bucket.held),
        Some(bucket) => BucketState::Closed(scenario.grants_shown.then_some(bucket.held)),
    };
    names.map(|name| (name.clone(), state(name))).collect()
}

/// A failure of these is noted, and the reconcile goes on.
pub(super) fn is_given_up(run: &mut Run, action: &Action) -> bool {
    if let Action::MakeBucket(name) | Action::SetGrant(name, _) = action {
        run.buckets.insert(name.clone(), BucketState::Unknown);
        return true;
    }
    let limits = matches!(action, Action::SetLimits(_));
    if limits {
        run.limits = LimitsState::Unknown;
    }
    limits
}

/// What a reconcile knows after one of these.
pub(super) fn remember(run: &mut Run, action: &Action) {
    let (name, what) = if let Action::SetGrant(name, what) = action {
        (name, *what)
    } else if let Action::MakeBucket(name) = action {
        (name, None)
    } else {
        return;
    };
    let held = what.map_or(Held::Nothing, Held::As);
    let state = match run.buckets.get(name) {
        Some(BucketState::Closed(_)) => BucketState::Closed(Some(held)),
        _ => BucketState::Open(held),
    };
    run.buckets.insert(name.clone(), state);
}

pub(super) fn set_limits(world: &mut World, run: &Run, changes: &LimitChanges) -> Checked<Answer> {
    let known = |of: &Resource| run.object.ledger.limits.contains_key(of);
    ensure(changes.keys().all(known), "I12", || {
        format!("{changes:?} is set and not on record")
    })?;
    change_limits(&mut world.limits, changes);
    Ok(Answer::Done)
}

pub(super) fn make_bucket(world: &mut World, name: &BucketName) -> Answer {
    world.buckets.entry(name.clone()).or_insert(Bucket::OPEN);
    Answer::Done
}

pub(super) fn set_grant(
    world: &mut World,
    run: &Run,
    name: &BucketName,
    what: Option<Permission>,
    scenario: &Scenario,
) -> Checked<Answer> {
    let ledger = &run.object.ledger;
    match what {
        Some(permission) => ensure(ledger.grants.get(name) == Some(&permission), "I12", || {
            format!("{permission:?} on {name} is granted and not on record")
        })?,
        None => ensure(is_known(ledger, name), "I7", || {
            format!("a grant on {name} is withdrawn that nobody recorded")
        })?,
    }
    let Some(bucket) = world.buckets.get_mut(name) else {
        return Ok(if what.is_some() {
            Answer::Denied
        } else {
            Answer::Done
        });
    };
    let may = bucket.open || (scenario.grants_shown && what.is_none());
    if !may {
        return Ok(Answer::Denied);
    }
    bucket.held = what.map_or(Held::Nothing, Held::As);
    Ok(Answer::Done)
}

fn is_known(ledger: &Ledger, name: &BucketName) -> bool {
    ledger.grants.contains_key(name) || ledger.withdrawn.contains_key(name)
}

/// Before the first key is asked for, what the spec says is granted, as far as it can be; where a user is made by that key,
/// before it is published.
pub(super) fn check_plan(plan: &Plan, run: &Run) -> Checked {
    let is_first = |ledger: &Ledger| ledger.intent.as_ref().is_some_and(|i| i.cause == Cause::First);
    let opens = |action: &Action| {
        let asked = run.user != UserState::Absent && run.object.ledger.intent.is_none();
        matches!(action, Action::WriteLedger(ledger, Change::Intent) if asked && is_first(ledger))
    };
    let publishes =
        |action: &Action| matches!(action, Action::Publish { .. }) && is_first(&run.object.ledger);
    let begins = plan
        .actions
        .iter()
        .any(|action| opens(action) || publishes(action));
    if !begins {
        return Ok(());
    }
    let Desired {
        grants,
        limits,
        closed,
        ..
    } = &run.object.desired;
    for (name, wanted) in grants {
        let state = run.buckets.get(name).copied();
        let fine = match state {
            Some(BucketState::Open(held)) => held == Held::As(wanted.permission) || *closed,
            Some(BucketState::Missing) => !wanted.create || *closed,
            Some(BucketState::Closed(_) | BucketState::Refused) => true,
            Some(BucketState::Unknown) | None => false,
        };
        ensure(fine, "I13", || {
            format!("the first key comes before the grant on {name}: {state:?}")
        })?;
    }
    let there = run.limits.known();
    let limited = limits
        .iter()
        .all(|(of, most)| there.is_some_and(|there| there.get(of) == Some(most)));
    ensure(limited, "I13", || {
        format!("the first key comes before the quota: {there:?}")
    })
}

/// No grant of ours is there that nobody knows of. With status lost, what the spec names no more is.
pub(super) fn all_is_on_record(world: &World) -> Checked {
    let Some(ledger) = world.ledger().filter(|_| !world.ghost.status_lost) else {
        return Ok(());
    };
    let unknown = world
        .buckets
        .iter()
        .find(|(name, bucket)| bucket.held != Held::Nothing && !is_known(ledger, name));
    ensure(unknown.is_none(), "I12", || {
        format!("a grant that nobody knows of: {unknown:?}")
    })
}

/// After a deletion.
pub(super) fn nothing_is_left(world: &World) -> Checked {
    let left = world.buckets.iter().find(|(_, b)| b.held != Held::Nothing);
    ensure(left.is_none(), "I12", || {
        format!("a grant outlives its user: {left:?}")
    })
}

/// A deletion waits for a grant that cannot be withdrawn.
pub(super) fn is_stuck(world: &World, plan: &Plan) -> bool {
    let left = |unmet: &Unmet| matches!(unmet, Unmet::GrantLeft(name) if world.buckets.get(name).is_some_and(|bucket| !bucket.open));
    let deleting = world
        .object
        .as_ref()
        .is_some_and(|object| object.desired.deleting);
    deleting && plan.unmet.iter().any(left)
}

/// At rest, everything is as the spec says, or named as what cannot be.
pub(super) fn rests_right(world: &World, plan: &Plan, scenario: &Scenario) -> Checked {
    let Some(Object { desired, ledger, .. }) = &world.object else {
        return Ok(());
    };
    for (name, wanted) in &desired.grants {
        let unmet = match world.buckets.get(name) {
            None if !wanted.create => Some(Unmet::BucketMissing(name.clone())),
            Some(bucket) if !bucket.open => {
                let too_much = scenario.grants_shown && bucket.held.exceeds(wanted.permission);
                ensure(!too_much, "L1", || {
                    format!("no more than {wanted:?} is wished for: {bucket:?}")
                })?;
                Some(Unmet::BucketClosed(name.clone()))
            }
            bucket => {
                let fine = bucket.is_some_and(|b| b.held == Held::As(wanted.permission));
                let too_much = bucket.is_some_and(|b| b.held.exceeds(wanted.permission));
                ensure(fine || (desired.closed && !too_much), "L1", || {
                    format!("{wanted:?} on {name} is wished for: {bucket:?}")
                })?;
                None
            }
        };
        let told = unmet.as_ref().is_none_or(|unmet| plan.unmet.contains(unmet));
        ensure(told, "L1", || format!("nobody is told of {unmet:?}"))?;
    }
    for (name, bucket) in &world.buckets {
        let held = bucket.held != Held::Nothing;
        let lost = world.ghost.status_lost && !is_known(ledger, name);
        let seen = bucket.open || scenario.grants_shown;
        let wrong = held && seen && !desired.grants.contains_key(name) && !lost;
        ensure(!wrong, "L1", || format!("{name} was taken out: {bucket:?}"))?;
        let kept = ledger.grants.contains_key(name);
        // What a store gave no more, because it closed, may be on record.
        let fine = held == kept || (kept && desired.closed);
        ensure(fine || lost || !bucket.open, "L1", || {
            format!("{name} is {bucket:?}, by the record {kept}")
        })?;
    }
    ensure(ledger.withdrawn.is_empty(), "L1", || {
        format!("still looked for: {:?}", ledger.withdrawn)
    })?;
    let unlimited = world.ghost.status_lost && desired.limits.is_empty();
    ensure(world.limits == desired.limits || unlimited, "L1", || {
        format!("limits are {:?}", world.limits)
    })?;
    ensure(ledger.limits == desired.limits, "L1", || {
        format!("limits on record are {:?}", ledger.limits)
    })
}
