//! Rules of the user: made, labelled, locked, given access, deleted. The rules of its keys follow once it is as it should
//! be.

use super::{
    Action, Blocked, Plan, access, rotation,
    view::{self, View, soonest},
};
use crate::domain::{
    facts::{Deletion, Facts, SecretState, UserState},
    ledger::after,
};
use jiff::Timestamp;
use std::{collections::BTreeSet, time::Duration};

/// How long after its intent a first key may still be made: longer than any call is waited for, by us or by a proxy.
const FIRST_KEY_WATCH: Duration = Duration::from_mins(5);

/// The whole plan: first the user, then its keys.
pub(super) fn plan(facts: &Facts<'_>) -> Plan {
    if facts.desired.deleting {
        return delete(facts);
    }
    if facts.desired.suspend {
        return blocked(Blocked::Suspended);
    }
    if !facts.finalizer {
        return only(vec![Action::AddFinalizer]);
    }
    match facts.user {
        UserState::Absent if facts.desired.closed => blocked(Blocked::StoreClosed),
        UserState::Absent if facts.capabilities.user_comes_with_key => rotation::plan(facts),
        UserState::Absent => only(vec![Action::CreateUser]),
        // The name is somebody else's now, and grants go by it.
        UserState::Foreign => Plan {
            blocked: Some(Blocked::UserConflict),
            ..access::withdraw(facts).unwrap_or_else(|| only(Vec::new()))
        },
        UserState::Ours { label, locked } => {
            let mut plan = with_access(facts);
            let mut actions = align(facts, label, *locked);
            actions.append(&mut plan.actions);
            if facts.desired.locked != *locked && !facts.capabilities.lock {
                plan.blocked = Some(Blocked::LockUnsupported);
            }
            if facts.desired.closed {
                plan.blocked = plan.blocked.or(Some(Blocked::StoreClosed));
            }
            Plan { actions, ..plan }
        }
    }
}

/// Grants and limits come before the next step of the keys, and after keys whose time has come.
fn with_access(facts: &Facts<'_>) -> Plan {
    let mut access = access::plan(facts);
    let mut plan = rotation::plan(facts);
    if !access.actions.is_empty() {
        plan.actions.retain(|action| matches!(action, Action::Revoke(_)));
        plan.actions.append(&mut access.actions);
    }
    plan.wake = soonest(plan.wake, access.wake);
    plan.unmet = access.unmet;
    plan
}

/// Brings label and lock to what is wished. The lock comes first: it may be an emergency.
fn align(facts: &Facts<'_>, label: &str, locked: bool) -> Vec<Action> {
    let mut actions = Vec::new();
    if facts.capabilities.lock && facts.desired.locked != locked {
        actions.push(Action::SetLocked(facts.desired.locked));
    }
    if facts.capabilities.label && facts.desired.label != label {
        actions.push(Action::SetLabel);
    }
    actions
}

/// The user first, then Secret and grants, the finalizer last: a user that is not given up leaves everything as it was, and
/// a grant that cannot be withdrawn keeps no key alive.
fn delete(facts: &Facts<'_>) -> Plan {
    if !facts.finalizer {
        return only(Vec::new());
    }
    let ours = matches!(facts.secret, SecretState::Ours(_));
    if let Some(at) = outstanding(facts) {
        return Plan {
            wake: Some(at),
            ..blocked(Blocked::AnswerOutstanding(at))
        };
    }
    if let Some(at) = absence_told_by(facts) {
        return Plan {
            wake: Some(at),
            ..blocked(Blocked::AbsenceLags(at))
        };
    }
    match (facts.desired.deletion, facts.user) {
        (Deletion::Delete, UserState::Ours { .. }) => only(vec![Action::DeleteUser]),
        (Deletion::Delete, _) => {
            let last = || only(vec![Action::RemoveFinalizer]);
            let mut plan = access::withdraw(facts).unwrap_or_else(last);
            plan.actions.splice(0..0, ours.then_some(Action::DeleteSecret));
            plan
        }
        (Deletion::Retain, UserState::Ours { .. }) => retain(facts),
        (Deletion::Retain, _) => {
            let secret = ours.then_some(Action::ReleaseSecret);
            let last = || only(secret.into_iter().chain([Action::RemoveFinalizer]).collect());
            access::withdraw(facts).unwrap_or_else(last)
        }
    }
}

/// A first key that was asked for makes its user whenever the call is carried out, and nobody would look for it any more.
/// Not so where this process wrote the only try and has not made it.
fn outstanding(facts: &Facts<'_>) -> Option<Timestamp> {
    let intent = facts.ledger.intent.as_ref()?;
    let absent = *facts.user == UserState::Absent && facts.capabilities.user_comes_with_key;
    let unused = facts.fence == Some(intent.attempt) && intent.attempt == 1;
    let until = after(intent.start, FIRST_KEY_WATCH);
    (absent && !unused && until > facts.now).then_some(until)
}

/// From when on it is certain that the user is not there: a read that lags may lack one that was given a key a short
/// while ago, and nobody would look for it any more.
fn absence_told_by(facts: &Facts<'_>) -> Option<Timestamp> {
    let unsure = *facts.user == UserState::Absent && !facts.deleted;
    let at = view::told_of_keys(facts)?;
    (unsure && at > facts.now).then_some(at)
}

/// Nobody looks after a retained user any more, so every key but the published one has to be gone first. What is published
/// is adopted before anything else: it is what gives the key before it an end.
fn retain(facts: &Facts<'_>) -> Plan {
    let view = View::of(facts);
    if let Some(record) = view.adopt().or_else(|| view.forget_what_is_gone()) {
        return only(vec![record]);
    }
    let leftovers = view.leftovers();
    if !leftovers.is_empty() {
        return only(leftovers);
    }
    let wait = |at: Timestamp, why: fn(Timestamp) -> Blocked| Plan {
        wake: soonest(view.wake(), Some(at)),
        unknown: view.unknown(),
        ..blocked(why(at))
    };
    if let Some(at) = view.last_grace() {
        return wait(at, Blocked::GracePeriodRuns);
    }
    if let Some(at) = view.answered_by() {
        return wait(at, Blocked::KeyOutstanding);
    }
    if let Some(at) = view.unseen_until() {
        return wait(at, Blocked::AbsenceLags);
    }
    match facts.secret {
        SecretState::Ours(_) => only(vec![Action::ReleaseSecret, Action::RemoveFinalizer]),
        SecretState::Absent | SecretState::Foreign => only(vec![Action::RemoveFinalizer]),
    }
}

fn only(actions: Vec<Action>) -> Plan {
    Plan {
        actions,
        blocked: None,
        wake: None,
        unknown: BTreeSet::new(),
        unmet: BTreeSet::new(),
    }
}

fn blocked(why: Blocked) -> Plan {
    Plan {
        blocked: Some(why),
        ..only(Vec::new())
    }
}
