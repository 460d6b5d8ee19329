//! Mistakes of a deletion, planted one at a time.

use super::{
    mistakes::{found, only},
    scenario::{Edits, Scenario, TWO_SLOTS, UNREADABLE, with_lists_that_lag},
    world::ticks,
};
use gracekey::domain::{
    facts::{Deletion, Facts},
    plan::{Action, Blocked, Change, Plan, plan},
};

#[test]
fn l1_taking_an_unseen_user_for_gone_is_found() {
    let backend = with_lists_that_lag(TWO_SLOTS);
    let scenario = Scenario::new("takes an unseen user for gone", backend, &[Edits::Delete])
        .blank_start()
        .faults(0, 0, 1)
        .edits(1);
    found(&scenario, "L1", &|facts| {
        plan(&Facts {
            deleted: true,
            ..facts.clone()
        })
    });
}

/// Plants the mistake that a deletion which retains the user lets it go where it should do this or wait for it.
fn letting_go_is_found(scenario: &Scenario, instead_of: fn(&Plan) -> bool) {
    found(scenario, "I9", &move |facts: &Facts<'_>| {
        let plan = plan(facts);
        let retains = facts.desired.deleting && facts.desired.deletion == Deletion::Retain;
        if retains && instead_of(&plan) {
            only(Action::RemoveFinalizer)
        } else {
            plan
        }
    });
}

fn deleted_while_rotating(name: &'static str) -> Scenario {
    Scenario::new(name, UNREADABLE, &[Edits::Delete])
        .rotating()
        .edits(1)
}

#[test]
fn i9_retaining_a_user_before_its_new_key_is_adopted_is_found() {
    let scenario = deleted_while_rotating("lets go before the adoption");
    letting_go_is_found(&scenario, |plan| {
        matches!(plan.actions[..], [Action::WriteLedger(_, Change::Adopted(_))])
    });
}

#[test]
fn i9_retaining_a_user_whose_key_may_come_late_is_found() {
    let scenario = deleted_while_rotating("lets go before the answer");
    letting_go_is_found(&scenario, |plan| {
        matches!(plan.blocked, Some(Blocked::KeyOutstanding(_)))
    });
}

#[test]
fn i9_retaining_a_user_whose_keys_a_list_may_lack_is_found() {
    let backend = with_lists_that_lag(TWO_SLOTS);
    let scenario = Scenario::new("lets go what a list lacks", backend, &[Edits::Delete])
        .rotating()
        .faults(1, 0, 1)
        .edits(1)
        .wishing(|d| d.grace = ticks(0));
    letting_go_is_found(&scenario, |plan| {
        matches!(plan.blocked, Some(Blocked::AbsenceLags(_)))
    });
}
