//! Limits that cannot be had: what is between the steps of a backend is named, and what is there stays; what is refused or
//! not known holds up nothing but a first key, and that only where time heals it.

use super::scenario::{THREE_SLOTS, wish};
use super::world::NOW;
use gracekey::domain::{
    access::{LimitChanges, Limits, LimitsState, Resource},
    capabilities::{Capabilities, Limitable},
    facts::{Draw, Facts, SecretState, UserState},
    ids::AccessKeyId,
    ledger::Ledger,
    plan::{Action, Plan, Unmet, plan},
};
use std::collections::{BTreeMap, BTreeSet};

const STEP: u64 = 10;

fn bytes(most: Option<u64>) -> Limits {
    most.map(|most| (Resource::Bytes, most)).into_iter().collect()
}

fn planned(recorded: Option<u64>, there: Option<u64>, wished: Option<u64>) -> Plan {
    planned_as(recorded, &LimitsState::Known(bytes(there)), wished)
}

fn planned_as(recorded: Option<u64>, there: &LimitsState, wished: Option<u64>) -> Plan {
    let mut desired = wish();
    desired.limits = bytes(wished);
    let ledger = Ledger {
        limits: bytes(recorded),
        ..Ledger::default()
    };
    let capabilities = Capabilities {
        quota: Limitable {
            byte_step: STEP,
            ..THREE_SLOTS.quota
        },
        ..THREE_SLOTS
    };
    let user = UserState::Ours {
        label: String::new(),
        locked: false,
    };
    let (nothing, none) = (BTreeSet::new(), BTreeMap::new());
    plan(&Facts {
        desired: &desired,
        capabilities: &capabilities,
        finalizer: true,
        user: &user,
        deleted: false,
        live: &nothing,
        limits: there,
        buckets: &none,
        secret: &SecretState::Absent,
        ledger: &ledger,
        in_hand: &nothing,
        proven: &nothing,
        fence: None,
        secret_fence: None,
        draw: &Draw {
            access_key_id: AccessKeyId::new("AK"),
            jitter_permille: 0,
        },
        now: NOW,
    })
}

fn set(plan: &Plan) -> Option<&LimitChanges> {
    plan.actions.iter().find_map(|action| {
        if let Action::SetLimits(changes) = action {
            Some(changes)
        } else {
            None
        }
    })
}

fn recorded(plan: &Plan) -> impl Iterator<Item = &Ledger> {
    plan.actions.iter().filter_map(|action| {
        if let Action::WriteLedger(ledger, _) = action {
            Some(&**ledger)
        } else {
            None
        }
    })
}

#[test]
fn a_limit_between_two_steps_is_named_and_neither_set_nor_rounded_nor_lifted() {
    for before in [None, Some(20)] {
        let plan = planned(before, before, Some(25));
        assert_eq!(set(&plan), None);
        assert!(plan.unmet.contains(&Unmet::LimitNotWhole(Resource::Bytes, STEP)));
        assert!(recorded(&plan).all(|ledger| ledger.limits == bytes(before)));
        assert!(!plan.actions.is_empty(), "the first key is on its way");
    }
}

#[test]
fn a_whole_limit_is_recorded_and_set_and_lifted_as_everywhere() {
    let first = planned(Some(20), Some(20), Some(30));
    assert!(recorded(&first).any(|ledger| ledger.limits == bytes(Some(30))));
    let next = planned(Some(30), Some(20), Some(30));
    assert_eq!(
        set(&next),
        Some(&LimitChanges::from([(Resource::Bytes, Some(30))]))
    );
    let lifted = planned(Some(30), Some(30), None);
    assert_eq!(set(&lifted), Some(&LimitChanges::from([(Resource::Bytes, None)])));
    for plan in [first, next, lifted] {
        assert!(plan.unmet.is_empty(), "{:?}", plan.unmet);
    }
}

/// What brings the first key on its way.
fn begins(plan: &Plan) -> bool {
    recorded(plan).any(|ledger| ledger.intent.is_some())
}

#[test]
fn a_first_key_waits_for_limits_that_time_may_heal_and_not_for_those_that_are_refused() {
    let waits = planned_as(Some(10), &LimitsState::Unknown, Some(10));
    let goes_on = planned_as(Some(10), &LimitsState::Refused, Some(10));
    assert!(!begins(&waits) && begins(&goes_on));
    for plan in [waits, goes_on] {
        assert!(plan.unmet.contains(&Unmet::LimitsUnknown));
        assert_eq!(set(&plan), None);
    }
}

#[test]
fn limits_that_nobody_wishes_and_none_recorded_need_not_be_known() {
    for state in [LimitsState::Unknown, LimitsState::Refused] {
        let plan = planned_as(None, &state, None);
        assert!(begins(&plan) && plan.unmet.is_empty(), "{state:?}");
        // One that is to be lifted is.
        let left = planned_as(Some(10), &state, None);
        assert!(left.unmet.contains(&Unmet::LimitsUnknown), "{state:?}");
        assert!(recorded(&left).all(|ledger| ledger.limits == bytes(Some(10))));
    }
}
