//! Mistakes with access to buckets, planted one at a time: each must be found, by its invariant.

use super::{
    access::{MADE, THERE},
    mistakes::{found, only, with_ledgers, without},
    scenario::{self, Edits, Scenario},
};
use gracekey::domain::{
    access::{BucketState, Permission},
    facts::Facts,
    ledger::Ledger,
    plan::{Action, Change, Plan, plan},
};
use std::collections::BTreeMap;

/// From nothing, with access to two buckets wished for.
fn granted(name: &'static str) -> Scenario {
    let scenario = Scenario::new(name, scenario::UNLIMITED, &[Edits::Access]);
    scenario.buckets(&[THERE]).wishing(|desired| {
        scenario::want(desired, THERE, Permission::ReadWrite, false);
        scenario::want(desired, MADE, Permission::ReadOnly, true);
    })
}

#[test]
fn i12_granting_before_it_is_on_record_is_found() {
    let scenario = granted("grants before it is on record").blank_start().edits(0);
    found(&scenario, "I12", &|facts| {
        let planned = plan(facts);
        match planned.actions.first() {
            Some(Action::WriteLedger(ledger, Change::Access)) => plan(&Facts {
                ledger,
                ..facts.clone()
            }),
            _ => planned,
        }
    });
}

#[test]
fn i12_not_looking_for_a_withdrawn_grant_is_found() {
    let scenario = granted("forgets a withdrawn grant at once").faults(0, 1, 0);
    found(&scenario, "I12", &|facts| {
        with_ledgers(facts, |ledger| ledger.withdrawn.clear())
    });
}

#[test]
fn i12_forgetting_a_grant_before_it_is_gone_is_found() {
    let scenario = granted("forgets a grant with the spec");
    found(&scenario.edits(1), "I12", &|facts| {
        let mut ledger = facts.ledger.clone();
        let wanted = &facts.desired.grants;
        ledger.grants.retain(|name, _| wanted.contains_key(name));
        if ledger == *facts.ledger {
            plan(facts)
        } else {
            only(Action::WriteLedger(Box::new(ledger), Change::Access))
        }
    });
}

#[test]
fn l1_not_withdrawing_is_found() {
    found(&granted("never withdraws").edits(1), "L1", &|facts| {
        without(facts, |action| matches!(action, Action::SetGrant(_, None)))
    });
}

#[test]
fn i12_deleting_a_user_without_its_grants_is_found() {
    let mut scenario = granted("deletes the user and leaves its grants");
    scenario.edits = &[Edits::Delete];
    found(&scenario.edits(1), "I12", &|facts| {
        let deleting = facts.desired.deleting;
        let ledger = Ledger {
            grants: BTreeMap::new(),
            ..facts.ledger.clone()
        };
        let ledger = if deleting { &ledger } else { facts.ledger };
        plan(&Facts {
            ledger,
            ..facts.clone()
        })
    });
}

/// Passes over what did not answer.
fn waits_for_no_bucket(facts: &Facts<'_>) -> Plan {
    let mut buckets = facts.buckets.clone();
    buckets.retain(|_, state| *state != BucketState::Unknown);
    let mut desired = facts.desired.clone();
    desired.grants.retain(|name, _| buckets.contains_key(name));
    plan(&Facts {
        desired: &desired,
        buckets: &buckets,
        ..facts.clone()
    })
}

#[test]
fn i13_a_first_key_that_does_not_wait_is_found() {
    let scenario = granted("issues the first key though a bucket did not answer");
    found(&scenario.blank_start().edits(0), "I13", &waits_for_no_bucket);
}

#[test]
fn i13_a_first_key_that_makes_its_user_and_does_not_wait_is_found() {
    let mut scenario = granted("publishes the first key though a bucket did not answer");
    scenario.capabilities = scenario::with_key(scenario::UNLIMITED);
    found(&scenario.blank_start().edits(0), "I13", &waits_for_no_bucket);
}

#[test]
fn l1_keeping_more_than_is_wished_without_consent_is_found() {
    let mut scenario = granted("leaves a permission that is too much where consent is gone").shown_grants();
    scenario.edits = &[Edits::Access, Edits::Buckets];
    found(&scenario.edits(2), "L1", &|facts| {
        let wanted = &facts.desired.grants;
        without(
            facts,
            |action| matches!(action, Action::SetGrant(name, None) if wanted.contains_key(name)),
        )
    });
}

#[test]
fn l1_keeping_more_than_is_wished_where_a_store_closed_is_found() {
    let mut scenario = granted("lessens no permission where the store is closed");
    scenario.edits = &[Edits::Access, Edits::Close];
    found(&scenario.edits(2), "L1", &|facts| {
        let closed = facts.desired.closed;
        without(facts, |action| {
            closed && matches!(action, Action::SetGrant(_, Some(_)))
        })
    });
}

#[test]
fn l1_a_rotation_that_waits_for_a_bucket_is_found() {
    let mut scenario = granted("rotates no more while a bucket is missing")
        .rotating()
        .buckets(&[]);
    scenario.edits = &[];
    found(&scenario, "L1", &|facts| {
        let planned = plan(facts);
        let intent = |action: &Action| matches!(action, Action::WriteLedger(_, Change::Intent));
        if planned.unmet.is_empty() || facts.ledger.is_blank() {
            planned
        } else {
            without(facts, intent)
        }
    });
}
